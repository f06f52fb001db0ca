/**
 * Protects a blob that a commit is about to name: puts it back if it is missing, syncs it, and gives it a second name.
 */
import { Clock, Effect, Option, type Scope } from "effect"
import { dirname, join } from "node:path"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { manifestBytes } from "../../ops/limits.ts"
import { prepareFolder, syncFile, syncFolder, tell, withTemporary } from "../files/durable.ts"
import { cannotLink } from "../files/fallback.ts"
import { hashFile, readBytes } from "../files/hashFile.ts"
import {
  guard,
  guardedStat,
  ifThere,
  isNoFile,
  type LayoutFiles,
  type Opened,
  openRegular,
  readAll
} from "../files/layoutFiles.ts"
import { afterNaming, type FileSet, type Trusted } from "../files/trusted.ts"
import { type FsError, hasCode } from "../fs/LayoutFs.ts"
import { giveSecondName, isMarked, markWithSecondName, type SecondNameBy, secondNameOf } from "./secondNames.ts"
import { trashOf } from "./trash.ts"

/** What is known of content before it is looked at. */
interface Known {
  /** Whether tools write it in place, so that it is held by a copy. */
  readonly inPlace: boolean
  /** The expected size in bytes. A second name of another size is damaged, and is skipped without hashing. */
  readonly size?: number | undefined
}

/** The size of the blob, if it is there or can be put back. */
export const protectBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  trusted: Trusted,
  digest: ContentDigest,
  known: Known
): Effect.fn.Return<Option.Option<number>, FsError | SymlinkRefused> {
  // Mostly it was pushed a moment ago, by this process.
  const stat = yield* guardedStat(files, files.blob(digest))
  if (stat?.kind === "file" && trusted.durable.has(stat) && (yield* isMarked(files, digest))) {
    return Option.some(stat.size)
  }
  return yield* persistent(protectOnce(files, trusted, digest, known))
})

/** A tool that collects garbage may remove content between two calls of ours: it is looked for again, and put back. */
const persistent = <A>(
  effect: Effect.Effect<A, FsError | SymlinkRefused>
): Effect.Effect<A, FsError | SymlinkRefused> => Effect.retry(effect, { times: 5, while: hasCode("ENOENT") })

const protectOnce = Effect.fnUntraced(
  function*(files: LayoutFiles, trusted: Trusted, digest: ContentDigest, known: Known) {
    const target = files.blob(digest)
    const there = yield* ifThere(openRegular(files, target))
    if (there === undefined && !(yield* restoreBlob(files, trusted, digest, known))) return Option.none()
    const opened = there ?? (yield* openRegular(files, target))
    const { handle, stat } = opened
    const verified = trusted.verified.has(stat)
    const durable = trusted.durable.has(stat)
    // The file may not be synced: its writer may never sync, or may have died. It is synced before it gets a second
    // name, since a new name changes the inode, and would have to be synced too.
    if (!durable) yield* syncFile(files, handle)
    yield* markWithSecondName(files, target, digest, howOf(opened, known.inPlace))
    if (!durable) yield* syncFolder(files, dirname(target))
    const named = afterNaming(files, { stat, mtimeReliable: durable || opened.mtimeReliable }, yield* handle.stat)
    if (verified) trusted.verified.add(named)
    trusted.durable.add(named)
    return Option.some(stat.size)
  },
  Effect.scoped
)

/** Content that was written longer ago is on the disk: systems write back their cache within seconds. */
const writtenBackMillis = 60 * 60 * 1000

/** Errors that say: at the path of the blob is no file, or a file that we may not read. It gets no second name. */
const cannotOpen = hasCode("EACCES", "ELOOP", "ENOTREG", "EPERM")

