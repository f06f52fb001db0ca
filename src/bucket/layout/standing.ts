/** What is condemned now: content that is to go unless it is written anew. */
import { Effect } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Head } from "./head.ts"
import type { Past } from "./past.ts"
import type { BucketRecord, Condemned, Hidden } from "./record.ts"

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
  /** What was deleted while another ETag of it was condemned; each is among the condemned with that one. */
  readonly hidden: ReadonlyMap<ContentDigest, Hidden>
}

/** What a record changes about content that goes. */
export interface Verdicts {
  readonly condemns: ReadonlyArray<Condemned>
  readonly hides: ReadonlyArray<Hidden>
  readonly reveals: ReadonlySet<ContentDigest>
}

/**
 * What the next record says of content that goes: lists that are old enough are forgotten, and what was hidden because of
 * them is condemned.
 */
export const sentencesAfter = (
  previous: Pick<BucketRecord, "condemned" | "hidden">,
  { condemned, hidden }: Pick<Standing, "condemned" | "hidden">,
  { condemns, hides, reveals }: Verdicts,
  { number, time }: Pick<BucketRecord, "number" | "time">
): Pick<BucketRecord, "condemned" | "condemns" | "hidden" | "hides"> => {
  const isInForce = (since: number): boolean => time - since < forgottenFrom
  const waiting = new Map(hidden)
  for (const digest of reveals) waiting.delete(digest)
  for (const one of hides) waiting.set(one.digest, one)
  const isOver = ({ digest }: Hidden): boolean => !isInForce(condemned.get(digest)?.time ?? 0)
  const over = Array.from(waiting.values()).filter(isOver)
  for (const { digest } of over) waiting.delete(digest)
  const all = [...condemns, ...over.map((one) => ({ ...one, deleted: true as const }))]
  const lists = [
    ...(previous.condemned ?? []).filter((list) => isInForce(list.time)),
    ...(all.length === 0 ? [] : [{ number, time }])
  ]
  const isSame = waiting.size === hidden.size &&
    Array.from(waiting).every(([digest, one]) => hidden.get(digest) === one)
  return {
    ...(all.length === 0 ? {} : { condemns: all }),
    ...(lists.length === 0 ? {} : { condemned: lists }),
    ...(isSame ? {} : { hides: Array.from(waiting.values()) }),
    ...(waiting.size === 0 ? {} : { hidden: isSame ? previous.hidden ?? number : number })
  }
}

/** Whether an object is the one that was condemned: one that was written anew has another ETag. */
export const isCondemned = ({ condemned }: Standing, digest: ContentDigest, etag: string): boolean =>
  condemned.get(digest)?.etag === etag

/** Whether an object is hidden. */
export const isHidden = ({ hidden }: Standing, digest: ContentDigest, etag: string): boolean =>
  hidden.get(digest)?.etag === etag

/** Whether what was condemned may be removed now. */
export const isRemovable = ({ time }: Sentence, date: number): boolean =>
  date - time >= removableFrom && date - time < removableUntil

type Lists = Pick<BucketRecord, "condemns" | "hides">

/** Reads the lists of a head, each once. */
export const makeStandingOf = (past: Past) => {
  let known = new Map<number, Lists>()
  return Effect.fnUntraced(function*({ date, last, lines }: Head): Effect.fn.Return<Standing, ReadFault> {
    const next = new Map<number, Lists>()
    const listsOf = Effect.fnUntraced(function*(number: number): Effect.fn.Return<Lists, ReadFault> {
      const found = next.get(number) ?? known.get(number) ??
        lines.find(({ record }) => record.number === number)?.record ??
        (yield* past.lines(number, number))[0]?.record ?? {}
      const { condemns = [], hides = [] } = found
      next.set(number, { condemns, hides })
      return { condemns, hides }
    })
    const condemned = new Map<ContentDigest, Sentence>()
    for (const { number, time } of last?.record.condemned ?? []) {
      for (const one of (yield* listsOf(number)).condemns ?? []) condemned.set(one.digest, { ...one, time })
    }
    const number = last?.record.hidden
    const hides = number === undefined ? [] : (yield* listsOf(number)).hides ?? []
    known = next
    return { date, condemned, hidden: new Map(hides.map((one) => [one.digest, one])) }
  })
}
