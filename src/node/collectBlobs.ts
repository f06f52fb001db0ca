/** Removes garbage while others push: they take no lock, but lease what they push before it has its name. */
import { Clock, Effect } from "effect"
import { dirname, join } from "node:path"
import type { ContentDigest } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { leastGraceMillis } from "../ops/limits.ts"
import { syncFolder, tell } from "./durable.ts"
import { cannotLink } from "./fallback.ts"
import { guard, ifThere, type LayoutFiles, RandomName } from "./layoutFiles.ts"
import type { FsError } from "./LayoutFs.ts"
import { endLeases, heldSince } from "./leases.ts"

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
  for (const digest of digests) {
    const path = files.blob(digest)
    const aside = join(files.temporary, `garbage.${name()}`)
    yield* guard(files, path)
    if ((yield* tell(fs.rename(path, aside), "ENOENT")) === "done") taken.push({ digest, path, aside })
  }
  const fresh = (yield* Clock.currentTimeMillis) - leastGraceMillis
  const held = yield* Effect.onError(
    heldSince(files, fresh),
    () => Effect.forEach(taken, (one) => Effect.ignore(putBack(files, one)))
  )
  for (const one of taken) {
    if (held.has(one.digest)) yield* putBack(files, one)
    else {
      // Whoever pushes it now leases it anew, and that lease is not ours to end.
      yield* endLeases(files, one.digest, fresh)
      yield* ifThere(fs.unlink(one.aside))
    }
  }
  for (const folder of new Set(taken.map(({ path }) => dirname(path)))) yield* syncFolder(files, folder)
})

interface Taken {
  readonly digest: ContentDigest
  readonly path: string
  readonly aside: string
}

/** Gives a blob its name back, unless somebody has pushed another one by now. */
const putBack = Effect.fnUntraced(function*(
  { fs }: LayoutFiles,
  { aside, path }: Taken
): Effect.fn.Return<void, FsError> {
  const linked = yield* tell(fs.link(aside, path), "EEXIST", ...cannotLink)
  if (linked === "done" || linked === "EEXIST") yield* ifThere(fs.unlink(aside))
  else yield* fs.rename(aside, path)
})
