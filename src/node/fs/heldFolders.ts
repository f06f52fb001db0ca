/**
 * A file system whose calls below a folder go through folders that are held open: each was opened through the one above
 * it, following no link, so that a folder that is exchanged for a link leads no call elsewhere. Before each call it is
 * made sure that the path still leads to the folder; one that was replaced by another folder is opened anew.
 */
import { Effect, type Scope } from "effect"
import { basename, dirname, sep } from "node:path"
import { isInside } from "./isInside.ts"
import { type FolderHandle, FsError, type LayoutFs } from "./LayoutFs.ts"

/** Folders held at most, besides those in use: more than a layout has that is written to. */
export const mostFolders = 32

interface Held {
  readonly folder: FolderHandle
  /** Calls that go through it now. */
  users: number
  /** One that is over is closed when the last of them is done. */
  state: "kept" | "over" | "closed"
}

/**
 * @param root the folder that all others lie in. It may be reached through a link, unless it was once reached without
 *   one. Paths outside of it are left as they are.
 */
export const heldFolders = Effect.fnUntraced(function*(
  fs: LayoutFs,
  root: string
): Effect.fn.Return<LayoutFs, never, Scope.Scope> {
  /** By path, the one not used for longest first. */
  const held = new Map<string, Held>()
  let viaLink: boolean | undefined
  let closed = false

  const closeUnused = (one: Held): Effect.Effect<void> => {
    if (one.state !== "over" || one.users > 0) return Effect.void
    one.state = "closed"
    return one.folder.close
  }

  const forget = (path: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const one = held.get(path)
      if (one === undefined) return Effect.void
      held.delete(path)
      one.state = "over"
      return closeUnused(one)
    })

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      return Effect.forEach(Array.from(held.keys()), forget, { discard: true })
    })
  )

  const fails = (code: string, path: string): Effect.Effect<never, FsError> =>
    Effect.fail(new FsError({ operation: "open", path, code, cause: new Error(code) }))

  /** Opens the root. Whether it may be a link is decided at the first opening, and stays so. */
  const openRoot: Effect.Effect<FolderHandle | undefined, FsError> = Effect.suspend(() =>
    viaLink !== undefined ? fs.openFolder(root, viaLink) : Effect.flatMap(fs.linkStats([root]), ([stat]) => {
      if (stat === undefined) return Effect.succeed(undefined)
      viaLink = stat.kind === "link"
      return fs.openFolder(root, viaLink)
    })
  )

  /** Opens a folder, and those it lies in, to be used. */
  const open = Effect.fnUntraced(function*(path: string, used: Array<Held>) {
    const folder = path === root
      ? yield* openRoot
      : yield* through(dirname(path), (above) => fs.openFolder(above.at(basename(path)), false))
    if (folder === undefined) return yield* fails("ENOENT", path)
    const one: Held = { folder, users: 0, state: closed ? "over" : "kept" }
    useNow(one, used)
    yield* forget(path)
    if (!closed) held.set(path, one)
    const [oldest] = held.keys()
    if (held.size > mostFolders && oldest !== undefined) yield* forget(oldest)
    return folder
  }, Effect.uninterruptible)

  /** Where folders are not held, those above have to be in their places as well. */
  const isInPlace = (folder: FolderHandle): boolean => {
    if (!folder.isInPlace()) return false
    if (folder.isHeld || folder.path === root) return true
    const above = held.get(dirname(folder.path))
    return above !== undefined && isInPlace(above.folder)
  }

  /** What was opened before is good while its path still leads there. */
  const find = (path: string): Held | undefined => {
    const known = held.get(path)
    if (known === undefined || !isInPlace(known.folder)) return undefined
    held.delete(path)
    held.set(path, known)
    return known
  }

  /** A call that goes through folders, which are used until it is done. */
  const using = <A, R>(
    call: (users: Array<Held>) => Effect.Effect<A, FsError, R>
  ): Effect.Effect<A, FsError, R> =>
    Effect.suspend(() => {
      const used: Array<Held> = []
      return Effect.ensuring(Effect.suspend(() => call(used)), Effect.suspend(() => releaseAll(used)))
    })

  const releaseAll = (used: ReadonlyArray<Held>): Effect.Effect<void> => {
    for (const one of used) one.users--
    return used.some(({ state }) => state === "over")
      ? Effect.forEach(used, closeUnused, { discard: true })
      : Effect.void
  }

  const useNow = (one: Held, used: Array<Held>): FolderHandle => {
    one.users++
    used.push(one)
    return one.folder
  }

  /** A call through a folder. Where that is not held, it may have been exchanged meanwhile. */
  const through = <A, R>(
    path: string,
    call: (folder: FolderHandle) => Effect.Effect<A, FsError, R>,
    undo: (done: A) => Effect.Effect<void> = () => Effect.void
  ): Effect.Effect<A, FsError, R> => {
    const checked = (folder: FolderHandle): Effect.Effect<A, FsError, R> =>
      folder.isHeld
        ? call(folder)
        : Effect.tap(
          call(folder),
          (done) => isInPlace(folder) ? Effect.void : Effect.andThen(undo(done), fails("ELOOP", path))
        )
    return using((used) => {
      const known = find(path)
      return known === undefined ? Effect.flatMap(open(path, used), checked) : checked(useNow(known, used))
    })
  }

  const prefix = root.endsWith(sep) ? root : root + sep

  const isBelow = (path: string): boolean => path.startsWith(prefix) && path.length > prefix.length

  /** A call about a name. */
  const named = <A>(
    path: string,
    call: (at: string) => Effect.Effect<A, FsError>,
    undo?: (done: A) => Effect.Effect<void>
  ): Effect.Effect<A, FsError> =>
    isBelow(path) ? through(dirname(path), (folder) => call(folder.at(basename(path))), undo) : call(path)

  /** A call about two names. */
  const both = <A>(
    one: string,
    other: string,
    call: (one: string, other: string) => Effect.Effect<A, FsError>
  ): Effect.Effect<A, FsError> => named(one, (one) => named(other, (other) => call(one, other)))

  /** A call about what is in a folder. */
  const inside = <A, R>(
    path: string,
    call: (at: string) => Effect.Effect<A, FsError, R>
  ): Effect.Effect<A, FsError, R> => isInside(root, path) ? through(path, (folder) => call(folder.at(""))) : call(path)

  /** Below a link nothing exists, as below a file. Only the root must never become a link: that is an error. */
  const isAbsent = ({ code, path }: FsError): boolean =>
    code === "ENOENT" || code === "ENOTDIR" || (code === "ELOOP" && path !== root)

  const linkStats: LayoutFs["linkStats"] = (paths) =>
    using((used) => {
      const [only] = paths
      if (only !== undefined && paths.length === 1 && isBelow(only)) {
        const known = find(dirname(only))
        if (known !== undefined) return fs.linkStats([useNow(known, used).at(basename(only))])
      }
      const folders = new Map<string, FolderHandle>()
      const unknown: Array<string> = []
      // The innermost first: where one is in its place, so are those above it.
      for (const path of Array.from(new Set(paths.filter(isBelow).map(dirname))).toSorted().toReversed()) {
        const isSeen = Array.from(folders.keys()).some((inner) => isInside(path, inner))
        const known = isSeen ? held.get(path) : find(path)
        if (known === undefined) unknown.push(path)
        else folders.set(path, useNow(known, used))
      }
      const asked = Effect.suspend(() => statsThrough(folders, paths))
      if (unknown.length === 0) return asked
      const opened = Effect.forEach(unknown, (path) =>
        Effect.catchIf(
          Effect.map(open(path, used), (folder) => void folders.set(path, folder)),
          isAbsent,
          () => Effect.void
        ), { discard: true })
      return Effect.andThen(opened, asked)
    })

  /** What is in folders that are not there is not there. */
  const statsThrough = (
    folders: ReadonlyMap<string, FolderHandle>,
    paths: ReadonlyArray<string>
  ): ReturnType<LayoutFs["linkStats"]> => {
    const there = paths.map((path) => isBelow(path) ? folders.get(dirname(path))?.at(basename(path)) : path)
    const asked = there.filter((path) => path !== undefined)
    if (asked.length === there.length) return fs.linkStats(asked)
    return Effect.map(fs.linkStats(asked), (stats) => {
      let next = 0
      return there.map((path) => path === undefined ? undefined : stats[next++])
    })
  }

  const openHandle: LayoutFs["openHandle"] = (path, flags, mode) =>
    named(path, (at) => fs.openHandle(at, flags, mode), ({ close }) => close)

  return {
    nativeLock: fs.nativeLock,
    openHandle,
    open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), ({ close }) => close),
    openFolder: (path, follow) => named(path, (at) => fs.openFolder(at, follow)),
    stat: (path) => named(path, fs.stat),
    linkStat: (path) => named(path, fs.linkStat),
    linkStats,
    // A file that is known is the same by whatever folders the path leads to it.
    glance: fs.glance,
    ordersNames: (path) => inside(path, fs.ordersNames),
    tellsEveryChange: (path) => named(path, fs.tellsEveryChange),
    realPath: fs.realPath,
    readDirectory: (path) => inside(path, fs.readDirectory),
    makeDirectory: (path, mode) => named(path, (at) => fs.makeDirectory(at, mode)),
    removeDirectory: (path) => Effect.andThen(forget(path), named(path, fs.removeDirectory)),
    link: (from, to) => both(from, to, fs.link),
    rename: (from, to) => Effect.andThen(forget(from), both(from, to, fs.rename)),
    exchange: (a, b) => both(a, b, fs.exchange),
    unlink: (path) => named(path, fs.unlink),
    watch: (path, changed) => inside(path, (at) => fs.watch(at, changed)),
    syncDirectory: (path) => inside(path, fs.syncDirectory)
  }
})
