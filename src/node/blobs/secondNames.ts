/**
 * What we hold: second names of content, in `.ocilayout/kept`, and marks of what was just used.
 *
 * Other tools collect garbage without our lock, some by an index that they read long before. All content that an index
 * of ours reaches has a second name from before the record that names it, until no index, no version that can be
 * brought back, no pin and no recent use needs it. What such a tool removes stays readable here, and the next writer
 * puts it back.
 *
 * A mark says in which hour content was pushed, mounted or named. Our own collection keeps all that was marked within
 * the grace period (`graceMillis`, an hour at least).
 */
import { Clock, Effect } from "effect"
import { dirname, join } from "node:path"
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { createIn, makeFolder, makeOne, removeFolder, syncFolder, tell, withTemporary } from "../files/durable.ts"
import { cannotLink, fallBack } from "../files/fallback.ts"
import { guard, ifThere, type LayoutFiles, openRegular, readAll, statIfThere } from "../files/layoutFiles.ts"
import { FsError } from "../fs/LayoutFs.ts"
import { endTrash } from "./trash.ts"

/** How long a mark stays. */
const markMillis = 24 * 60 * 60 * 1000

/** Marks of one hour share a folder, so that what is over is found without looking at each. */
const hourMillis = 60 * 60 * 1000

/**
 * How content is held: what no tool changes in place by a link, which costs no space; a manifest, which most tools
 * write in place, by a copy of these bytes.
 */
export type SecondNameBy = "link" | Effect.Effect<Uint8Array, FsError>

const nameOf = (digest: ContentDigest): string => `${algorithmOf(digest)}-${encodedOf(digest)}`

/** The second name of content. */
export const secondNameOf = ({ kept }: LayoutFiles, digest: ContentDigest): string =>
  join(kept, algorithmOf(digest), encodedOf(digest))

/** The hours that have a folder of marks, the latest first; links are not followed. */
const hoursOf = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<ReadonlyArray<number>, FsError | SymlinkRefused> {
  yield* guard(files, join(files.marks, "any"))
  const names = (yield* ifThere(files.fs.readDirectory(files.marks))) ?? []
  const hours: Array<number> = []
  for (const hour of names.filter((name) => /^[1-9]\d{0,8}$/u.test(name)).map(Number)) {
    if (yield* isFolder(files, hour)) hours.push(hour)
  }
  return hours.toSorted((a, b) => b - a)
})

const isFolder = (files: LayoutFiles, hour: number): Effect.Effect<boolean, FsError> =>
  Effect.map(statIfThere(files.fs, folderOf(files, hour)), (stat) => stat?.kind === "directory")

const folderOf = ({ marks }: LayoutFiles, hour: number): string => join(marks, String(hour))

const hourOf = (millis: number): number => Math.floor(millis / hourMillis)

/** Whether this opening has marked content within this hour, so that it need not be marked again. */
export const isMarked = ({ marked }: LayoutFiles, digest: ContentDigest): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) => marked.hour === hourOf(now) && marked.digests.has(digest))

/**
 * Marks content as just used, and gives the file at `path`, the blob of this digest, its second name. If there is no
 * `.ocilayout` yet, nothing is created.
 */
export const markWithSecondName = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string,
  digest: ContentDigest,
  how: SecondNameBy
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const { marked } = files
  const hour = hourOf(yield* Clock.currentTimeMillis)
  if (!(yield* mark(files, digest, hour))) return
  yield* giveSecondName(files, path, digest, how)
  if (marked.hour !== hour) marked.digests.clear()
  marked.hour = hour
  marked.digests.add(digest)
})

/** Answers whether the mark was made. If there is no folder for marks, the content gets no second name either. */
const mark = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest,
  hour: number
): Effect.fn.Return<boolean, FsError | SymlinkRefused> {
  const { fs } = files
  const folder = folderOf(files, hour)
  yield* guard(files, folder)
  if (!(yield* isFolder(files, hour))) {
    const made = yield* tell(makeOne(files, folder), "EEXIST", "ENOENT")
    if (made === "done") yield* sweepMarks(files)
    if (!(yield* isFolder(files, hour))) return false
  }
  const path = join(folder, nameOf(digest))
  // All marks are names of one empty file, which is cheaper than a file for each.
  const linked = yield* tell(fs.link(join(files.marks, "mark"), path), "EEXIST", "ENOENT", ...cannotLink)
  if (linked !== "done" && linked !== "EEXIST") {
    const create = (at: string) => tell(Effect.flatMap(createIn(files, at), ({ close }) => close), "EEXIST")
    yield* create(path)
    if (linked === "ENOENT") yield* create(join(files.marks, "mark"))
  }
  return true
})

/** Gives content its second name, without marking it as used. */
export const giveSecondName = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string,
  digest: ContentDigest,
  how: SecondNameBy
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  if (files.hold === "never") return
  const target = secondNameOf(files, digest)
  yield* guard(files, target)
  yield* guard(files, join(files.temporary, "any"))
  const place = how === "link"
    ? tell(linkTo(files, path, target), "ENOENT", ...cannotLink)
    : Effect.as(copyTo(files, yield* how, target), "done" as const)
  let placed = yield* place
  if (placed === "ENOENT") {
    yield* makeFolder(files, dirname(target))
    placed = yield* place
  }
  if (placed === "ENOENT") return yield* new FsError({ operation: "link", path, code: "ENOENT", cause: "is gone" })
  if (placed !== "done") return yield* fallBack(files, "link")
  files.unsynced.add(dirname(target))
  files.keptNames.listed?.add(digest)
  files.keptNames.spare.delete(digest)
})

