/** A chunked upload as the peer does it: one buffer is filled with one chunk after the other. */
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import { closeSync, openSync, readSync } from "node:fs"
import { contentDigest } from "../../../src/oci/Digest.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { mebibyte } from "./bigFile.ts"
import { repository } from "./load.ts"

const chunkBytes = 8 * mebibyte

/** @param digest of the file; where it is not known, it is found while sending */
export const uploadFile = (source: string, digest?: string) =>
  Effect.fnUntraced(function*(registry: LayoutRegistry) {
    const writer = yield* registry.pushBlobChunked(repository, chunkBytes)
    const file = yield* Effect.acquireRelease(
      Effect.sync(() => openSync(source, "r")),
      (file) => Effect.sync(() => closeSync(file))
    )
    const hash = digest === undefined ? createHash("sha256") : undefined
    const buffer = new Uint8Array(chunkBytes)
    let offset = 0
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      const chunk = buffer.subarray(0, read)
      hash?.update(chunk)
      offset = yield* writer.append(offset, Stream.succeed(chunk))
    }
    return yield* writer.commit(digest ?? contentDigest("sha256", hash?.digest("hex") ?? ""))
  })
