/** Hashes of uploads that this process has seen from their beginning: their ends need not read the bytes again. */
import type { UploadId } from "../../layout/Upload.ts"
import { type RunningHash, runningHash } from "../../node/files/hasher.ts"
import type { Algorithm } from "../../oci/Digest.ts"

type ETag = string | undefined

export interface UploadHashes {
  /** Takes in a piece with which the session went from one ETag to another. */
  readonly add: (
    id: UploadId,
    step: { readonly isFirst: boolean; readonly from: ETag; readonly to: ETag },
    piece: Uint8Array
  ) => void
  /** The hash of all that the session has at this ETag; it is given once. */
  readonly take: (id: UploadId, etag: ETag, algorithm: Algorithm) => RunningHash | undefined
}

const hashed = "sha256"
const mostHashes = 1024

/** Remembers them for 1024 uploads; of others the bytes are read again. */
export const makeUploadHashes = (): UploadHashes => {
  const known = new Map<UploadId, { readonly etag: ETag; readonly hash: RunningHash }>()
  return {
    add: (id, { from, isFirst, to }, piece) => {
      const before = known.get(id)
      const hash = isFirst ? runningHash(hashed) : before?.etag === from ? before?.hash : undefined
      known.delete(id)
      if (hash === undefined) return
      hash.update(piece)
      known.set(id, { etag: to, hash })
      for (const oldest of known.keys()) if (known.size > mostHashes) known.delete(oldest)
    },
    take: (id, etag, algorithm) => {
      const found = known.get(id)
      known.delete(id)
      return found !== undefined && algorithm === hashed && found.etag === etag ? found.hash : undefined
    }
  }
}
