/** The machine's file system, with every call told, and a chance to do something before it or instead of it. */
import { Effect } from "effect"
import { basename, relative, sep } from "node:path"
import { type FileHandle, FsError, type LayoutFs } from "../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { tellingFolders } from "./heldPaths.ts"
import { linkStatsBy } from "./linkStats.ts"

/** Paths are relative to the layout; a file that goes by a random name is told by its kind alone. */
export interface Call {
  readonly operation: string
  readonly path: string
}

type Before = (call: Call) => Effect.Effect<void, FsError>

export interface WatchedFs {
  readonly fs: LayoutFs
  readonly calls: Array<Call>
  /** What happens before each call from now on; a failure happens in its place. */
  readonly intercept: (before: Before) => void
  /** Says from now on that the times of files tell every change, or that they do not, whatever is true. */
  readonly pretendTimes: (tellEveryChange: boolean) => void
  /** Says from now on whether a power cut keeps the order of names, whatever is true; until then, that it does. */
  readonly pretendOrder: (kept: boolean) => void
  /** `operation path` of the calls since it was last asked, those of the given operations or all. */
  readonly told: (...operations: ReadonlyArray<string>) => ReadonlyArray<string>
}

/** A failing call, as the system tells it. */
export const fails = (code: string) => ({ operation, path }: Call): Effect.Effect<never, FsError> =>
  Effect.fail(new FsError({ operation, path, code, cause: new Error(code) }))

/** The longest name in the folder of our own, in bytes: on eCryptfs none has more. */
export const longestName = 142

const withoutRandomness = (path: string): string =>
  path.replace(/^(\.ocilayout\/tmp\/\w+)\..*$/u, "$1")
    .replace(/^(\.ocilayout\/replaced)\/\d+\..*$/u, "$1/index")
    .replace(/^(\.ocilayout\/trash)\/\d+\.(.*)\.[0-9a-f]{32}$/u, "$1/$2")
    .replace(/\b[0-9a-f]{32}\b/gu, "ID")

export const watchedFs = (root: string): WatchedFs => {
  const calls: Array<Call> = []
  const folders = tellingFolders()
  let before: Before = () => Effect.void
  let times: boolean | undefined
  let order = true

  const watch = <A, R>(
    operation: string,
    path: string,
    effect: Effect.Effect<A, FsError, R>
  ): Effect.Effect<A, FsError, R> =>
    Effect.suspend(() => {
      const call = { operation, path: withoutRandomness(relative(root, folders.shown(path)) || basename(".")) }
      calls.push(call)
      return Effect.andThen(before(call), effect)
    })

  /** As `watch`, of a call that gives a file this path. */
  const watchNamed = <A>(
    operation: string,
    path: string,
    effect: Effect.Effect<A, FsError>
  ): Effect.Effect<A, FsError> => {
    const [top, ...names] = relative(root, folders.shown(path)).split(sep)
    const isTooLong = top === ".ocilayout" && names.some((name) => Buffer.byteLength(name) > longestName)
    return watch(operation, path, isTooLong ? fails("ENAMETOOLONG")({ operation, path }) : effect)
  }

  const watchHandle = (path: string, handle: FileHandle): FileHandle => ({
    stat: watch("fstat", path, handle.stat),
    read: (target, position) => watch("read", path, handle.read(target, position)),
    write: (bytes, position) => watch("write", path, handle.write(bytes, position)),
    truncate: (size) => watch("truncate", path, handle.truncate(size)),
    setOwner: (uid, gid) => watch("chown", path, handle.setOwner(uid, gid)),
    setMode: (mode) => watch("chmod", path, handle.setMode(mode)),
    sync: watch("sync", path, handle.sync),
    dataSync: watch("dataSync", path, handle.dataSync),
    tryLock: watch("tryLock", path, handle.tryLock),
    waitForLock: watch("waitForLock", path, handle.waitForLock),
    close: handle.close
  })

  const openHandle: LayoutFs["openHandle"] = (path, flags, mode) =>
    Effect.map(
      (flags.access === "create" ? watchNamed : watch)("open", path, nodeFs.openHandle(path, flags, mode)),
      (handle) => watchHandle(folders.shown(path), handle)
    )

  const linkStat: LayoutFs["linkStat"] = (path) => watch("lstat", path, nodeFs.linkStat(path))

  return {
    calls,
    intercept: (next) => {
      before = next
    },
    pretendTimes: (tellEveryChange) => {
      times = tellEveryChange
    },
    pretendOrder: (kept) => {
      order = kept
    },
    told: (...operations) =>
      calls.splice(0)
        .filter(({ operation }) => operations.length === 0 || operations.includes(operation))
        .map(({ operation, path }) => `${operation} ${path}`),
    fs: {
      nativeLock: nodeFs.nativeLock,
      watch: (path, changed) => watch("watch", path, nodeFs.watch(path, changed)),
      openHandle,
      openFolder: (path, follow) =>
        Effect.map(watch("openFolder", path, nodeFs.openFolder(path, follow)), folders.know),
      open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), (handle) => handle.close),
      stat: (path) => watch("stat", path, nodeFs.stat(path)),
      linkStat,
      linkStats: linkStatsBy(linkStat),
      glance: (path) => {
        calls.push({ operation: "glance", path: withoutRandomness(relative(root, path)) })
        return nodeFs.glance(path)
      },
      ordersNames: () => Effect.sync(() => order),
      tellsEveryChange: (path) =>
        watch("probe", path, times === undefined ? nodeFs.tellsEveryChange(path) : Effect.succeed(times)),
      realPath: (path) => watch("realPath", path, nodeFs.realPath(path)),
      readDirectory: (path) => watch("readDirectory", path, nodeFs.readDirectory(path)),
      makeDirectory: (path, mode) => watchNamed("makeDirectory", path, nodeFs.makeDirectory(path, mode)),
      removeDirectory: (path) => watch("removeDirectory", path, nodeFs.removeDirectory(path)),
      link: (from, to) => watchNamed("link", to, nodeFs.link(from, to)),
      rename: (from, to) => watchNamed("rename", to, nodeFs.rename(from, to)),
      exchange: (a, b) => watch("exchange", b, nodeFs.exchange(a, b)),
      unlink: (path) => watch("unlink", path, nodeFs.unlink(path)),
      syncDirectory: (path) => watch("syncDirectory", path, nodeFs.syncDirectory(path))
    }
  }
}
