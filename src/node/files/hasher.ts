/** Hashing by `node:crypto`, which uses the processor's instructions for it. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { type Algorithm, type ContentDigest, contentDigest } from "../../oci/Digest.ts"
import { ContentMismatch } from "../../oci/OciError.ts"
import type { Hasher } from "../../ops/ports/Hasher.ts"

export const hasher: Hasher = {
  digest: (algorithm, bytes) => contentDigest(algorithm, createHash(algorithm).update(bytes).digest("hex"))
}

/** A hash in the making. It cannot be stored: a process that goes on with another's upload reads the bytes again. */
export interface RunningHash {
  readonly update: (bytes: Uint8Array) => void
  /** Of what was given so far; more may follow. */
  readonly digest: () => ContentDigest
}

export const runningHash = (algorithm: Algorithm): RunningHash => {
  const hash = createHash(algorithm)
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => contentDigest(algorithm, hash.copy().digest("hex"))
  }
}

/** Fails where content is not that of its digest; `whose` says in a few words which bytes they are. */
export const requireDigest = (
  digest: ContentDigest,
  actual: ContentDigest,
  whose: string
): Effect.Effect<void, ContentMismatch> =>
  actual === digest
    ? Effect.void
    : Effect.fail(new ContentMismatch({ digest, actual, reason: `${whose} are not those of its name` }))
