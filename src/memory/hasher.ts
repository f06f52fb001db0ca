/** Hashing where there is no Node: the same digests, by `@noble/hashes`. */
import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { bytesToHex } from "@noble/hashes/utils.js"
import { contentDigest } from "../oci/Digest.ts"
import type { Hasher } from "../ops/ports/Hasher.ts"

export const hasher: Hasher = {
  digest: (algorithm, bytes) =>
    contentDigest(algorithm, bytesToHex(algorithm === "sha256" ? sha256(bytes) : sha512(bytes)))
}
