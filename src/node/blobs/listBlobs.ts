/** The digests that folders of blobs have as names. */
import { Clock, Effect } from "effect"
import { join } from "node:path"
import { type Algorithm, algorithms, type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { identityOf } from "../files/identity.ts"
import { guard, ifThere, type LayoutFiles } from "../files/layoutFiles.ts"
import { isLookReliable } from "../files/mtimeReliable.ts"
import type { FsError } from "../fs/LayoutFs.ts"

/** The digests that the folders of all algorithms below one have as names. */
export const digestsBelow = (
  files: LayoutFiles,
  parent: string
): Effect.Effect<ReadonlyArray<ContentDigest>, FsError | SymlinkRefused> =>
  Effect.map(
    Effect.forEach(algorithms, (algorithm) => digestsIn(files, join(parent, algorithm), algorithm)),
    (each) => each.flat()
  )

/** Lists the folders of blobs when their times have changed. */
export const listDigests = (
  files: LayoutFiles
): Effect.Effect<ReadonlyArray<ContentDigest>, FsError | SymlinkRefused> => {
  const folders = algorithms.map((algorithm) => join(files.blobs, algorithm))
  let last: { readonly looks: string; readonly digests: ReadonlyArray<ContentDigest> } | undefined
  return Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const stats = yield* files.fs.linkStats(folders)
    const looks = stats.map((stat) => stat === undefined ? "" : identityOf(stat)).join(" ")
    if (last?.looks === looks) return last.digests
    const digests = yield* digestsBelow(files, files.blobs)
    const isReliable = stats.every((stat) => isLookReliable(files, now, stat))
    last = isReliable ? { looks, digests } : undefined
    return digests
  })
}

/** What is no digest is passed over. */
export const digestsIn = (
  files: LayoutFiles,
  folder: string,
  algorithm: Algorithm
): Effect.Effect<ReadonlyArray<ContentDigest>, FsError | SymlinkRefused> =>
  Effect.map(
    Effect.andThen(guard(files, join(folder, "any")), ifThere(files.fs.readDirectory(folder))),
    (names = []) => names.map((name) => `${algorithm}:${name}`).filter(isContentDigest)
  )
