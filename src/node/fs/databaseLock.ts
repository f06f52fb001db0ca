/**
 * The lock where there is no native one: `node:sqlite` takes a lock on the very byte that the native form locks, so the
 * two exclude each other. Nothing is ever written: the file stays empty.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname } from "node:path"
import process from "node:process"
import { errnoOf } from "../../oci/errno.ts"
import type { FileHandle, FileStat, FsError } from "./LayoutFs.ts"

/**
 * The least and the most that is waited between two attempts, in milliseconds; SQLite's own wait would block the
 * process.
 */
const pauses = { first: 1, longest: 50 }

interface Database {
  readonly exec: (sql: string) => void
  readonly close: () => void
}

/** SQLite's number for a lock that another process holds. */
const busy = 5

const isBusy = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && "errcode" in cause && cause.errcode === busy

const open = (path: string): Database => {
  const sqlite = process.getBuiltinModule("node:sqlite")
  const database = new sqlite.DatabaseSync(path, { timeout: 0 })
  return { exec: (sql) => database.exec(sql), close: () => database.close() }
}

/** How a call is told that fails. */
type Attempt = <A>(operation: string, run: () => A) => Effect.Effect<A, FsError>

/**
 * Opens the file as a lock and nothing else. No descriptor of it is opened beside SQLite's: closing one would drop
 * every lock that this process has on the file.
 */
export const openDatabaseLock = Effect.fnUntraced(
  function*(
    path: string,
    mode: number,
    { attempt, stat }: { readonly attempt: Attempt; readonly stat: Effect.Effect<FileStat, FsError> }
  ): Effect.fn.Return<FileHandle, FsError> {
    yield* attempt("open", () => createAbsent(path, mode))
    const identity = yield* stat
    if (identity.kind !== "file") return yield* attempt("open", () => refuse(identity.kind))
    // SQLite resolves the names of folders itself: which file it has opened is checked afterwards.
    const database = yield* attempt("open", () => open(path))
    const after = yield* Effect.onError(stat, () => Effect.sync(database.close))
    if (after.ino !== identity.ino || after.dev !== identity.dev) {
      database.close()
      return yield* attempt("open", () => refuse("link"))
    }
    const tryLock = attempt("lock", () => {
      try {
        database.exec("BEGIN IMMEDIATE")
        return true
      } catch (cause) {
        if (isBusy(cause)) return false
        throw cause
      }
    })
    const waitForLock = (pause: number): Effect.Effect<void, FsError> =>
      Effect.flatMap(tryLock, (held) =>
        held
          ? Effect.void
          : Effect.andThen(
            Effect.sleep(pause),
            Effect.suspend(() => waitForLock(Math.min(pause * 2, pauses.longest)))
          ))
    const lockOnly = <A>(operation: string): Effect.Effect<A, FsError> => attempt(operation, () => refuse("lock"))
    return {
      stat: Effect.succeed(identity),
      read: () => lockOnly("read"),
      write: () => lockOnly("write"),
      truncate: () => lockOnly("truncate"),
      setOwner: () => lockOnly("chown"),
      setMode: () => lockOnly("chmod"),
      sync: lockOnly("sync"),
      dataSync: lockOnly("sync"),
      tryLock,
      waitForLock: waitForLock(pauses.first),
      close: Effect.sync(database.close)
    }
  }
)

/**
 * Only a file that no process can have locked yet may be opened and closed again. Its rights are those of the folder of
 * the layout's own that it lies in, since nothing can be done to it through this handle later.
 */
const createAbsent = (path: string, mode: number): void => {
  try {
    const fd = fs.openSync(path, fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_RDWR, mode)
    try {
      const folder = fs.statSync(dirname(path))
      fs.fchmodSync(fd, folder.mode & 0o666)
      fs.fchownSync(fd, folder.uid, folder.gid)
    } catch {
      // A user who may not change the owner keeps the file.
    } finally {
      fs.closeSync(fd)
    }
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST") throw cause
  }
}

const refuse = (kind: string): never => {
  throw Object.assign(new Error(`a ${kind} is no file to be used so`), { code: kind === "link" ? "ELOOP" : "EINVAL" })
}