/** Makes the second name a link to the present blob, also if it was a link to an older file of the same content. */
const linkTo = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string,
  target: string
): Effect.fn.Return<void, FsError> {
  const { fs } = files
  if ((yield* tell(fs.link(path, target), "EEXIST")) === "done") return
  const [own, there] = yield* fs.linkStats([path, target])
  if (own === undefined || (own.ino === there?.ino && own.dev === there.dev)) return
  yield* withTemporary(
    files,
    "kept",
    (temporary) =>
      Effect.andThen(fs.unlink(temporary), Effect.andThen(fs.link(path, temporary), fs.rename(temporary, target)))
  )
})

/** A copy need not be on the disk: a torn one is found out when it is used, and written again with the next push. */
const copyTo = Effect.fnUntraced(function*(
  files: LayoutFiles,
  bytes: Uint8Array,
  target: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const there = yield* statIfThere(files.fs, target)
  if (there?.kind === "file" && there.size === bytes.length && (yield* hasBytes(files, target, bytes))) return
  if (there === undefined) {
    const create = Effect.acquireUseRelease(
      createIn(files, target),
      (handle) => handle.write(bytes, 0),
      (handle) => handle.close
    )
    // Another process may be making it just now, and die before it is whole.
    if ((yield* tell(create, "EEXIST")) === "done") return
  }
  yield* withTemporary(
    files,
    "kept",
    (path, handle) => Effect.andThen(handle.write(bytes, 0), files.fs.rename(path, target))
  )
})

const hasBytes = Effect.fnUntraced(function*(files: LayoutFiles, path: string, bytes: Uint8Array) {
  const opened = yield* ifThere(openRegular(files, path))
  return opened !== undefined && Buffer.compare(yield* readAll(opened.handle, bytes.length), bytes) === 0
}, Effect.scoped)

/**
 * Makes second names last that were given since the last time. A record that names content comes after them, and where
 * a file system keeps names in the order in which they were made, syncing the record makes them last as well.
 */
export const syncSecondNames = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError> {
  const { durability, fs, kept, unsynced } = files
  if (unsynced.size === 0) return
  if (durability === "power" && !(yield* fs.ordersNames(kept))) {
    for (const folder of unsynced) yield* ifThere(syncFolder(files, folder))
  }
  unsynced.clear()
})

/** Ends the protection of content that is deleted on purpose, under every name. */
export const endProtection = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  yield* Effect.ensuring(
    Effect.gen(function*() {
      for (const hour of yield* hoursOf(files)) yield* removeFile(files, join(folderOf(files, hour), nameOf(digest)))
      yield* removeSecondName(files, digest)
      yield* endTrash(files, digest)
    }),
    // Afterwards: another fiber may have held it meanwhile, and that is gone as well.
    Effect.sync(() => files.marked.digests.delete(digest))
  )
})

/** Takes the second name away; the marks stay. */
const removeSecondName = Effect.fnUntraced(function*(
  files: LayoutFiles,
  digest: ContentDigest
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const path = secondNameOf(files, digest)
  // A link in its place is left where it is.
  yield* guard(files, join(dirname(path), "any"))
  files.keptNames.listed?.delete(digest)
  yield* removeFile(files, path)
})

/** Removes a file; anything else with this name is left alone. */
const removeFile = Effect.fnUntraced(function*(
  { fs }: LayoutFiles,
  path: string
): Effect.fn.Return<void, FsError> {
  if ((yield* statIfThere(fs, path))?.kind === "file") yield* ifThere(fs.unlink(path))
})

/** What has been marked since a time, by the names of the marks alone. */
export const markedSince = Effect.fnUntraced(function*(
  files: LayoutFiles,
  since: number
): Effect.fn.Return<ReadonlySet<string>, FsError | SymlinkRefused> {
  const oldest = hourOf(since)
  const marked = new Set<string>()
  for (const hour of yield* hoursOf(files)) {
    if (hour < oldest) continue
    const names = (yield* ifThere(files.fs.readDirectory(folderOf(files, hour)))) ?? []
    for (const name of names) marked.add(name.replace("-", ":"))
  }
  return marked
})

/**
 * Removes the marks that are over; with `hold: "day"` the second names with them. What cannot be removed now is removed
 * another time.
 */
export const sweepMarks = Effect.fnUntraced(function*(
  files: LayoutFiles
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const oldest = hourOf((yield* Clock.currentTimeMillis) - markMillis)
  const over = (yield* hoursOf(files)).filter((hour) => hour < oldest)
  if (over.length === 0) return
  const marked = files.hold === "day" ? yield* markedSince(files, oldest * hourMillis) : undefined
  for (const hour of over) {
    const folder = folderOf(files, hour)
    if (marked !== undefined) {
      for (const name of (yield* ifThere(files.fs.readDirectory(folder))) ?? []) {
        const digest = name.replace("-", ":")
        if (isContentDigest(digest) && !marked.has(digest)) yield* Effect.ignore(removeSecondName(files, digest))
      }
    }
    yield* Effect.ignore(removeFolder(files, folder))
  }
})
