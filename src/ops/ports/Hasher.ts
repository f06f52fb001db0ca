/** The port for hashing. */
import type { Algorithm, ContentDigest } from "../../oci/Digest.ts"

/** Hashes what is in memory; streams are hashed where they are stored. */
export interface Hasher {
  readonly digest: (algorithm: Algorithm, bytes: Uint8Array) => ContentDigest
}
