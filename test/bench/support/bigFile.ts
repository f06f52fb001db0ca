/** Large files to push. */
import { Effect } from "effect"
import { createHash, randomFillSync } from "node:crypto"
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs"
import { type ContentDigest, contentDigest } from "../../../src/oci/Digest.ts"

export const mebibyte = 1024 * 1024

const inNew = <A>(path: string, use: (file: number) => A): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.sync(() => openSync(path, "wx")),
    (file) => Effect.sync(() => use(file)),
    (file) => Effect.sync(() => closeSync(file))
  )

/** A file that no file system can make smaller. */
export const randomFile = (path: string, mebibytes: number): Effect.Effect<ContentDigest> =>
  inNew(path, (file) => {
    const hash = createHash("sha256")
    const piece = new Uint8Array(mebibyte)
    for (let at = 0; at < mebibytes; at++) {
      hash.update(randomFillSync(piece))
      writeSync(file, piece)
    }
    return contentDigest("sha256", hash.digest("hex"))
  })

/** A file of zeros that takes no room. */
export const sparseFile = (path: string, mebibytes: number): Effect.Effect<void> =>
  inNew(path, (file) => ftruncateSync(file, mebibytes * mebibyte))
