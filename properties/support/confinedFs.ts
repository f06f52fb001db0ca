/** The machine's file system, for one folder: every path that leaves it, or leads through a link in it, is told. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname, relative, resolve } from "node:path"
import type { SymlinkPolicy } from "../../src/node/files/layoutFiles.ts"
import type { FsError, LayoutFs } from "../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { tellingFolders } from "../../test/support/heldPaths.ts"

export interface ConfinedFs {
  readonly fs: LayoutFs
  /** What was asked for and should not have been. */
  readonly escapes: ReadonlyArray<string>
  /** How many calls there have been. */
  readonly calls: () => number
}

/** Found in another way than by what is to be checked. */
const isInside = (root: string, path: string): boolean => !/^\.\.(?:\/|$)/u.test(relative(root, path))

/** The folders of `path` below `root`, outermost first. */
const foldersTo = (root: string, path: string): ReadonlyArray<string> => {
  const folders: Array<string> = []
  for (let folder = dirname(path); folder !== root && isInside(root, folder); folder = dirname(folder)) {
    folders.unshift(folder)
  }
  return folders
}

const isLink = (path: string): boolean => {
  try {
    return fs.lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

const realOf = (path: string): string | undefined => {
  try {
    return fs.realpathSync(path)
  } catch {
    return undefined
  }
}

export const confinedFs = (root: string, links: SymlinkPolicy): ConfinedFs => {
  const escapes: Array<string> = []
  let calls = 0
  const folders = tellingFolders()

  const check = (operation: string, called: string, follows = false): void => {
    calls++
    const path = folders.shown(called)
    const told = `${operation} ${relative(root, path)}`
    if (links === "refuse" && called === path && path !== root) escapes.push(`${told}: goes by its path`)
    if (resolve(path) !== path || !isInside(root, path)) escapes.push(`${told}: is outside`)
    if (links === "refuse") {
      if (follows) escapes.push(`${told}: follows links`)
      const through = foldersTo(root, path).find(isLink)
      if (through !== undefined) escapes.push(`${told}: leads through the link ${relative(root, through)}`)
    } else if (links === "inside") {
      const real = realOf(follows || path === root ? path : dirname(path))
      if (real !== undefined && !isInside(root, real)) escapes.push(`${told}: leads to ${real}`)
    }
  }

  const checked =
    <P extends ReadonlyArray<string>, A>(operation: string, call: (...paths: P) => Effect.Effect<A, FsError>) =>
    (...paths: P): Effect.Effect<A, FsError> =>
      Effect.suspend(() => {
        for (const path of paths) check(operation, path)
        return call(...paths)
      })

  const openHandle: LayoutFs["openHandle"] = (path, flags, mode) =>
    Effect.suspend(() => {
      check(`open to ${flags.access}`, path, flags.follow)
      return nodeFs.openHandle(path, flags, mode)
    })

  const openFolder: LayoutFs["openFolder"] = (path, follow) =>
    Effect.suspend(() => {
      check("open folder", path, follow && path !== root)
      return Effect.map(nodeFs.openFolder(path, follow), folders.know)
    })

  return {
    escapes,
    calls: () => calls,
    fs: {
      nativeLock: nodeFs.nativeLock,
      watch: nodeFs.watch,
      openHandle,
      openFolder,
      open: (path, flags, mode) => Effect.acquireRelease(openHandle(path, flags, mode), (handle) => handle.close),
      // Looking where links lead is how those that leave are found.
      stat: nodeFs.stat,
      realPath: nodeFs.realPath,
      linkStat: nodeFs.linkStat,
      linkStats: nodeFs.linkStats,
      glance: nodeFs.glance,
      ordersNames: nodeFs.ordersNames,
      tellsEveryChange: checked("probe", nodeFs.tellsEveryChange),
      readDirectory: checked("list", nodeFs.readDirectory),
      makeDirectory: (path, mode) => checked("make", (path: string) => nodeFs.makeDirectory(path, mode))(path),
      removeDirectory: checked("remove", nodeFs.removeDirectory),
      link: checked("link", nodeFs.link),
      rename: checked("rename", nodeFs.rename),
      exchange: checked("exchange", nodeFs.exchange),
      unlink: checked("unlink", nodeFs.unlink),
      syncDirectory: checked("sync", nodeFs.syncDirectory)
    }
  }
}
