/** Hashing by `node:crypto`, which uses the processor's instructions for it. */
import { createHash } from "node:crypto"
import { type Algorithm, type ContentDigest, contentDigest } from "../../oci/Digest.ts"
import type { Hasher } from "../../ops/ports/ports.ts"

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
