/** Local files that are none: a directory tree in memory, with the promises of the port. */
import { Effect, Option, Stream } from "effect"
import { FileExists, FileUnknown, PathDenied } from "../../../src/oci/OciError.ts"
import type { LocalFiles } from "../../../src/ops/ports/LocalFiles.ts"

export interface MemoryFiles extends LocalFiles {
  readonly contents: Map<string, Uint8Array>
}

export const memoryFiles = (
  allowed: ReadonlyArray<string>,
  contents: Map<string, Uint8Array> = new Map()
): MemoryFiles => {
  const check = (path: string) =>
    allowed.some((directory) => path.startsWith(`${directory}/`) && !path.includes(".."))
      ? Effect.void
      : Effect.fail(new PathDenied({ path, allowed }))

  return {
    allowed,
    contents,
    // Roots here are directories inside the allowed ones, or none of them.
    within: (roots) =>
      Effect.sync(() => {
        const paths = roots.map((uri) => uri.replace(/^file:\/\//u, ""))
        return memoryFiles(paths.filter((path) => allowed.some((one) => `${path}/`.startsWith(`${one}/`))), contents)
      }),
    read: Effect.fnUntraced(function*(path, window) {
      yield* check(path)
      const bytes = contents.get(path)
      if (bytes === undefined) return yield* new FileUnknown({ path, reason: "does not exist" })
      const { length, offset } = { length: undefined, offset: 0, ...window }
      const part = bytes.subarray(offset, length === undefined ? undefined : offset + length)
      return { size: part.length, content: Stream.fromIterable(chunksOf(part)) }
    }),
    folder: Effect.fnUntraced(function*(path) {
      yield* check(path)
      return Array.from(contents.keys()).some((name) => name.startsWith(`${path}/`)) ? Option.some(path) : Option.none()
    }),
    create: Effect.fnUntraced(function*(path, content) {
      yield* check(path)
      if (contents.has(path)) return yield* new FileExists({ path })
      const chunks = yield* Stream.runCollect(content)
      const bytes = Buffer.concat(chunks)
      contents.set(path, bytes)
      return { path, size: bytes.length }
    })
  }
}

const chunkBytes = 64 * 1024

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
