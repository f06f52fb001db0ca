/** Making things last: synced files and folders, temporary files, and folders made on demand. */
import { Clock, Effect } from "effect"
import { dirname, join } from "node:path"
import type { SymlinkRefused } from "../oci/OciError.ts"
import { guard, ifThere, isInside, type LayoutFiles, RandomName, statIfThere } from "./layoutFiles.ts"
import type { FileHandle, FsError } from "./LayoutFs.ts"

/** A file whose loss in a power cut `power` rules out. */
export const syncFile = ({ durability }: LayoutFiles, handle: FileHandle): Effect.Effect<void, FsError> =>
  durability === "power" ? handle.dataSync : Effect.void

/** The names in a folder, likewise. */
export const syncFolder = ({ durability, fs }: LayoutFiles, folder: string): Effect.Effect<void, FsError> =>
  durability === "power" ? fs.syncDirectory(folder) : Effect.void

/** A file that a power cut may take back but never tear: `process` promises that for the index. */
export const syncWhole = ({ durability }: LayoutFiles, handle: FileHandle): Effect.Effect<void, FsError> =>
  durability === "none" ? Effect.void : handle.sync

/** Creates a file in a folder of our own, which may have been removed while nobody wrote: that costs history only. */
export const createIn = (files: LayoutFiles, path: string): Effect.Effect<FileHandle, FsError> => {
  const create = files.fs.openHandle(path, { access: "create" })
  return Effect.catchIf(
    create,
    ({ code }) => code === "ENOENT",
    () => Effect.andThen(makeFolder(files, dirname(path)), create)
  )
}

/** Works on a new temporary file, which is gone afterwards unless it was given another name. */
export const withTemporary = <A, E, R>(
  files: LayoutFiles,
  kind: string,
  use: (path: string, handle: FileHandle) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | FsError, R> =>
  Effect.flatMap(RandomName, (name) => {
    const path = join(files.temporary, `${kind}.${name()}`)
    return Effect.acquireUseRelease(
      createIn(files, path),
      (handle) => use(path, handle),
      (handle) => Effect.andThen(handle.close, Effect.ignore(removeIfThere(files, path)))
    )
  })

/** A name that is gone was mostly given to the finished file; one that cannot be removed is swept later. */
const removeIfThere = ({ fs }: LayoutFiles, path: string): Effect.Effect<void, FsError> =>
  Effect.matchEffect(statIfThere(fs, path), {
    onSuccess: (stat) => stat === undefined ? Effect.void : fs.unlink(path),
    onFailure: () => fs.unlink(path)
  })

/** Writes a small file whole, in the place of one that is there. */
export const writeFile = (
  files: LayoutFiles,
  kind: string,
  target: string,
  text: string
): Effect.Effect<void, FsError> =>
  withTemporary(
    files,
    kind,
    Effect.fnUntraced(function*(path, handle) {
      yield* handle.write(Buffer.from(text), 0)
      yield* syncFile(files, handle)
      yield* files.fs.rename(path, target)
      yield* syncFolder(files, dirname(target))
    })
  )

/**
 * Writes a short text in place of the one before, for whoever may look. All of one file are of one length, so that each
 * covers the last; it is never synced, and one that cannot be written is nobody's loss. A file that has another name may
 * be a blob, or lie outside: it is left alone.
 */
export const writeNote = ({ fs }: LayoutFiles, path: string, text: string, length: number): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const create = fs.open(path, { access: "create" })
    const handle = (yield* ifThere(fs.open(path, { access: "update" }))) ?? (yield* create)
    if ((yield* handle.stat).links !== 1) return
    yield* handle.write(Buffer.from(`${text.slice(0, length).padEnd(length)}\n`), 0)
  })).pipe(Effect.ignore)

/** Makes the folder that a path lies in, where it is not known to be there already; refuses to be led elsewhere. */
export const prepareFolder = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const folder = dirname(path)
  const isThere = yield* guard(files, path)
  if (!isThere || (files.durability === "power" && !files.settled.has(folder))) yield* makeFolder(files, folder)
})

