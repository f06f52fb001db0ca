/** Folders of the machine that are held open. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { errnoOf } from "../../oci/errno.ts"
import { heldPath, type HeldPaths } from "./heldPaths.ts"
import type { FolderHandle, FsError, LayoutFs } from "./LayoutFs.ts"

/** `O_PATH` of Linux, which Node does not tell: no right to read the folder is needed. */
const openPath = 0o10_000_000

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants

interface Opened {
  readonly identity: fs.BigIntStats
  /** The number of the open folder; none where folders cannot be held. */
  readonly fd: number | undefined
}

/** @param holds whether the system may have paths through open folders, which is then tried */
export const makeOpenFolder = (
  attempt: <A>(operation: string, path: string, run: () => A) => Effect.Effect<A, FsError>,
  paths: HeldPaths,
  holds: boolean = process.platform === "linux"
): LayoutFs["openFolder"] => {
  /** Without `/proc` there are no such paths. */
  let works = holds ? undefined : false

  const hold = (path: string, follow: boolean): Opened => {
    const fd = openAsFolder(path, follow)
    const identity = fs.fstatSync(fd, { bigint: true })
    works ??= isSame(identity, statOf(heldPath(fd), true))
    if (works) return { identity, fd }
    fs.closeSync(fd)
    return { identity, fd: undefined }
  }

  return (path, follow) =>
    attempt("open", path, () => {
      const there = statOf(path, follow)
      if (there === undefined) return undefined
      if (there.isSymbolicLink()) throw Object.assign(new Error("a link"), { code: "ELOOP" })
      if (!there.isDirectory()) throw Object.assign(new Error("no folder"), { code: "ENOTDIR" })
      const opened = works === false ? { identity: there, fd: undefined } : hold(path, follow)
      return handleOf(paths, paths.shown(path), follow, opened)
    })
}

/** What was a folder a moment ago and is none now has made room for a link, or for a folder that may not be read. */
const openAsFolder = (path: string, follow: boolean): number => {
  try {
    return fs.openSync(path, openPath | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW))
  } catch (cause) {
    throw errnoOf(cause) === "ENOTDIR" ? Object.assign(new Error("a link"), { code: "ELOOP" }) : cause
  }
}

const handleOf = (paths: HeldPaths, path: string, follow: boolean, { fd, identity }: Opened): FolderHandle => {
  const held = fd === undefined ? path : heldPath(fd)
  if (fd !== undefined) paths.hold(held, path)
  return {
    path,
    isHeld: fd !== undefined,
    at: (name) => name === "" ? held : fd === undefined ? join(path, name) : `${held}/${name}`,
    isInPlace: () => isStill(identity, path, follow),
    close: Effect.sync(() => {
      if (fd === undefined) return
      paths.forget(held)
      fs.closeSync(fd)
    })
  }
}

/** Nothing where nothing is, or a part of the path is a file, which only one of the two calls tells so. */
const statOf = (path: string, follow: boolean): fs.BigIntStats | undefined => {
  try {
    return (follow ? fs.statSync : fs.lstatSync)(path, { bigint: true, throwIfNoEntry: false })
  } catch (cause) {
    if (errnoOf(cause) === "ENOTDIR") return undefined
    throw cause
  }
}

/** A path that cannot be checked now is checked by the next call that uses it. */
const isStill = (identity: fs.BigIntStats, path: string, follow: boolean): boolean => {
  try {
    return isSame(identity, statOf(path, follow))
  } catch {
    return false
  }
}

const isSame = (one: fs.BigIntStats, other: fs.BigIntStats | undefined): boolean =>
  one.ino === other?.ino && one.dev === other.dev
