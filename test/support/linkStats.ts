/** Several paths looked at one by one, so that a watcher of calls sees each. */
import { Effect } from "effect"
import { ifThere } from "../../src/node/files/layoutFiles.ts"
import type { LayoutFs } from "../../src/node/fs/LayoutFs.ts"

export const linkStatsBy = (linkStat: LayoutFs["linkStat"]): LayoutFs["linkStats"] => (paths) =>
  Effect.forEach(paths, (path) => ifThere(linkStat(path)))
