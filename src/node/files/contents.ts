/** Small blobs that were read and are what their names say: reading one again costs a look at its file. */
import type { ContentDigest } from "../../oci/Digest.ts"
import type { FileStat } from "../fs/LayoutFs.ts"
import { identityOf } from "./identity.ts"
import type { Opened } from "./layoutFiles.ts"

/** Larger ones are read anew: the look would save little of what reading them takes. Bytes. */
const smallBytes = 64 * 1024

export interface Contents {
  readonly knows: (digest: ContentDigest) => boolean
  /** A copy of the bytes, if this is the file that they were read from, and nothing has happened to it. */
  readonly get: (digest: ContentDigest, stat: FileStat) => Uint8Array | undefined
  /** A file that could change without looking changed is not remembered, nor is a large one. */
  readonly add: (digest: ContentDigest, seen: Pick<Opened, "mtimeReliable" | "stat">, bytes: Uint8Array) => void
}

/** @param limit bytes that are remembered; the oldest go first */
export const makeContents = (limit = 16 * 1024 * 1024): Contents => {
  const known = new Map<ContentDigest, { readonly identity: string; readonly bytes: Uint8Array }>()
  let total = 0
  const forget = (digest: ContentDigest): void => {
    total -= known.get(digest)?.bytes.length ?? 0
    known.delete(digest)
  }
  return {
    knows: (digest) => known.has(digest),
    get: (digest, stat) => {
      const found = known.get(digest)
      // What is handed out may be written to.
      return found !== undefined && found.identity === identityOf(stat) ? found.bytes.slice() : undefined
    },
    add: (digest, { mtimeReliable, stat }, bytes) => {
      if (!mtimeReliable || bytes.length > smallBytes) return
      forget(digest)
      known.set(digest, { identity: identityOf(stat), bytes: bytes.slice() })
      total += bytes.length
      for (const oldest of known.keys()) {
        if (total <= limit) break
        forget(oldest)
      }
    }
  }
}
