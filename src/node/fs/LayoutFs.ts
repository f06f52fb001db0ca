/** Every call that reads or writes a layout goes through this port, so that the same code runs on a simulated disk. */
import { type Effect, Schema, type Scope } from "effect"

/** A call that failed; `code` is the system's (`ENOENT`, `ENOSPC`, ...). */
export class FsError extends Schema.TaggedError<FsError>()("FsError", {
  operation: Schema.String,
  path: Schema.String,
  code: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.operation} ${this.path}: ${this.code}`
  }
}

/** Whether a call failed with one of these names of the system. */
export const hasCode = (...codes: ReadonlyArray<string>) => (error: unknown): error is FsError =>
  error instanceof FsError && codes.includes(error.code)

export interface FileStat {
  readonly kind: "file" | "directory" | "link" | "other"
  readonly dev: bigint
  readonly ino: bigint
  /** In bytes. */
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** When the file was made; where the file system does not tell, a later time. */
  readonly birthNs: bigint
  /** How many names it has. */
  readonly links: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * How a file is opened. One opened with `lock` is made when it is missing, and good for its lock and its `stat` alone.
 * Reading and updating never block on what is no regular file, and follow a link in the last
 * component only with `follow`. `create` makes a new file and fails with `EEXIST` where there is one.
 */
export interface OpenFlags {
  readonly access: "read" | "update" | "create" | "lock"
  readonly follow?: boolean
}

/** An open file. Offsets and lengths are in bytes. */
export interface FileHandle {
  readonly stat: Effect.Effect<FileStat, FsError>
  /** How many bytes were read into `target`: fewer than it holds only at the end of the file. */
  readonly read: (target: Uint8Array, position: number) => Effect.Effect<number, FsError>
  /** Writes all of `bytes`, however many calls that takes. */
  readonly write: (bytes: Uint8Array, position: number) => Effect.Effect<void, FsError>
  readonly truncate: (size: number) => Effect.Effect<void, FsError>
  readonly setOwner: (uid: number, gid: number) => Effect.Effect<void, FsError>
  readonly setMode: (mode: number) => Effect.Effect<void, FsError>
  /** Content and metadata are on the disk when it answers; after a failure nothing is known of this file any more. */
  readonly sync: Effect.Effect<void, FsError>
  /** As `sync`, without the metadata that reading back does not need. */
  readonly dataSync: Effect.Effect<void, FsError>
  /** Takes the exclusive lock that dies with the handle; false when another handle has it. */
  readonly tryLock: Effect.Effect<boolean, FsError>
  /** Waits for the lock. The wait cannot be taken back: an abandoned one closes the handle when it is granted. */
  readonly waitForLock: Effect.Effect<void, FsError>
  readonly close: Effect.Effect<void>
}

/**
 * A folder that is held open. The paths it gives lead into this very folder for as long as it is open, even if its own
 * path leads elsewhere by now. Failures tell the path by which it was opened.
 */
export interface FolderHandle {
  /** The path by which it was opened, as it is told. */
  readonly path: string
  /** Whether the paths it gives are held; where the system has no such paths, they are those of its name. */
  readonly isHeld: boolean
  /** The path of a name in it; its own for an empty name. */
  readonly at: (name: string) => string
  /**
   * Whether its path still leads to it and is no link. Synchronous, not an `Effect`, since it is asked before every
   * call.
   */
  readonly isInPlace: () => boolean
  readonly close: Effect.Effect<void>
}

export interface LayoutFs {
  /**
   * Whether waiting for a lock is the system's; otherwise a lock is taken through a database, and tried for in turns.
   */
  readonly nativeLock: Effect.Effect<boolean>
  /** The caller closes the handle. */
  readonly openHandle: (path: string, flags: OpenFlags, mode?: number) => Effect.Effect<FileHandle, FsError>
  /** As `openHandle`, closed with the scope. */
  readonly open: (path: string, flags: OpenFlags, mode?: number) => Effect.Effect<FileHandle, FsError, Scope.Scope>
  /**
   * Holds a folder open; nothing where there is nothing, or the path leads through a file. `ELOOP` for a link, unless
   * links are followed, and `ENOTDIR` for anything else that is no folder. The caller closes it.
   */
  readonly openFolder: (path: string, follow: boolean) => Effect.Effect<FolderHandle | undefined, FsError>
  /** What the path leads to, links followed. */
  readonly stat: (path: string) => Effect.Effect<FileStat, FsError>
  /** What the path is, a link itself included. */
  readonly linkStat: (path: string) => Effect.Effect<FileStat, FsError>
  /**
   * The same of several paths at one go; nothing in the place of what is not there, or is said to be below a file.
   * What is often not there is looked for with this: no error is made for it.
   */
  readonly linkStats: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<FileStat | undefined>, FsError>
  /**
   * What the path is now, at once; nothing where nothing is, or where that cannot be told. The folders on the way are not
   * held, so the answer is good for one thing: to find out whether this is a file that is known already. Synchronous,
   * not an `Effect`, since it is asked before every read.
   */
  readonly glance: (path: string) => FileStat | undefined
  /**
   * Whether the times of files here tell every change since they were last asked for, however soon it comes; elsewhere
   * they are those of a clock that ticks every few milliseconds. Tried on a file at this path, gone afterwards.
   */
  readonly tellsEveryChange: (path: string) => Effect.Effect<boolean, FsError>
  readonly realPath: (path: string) => Effect.Effect<string, FsError>
  readonly readDirectory: (path: string) => Effect.Effect<ReadonlyArray<string>, FsError>
  readonly makeDirectory: (path: string, mode: number) => Effect.Effect<void, FsError>
  readonly removeDirectory: (path: string) => Effect.Effect<void, FsError>
  /** A second name for a file; `EEXIST` where there is something. */
  readonly link: (from: string, to: string) => Effect.Effect<void, FsError>
  /** Replaces what `to` names, at once. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, FsError>
  /**
   * Whether a power cut keeps changes of names in the order in which they were made, in whatever folders, and of a
   * rename or an exchange both halves or none, as ext4 and XFS do. A sync of any file then makes all of them last that
   * came before. Elsewhere each folder keeps its own.
   */
  readonly ordersNames: (path: string) => Effect.Effect<boolean, FsError>
  /** Swaps two names, at once; `ENOSYS` where the system cannot. */
  readonly exchange: (a: string, b: string) => Effect.Effect<void, FsError>
  readonly unlink: (path: string) => Effect.Effect<void, FsError>
  /** Calls back whenever something in a directory may have changed, until the scope closes. */
  readonly watch: (path: string, changed: () => void) => Effect.Effect<void, FsError, Scope.Scope>
  /** The entries of a directory are on the disk when it answers. */
  readonly syncDirectory: (path: string) => Effect.Effect<void, FsError>
}
