/** A registry that can be looked at and not changed, whatever a surface lets through. */
import { Effect } from "effect"
import { Denied } from "../oci/OciError.ts"
import type { RegistryShape } from "./api/Registry.ts"

const refuse = (operation: string) => () =>
  Effect.fail(new Denied({ operation, reason: "the layout was opened for reading only; nothing was changed" }))

/** Reading is as before; every operation that writes fails with `Denied`. */
export const readOnly = (registry: RegistryShape): RegistryShape => ({
  ...registry,
  layerCache: (repository) =>
    Effect.map(registry.layerCache(repository), (cache) => ({ ...cache, save: () => Effect.void })),
  pushBlob: refuse("pushing a blob"),
  pushBlobChunked: refuse("starting an upload"),
  pushBlobChunkedResume: refuse("resuming an upload"),
  findUpload: refuse("continuing an upload"),
  uploads: refuse("continuing an upload"),
  mountBlob: refuse("mounting a blob"),
  pushManifest: refuse("pushing a manifest"),
  tagManifest: refuse("setting a tag"),
  batch: refuse("a batch of changes"),
  deleteBlob: refuse("deleting a blob"),
  deleteManifest: refuse("deleting a manifest"),
  deleteTag: refuse("deleting a tag"),
  deleteName: refuse("deleting a name"),
  moveName: refuse("moving a name"),
  planGarbage: (options) => registry.planGarbage({ ...options, keep: false }),
  collectGarbage: refuse("collecting garbage"),
  pin: refuse("pinning content"),
  unpin: refuse("unpinning content"),
  revert: refuse("reverting a commit"),
  restore: refuse("restoring what was"),
  tend: () => Effect.never,
  repair: (options) => options?.dryRun === true ? registry.repair(options) : refuse("repairing a layout")()
})
