/**
 * Moves garbage to the trash while other processes push. A push takes no lock, but marks its content before it names
 * it.
 */
import { Clock, Effect, Result } from "effect"
import { dirname } from "node:path"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { leastGraceMillis } from "../../ops/limits.ts"
import { syncFolder, tell } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { guard, ifThere, type LayoutFiles } from "../files/layoutFiles.ts"
import type { FsError } from "../fs/LayoutFs.ts"
import { markedSince, secondNameOf } from "./secondNames.ts"
import { trashAt } from "./trash.ts"

/**
 * Each blob is first moved to the trash, under both its names, and only then the marks are read. A push from
 * before the move has left a mark: then the blob is put back. A push after the move writes the blob again.
 */
export const collectBlobs = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digests: ReadonlyArray<ContentDigest>
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  if (digests.length === 0) return
  const taken: Array<Taken> = []
  const takings: Array<Result.Result<unknown, FsError | SymlinkRefused>> = []
  for (const digest of digests) {
    let isThere = false
    // Of what another tool has removed only the second name is left.
    for (const path of [files.blob(digest), secondNameOf(files, digest)]) {
      const trash = yield* trashAt(files, digest)
      const moved = yield* Effect.result(move(files, path, trash))
      takings.push(moved)
      if (Result.isSuccess(moved) && moved.success === "ENOENT") continue
      // What is said to have failed may have been done.
      taken.push({ digest, path, trash, spare: isThere })
      if (Result.isFailure(moved)) break
      isThere = true
    }
  }
  const now = yield* Clock.currentTimeMillis
  const marked = yield* Effect.onError(
    markedSince(files, now - leastGraceMillis),
    () => Effect.forEach(taken, (one) => Effect.ignore(undoTaking(files, one)))
  )
  // What fails for one keeps no other from its place.
  const finished = yield* Effect.forEach(
    taken,
    (one) =>
      Effect.result(marked.has(one.digest) ? undoTaking(files, one) : one.spare ? unlinkTrash(files, one) : Effect.void)
  )
  for (const folder of new Set(taken.flatMap(({ path, trash }) => [trash, path]).map(dirname))) {
    yield* ifThere(syncFolder(files, folder))
  }
  yield* Effect.fromResult(Result.all([...takings, ...finished]))
})

interface Taken {
  readonly digest: ContentDigest
  readonly path: string
  readonly trash: string
  /** Whether the trash holds the same content twice, so that this name can be removed. */
  readonly spare: boolean
}

const move = (
  files: LayoutFiles,
  path: string,
  to: string
): Effect.Effect<"ENOENT" | "done", FsError | SymlinkRefused> =>
  Effect.andThen(guard(files, path), tell(files.fs.rename(path, to), "ENOENT"))

const unlinkTrash = ({ fs }: LayoutFiles, { trash }: Taken): Effect.Effect<void, FsError> =>
  Effect.asVoid(ifThere(fs.unlink(trash)))

/** Gives a blob its name back, unless it has been pushed again by now. */
const undoTaking = Effect.fnUntraced(function*(
  files: LayoutFiles,
  one: Taken
): Effect.fn.Return<void, FsError> {
  const { fs } = files
  const { path, trash } = one
  const linked = yield* tell(fs.link(trash, path), "EEXIST", "ENOENT", ...cannotLink)
  if (linked === "done" || linked === "EEXIST") {
    // Sync first: until the name under `blobs/` is on the disk, the name in the trash is the only one after a power
    // cut.
    yield* syncFolder(files, dirname(path))
    yield* unlinkTrash(files, one)
  } // Nothing was moved after all.
  else if (linked !== "ENOENT") yield* fs.rename(trash, path)
})
