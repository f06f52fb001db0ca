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
  const fresh = (yield* Clock.currentTimeMillis) - leastGraceMillis
  const take = Effect.gen(function*() {
    for (const digest of digests) {
      const path = files.blob(digest)
      const aside = asideOf(files, digest, name())
      yield* guard(files, path)
      if ((yield* tell(fs.rename(path, aside), "ENOENT")) === "done") taken.push({ digest, path, aside })
    }
    return yield* heldSince(files, fresh)
  })
  const held = yield* Effect.onError(take, () => Effect.forEach(taken, (one) => Effect.ignore(putBack(files, one))))
  // What fails for one keeps no other from its place.
  const finished = yield* Effect.forEach(
    taken,
    (one) => Effect.result(held.has(one.digest) ? putBack(files, one) : letGo(files, one, fresh))
  )
  for (const folder of new Set(taken.map(({ path }) => dirname(path)))) yield* syncFolder(files, folder)
  yield* Effect.fromResult(Result.all(finished))
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
  yield* endLeases(files, digest, fresh)
  yield* ifThere(files.fs.unlink(aside))
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
