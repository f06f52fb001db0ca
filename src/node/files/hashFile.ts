/** Hashes an open file. */
import { Effect } from "effect"
import type { Algorithm, ContentDigest } from "../../oci/Digest.ts"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"
import { runningHash } from "./hasher.ts"

/** Bytes read, hashed and handed on at a time: measured, larger ones gain nothing. */
export const readBytes = 1024 * 1024

/** What its first `size` bytes hash to. */
export const hashFile = Effect.fnUntraced(function*(
  handle: FileHandle,
  size: number,
  algorithm: Algorithm
): Effect.fn.Return<ContentDigest, FsError> {
  const hash = runningHash(algorithm)
  const piece = new Uint8Array(Math.min(readBytes, size))
  for (let offset = 0; offset < size;) {
    const count = yield* handle.read(piece.subarray(0, Math.min(piece.length, size - offset)), offset)
    if (count === 0) break
    hash.update(piece.subarray(0, count))
    offset += count
  }
  return hash.digest()
})
