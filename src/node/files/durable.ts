/** Making things last: synced files and folders, temporary files, and folders made on demand. */
import { Clock, Effect, type Scope } from "effect"
import { dirname, join } from "node:path"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import { isInside } from "../fs/isInside.ts"
import type { FileHandle, FileStat, FsError } from "../fs/LayoutFs.ts"
import { cannotOwn, cannotSync, cannotSyncFolder, fallBack, orFallBack } from "./fallback.ts"
import { guard, ifThere, type LayoutFiles, RandomName, statIfThere } from "./layoutFiles.ts"
import { sharedSync } from "./sharedSync.ts"

/** Syncs the data of a file, if `durability` is `power`. */
export const syncFile = (files: LayoutFiles, handle: FileHandle): Effect.Effect<void, FsError> =>
  files.durability === "power" ? orFallBack(files, "sync", handle.dataSync, cannotSync) : Effect.void

/** Syncs the names in a folder, if `durability` is `power`. */
export const syncFolder = (files: LayoutFiles, folder: string): Effect.Effect<void, FsError> =>
  files.durability === "power"
    ? orFallBack(
      files,
      "syncFolder",
      sharedSync(files.syncs, folder, files.fs.syncDirectory(folder)),
      cannotSyncFolder
    )
    : Effect.void

/**
 * Syncs a file also with `process`: then a power cut may undo the change of the index, but never leaves a torn index.
 */
export const syncWhole = (files: LayoutFiles, handle: FileHandle): Effect.Effect<void, FsError> =>
  files.durability === "none" ? Effect.void : orFallBack(files, "sync", handle.sync, cannotSync)

/** Creates a file with the owner, group and mode of the layout; the caller closes the handle. */
const createNew = (files: LayoutFiles, path: string): Effect.Effect<FileHandle, FsError> =>
  Effect.uninterruptible(
    Effect.flatMap(
      files.fs.openHandle(path, { access: "create" }),
      (handle) =>
        Effect.as(takeRights(files, handle, "file"), handle).pipe(
          Effect.onError(() => Effect.andThen(handle.close, Effect.ignore(files.fs.unlink(path))))
        )
    )
  )

/** As `createNew`, closed with the scope. */
export const openNew = (files: LayoutFiles, path: string): Effect.Effect<FileHandle, FsError, Scope.Scope> =>
  Effect.acquireRelease(createNew(files, path), ({ close }) => close)

/** Opens a lock; a lock file that this creates has the owner, group and mode of the layout. */
export const openLock = Effect.fnUntraced(
  function*(files: LayoutFiles, path: string): Effect.fn.Return<FileHandle, FsError, Scope.Scope> {
    const isNew = (yield* statIfThere(files.fs, path)) === undefined
    const handle = yield* files.fs.open(path, { access: "lock" })
    if (isNew) yield* takeRights(files, handle, "file")
    return handle
  }
)

