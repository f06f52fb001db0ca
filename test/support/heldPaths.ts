/** For file systems that tell of every call: what is called by a path through an open folder is told by its real one. */
import { Effect } from "effect"
import { type HeldPaths, makeHeldPaths } from "../../src/node/fs/heldPaths.ts"
import type { FolderHandle } from "../../src/node/fs/LayoutFs.ts"

export interface TellingFolders extends Pick<HeldPaths, "shown"> {
  /** Knows the paths of a folder until it is closed. */
  readonly know: (folder: FolderHandle | undefined) => FolderHandle | undefined
  /** How many folders are open. */
  readonly open: () => number
}

export const tellingFolders = (): TellingFolders => {
  const paths = makeHeldPaths()
  let open = 0
  return {
    shown: paths.shown,
    open: () => open,
    know: (folder) => {
      if (folder === undefined) return undefined
      open++
      if (folder.isHeld) paths.hold(folder.at(""), folder.path)
      const forget = Effect.sync(() => {
        open--
        if (folder.isHeld) paths.forget(folder.at(""))
      })
      return { ...folder, close: Effect.andThen(forget, folder.close) }
    }
  }
}
