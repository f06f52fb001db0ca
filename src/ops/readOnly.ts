/** A registry that can be read and not changed, even where a surface lets a write through. */
import { Effect } from "effect"
import { Denied } from "../oci/OciError.ts"
import type { LayoutReads, LayoutRegistry, LayoutWrites } from "./api/Layout.ts"
import type { RegistryReads, RegistryWrites } from "./api/Registry.ts"

const refuse = (operation: string) => () =>
  Effect.fail(new Denied({ operation, reason: "the layout was opened for reading only; nothing was changed" }))

/** Every write there is: one that is added and not refused here does not compile. */
const refusals: RegistryWrites & LayoutWrites = {
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
  collectGarbage: refuse("collecting garbage"),
  pin: refuse("pinning content"),
  unpin: refuse("unpinning content"),
  revert: refuse("reverting a commit"),
  restore: refuse("restoring what was"),
  tend: () => Effect.never,
  repair: refuse("repairing a layout")
}

/** Reading is as before, and a repair can be tried; every operation that writes fails with `Denied`. */
export const readOnly = (
  registry: RegistryReads & LayoutReads & Pick<LayoutWrites, "repair">
): LayoutRegistry => ({
  ...registry,
  ...refusals,
  layerCache: (repository) =>
    Effect.map(registry.layerCache(repository), (cache) => ({ ...cache, save: () => Effect.void })),
  planGarbage: (options) => registry.planGarbage({ ...options, keep: false }),
  repair: (options) => options?.dryRun === true ? registry.repair(options) : refusals.repair(options)
})
