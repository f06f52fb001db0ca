/** Opens the layout as on a file system that does not keep when a file was made, so that files can be made old. */
import { Effect, type Scope } from "effect"
import { hasher } from "../../../src/node/files/hasher.ts"
import type { Durability } from "../../../src/node/files/layoutFiles.ts"
import type { FileStat, FsError, LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { openStores } from "../../../src/node/stores.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { linkStatsBy } from "../../../test/support/linkStats.ts"

const undated = (stat: Effect.Effect<FileStat, FsError>): Effect.Effect<FileStat, FsError> =>
  Effect.map(stat, (found) => ({ ...found, birthNs: found.mtimeNs }))

const fs: LayoutFs = {
  ...nodeFs,
  stat: (path) => undated(nodeFs.stat(path)),
  linkStat: (path) => undated(nodeFs.linkStat(path)),
  linkStats: linkStatsBy((path) => undated(nodeFs.linkStat(path)))
}

export const open = (
  directory: string,
  durability: Durability
): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(openStores(fs, { directory, durability }, undefined), (stores) => sharedRegistry(stores, hasher))
