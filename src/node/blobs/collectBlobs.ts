/** Takes garbage away while others push: they take no lock, but mark what they push before it has its name. */
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
 * Each blob is first moved to the trash, under both its names, and only then looked for among the marks: who pushed it
 * before that has marked it by now, and gets it back; who pushes it afterwards puts it there anew.
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
    () => Effect.forEach(taken, (one) => Effect.ignore(putBack(files, one)))
  )
  // What fails for one keeps no other from its place.
  const finished = yield* Effect.forEach(
    taken,
    (one) =>
      Effect.result(marked.has(one.digest) ? putBack(files, one) : one.spare ? unlinkTrash(files, one) : Effect.void)
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
  /** Whether the trash has the content under another name as well. */
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
const putBack = Effect.fnUntraced(function*(
  files: LayoutFiles,
  one: Taken
): Effect.fn.Return<void, FsError> {
  const { fs } = files
  const { path, trash } = one
  const linked = yield* tell(fs.link(trash, path), "EEXIST", "ENOENT", ...cannotLink)
  if (linked === "done" || linked === "EEXIST") {
    // Until its name is on the disk again, this is what is left of it after a power cut.
    yield* syncFolder(files, dirname(path))
    yield* unlinkTrash(files, one)
  } // Nothing was moved after all.
  else if (linked !== "ENOENT") yield* fs.rename(trash, path)
})
