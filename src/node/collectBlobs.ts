/** Removes garbage while others push: they take no lock, but lease what they push before it has its name. */
import { Clock, Effect, Result } from "effect"
import { dirname } from "node:path"
import type { ContentDigest } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { leastGraceMillis } from "../ops/limits.ts"
import { syncFolder, tell } from "./durable.ts"
import { cannotLink } from "./fallback.ts"
import { guard, ifThere, type LayoutFiles, RandomName } from "./layoutFiles.ts"
import type { FsError } from "./LayoutFs.ts"
import { asideOf, endLeases, heldSince } from "./leases.ts"

/**
 * Each blob is first taken out of sight, and only then looked for among the leases: whoever pushed it before that has a
 * lease by now, and gets it back; whoever pushes it afterwards puts it there anew.
 */
export const collectBlobs = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digests: ReadonlyArray<ContentDigest>
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  if (digests.length === 0) return
  const { fs } = files
  const name = yield* RandomName
  const taken: Array<Taken> = []
  const takings: Array<Result.Result<unknown, FsError | SymlinkRefused>> = []
  for (const digest of digests) {
    const path = files.blob(digest)
    const aside = asideOf(files, digest, name())
    const guarded = yield* Effect.result(guard(files, path))
    takings.push(guarded)
    if (Result.isFailure(guarded)) continue
    const renamed = yield* Effect.result(tell(fs.rename(path, aside), "ENOENT"))
    takings.push(renamed)
    // What is said to have failed may have been done.
    if (Result.isFailure(renamed) || renamed.success === "done") taken.push({ digest, path, aside })
  }
  const fresh = (yield* Clock.currentTimeMillis) - leastGraceMillis
  const held = yield* Effect.onError(
    heldSince(files, fresh),
    () => Effect.forEach(taken, (one) => Effect.ignore(putBack(files, one)))
  )
  // What fails for one keeps no other from its place.
  const finished = yield* Effect.forEach(
    taken,
    (one) => Effect.result(held.has(one.digest) ? putBack(files, one) : letGo(files, one, fresh))
  )
  for (const folder of new Set(taken.flatMap(({ aside, path }) => [path, aside]).map(dirname))) {
    yield* syncFolder(files, folder)
  }
  yield* Effect.fromResult(Result.all([...takings, ...finished]))
})

interface Taken {
  readonly digest: ContentDigest
  readonly path: string
  readonly aside: string
}

/** Removes a blob with its leases. Whoever pushes it now leases it anew, and that lease is not ours to end. */
const letGo = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { aside, digest }: Taken,
  fresh: number
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const ended = yield* Effect.result(endLeases(files, digest, fresh))
  yield* ifThere(files.fs.unlink(aside))
  yield* Effect.fromResult(ended)
})

/** Gives a blob its name back, unless somebody has pushed another one by now. */
const putBack = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { aside, path }: Taken
): Effect.fn.Return<void, FsError> {
  const { fs } = files
  const linked = yield* tell(fs.link(aside, path), "EEXIST", "ENOENT", ...cannotLink)
  if (linked === "done" || linked === "EEXIST") {
    // Until its name is on the disk again, this is what is left of it after a power cut.
    yield* syncFolder(files, dirname(path))
    yield* ifThere(fs.unlink(aside))
  } // Somebody swept it away as a file of the dead; its lease still holds it.
  else if (linked !== "ENOENT") yield* fs.rename(aside, path)
})
