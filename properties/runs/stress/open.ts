/**
 * Opens the layout as on a file system that does not keep when a file was made, so that files can be made old; or one in a
 * bucket.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, type Scope } from "effect"
import process from "node:process"
import { makeBucket } from "../../../src/bucket/index.ts"
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

/** `s3://BUCKET/PREFIX`, not a folder. */
export const isInBucket = (place: string): boolean => place.startsWith("s3://")

const openBucket = (place: string): Effect.Effect<LayoutRegistry, never, Scope.Scope> => {
  const { hostname, pathname } = new URL(place)
  // Each round has a store of its own, and Effect reads the environment once.
  const endpoint = process.env["AWS_ENDPOINT_URL"]
  return Effect.flatMap(
    Layer.build(NodeHttpClient.layerUndici),
    (client) =>
      Effect.orDie(Effect.provide(makeBucket({ bucket: hostname, prefix: pathname.slice(1), endpoint }), client))
  )
}

export const open = (
  directory: string,
  durability: Durability
): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  isInBucket(directory)
    ? openBucket(directory)
    : Effect.map(openStores(fs, { directory, durability }, undefined), (stores) => sharedRegistry(stores, hasher))
