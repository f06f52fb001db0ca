/** Removes what no machine comes back for: upload sessions that are over or expired, plans, and content without a name. */
import { Clock, Effect } from "effect"
import { uploadExpiryMillis } from "../../layout/Upload.ts"
import type { ListedObject, ObjectStore, StoreFault } from "../store/ObjectStore.ts"
import { plansFolder, temporaryFolder, uploadsFolder } from "./folders.ts"

/** How long nothing was written to it: longer than any of it is of use, by the store's clock. */
const idleMillis = uploadExpiryMillis + 60 * 60 * 1000
/** How often a process looks: milliseconds. */
const betweenMillis = 60 * 60 * 1000
/** How many objects are removed at a time. */
const atOnce = 8

/** What belongs together: all objects of one upload session, or one object. */
const ownerOf = (key: string): string => key.startsWith(uploadsFolder) ? key.split("/", 3).join("/") : key

/** Once an hour at most. What fails is done an hour later, or by another machine. */
export const makeSweep = (store: ObjectStore): Effect.Effect<void> => {
  let next = Number.NEGATIVE_INFINITY

  const removeIdle = Effect.fnUntraced(function*(folder: string): Effect.fn.Return<void, StoreFault> {
    const { date, value } = yield* store.list(folder)
    const idle = Array.from(Map.groupBy(value, ({ key }) => ownerOf(key)).values())
      .filter((objects) => objects.every(({ modified }) => date - modified > idleMillis))
      .flat()
    // A session first, so that none is found whose pieces are gone.
    const isSession = ({ key }: ListedObject): boolean => key.endsWith("/session")
    for (const objects of [idle.filter(isSession), idle.filter((one) => !isSession(one))]) {
      yield* Effect.forEach(objects, ({ etag, key }) => store.remove(key, { etag, relies: date }), {
        concurrency: atOnce,
        discard: true
      })
    }
  })

  return Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    if (now < next) return
    next = now + betweenMillis
    for (const folder of [uploadsFolder, temporaryFolder, plansFolder]) yield* removeIdle(folder)
  }).pipe(Effect.ignore)
}