/**
 * Makes sure of content that an index of another tool reaches: it is there if it can be, has a second name, and is on
 * the disk before our record names it. Both names are of one file, so that a power cut would tear both. A file that we
 * may not read is left alone.
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
        cannotOpen,
        () => Effect.succeed("closed" as const)
      )
    )
    if (there === "closed") return
    if (there === undefined) {
      if (yield* restoreBlob(files, trusted, digest, { inPlace })) yield* syncFolder(files, dirname(target))
      return
    }
    const { handle, stat } = there
    const changed = Number((stat.ctimeNs > stat.mtimeNs ? stat.ctimeNs : stat.mtimeNs) / 1_000_000n)
    if (!trusted.durable.has(stat) && (yield* Clock.currentTimeMillis) - changed < writtenBackMillis) {
      yield* syncFile(files, handle)
      files.unsynced.add(dirname(target))
    }
    // What is held for a day only has to be marked.
    const give = files.hold === "day" ? markWithSecondName : giveSecondName
    yield* give(files, target, digest, howOf(there, inPlace))
    if (trusted.verified.has(stat)) trusted.verified.add(afterNaming(files, there, yield* handle.stat))
  })))

/** Replaces a blob that is cut short by what we hold of it (R16); whether that is whole. */
export const replaceBlob = Effect.fnUntraced(
  function*(files: LayoutFiles, { verified }: Trusted, digest: ContentDigest) {
    const held = yield* openKept(files, verified, digest)
    if (held === undefined) return false
    yield* placeCopy(files, held, files.blob(digest))
    yield* syncFolder(files, dirname(files.blob(digest)))
    return true
  },
  Effect.scoped
)

/** Links a blob; copies it if tools write it in place, which they do only with manifests, and those are small. */
const howOf = ({ handle, stat }: Opened, inPlace: boolean): SecondNameBy =>
  inPlace && stat.size <= manifestBytes ? readAll(handle, stat.size) : "link"

/** Writes a copy of what we hold in the place of a blob. */
const placeCopy = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { handle, stat }: Opened,
  target: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  yield* guard(files, join(files.temporary, "any"))
  const piece = new Uint8Array(Math.min(readBytes, stat.size))
  yield* withTemporary(
    files,
    "blob",
    Effect.fnUntraced(function*(path, copy) {
      for (let offset = 0; offset < stat.size;) {
        const count = yield* handle.read(piece.subarray(0, Math.min(piece.length, stat.size - offset)), offset)
        if (count === 0) break
        yield* copy.write(piece.subarray(0, count), offset)
        offset += count
      }
      yield* syncFile(files, copy)
      yield* files.fs.rename(path, target)
    })
  )
})

/**
 * The blob under a name of ours, if one of them still has its bytes: its second name, or in the trash.
 *
 * @param fits whether it can have so many bytes; what cannot is not hashed
 */
export const openKept = Effect.fnUntraced(function*(
  files: LayoutFiles,
  verified: FileSet,
  digest: ContentDigest,
  fits: (size: number) => boolean = () => true
): Effect.fn.Return<Opened & { readonly path: string } | undefined, FsError | SymlinkRefused, Scope.Scope> {
  for (const paths of [Effect.succeed([secondNameOf(files, digest)]), trashOf(files, digest)]) {
    for (const path of yield* paths) {
      const opened = yield* ifThere(openRegular(files, path)).pipe(
        // What is no file holds nothing.
        Effect.catchIf(isNoFile, () => Effect.succeed(undefined))
      )
      if (opened === undefined || !fits(opened.stat.size)) continue
      if (verified.has(opened.stat)) return { ...opened, path }
      if ((yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))) !== digest) continue
      verified.add(opened)
      return { ...opened, path }
    }
  }
  return undefined
})

/** Whether a file can be content of this size; where that is not known, any can. */
export const sizeIs = (size: number | undefined) => (actual: number): boolean => size === undefined || actual === size

/** Gives a blob that was removed its name again (R17); false when nothing holds it. Its second name stays. */
const restoreBlob = Effect.fnUntraced(function*(
  files: LayoutFiles,
  { verified }: Trusted,
  digest: ContentDigest,
  { inPlace, size }: Known
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const held = yield* openKept(files, verified, digest, sizeIs(size))
    if (held === undefined) return false
    const target = files.blob(digest)
    yield* prepareFolder(files, target)
    // A manifest is copied: tools write manifests in place, and a link would let them change the second name too.
    const linked = inPlace ? "EPERM" : yield* tell(files.fs.link(held.path, target), "EEXIST", ...cannotLink)
    if (linked !== "done" && linked !== "EEXIST") yield* placeCopy(files, held, target)
    if (held.path !== secondNameOf(files, digest)) {
      yield* giveSecondName(files, held.path, digest, howOf(held, inPlace))
    }
    const trash = yield* trashOf(files, digest)
    // After a power cut it may be the only name that is left.
    if (trash.length > 0) yield* syncFolder(files, dirname(target))
    for (const path of trash) yield* ifThere(files.fs.unlink(path))
    return true
  }))
})
