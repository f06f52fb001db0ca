/** The content of a file of an image. */
import { Effect, type Stream } from "effect"
import { PathUnknown } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { type FileWindow, readFile } from "../layers/readFile.ts"
import { type FileRow, reached, rowOf } from "./FileRow.ts"
import type { OpenImage } from "./openImage.ts"

/** A file of an image, and its content. */
export interface ReadPath {
  /** Of the file that the path leads to. */
  readonly row: FileRow
  /** See `readFile`. */
  readonly content: Stream.Stream<Uint8Array, LookError>
}

/** Links are followed inside of the image. `PathUnknown`, also for what is no file. */
export const readPath = Effect.fnUntraced(function*(
  image: OpenImage,
  path: string,
  window?: FileWindow
): Effect.fn.Return<ReadPath, PathUnknown> {
  const found = reached(image, path, true)
  if (found instanceof PathUnknown) return yield* found
  const { node } = found
  if (node.kind === "folder") return yield* new PathUnknown({ path, reason: "is a folder" })
  const { entry, layer } = node.inode
  const table = image.tables[layer]
  if (entry.type !== "file" || table === undefined) {
    return yield* new PathUnknown({ path, reason: `is no file: ${entry.type}` })
  }
  return { row: rowOf(image, found), content: readFile(image.source, table, entry, window) }
})