/** Makes a folder and those above it, durable as names in their parents, whoever has made them. */
export const makeFolder: (files: LayoutFiles, folder: string) => Effect.Effect<void, FsError> = Effect.fnUntraced(
  function*(files, folder) {
    let made = yield* tell(files.fs.makeDirectory(folder, 0o755), "EEXIST", "ENOENT")
    if (made === "ENOENT") {
      yield* makeFolder(files, dirname(folder))
      // Once only: below a link that leads nowhere there is a folder to make for ever.
      made = yield* tell(files.fs.makeDirectory(folder, 0o755), "EEXIST")
    }
    const isPart = isInside(files.root, folder)
    if (made === "EEXIST") return isPart ? yield* settle(files, folder, false) : undefined
    files.settled.delete(folder)
    yield* settle(files, folder, !isPart || folder === files.root)
  }
)

/**
 * Makes sure of the name of a folder and of those it lies in: whoever made one may have died before syncing it. Folders
 * above the layout may be nobody's to read.
 *
 * @param climb whether those above the layout are meant as well, since something was made there
 */
const settle: (files: LayoutFiles, folder: string, climb: boolean) => Effect.Effect<void, FsError> = Effect.fnUntraced(
  function*(files, folder, climb) {
    const parent = dirname(folder)
    if (files.durability !== "power" || parent === folder || files.settled.has(folder)) return
    const isPart = isInside(files.root, parent)
    if (isPart || climb) yield* settle(files, parent, climb)
    const sync = files.fs.syncDirectory(parent)
    yield* isPart ? sync : tell(sync, "EACCES", "EPERM")
    files.settled.add(folder)
  }
)

/** Removes a folder of files. */
export const removeFolder = Effect.fnUntraced(function*(
  { fs }: LayoutFiles,
  folder: string
): Effect.fn.Return<void, FsError> {
  for (const name of yield* fs.readDirectory(folder)) yield* fs.unlink(join(folder, name))
  yield* fs.removeDirectory(folder)
})

/** What lies among the temporary files for longer than this was left by a process that died. */
const temporaryMillis = 24 * 60 * 60 * 1000

/** Removes temporary files that nobody can be writing any more. */
export const sweepTemporary = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError> {
  const now = yield* Clock.currentTimeMillis
  for (const name of (yield* ifThere(files.fs.readDirectory(files.temporary))) ?? []) {
    const path = join(files.temporary, name)
    const stat = yield* statIfThere(files.fs, path)
    if (stat === undefined || now - Number(stat.mtimeNs / 1_000_000n) < temporaryMillis) continue
    // Another process may be sweeping as well, and what cannot be removed is nobody's fault who writes now.
    yield* Effect.ignore(stat.kind === "directory" ? removeFolder(files, path) : files.fs.unlink(path))
  }
})

/** A call whose failure with one of these codes is an answer. */
export const tell = <Code extends string>(
  call: Effect.Effect<void, FsError>,
  ...codes: ReadonlyArray<Code>
): Effect.Effect<Code | "done", FsError> =>
  Effect.matchEffect(call, {
    onSuccess: () => Effect.succeed("done" as const),
    onFailure: (error) => {
      const code = codes.find((code) => code === error.code)
      return code === undefined ? Effect.fail(error) : Effect.succeed(code)
    }
  })

/** Modes and owners stay as they are; who may not give files away writes them under its own name. */
export const keepOwner = (
  handle: FileHandle,
  { gid, mode, uid }: { readonly mode: number; readonly uid: number; readonly gid: number }
): Effect.Effect<void, FsError> =>
  Effect.gen(function*() {
    const own = yield* handle.stat
    if (own.uid !== uid || own.gid !== gid) {
      yield* Effect.catchIf(handle.setOwner(uid, gid), ({ code }) => code === "EPERM", () => Effect.void)
    }
    yield* handle.setMode(mode & 0o7777)
  })
