/** Folds old records together, and removes them a day later. */
import { Effect } from "effect"
import { type ObjectStore } from "../store/ObjectStore.ts"
import { keptRecords, type Past } from "./past.ts"
import { type BucketRecord, keyOfRecord, numberOfRecord, recordsFolder, type StoredRecord } from "./record.ts"

/** For how long folded records stay beside their fold, for those who read on from an old head: milliseconds. */
const besideMillis = 24 * 60 * 60 * 1000

export const makeFolding = (store: ObjectStore, past: Past) => {
  /** From where on records lie alone, as far as this process has folded. */
  let floorNumber = 1
  /** The floor below which this process has removed records. */
  let removed = 1
  let isBusy = false

  /** Oldest first: what is missing is then missing from the beginning on. */
  const removeBelow = Effect.fnUntraced(function*(floor: number, relies: number) {
    const numbers = (yield* store.list(recordsFolder)).value.flatMap(({ key }) => numberOfRecord(key) ?? [])
    for (const number of numbers.filter((one) => one < floor).toSorted((one, other) => one - other)) {
      yield* store.remove(keyOfRecord(number), { relies })
    }
    removed = floor
  })

  return {
    /** The floor that the next record says. */
    floorAfter: (previous: StoredRecord | undefined, time: number): Pick<BucketRecord, "floor"> => {
      const floor = previous?.record.floor
      if (floorNumber <= (floor?.number ?? 1)) return floor === undefined ? {} : { floor }
      return { floor: { number: floorNumber, time } }
    },
    /** What fails here is done after a later commit, or by another machine. */
    tidy: ({ record: { floor, number } }: StoredRecord, date: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        const from = Math.max(floorNumber, floor?.number ?? 1)
        const isLong = number - from + 1 >= keptRecords
        const isOver = floor !== undefined && floor.number > removed && date - floor.time >= besideMillis
        if (isBusy || (!isLong && !isOver)) return Effect.void
        isBusy = true
        return Effect.gen(function*() {
          if (isOver) yield* removeBelow(floor.number, date)
          if (isLong) floorNumber = yield* past.fold(from)
        }).pipe(
          Effect.ensuring(Effect.sync(() => {
            isBusy = false
          })),
          Effect.ignore
        )
      })
  }
}
