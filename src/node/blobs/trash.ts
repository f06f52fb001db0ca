/**
 * Content that a collection of ours has taken away. A tool may have seen it under `blobs/` and count on it while it
 * copies the rest of an image, so it stays here for a day before it is deleted; a writer that needs it puts it back.
 */
import { Clock, Effect } from "effect"
import { join } from "node:path"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { trashMillis } from "../../ops/limits.ts"
import { findUnfinished } from "../files/abandonedFiles.ts"
import { guard, ifThere, type LayoutFiles, RandomName, statIfThere } from "../files/layoutFiles.ts"
import { digestOfName, nameOfDigest } from "../files/names.ts"
import type { FsError } from "../fs/LayoutFs.ts"

const form = /^(\d{1,16})\.([\w-]+)\.[0-9a-f]{32}$/u

/** A new place for content that our collection takes away now (R19). */
export const trashAt = Effect.fnUntraced(function*({ trash }: LayoutFiles, digest: ContentDigest) {
  const now = yield* Clock.currentTimeMillis
  const name = yield* RandomName
  return join(trash, `${now}.${nameOfDigest(digest)}.${name()}`)
})

/** All content in the trash, and when it was moved there, by our own clock: milliseconds since 1970. */
const listed = Effect.fnUntraced(function*(files: LayoutFiles) {
  yield* guard(files, join(files.trash, "any"))
  const names = (yield* ifThere(files.fs.readDirectory(files.trash))) ?? []
  return names.flatMap((name) => {
    const [, since, blob = ""] = form.exec(name) ?? []
    const digest = digestOfName(blob)
    return since !== undefined && digest !== undefined
      ? [{ path: join(files.trash, name), since: Number(since), digest }]
      : []
  })
})

/** Where content of this digest lies in the trash. */
export const trashOf = (
  files: LayoutFiles,
  digest: ContentDigest
): Effect.Effect<ReadonlyArray<string>, FsError | SymlinkRefused> =>
  Effect.map(listed(files), (all) => all.filter((one) => one.digest === digest).map(({ path }) => path))

/** What content lies in the trash. */
export const digestsInTrash = (
  files: LayoutFiles
): Effect.Effect<ReadonlySet<ContentDigest>, FsError | SymlinkRefused> =>
  Effect.map(listed(files), (all) => new Set(all.map(({ digest }) => digest)))

/** Deletes content of this digest for good. */
export const endTrash = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  for (const path of yield* trashOf(files, digest)) yield* ifThere(files.fs.unlink(path))
})

/** How many files the trash holds, and how many bytes. */
export const trashSize = Effect.fnUntraced(function*(files: LayoutFiles) {
  let bytes = 0
  const all = yield* listed(files)
  for (const { path } of all) bytes += (yield* statIfThere(files.fs, path))?.size ?? 0
  return { blobs: all.length, bytes }
})

/** The content that has been in the trash for a day; none while a tool has a recent temporary file (R19). */
export const overInTrash = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<
  ReadonlyArray<{ readonly path: string; readonly digest: ContentDigest }>,
  FsError | SymlinkRefused
> {
  const now = yield* Clock.currentTimeMillis
  const over = (yield* listed(files)).filter(({ since }) => now - since >= trashMillis)
  return over.length === 0 || (yield* findUnfinished(files)) === undefined ? over : []
})

/** Deletes all of the trash for good, young content too. Only the holder of the lock calls it. */
export const emptyTrash = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  for (const { path } of yield* listed(files)) yield* ifThere(files.fs.unlink(path))
})
