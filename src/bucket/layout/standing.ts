/** What is condemned now: content that is to go unless it is written anew. */
import { Effect } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Head } from "./head.ts"
import type { Past } from "./past.ts"
import type { BucketRecord, Condemned } from "./record.ts"

const hour = 60 * 60 * 1000
/** When what was condemned may be removed: those who count on it have learned of it by then. */
const removableFrom = 24 * hour
/** Until when: later removals would not have arrived when it is forgotten. */
const removableUntil = 48 * hour
/** When it is taken off the list, removed or not: no removal can arrive any more. */
const forgottenFrom = 49 * hour
/** How long content has to have lain there before it is condemned as garbage. */
export const unwrittenMillis = 24 * hour

export interface Sentence extends Condemned {
  /** When it was condemned, by the store's clock. */
  readonly time: number
}

/** A head with what is condemned in it. */
export interface Standing {
  /** The `Date` of the oldest answer in it. */
  readonly date: number
  readonly condemned: ReadonlyMap<ContentDigest, Sentence>
}

/** The lists in force after a record of this time: what is old enough is forgotten. */
export const inForce = (
  { condemned = [] }: Pick<BucketRecord, "condemned">,
  time: number
): NonNullable<BucketRecord["condemned"]> => condemned.filter((list) => time - list.time < forgottenFrom)

/** Whether an object is the one that was condemned: one that was written anew has another ETag. */
export const isCondemned = ({ condemned }: Standing, digest: ContentDigest, etag: string): boolean =>
  condemned.get(digest)?.etag === etag

/** Whether what was condemned may be removed now. */
export const isRemovable = ({ time }: Sentence, date: number): boolean =>
  date - time >= removableFrom && date - time < removableUntil

/** Reads the lists of a head, each once. */
export const makeStandingOf = (past: Past) => {
  const lists = new Map<number, ReadonlyArray<Condemned>>()
  return Effect.fnUntraced(function*({ date, last, lines }: Head): Effect.fn.Return<Standing, ReadFault> {
    const condemned = new Map<ContentDigest, Sentence>()
    const named = last?.record.condemned ?? []
    for (const { number, time } of named) {
      const known = lists.get(number) ?? lines.find(({ record }) => record.number === number)?.record.condemns
      const list = known ?? (yield* past.lines(number, number))[0]?.record.condemns ?? []
      lists.set(number, list)
      for (const one of list) condemned.set(one.digest, { ...one, time })
    }
    for (const number of lists.keys()) if (!named.some((one) => one.number === number)) lists.delete(number)
    return { date, condemned }
  })
}
