/** Records wherever they lie: as objects of their own, or folded together with the state before the first of them. */
import { Effect, Option, Result, Schema, Stream } from "effect"
import type { Event } from "../../layout/Event.ts"
import { replay } from "../../layout/evolve.ts"
import { empty, fromIndex, type State } from "../../layout/State.ts"
import { genesis } from "../../node/journal/journalRecord.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { parseJson } from "../../oci/Json.ts"
import { HistoryInvalid } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { absent, type ObjectStore } from "../store/ObjectStore.ts"
import { keyOfRecord, maxDepth, readRecord, type StoredRecord } from "./record.ts"

/** How many records are folded together. */
const foldedRecords = 256
/** How many records lie as objects of their own before the older ones of them are folded. */
export const keptRecords = 2 * foldedRecords
/** How many records are read at a time. */
const atOnce = 16

/** The state after a record, from which later ones are replayed; number and revision are 0 before the first. */
interface Base {
  readonly number: number
  readonly revision: number
  readonly state: State
}

/** Records in a row, and what was before them. */
export interface Stretch {
  readonly base: Base
  readonly lines: ReadonlyArray<StoredRecord>
}

export const eventsOf = (lines: ReadonlyArray<StoredRecord>): ReadonlyArray<ReadonlyArray<Event>> =>
  lines.flatMap(({ record }) => record.commits.map(({ events }) => events))

export const stateAfter = ({ base, lines }: Stretch): State => eventsOf(lines).reduce(replay, base.state)

/** Which fold a record is in, from 0. */
const foldOf = (number: number): number => Math.floor((number - 1) / foldedRecords)
const firstOf = (fold: number): number => fold * foldedRecords + 1

const keyOfFold = (fold: number): string => {
  const digits = (number: number): string => String(number).padStart(15, "0")
  return `.ocilayout/segments/${digits(firstOf(fold))}-${digits(firstOf(fold + 1) - 1)}`
}

const Fold = Schema.Struct({
  v: Schema.Literal(1),
  /** The last revision before the first record. */
  revision: Schema.Natural,
  /** The entries of the index before the first record. */
  entries: Schema.Array(Schema.Json),
  /** The text of each record. */
  records: Schema.Array(Schema.String)
})
const decodeFold = Schema.decodeUnknownResult(Fold)

/** Whether each record names the one before it. */
export const chained = (lines: ReadonlyArray<StoredRecord>): Effect.Effect<void, HistoryInvalid> => {
  const broken = lines.find(({ record }, place) =>
    place === 0
      ? record.number === 1 && record.previous !== genesis
      : record.previous !== lines[place - 1]?.hash
  )
  return broken === undefined
    ? Effect.void
    : Effect.fail(new HistoryInvalid({ reason: `has a broken chain at record ${broken.record.number}` }))
}

export const makePast = (store: ObjectStore, defaultRepository: Repository | undefined) => {
  const record = Effect.fnUntraced(function*(number: number) {
    const { date, value } = yield* store.get(keyOfRecord(number))
    if (value === undefined || value === "unchanged") return { date, line: undefined }
    const line = readRecord(value.bytes)
    if (Result.isFailure(line) || line.success.record.number !== number) {
      return yield* new HistoryInvalid({ reason: `cannot be read at record ${number}` })
    }
    return { date, line: line.success }
  })

  const fold = Effect.fnUntraced(function*(place: number): Effect.fn.Return<Stretch | undefined, ReadFault> {
    const { value } = yield* store.get(keyOfFold(place))
    if (value === undefined || value === "unchanged") return undefined
    const read = Result.flatMap(
      parseJson(value.bytes, { maxDepth, duplicateKeys: "lastWins" }),
      (json) => Result.mapError(decodeFold(json), String)
    )
    const lines = Result.flatMap(
      read,
      ({ records }) => Result.all(records.map((text) => readRecord(new Uint8Array(Buffer.from(text)))))
    )
    if (Result.isFailure(read) || Result.isFailure(lines)) {
      return yield* new HistoryInvalid({ reason: `cannot be read at record ${firstOf(place)}` })
    }
    const { entries, revision } = read.success
    const state = fromIndex(entries, { defaultRepository, bytes: value.bytes.length })
    return { base: { number: firstOf(place) - 1, revision, state }, lines: lines.success }
  })

  /** The records of these numbers, which are all there unless the history was cut by hand. */
  const lines = Effect.fnUntraced(
    function*(from: number, to: number): Effect.fn.Return<Array<StoredRecord>, ReadFault> {
      const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k)
      const found = yield* Effect.forEach(numbers, record, { concurrency: atOnce })
      const all: Array<StoredRecord> = []
      let folded: Stretch | undefined
      for (const [place, { line }] of found.entries()) {
        const number = from + place
        if (line === undefined && folded?.lines.some((one) => one.record.number === number) !== true) {
          folded = yield* fold(foldOf(number))
        }
        const there = line ?? folded?.lines.find((one) => one.record.number === number)
        if (there === undefined) return yield* new HistoryInvalid({ reason: `has no record ${number}` })
        all.push(there)
      }
      yield* chained(all)
      return all
    }
  )

  /** All records up to `to` from a state after a record that is not after `number`; `floor` is that of the last record. */
  const stretch = Effect.fnUntraced(function*(
    number: number,
    to: number,
    floor: number
  ): Effect.fn.Return<Stretch, ReadFault> {
    const none: Stretch = { base: { number: 0, revision: 0, state: empty(defaultRepository) }, lines: [] }
    const found = floor <= 1 ? none : yield* fold(Math.min(foldOf(number + 1), foldOf(floor - 1)))
    if (found === undefined) return yield* new HistoryInvalid({ reason: `has no records before ${floor}` })
    const known = found.lines.filter(({ record }) => record.number <= to)
    const rest = yield* lines(found.base.number + known.length + 1, to)
    const all = [...known, ...rest]
    yield* chained(all)
    return { base: found.base, lines: all }
  })

  return {
    record,
    lines,
    stretch,
    /** Records from `to` back to the first, in pieces. */
    backwards: (to: number): Stream.Stream<StoredRecord, ReadFault> =>
      Stream.paginate(to, (last) =>
        Effect.map(lines(Math.max(1, last - atOnce + 1), last), (found) => {
          const next = last - found.length
          return [found.toReversed(), next < 1 ? Option.none() : Option.some(next)] as const
        })),
    /** Folds the oldest records that lie alone, from the floor on; the number from which on they lie alone then. */
    fold: Effect.fnUntraced(function*(floor: number): Effect.fn.Return<number, WriteFault> {
      const place = foldOf(floor)
      const to = firstOf(place + 1) - 1
      const { base, lines: before } = yield* stretch(floor - 1, floor - 1, floor)
      const state = stateAfter({ base, lines: before })
      const folded = yield* lines(floor, to)
      const text = JSON.stringify({
        v: 1,
        revision: before.at(-1)?.record.revision ?? base.revision,
        entries: state.entries.map(({ value }) => value),
        records: folded.map(({ text }) => text)
      })
      yield* store.put(keyOfFold(place), new Uint8Array(Buffer.from(text)), { condition: absent })
      return to + 1
    })
  }
}
export type Past = ReturnType<typeof makePast>
