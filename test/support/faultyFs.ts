/** A file system whose calls can be made to fail, one by one, and that counts what is left open. */
import { Effect } from "effect"
import { relative } from "node:path"
import { type FileHandle, FsError, type LayoutFs } from "../../src/node/fs/LayoutFs.ts"
import { tellingFolders } from "./heldPaths.ts"
import { linkStatsBy } from "./linkStats.ts"

export interface Fault {
  /** Which call fails, from 1. */
  readonly at: number
  /** In place of `at`: how the first call begins that fails. */
  readonly begins?: string
  /** The system's code. */
  readonly code: string
  /** `done`: the call does its work and reports a failure; `torn`: a write gets half way. */
  readonly mode?: "refused" | "done" | "torn"
  /** Whether every later call fails too. */
  readonly lasting?: boolean
}

export interface FaultyFs {
  readonly fs: LayoutFs
  /** Counts anew, and lets calls fail as said; without a fault none does. */
  readonly arm: (fault?: Fault) => void
  /** What was called since, in order: the operation, and the path below `root`. */
  readonly calls: () => ReadonlyArray<string>
  /** Files opened and not closed. */
  readonly left: () => number
  /** Folders held open. */
  readonly folders: () => number
}

export interface FaultyOptions {
  /** What the paths of `calls` are relative to. */
  readonly root: string
  /** Whether syncs reach the disk; they are calls that may fail in any case. */
  readonly sync?: boolean
}

export const faultyFs = (base: LayoutFs, { root, sync = false }: FaultyOptions): FaultyFs => {
  let fault: Fault | undefined
  let calls: Array<string> = []
  let left = 0
  const folders = tellingFolders()

  /** From 1; 0 while there was no such call. */
  const placeOf = ({ at, begins }: Fault): number =>
    begins === undefined ? at : calls.findIndex((one) => one.startsWith(begins)) + 1

  const call = <A>(
    operation: string,
    called: string,
    run: Effect.Effect<A, FsError>,
    { done = run, torn = Effect.void }: {
      readonly done?: Effect.Effect<unknown, FsError>
      readonly torn?: Effect.Effect<unknown, FsError>
    } = {}
  ): Effect.Effect<A, FsError> =>
    Effect.suspend(() => {
      const path = folders.shown(called)
      calls.push(`${operation} ${relative(root, path)}`)
      const at = fault === undefined ? 0 : placeOf(fault)
      if (fault === undefined || at === 0 || calls.length < at || (calls.length > at && fault.lasting !== true)) {
        return run
      }
      const { code, mode = "refused" } = fault
      const failure = Effect.fail(new FsError({ operation, path, code, cause: new Error(code) }))
      if (mode === "refused") return failure
      return Effect.andThen(mode === "done" ? done : torn, failure)
    })

  const handleOf = (handle: FileHandle, path: string): FileHandle => ({
    stat: call("fstat", path, handle.stat),
    read: (target, position) => call("read", path, handle.read(target, position)),
    write: (bytes, position) =>
      call("write", path, handle.write(bytes, position), {
        torn: handle.write(bytes.subarray(0, bytes.length >> 1), position)
      }),
    truncate: (size) => call("truncate", path, handle.truncate(size)),
    setOwner: (uid, gid) => call("chown", path, handle.setOwner(uid, gid)),
    setMode: (mode) => call("chmod", path, handle.setMode(mode)),
    sync: call("sync", path, sync ? handle.sync : Effect.void),
    dataSync: call("sync", path, sync ? handle.dataSync : Effect.void),
    tryLock: call("lock", path, handle.tryLock),
    waitForLock: call("lock", path, handle.waitForLock),
    close: Effect.andThen(Effect.sync(() => void left--), handle.close)
  })

  const openHandle: LayoutFs["openHandle"] = (path, flags, mode) => {
    const opened = Effect.map(base.openHandle(path, flags, mode), (handle) => {
      left++
      return handleOf(handle, folders.shown(path))
    })
    // What was opened by a call that says it failed, no caller could close.
    return call(`open(${flags.access})`, path, opened, { done: Effect.flatMap(opened, ({ close }) => close) })
  }

  const openFolder: LayoutFs["openFolder"] = (path, follow) => {
    const opened = Effect.map(base.openFolder(path, follow), folders.know)
    const done = Effect.flatMap(opened, (folder) => folder === undefined ? Effect.void : folder.close)
    return call("open(folder)", path, opened, { done })
  }

  const linkStat: LayoutFs["linkStat"] = (path) => call("stat", path, base.linkStat(path))

  return {
    arm: (next) => {
      fault = next
      calls = []
    },
    calls: () => calls,
    left: () => left,
    folders: folders.open,
    fs: {
      nativeLock: base.nativeLock,
      watch: base.watch,
      openHandle,
      openFolder,
      open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), ({ close }) => close),
      stat: (path) => call("stat", path, base.stat(path)),
      linkStat,
      linkStats: linkStatsBy(linkStat),
      glance: base.glance,
      ordersNames: base.ordersNames,
      tellsEveryChange: (path) => call("probe", path, base.tellsEveryChange(path)),
      realPath: (path) => call("realpath", path, base.realPath(path)),
      readDirectory: (path) => call("readdir", path, base.readDirectory(path)),
      makeDirectory: (path, mode) => call("mkdir", path, base.makeDirectory(path, mode)),
      removeDirectory: (path) => call("rmdir", path, base.removeDirectory(path)),
      link: (from, to) => call("link", to, base.link(from, to)),
      rename: (from, to) => call("rename", to, base.rename(from, to)),
      exchange: (a, b) => call("exchange", b, base.exchange(a, b)),
      unlink: (path) => call("unlink", path, base.unlink(path)),
      syncDirectory: (path) => call("syncdir", path, sync ? base.syncDirectory(path) : Effect.void)
    }
  }
}
