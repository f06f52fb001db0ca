/**
 * Content that goes: condemned by a record first, and removed a day later unless it was written anew. What is deleted
 * again before its list is forgotten is hidden until then.
 */
import { Effect, Result } from "effect"
import { type Event, isNote } from "../../layout/Event.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { Unsupported } from "../../oci/OciError.ts"
import type { Transaction } from "../../ops/ports/LayoutStore.ts"
import type { ObjectStore, StoreFault } from "../store/ObjectStore.ts"
import type { StoreChecked } from "./checkStore.ts"
import { keyOfBlob } from "./keyOfBlob.ts"
import type { Condemned, Hidden } from "./record.ts"
import { isCondemned, isHidden, isRemovable, type Standing, unwrittenMillis, type Verdicts } from "./standing.ts"

/** How many objects are looked at or removed at a time. */
const atOnce = 8

type Doomed = Pick<Condemned, "digest" | "etag">

/** An object that a decision would let go, as it is. */
interface Looked {
  readonly etag: string
  readonly size: number
  /** For how long it was not written: milliseconds. */
  readonly age: number
}

export const makeRemoval = (
  store: ObjectStore,
  standing: Effect.Effect<Standing, ReadFault>,
  checked: Effect.Effect<StoreChecked, Unsupported | StoreFault>
) => {
  /** What the decisions of this group condemn, and what they remove, whose day has come. */
  const condemned = new Map<ContentDigest, Condemned>()
  const removable: Array<Doomed> = []
  /** What they hide, and what they reveal. */
  const hides = new Map<ContentDigest, Hidden>()
  const reveals = new Set<ContentDigest>()

  const look = Effect.fnUntraced(function*(digest: ContentDigest) {
    const { date, value } = yield* store.head(keyOfBlob(digest))
    const looked = value === undefined
      ? undefined
      : { etag: value.etag, size: value.size, age: date - value.modified }
    return [digest, looked] as const
  })

  /** The events that are put on record. What is condemned is not condemned twice, also where it was written anew. */
  const judged = (
    events: ReadonlyArray<Event>,
    found: ReadonlyMap<ContentDigest, Looked | undefined>,
    now: Standing
  ): ReadonlyArray<Event> => {
    const kept: Array<Event> = []
    for (const event of events) {
      if (!isNote(event)) {
        kept.push(event)
        continue
      }
      const { _tag, digest } = event
      const looked = found.get(digest)
      if (looked === undefined) continue
      const { age, etag, size } = looked
      const sentence = now.condemned.get(digest)
      const isDeleted = _tag === "BlobDeleted"
      if (sentence === undefined) {
        if (!isDeleted && age < unwrittenMillis) continue
        condemned.set(digest, { digest, etag, size, ...(isDeleted ? { deleted: true } : {}) })
        kept.push(event)
      } else if (isCondemned(now, digest, etag)) {
        if (isRemovable(sentence, now.date)) removable.push({ digest, etag })
      } else if (isDeleted && !isHidden(now, digest, etag)) {
        hides.set(digest, { digest, etag, size })
        kept.push(event)
      }
    }
    return kept
  }

  return {
    begin: (): void => {
      condemned.clear()
      removable.length = 0
      hides.clear()
      reveals.clear()
    },
    /** What the group removes: that is decided on a head that was just read. */
    toRemove: (): ReadonlyArray<Doomed> => removable.slice(),
    /** What the record of the group says of content, with these events. */
    verdicts: (events: ReadonlyArray<Event>): Verdicts => {
      const digests = events.filter(isNote).map(({ digest }) => digest)
      return {
        condemns: digests.flatMap((digest) => condemned.get(digest) ?? []),
        hides: digests.flatMap((digest) => hides.get(digest) ?? []),
        reveals: new Set(reveals)
      }
    },
    /** Content that the record of the group reveals, whether it has a commit or not. */
    reveal: (digest: ContentDigest): void => void reveals.add(digest),
    /** An object that was written anew has another ETag and stays. */
    remove: (doomed: ReadonlyArray<Doomed>, relies: number): Effect.Effect<void, StoreFault> =>
      Effect.forEach(
        doomed,
        ({ digest, etag }) => store.remove(keyOfBlob(digest), { etag, relies }),
        { concurrency: atOnce, discard: true }
      ),
    /** A transaction whose content goes by these rules. */
    condemningTransaction: <A, E, D>({ decide, evidence }: Transaction<A, E, D>): Transaction<
      { readonly own: A; readonly found: ReadonlyMap<ContentDigest, Looked | undefined>; readonly now: Standing },
      E | Unsupported | ReadFault,
      D
    > => ({
      evidence: Effect.fnUntraced(function*(state) {
        const now = yield* standing
        const own = yield* evidence(state)
        const events = Result.getOrElse(decide(state, own), (): ReadonlyArray<Event> => [])
        const digests = events.filter(isNote).map(({ digest }) => digest)
        if (digests.length > 0 && !(yield* checked).removes) {
          return yield* new Unsupported({
            operation: `removing content from ${store.name}`,
            reason: "the store does not honour If-Match of DELETE, and would remove what is needed again meanwhile"
          })
        }
        return { own, now, found: new Map(yield* Effect.forEach(digests, look, { concurrency: atOnce })) }
      }),
      decide: (state, { found, now, own }) => Result.map(decide(state, own), (events) => judged(events, found, now))
    })
  }
}
