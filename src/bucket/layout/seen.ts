/** Objects of blobs that were seen: a commit need not ask for them again at once. */
import { Effect } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { keyOfBlob } from "./keyOfBlob.ts"
import type { Standing } from "./standing.ts"

/** For how long it is believed that an object that was seen is there, by the store's clock: milliseconds. */
const seenMillis = 5 * 60_000
/** How many objects are remembered to have been seen. */
const mostSeen = 10_000

interface Seen {
  readonly size: number
  readonly etag: string
  /** The `Date` of the answer that told of it. */
  readonly date: number
}

export const makeSeen = (store: ObjectStore) => {
  const seen = new Map<ContentDigest, Seen>()
  const saw = (digest: ContentDigest, one: Seen): void => {
    seen.delete(digest)
    seen.set(digest, one)
    const [oldest] = seen.keys()
    if (seen.size > mostSeen && oldest !== undefined) seen.delete(oldest)
  }

  /** What is there now, condemned or not. */
  const headOf = Effect.fnUntraced(function*(digest: ContentDigest) {
    const { date, value } = yield* store.head(keyOfBlob(digest))
    if (value === undefined) seen.delete(digest)
    else saw(digest, { size: value.size, etag: value.etag, date })
    return value
  })

  /** An object that was there a moment ago; what is condemned may have become another one. */
  const seenJustNow = (digest: ContentDigest, { condemned, date }: Standing): Seen | undefined => {
    const known = seen.get(digest)
    return known !== undefined && date - known.date < seenMillis && !condemned.has(digest) ? known : undefined
  }

  return { headOf, saw, seenJustNow }
}