/** Creates a file in a folder of our own, which may have been removed between two writes: that costs history only. */
export const createIn = (files: LayoutFiles, path: string): Effect.Effect<FileHandle, FsError> => {
  const create = createNew(files, path)
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

/** Writes bytes into a new temporary file, syncs it, and then gives it its name by `place`. */
export const writeSynced = <A, E, R>(
  files: LayoutFiles,
  kind: string,
  bytes: Uint8Array,
  place: (path: string, handle: FileHandle) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | FsError, R> =>
  withTemporary(
    files,
    kind,
    (path, handle) =>
      handle.write(bytes, 0).pipe(
        Effect.andThen(syncFile(files, handle)),
        Effect.andThen(place(path, handle))
      )
  )

/** Writes a small file whole, in the place of one that is there. */
export const writeFile = (
  files: LayoutFiles,
  kind: string,
  target: string,
  text: string
): Effect.Effect<void, FsError> =>
  writeSynced(
    files,
    kind,
    Buffer.from(text),
    (path) => Effect.andThen(files.fs.rename(path, target), syncFolder(files, dirname(target)))
  )

/**
 * Writes a short text in place of the one before, as a hint for readers. All texts of one file have one length, so that
 * each covers the last. It is never synced, and a failure is ignored. A file with a second name may be a blob, or lie
 * outside: it is left alone.
 */
export const writeNote = (files: LayoutFiles, path: string, text: string, length: number): Effect.Effect<void> => {
  const { fs } = files
  const update = ifThere(fs.openHandle(path, { access: "update" }))
  const create = createNew(files, path)
  // A file that only another user may write is replaced by one with the rights of the layout.
  const anew = Effect.andThen(ifThere(fs.unlink(path)), create)
  const open = Effect.matchEffect(update, {
    onSuccess: (there) => there === undefined ? create : Effect.succeed(there),
    onFailure: (error) => error.code === "EACCES" || error.code === "EPERM" ? anew : Effect.fail(error)
  })
  return Effect.acquireUseRelease(
    open,
    Effect.fnUntraced(function*(handle) {
      if ((yield* handle.stat).links !== 1) return
      yield* handle.write(Buffer.from(`${text.slice(0, length).padEnd(length)}\n`), 0)
    }),
    ({ close }) => close
  ).pipe(Effect.ignore)
}

/** Makes the folder that a path lies in, where it is not known to be there already; refuses to be led elsewhere. */
export const prepareFolder = Effect.fnUntraced(function*(
  files: LayoutFiles,
  path: string
): Effect.fn.Return<void, FsError | SymlinkRefused> {
  const folder = dirname(path)
  const isThere = yield* guard(files, path)
  if (!isThere || (files.durability === "power" && !files.durableFolders.has(folder))) yield* makeFolder(files, folder)
})

/**
 * Makes a folder with the owner, group and mode of the layout. That of the layout itself has those of the tree that it is
 * in; where it is in none, the umask decides, as for `mkdir`.
 */
export const makeOne = (files: LayoutFiles, folder: string): Effect.Effect<void, FsError> => {
  const shared = [files.root, files.tree].find((above) =>
    above !== undefined && folder !== above && isInside(above, folder)
  )
  return shared === undefined
    ? files.fs.makeDirectory(folder, 0o777)
    : Effect.andThen(
      files.fs.makeDirectory(folder, 0o755),
      Effect.scoped(Effect.flatMap(
        files.fs.open(folder, { access: "read" }),
        (handle) => takeRights(files, handle, "folder", shared)
      ))
    )
}

/** Makes a folder and those above it, durable as names in their parents, also where another process made them. */
export const makeFolder: (files: LayoutFiles, folder: string) => Effect.Effect<void, FsError> = Effect.fnUntraced(
  function*(files, folder) {
    let made = yield* tell(makeOne(files, folder), "EEXIST", "ENOENT")
    if (made === "ENOENT") {
      yield* makeFolder(files, dirname(folder))
      // Only once: below a link that leads nowhere this function would call itself for ever.
      made = yield* tell(makeOne(files, folder), "EEXIST")
    }
    const isPart = isInside(files.root, folder)
    if (made === "EEXIST") return isPart ? yield* makeFolderDurable(files, folder, false) : undefined
    files.durableFolders.delete(folder)
    yield* makeFolderDurable(files, folder, !isPart || folder === files.root)
  }
)

/**
 * Makes sure of the name of a folder and of those it lies in: the process that made one may have died before it synced
 * it. Folders above the layout may not be readable.
 *
 * @param climb whether those above the layout are meant as well, since something was made there
 */
const makeFolderDurable: (files: LayoutFiles, folder: string, climb: boolean) => Effect.Effect<void, FsError> = Effect
  .fnUntraced(
    function*(files, folder, climb) {
      const parent = dirname(folder)
      if (files.durability !== "power" || parent === folder || files.durableFolders.has(folder)) return
      const isPart = isInside(files.root, parent)
      if (isPart || climb) yield* makeFolderDurable(files, parent, climb)
      yield* isPart ? syncFolder(files, parent) : tell(files.fs.syncDirectory(parent), ...cannotSyncFolder)
      files.durableFolders.add(folder)
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

/** Removes temporary files that no process can be writing any more. */
export const sweepTemporary = Effect.fnUntraced(function*(files: LayoutFiles): Effect.fn.Return<void, FsError> {
  const now = yield* Clock.currentTimeMillis
  for (const name of (yield* ifThere(files.fs.readDirectory(files.temporary))) ?? []) {
    const path = join(files.temporary, name)
    const stat = yield* statIfThere(files.fs, path)
    if (stat === undefined || now - Number(stat.mtimeNs / 1_000_000n) < temporaryMillis) continue
    // Another process may remove it at the same time; a file that cannot be removed does not stop this write.
    yield* Effect.ignore(stat.kind === "directory" ? removeFolder(files, path) : files.fs.unlink(path))
  }
})

/** Answers `done`, or the code of the failure if it is one of `codes`. Any other failure stays a failure. */
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

/** Who may do what with a file. */
type Rights = Pick<FileStat, "mode" | "uid" | "gid">

/**
 * Gives a file, or a folder, these rights; what the system refuses stays as it is, since no commit fails for that.
 * Answers whether its group is as wanted.
 */
export const keepOwner = Effect.fnUntraced(
  function*(handle: FileHandle, { gid, mode, uid }: Rights): Effect.fn.Return<boolean, FsError> {
    const own = yield* handle.stat
    // While the file is still ours: after its owner has changed, this process may have no right to it.
    if ((own.mode ^ mode) & 0o7777) yield* tell(handle.setMode(mode & 0o7777), ...cannotOwn)
    if (own.uid !== uid && (yield* tell(handle.setOwner(uid, gid), ...cannotOwn)) === "done") return true
    // Members of a group may give their files to it, though not to another user.
    return own.gid === gid || (yield* tell(handle.setOwner(own.uid, gid), ...cannotOwn)) === "done"
  }
)

/** Gives what was just made the rights of a folder that it lies in, as far as they are for a file, or for a folder. */
const takeRights = Effect.fnUntraced(
  function*(
    files: LayoutFiles,
    handle: FileHandle,
    kind: "file" | "folder",
    folder: string = files.root
  ): Effect.fn.Return<void, FsError> {
    const shared = yield* ifThere(files.fs.stat(folder))
    if (shared === undefined) return
    // A file has no right to be entered. A folder in which only owners may remove what is theirs would lock others out.
    const mode = shared.mode & (kind === "file" ? 0o666 : 0o2777)
    if (yield* keepOwner(handle, { ...shared, mode })) return
    const group = (mode >> 3) & 0o7
    if ((group & ~mode & 0o7) !== 0) yield* fallBack(files, "group")
  }
)
