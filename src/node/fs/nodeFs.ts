/** The file system of the machine, by `node:fs`. */
import { Effect } from "effect"
import type * as Extensions from "fs-native-extensions"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import { errnoOf } from "../../oci/errno.ts"
import { openDatabaseLock } from "./databaseLock.ts"
import { tellsEveryChange } from "./fileTimes.ts"
import { makeHeldPaths } from "./heldPaths.ts"
import { type FileHandle, type FileStat, FsError, type LayoutFs, type OpenFlags } from "./LayoutFs.ts"
import { makeOpenFolder } from "./nodeFolders.ts"

/**
 * Up to here a synchronous call is cheaper than a trip through the thread pool: 7 against 295 microseconds at 4 KiB, 50
 * against 350 at 256 KiB.
 */
const synchronousBytes = 512 * 1024

/** SQLite's RESERVED byte, so that a process without the native lock can take the same lock through `node:sqlite`. */
const lockByte = { offset: 0x4000_0001, length: 1 }

type Native = Pick<typeof Extensions, "tryLock" | "waitForLock" | "swapSync">

/** What a platform without it fails with. */
const missingNative = new Set<unknown>(["MODULE_NOT_FOUND", "ADDON_NOT_FOUND", "ERR_DLOPEN_FAILED"])

const require: (name: string) => Native = createRequire(import.meta.url)

/** Exists for fewer platforms than Node. */
const loadNative = (): Native | undefined => {
  try {
    return require("fs-native-extensions")
  } catch (cause) {
    if (missingNative.has(errnoOf(cause))) return undefined
    throw cause
  }
}

/** Of all of this process: so are the numbers of open files. */
const folders = makeHeldPaths()

const failure = (operation: string, path: string) => (cause: unknown): FsError =>
  new FsError({ operation, path: folders.shown(path), code: errnoOf(cause) ?? "UNKNOWN", cause: tellPaths(cause) })

/** An error of the system names the paths it was given; a reader cannot know the number of an open folder. */
const tellPaths = (cause: unknown): unknown => {
  if (!(cause instanceof Error)) return cause
  for (const field of ["message", "stack", "path", "dest"]) {
    const text: unknown = Reflect.get(cause, field)
    if (typeof text === "string") Reflect.set(cause, field, folders.shown(text))
  }
  return cause
}

const attempt = <A>(operation: string, path: string, run: () => A): Effect.Effect<A, FsError> =>
  Effect.try({ try: run, catch: failure(operation, path) })

/** A call on the thread pool. Its file must stay open until it is done, so it is waited for even when interrupted. */
const pooled = <A>(
  operation: string,
  path: string,
  start: (done: (error: NodeJS.ErrnoException | null, value: A) => void) => void
): Effect.Effect<A, FsError> =>
  Effect.uninterruptible(Effect.callback<A, FsError>((resume) => {
    start((error, value) =>
      resume(error === null ? Effect.succeed(value) : Effect.fail(failure(operation, path)(error)))
    )
  }))

const statOf = (stat: fs.BigIntStats): FileStat => ({
  kind: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "link" : "other",
  dev: stat.dev,
  ino: stat.ino,
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  ctimeNs: stat.ctimeNs,
  birthNs: stat.birthtimeNs,
  links: Number(stat.nlink),
  mode: Number(stat.mode),
  uid: Number(stat.uid),
  gid: Number(stat.gid)
})

/** The magic numbers of ext2, ext3 and ext4, and of XFS (Linux, statfs(2)). */
const orderNames: ReadonlySet<number> = new Set([0xef53, 0x58465342])

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants

const flagsOf = ({ access, follow }: OpenFlags): number => {
  const links = follow === true ? 0 : O_NOFOLLOW
  switch (access) {
    case "read":
      return O_RDONLY | O_NONBLOCK | links
    case "update":
      return O_RDWR | O_NONBLOCK | links
    case "create":
      return O_WRONLY | O_CREAT | O_EXCL | links
    case "lock":
      return O_RDWR | O_CREAT | O_NONBLOCK | links
  }
}

