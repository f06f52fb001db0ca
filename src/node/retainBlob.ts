/** Makes sure of a blob that a commit is about to name: it is there, on the disk, and held for a day. */
import { Effect, Option } from "effect"
import { dirname } from "node:path"
import type { ContentDigest } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { prepareFolder, syncFile, syncFolder, tell, withTemporary } from "./durable.ts"
import { cannotLink } from "./fallback.ts"
import { guardedStat, ifThere, type LayoutFiles, openRegular, readAll } from "./layoutFiles.ts"
import { FsError } from "./LayoutFs.ts"
import { isHeld, lease, openLease } from "./leases.ts"
import { afterNaming, type Trusted } from "./trusted.ts"

/**
 * The size of the blob, if it is there or a lease can put it back.
 *
 * @param inPlace whether tools write it in place, so that it is held by a copy
 */
export const retainBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.fn.Return<Option.Option<number>, FsError | SymlinkRefused> {
  // Mostly it was pushed a moment ago, by this process.
  const stat = yield* guardedStat(files, files.blob(digest))
  if (stat?.kind === "file" && trusted.durable.has(stat) && (yield* isHeld(files, digest))) {
    return Option.some(stat.size)
  }
  return yield* retain(files, trusted, digest, inPlace).pipe( // Somebody has removed it between two calls of ours: it is looked for again, and put back.
    Effect.retry({ times: 5, while: (error) => error instanceof FsError && error.code === "ENOENT" })
  )
})

const retain = (
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.Effect<Option.Option<number>, FsError | SymlinkRefused> =>
  Effect.scoped(Effect.gen(function*() {
    const target = files.blob(digest)
    const there = yield* ifThere(openRegular(files, target))
    if (there === undefined && !(yield* putBack(files, trusted, digest, inPlace))) return Option.none()
    const opened = there ?? (yield* openRegular(files, target))
    const { handle, stat } = opened
    const verified = trusted.verified.has(stat)
    const durable = trusted.durable.has(stat)
    yield* lease(files, target, digest, inPlace ? readAll(handle, stat.size) : "link")
    // It may come from a tool that never syncs, or from a writer that died before it did.
    if (!durable) {
      yield* syncFile(files, handle)
      yield* syncFolder(files, dirname(target))
    }
    const leased = afterNaming(files, { stat, settled: durable || opened.settled }, yield* handle.stat)
    if (verified) trusted.verified.add(leased)
    trusted.durable.add(leased)
    return Option.some(stat.size)
  }))

/** Gives a blob that somebody removed its name again; false when nothing holds it. */
const putBack = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const held = yield* openLease(files, verified, digest)
    if (held === undefined) return false
    const target = files.blob(digest)
    yield* prepareFolder(files, target)
    // What tools write in place must not be the lease itself.
    const linked = inPlace ? "EPERM" : yield* tell(files.fs.link(held.path, target), "EEXIST", ...cannotLink)
    if (linked === "done" || linked === "EEXIST") return true
    const bytes = yield* readAll(held.handle, held.stat.size)
    yield* withTemporary(
      files,
      "blob",
      (path, handle) => Effect.andThen(handle.write(bytes, 0), files.fs.rename(path, target))
    )
    return true
  }))
})
