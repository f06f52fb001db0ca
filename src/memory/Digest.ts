/** Digests, and how they are made of bytes. */
import { type Algorithm, type ContentDigest, Digest as Schema } from "../oci/Digest.ts"
import { hasher } from "./hasher.ts"

/**
 * `algorithm:encoded`, of any algorithm. `Digest.make(text)` throws for what is none; `Digest.of(bytes)` is the digest of
 * bytes, by SHA-256 unless it is said otherwise. Operations take a plain string wherever they take a digest.
 */
export const Digest: typeof Schema & {
  readonly of: (bytes: Uint8Array, algorithm?: Algorithm) => ContentDigest
} = Object.assign(Schema, {
  of: (bytes: Uint8Array, algorithm: Algorithm = "sha256") => hasher.digest(algorithm, bytes)
})
export type Digest = typeof Schema.Type