/** @param native what locks are taken with; never asked for any other file than a lock's */
const handleOf = (fd: number, path: string, native: () => Native): FileHandle => {
  let abandoned = false
  let waiting = false
  const closeNow = (): void => fs.closeSync(fd)

  const write = (bytes: Uint8Array, position: number): Effect.Effect<void, FsError> => {
    if (bytes.length === 0) return Effect.void
    const once = bytes.length <= synchronousBytes
      ? attempt("write", path, () => fs.writeSync(fd, bytes, 0, bytes.length, position))
      : pooled<number>("write", path, (done) => fs.write(fd, bytes, 0, bytes.length, position, done))
    return Effect.flatMap(
      once,
      (written) =>
        written === bytes.length
          ? Effect.void
          : Effect.suspend(() => write(bytes.subarray(written), position + written))
    )
  }

  const read = (target: Uint8Array, position: number): Effect.Effect<number, FsError> => {
    if (target.length === 0) return Effect.succeed(0)
    const once = target.length <= synchronousBytes
      ? attempt("read", path, () => fs.readSync(fd, target, 0, target.length, position))
      : pooled<number>("read", path, (done) => fs.read(fd, target, 0, target.length, position, done))
    return Effect.flatMap(once, (count) =>
      count === 0 || count === target.length
        ? Effect.succeed(count)
        : Effect.map(Effect.suspend(() => read(target.subarray(count), position + count)), (rest) => count + rest))
  }

  return {
    stat: attempt("stat", path, () => statOf(fs.fstatSync(fd, { bigint: true }))),
    read,
    write,
    truncate: (size) => attempt("truncate", path, () => fs.ftruncateSync(fd, size)),
    setOwner: (uid, gid) => attempt("chown", path, () => fs.fchownSync(fd, uid, gid)),
    setMode: (mode) => attempt("chmod", path, () => fs.fchmodSync(fd, mode)),
    sync: pooled<void>("sync", path, (done) => fs.fsync(fd, (error) => done(error))),
    dataSync: pooled<void>("sync", path, (done) => fs.fdatasync(fd, (error) => done(error))),
    tryLock: attempt("lock", path, () => native().tryLock(fd, lockByte.offset, lockByte.length)),
    waitForLock: Effect.callback<void, FsError>((resume) => {
      waiting = true
      const finish = (result: Effect.Effect<void, FsError>): void => {
        waiting = false
        // Closing while a wait was pending would have let its answer land on another file with the same number.
        if (abandoned) closeNow()
        else resume(result)
      }
      native().waitForLock(fd, lockByte.offset, lockByte.length).then(
        () => finish(Effect.void),
        (cause: unknown) => finish(Effect.fail(failure("lock", path)(cause)))
      )
    }),
    close: Effect.sync(() => {
      if (waiting) abandoned = true
      else closeNow()
    })
  }
}

/**
 * The file system of the machine.
 *
 * @param load the native extensions, or nothing where there are none; loaded at the first lock, since readers never
 * need   them
 * @param holds whether folders may be held open; by default where the system can do that
 */
export const makeNodeFs = (load: () => Native | undefined, holds?: boolean): LayoutFs => {
  let loaded: { readonly native: Native | undefined } | undefined
  const native = (): Native | undefined => (loaded ??= { native: load() }).native
  const needed = (): Native => {
    const found = native()
    if (found === undefined) throw Object.assign(new Error("no native extensions"), { code: "ENOSYS" })
    return found
  }

  const linkStat: LayoutFs["linkStat"] = (path) =>
    attempt("stat", path, () => statOf(fs.lstatSync(path, { bigint: true })))

  const linkStats: LayoutFs["linkStats"] = (paths) =>
    Effect.suspend(() => {
      const found: Array<FileStat | undefined> = []
      for (const path of paths) {
        try {
          const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
          found.push(stat === undefined ? undefined : statOf(stat))
        } catch (cause) {
          if (errnoOf(cause) !== "ENOTDIR") return Effect.fail(failure("stat", path)(cause))
          found.push(undefined)
        }
      }
      return Effect.succeed(found)
    })

  const glance: LayoutFs["glance"] = (path) => {
    try {
      const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? undefined : statOf(stat)
    } catch {
      // The call that goes by it then tells why.
      return undefined
    }
  }

  const openHandle: LayoutFs["openHandle"] = (path, flags, mode = 0o644) =>
    flags.access === "lock" && native() === undefined
      ? openDatabaseLock(path, mode, {
        attempt: (operation, run) => attempt(operation, folders.shown(path), run),
        stat: linkStat(path)
      })
      : attempt("open", path, () => handleOf(fs.openSync(path, flagsOf(flags), mode), folders.shown(path), needed))

  return {
    nativeLock: Effect.sync(() => native() !== undefined),
    watch: (path, changed) =>
      Effect.asVoid(Effect.acquireRelease(
        attempt("watch", path, () => {
          const watcher = fs.watch(path, { persistent: false }, changed)
          // A directory that goes is a change, and the last one that is told.
          return watcher.on("error", changed)
        }),
        (watcher) => Effect.sync(() => watcher.close())
      )),
    openHandle,
    openFolder: makeOpenFolder(attempt, folders, holds),
    open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), (handle) => handle.close),
    stat: (path) => attempt("stat", path, () => statOf(fs.statSync(path, { bigint: true }))),
    linkStat,
    linkStats,
    glance,
    tellsEveryChange: (path) => attempt("probe", path, () => tellsEveryChange(path)),
    realPath: (path) => attempt("realpath", path, () => fs.realpathSync.native(path)),
    readDirectory: (path) => attempt("readdir", path, () => fs.readdirSync(path)),
    makeDirectory: (path, mode) => attempt("mkdir", path, () => fs.mkdirSync(path, mode)),
    removeDirectory: (path) => attempt("rmdir", path, () => fs.rmdirSync(path)),
    link: (from, to) => attempt("link", to, () => fs.linkSync(from, to)),
    rename: (from, to) => attempt("rename", to, () => fs.renameSync(from, to)),
    ordersNames: (path) => attempt("statfs", path, () => orderNames.has(fs.statfsSync(path).type)),
    exchange: (a, b) => attempt("exchange", b, () => needed().swapSync(a, b)),
    unlink: (path) => attempt("unlink", path, () => fs.unlinkSync(path)),
    syncDirectory: Effect.fnUntraced(function*(path) {
      const fd = yield* Effect.acquireRelease(
        attempt("open", path, () => fs.openSync(path, O_RDONLY)),
        (fd) => Effect.sync(() => fs.closeSync(fd))
      )
      yield* pooled<void>("sync", path, (done) => fs.fsync(fd, (error) => done(error)))
    }, Effect.scoped)
  }
}

export const nodeFs: LayoutFs = makeNodeFs(loadNative)
