/**
 * Leases: second names of what was just pushed, mounted or named by a manifest. Tools that collect garbage take no lock
 * and know no grace; what they remove under `blobs/` while it is on its way to being used stays readable here, and the
 * next writer that needs it puts it back (RELIABILITY 2.11).
 */
import { Clock, Effect, type Scope } from "effect"
import { join } from "node:path"
import { algorithmOf, type ContentDigest, encodedOf } from "../oci/Digest.ts"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { createNew, makeOne, removeFolder, tell, withTemporary } from "./durable.ts"
import { cannotLink, fallBack } from "./fallback.ts"
import { hashFile } from "./hashFile.ts"
import { guard, identityOf, ifThere, type LayoutFiles, type Opened, openRegular, statIfThere } from "./layoutFiles.ts"
import type { FsError } from "./LayoutFs.ts"
import type { Verified } from "./trusted.ts"

/** How long a lease holds after the last push, mount or commit that touched the blob. */
const leaseMillis = 24 * 60 * 60 * 1000

/** Leases of one hour share a folder, so that what is over is found without looking at each. */
const hourMillis = 60 * 60 * 1000

/**
 * How a blob is held: what no tool changes in place by a link, which costs no space; a manifest, which most tools write
 * in place, by a copy of these bytes.
 */
export type Hold = "link" | Effect.Effect<Uint8Array, FsError>

const nameOf = (digest: ContentDigest): string => `${algorithmOf(digest)}-${encodedOf(digest)}`

/**
 * Where a collection of our own puts a blob until it knows that nobody holds it. The lease of whoever pushed it at that
 * moment may not outlive a power cut, and so this is one as well.
 */
export const asideOf = ({ temporary }: LayoutFiles, digest: ContentDigest, name: string): string =>
  join(temporary, `garbage.${nameOf(digest)}.${name}`)

/** What collections that were cut short have left of a blob. */
const asidesOf = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<ReadonlyArray<string>, FsError | SymlinkRefused> {
  const path = asideOf(files, digest, "")
  yield* guard(files, path)
  const names = (yield* ifThere(files.fs.readDirectory(files.temporary))) ?? []
  return names.map((name) => join(files.temporary, name)).filter((aside) => aside.startsWith(path))
})

/** The folders of leases that there are, the latest first; a link to one is none. */
const hoursOf = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<ReadonlyArray<number>, FsError | SymlinkRefused> {
  yield* guard(files, join(files.leases, "any"))
  const names = (yield* ifThere(files.fs.readDirectory(files.leases))) ?? []
  const hours: Array<number> = []
  for (const hour of names.filter((name) => /^[1-9]\d{0,8}$/u.test(name)).map(Number)) {
    if (yield* isFolder(files, hour)) hours.push(hour)
  }
  return hours.toSorted((a, b) => b - a)
})

const isFolder = (files: LayoutFiles, hour: number): Effect.Effect<boolean, FsError> =>
  Effect.map(statIfThere(files.fs, folderOf(files, hour)), (stat) => stat?.kind === "directory")

const folderOf = ({ leases }: LayoutFiles, hour: number): string => join(leases, String(hour))

const hourOf = (millis: number): number => Math.floor(millis / hourMillis)

/** Whether this opening has leased a blob a short while ago, so that the lease need not be renewed. */
export const isHeld = ({ held }: LayoutFiles, digest: ContentDigest): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) => held.hour === hourOf(now) && held.digests.has(digest))

/**
 * Holds the file at `path`, which is the blob of this digest. Whoever may not leave a trace finds no folder of ours, and
 * takes none.
 */
export const lease = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string,
  digest: ContentDigest,
  hold: Hold
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const { fs, held } = files
  const hour = hourOf(yield* Clock.currentTimeMillis)
  const folder = folderOf(files, hour)
  yield* guard(files, folder)
  if (!(yield* isFolder(files, hour))) {
    const made = yield* tell(makeOne(files, folder), "EEXIST", "ENOENT")
    if (made === "done") yield* sweepLeases(files)
    // What somebody has put in the place of the folder is not ours to use: nothing is held for this hour.
    if (!(yield* isFolder(files, hour))) return
  }
  const target = join(folder, nameOf(digest))
  const place = hold === "link" ? fs.link(path, target) : copyTo(files, yield* hold, target)
  const placed = yield* tell(place, "EEXIST", ...cannotLink)
  if (placed !== "done" && placed !== "EEXIST") return yield* fallBack(files, "link")
  if (held.hour !== hour) held.digests.clear()
  held.hour = hour
  held.digests.add(digest)
})

