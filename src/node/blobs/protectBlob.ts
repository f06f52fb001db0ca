/** Makes sure of a blob that a commit is about to name: it is there, on the disk, and has a second name. */
import { Clock, Effect, Option, type Scope } from "effect"
import { dirname, join } from "node:path"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { prepareFolder, syncFile, syncFolder, tell, withTemporary } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { hashFile } from "../files/hashFile.ts"
import {
  guard,
  guardedStat,
  ifThere,
  type LayoutFiles,
  type Opened,
  openRegular,
  readAll
} from "../files/layoutFiles.ts"
import { afterNaming, type Trusted, type Verified } from "../files/trusted.ts"
import { FsError } from "../fs/LayoutFs.ts"
import { giveSecondName, isProtected, protect, secondNameOf } from "./secondNames.ts"
import { trashOf } from "./trash.ts"

/**
 * The size of the blob, if it is there or can be put back.
 *
 * @param inPlace whether tools write it in place, so that it is held by a copy
 */
export const protectBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.fn.Return<Option.Option<number>, FsError | SymlinkRefused> {
  // Mostly it was pushed a moment ago, by this process.
  const stat = yield* guardedStat(files, files.blob(digest))
  if (stat?.kind === "file" && trusted.durable.has(stat) && (yield* isProtected(files, digest))) {
    return Option.some(stat.size)
  }
  return yield* persistent(retain(files, trusted, digest, inPlace))
})

/** A tool that collects garbage may remove content between two calls of ours: it is looked for again, and put back. */
const persistent = <A>(
  effect: Effect.Effect<A, FsError | SymlinkRefused>
): Effect.Effect<A, FsError | SymlinkRefused> =>
  Effect.retry(effect, { times: 5, while: (error) => error instanceof FsError && error.code === "ENOENT" })

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
    // It may come from a tool that never syncs, or from a writer that died before it did. Before it gets another name,
    // since that is a change of the file that would have to be synced as well.
    if (!durable) yield* syncFile(files, handle)
    yield* protect(files, target, digest, inPlace ? readAll(handle, stat.size) : "link")
    if (!durable) yield* syncFolder(files, dirname(target))
    const named = afterNaming(files, { stat, settled: durable || opened.settled }, yield* handle.stat)
    if (verified) trusted.verified.add(named)
    trusted.durable.add(named)
    return Option.some(stat.size)
  }))

/** Whatever was written longer ago is on the disk: systems write back what is cached within seconds. */
const writtenBackMillis = 60 * 60 * 1000

/** What lies in the place of a blob and is no file that we may read: it can be held as little as what is missing. */
const cannotOpen: ReadonlySet<string> = new Set(["EACCES", "ELOOP", "ENOTREG", "EPERM"])

/**
 * Makes sure of content that an index of another tool reaches: it is there if it can be, has a second name, and is on the
 * disk before our record names it. Both names are of one file, so that a power cut would tear both. What nobody of us may
 * read is the other tool's affair.
 */
export const completeBlob = (
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.Effect<void, FsError | SymlinkRefused> =>
  persistent(Effect.scoped(Effect.gen(function*() {
    const target = files.blob(digest)
    const there = yield* ifThere(openRegular(files, target)).pipe(
      Effect.catchIf(
        (error) => error instanceof FsError && cannotOpen.has(error.code),
        () => Effect.succeed("closed" as const)
      )
    )
    if (there === "closed") return
    if (there === undefined) {
      if (yield* putBack(files, trusted, digest, inPlace)) yield* syncFolder(files, dirname(target))
      return
    }
    const { handle, stat } = there
    const changed = Number((stat.ctimeNs > stat.mtimeNs ? stat.ctimeNs : stat.mtimeNs) / 1_000_000n)
    if (!trusted.durable.has(stat) && (yield* Clock.currentTimeMillis) - changed < writtenBackMillis) {
      yield* syncFile(files, handle)
      files.unsynced.add(dirname(target))
    }
    // What is held for a day only has to be marked.
    const give = files.hold === "day" ? protect : giveSecondName
    yield* give(files, target, digest, inPlace ? readAll(handle, stat.size) : "link")
    if (trusted.verified.has(stat)) trusted.verified.add(afterNaming(files, there, yield* handle.stat))
  })))

/** Replaces a blob that is cut short by what we hold of it; whether that is whole. */
export const replaceBlob = (
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest
): Effect.Effect<boolean, FsError | SymlinkRefused> =>
  Effect.scoped(Effect.gen(function*() {
    const held = yield* openKept(files, verified, digest)
    if (held === undefined) return false
    yield* placeCopy(files, held, files.blob(digest))
    yield* syncFolder(files, dirname(files.blob(digest)))
    return true
  }))

/** Writes a copy of what we hold in the place of a blob. */
const placeCopy = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { handle, stat }: Opened,
  target: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  yield* guard(files, join(files.temporary, "any"))
  const bytes = yield* readAll(handle, stat.size)
  yield* withTemporary(
    files,
    "blob",
    Effect.fnUntraced(function*(path, handle) {
      yield* handle.write(bytes, 0)
      yield* syncFile(files, handle)
      yield* files.fs.rename(path, target)
    })
  )
})

/** The blob under a name of ours, if one of them still has its bytes: its second name, or in the trash. */
export const openKept = Effect.fnUntraced(function*(
  files: LayoutFiles,
  verified: Verified,
  digest: ContentDigest
): Effect.fn.Return<Opened & { readonly path: string } | undefined, FsError | SymlinkRefused, Scope.Scope> {
  for (const paths of [Effect.succeed([secondNameOf(files, digest)]), trashOf(files, digest)]) {
    for (const path of yield* paths) {
      const opened = yield* ifThere(openRegular(files, path)).pipe(
        Effect.catchIf(
          (error) => error._tag === "SymlinkRefused" || error.code === "ELOOP",
          () => Effect.succeed(undefined)
        )
      )
      if (opened === undefined) continue
      if (verified.has(opened.stat)) return { ...opened, path }
      if ((yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))) !== digest) continue
      verified.add(opened)
      return { ...opened, path }
    }
  }
  return undefined
})

/** Gives a blob that was removed its name again; false when nothing holds it. Its other name stays. */
const putBack = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest,
  inPlace: boolean
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const held = yield* openKept(files, verified, digest)
    if (held === undefined) return false
    const target = files.blob(digest)
    yield* prepareFolder(files, target)
    // What tools write in place must not be the second name itself.
    const linked = inPlace ? "EPERM" : yield* tell(files.fs.link(held.path, target), "EEXIST", ...cannotLink)
    if (linked !== "done" && linked !== "EEXIST") yield* placeCopy(files, held, target)
    if (held.path !== secondNameOf(files, digest)) {
      yield* giveSecondName(files, held.path, digest, inPlace ? readAll(held.handle, held.stat.size) : "link")
    }
    const trash = yield* trashOf(files, digest)
    // After a power cut it may be the only name that is left.
    if (trash.length > 0) yield* syncFolder(files, dirname(target))
    for (const path of trash) yield* ifThere(files.fs.unlink(path))
    return true
  }))
})