/** A copy need not be on the disk: a torn one is found out when it is used, and written again when it is too short. */
const copyTo = Effect.fnUntraced(function*(
  files: LayoutFiles,
  bytes: Uint8Array,
  target: string
): Effect.fn.Return<void, FsError> {
  const there = yield* statIfThere(files.fs, target)
  if (there?.kind === "file" && there.size === bytes.length) return
  if (there === undefined) {
    return yield* Effect.acquireUseRelease(
      createNew(files, target),
      (handle) => handle.write(bytes, 0),
      (handle) => handle.close
    )
  }
  yield* withTemporary(
    files,
    "lease",
    (path, handle) => Effect.andThen(handle.write(bytes, 0), files.fs.rename(path, target))
  )
})

/** The blob under the name of a lease, if one of them still has its bytes. */
export const openLease = Effect.fnUntraced(function*(
  files: LayoutFiles,
  verified: Verified,
  digest: ContentDigest
): Effect.fn.Return<Opened & { readonly path: string } | undefined, FsError | SymlinkRefused, Scope.Scope> {
  const leases = (yield* hoursOf(files)).map((hour) => join(folderOf(files, hour), nameOf(digest)))
  for (const path of [...leases, ...(yield* asidesOf(files, digest))]) {
    const opened = yield* ifThere(openRegular(files, path)).pipe(
      Effect.catchTag("SymlinkRefused", () => Effect.succeed(undefined))
    )
    if (opened === undefined) continue
    if (verified.has(identityOf(opened.stat))) return { ...opened, path }
    if ((yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))) !== digest) continue
    verified.add(identityOf(opened.stat))
    return { ...opened, path }
  }
  return undefined
})

/**
 * A blob that is deleted on purpose is held no longer.
 *
 * @param fresh leases since this time stay: milliseconds since 1970
 */
export const endLeases = (
  files: LayoutFiles,
  digest: ContentDigest,
  fresh = Number.POSITIVE_INFINITY
): Effect.Effect<void, FsError | SymlinkRefused> =>
  Effect.ensuring(
    removeLeases(files, digest, fresh),
    // Afterwards: somebody may have leased it meanwhile, and that is gone as well.
    Effect.sync(() => files.held.digests.delete(digest))
  )

const removeLeases = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest,
  fresh: number
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  for (const hour of yield* hoursOf(files)) {
    if (hour >= hourOf(fresh)) continue
    const path = join(folderOf(files, hour), nameOf(digest))
    // What is no file holds nothing, and is not ours to remove.
    if ((yield* statIfThere(files.fs, path))?.kind === "file") yield* ifThere(files.fs.unlink(path))
  }
  for (const aside of yield* asidesOf(files, digest)) yield* ifThere(files.fs.unlink(aside))
})

/** What has been leased since a time, by the names of the leases alone. */
export const heldSince = Effect.fnUntraced(function*(
  files: LayoutFiles,
  since: number
): Effect.fn.Return<ReadonlySet<string>, FsError | SymlinkRefused> {
  const oldest = hourOf(since)
  const held = new Set<string>()
  for (const hour of yield* hoursOf(files)) {
    if (hour < oldest) continue
    const names = (yield* ifThere(files.fs.readDirectory(folderOf(files, hour)))) ?? []
    for (const name of names) held.add(name.replace("-", ":"))
  }
  return held
})

/** Removes the leases that are over. What cannot be removed now is removed another time. */
export const sweepLeases = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const oldest = hourOf((yield* Clock.currentTimeMillis) - leaseMillis)
  for (const hour of yield* hoursOf(files)) {
    if (hour < oldest) yield* Effect.ignore(removeFolder(files, folderOf(files, hour)))
  }
})
