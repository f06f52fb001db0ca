/** The library: the registry's operations, what they speak of, and the functional core behind them. */
export { buildSteps, type LayerChanges, type Step } from "./image/inside/buildSteps.ts"
export { diffImages } from "./image/inside/diffImages.ts"
export type * from "./image/inside/diffImages.ts"
export type { FileRow } from "./image/inside/FileRow.ts"
export { type GrepFile, grepFiles, type GrepOptions } from "./image/inside/grepFiles.ts"
export { type ImageSize, type LayoutSizes, layoutSizes, type SharedLayer } from "./image/inside/layoutSizes.ts"
export { findFiles, listFiles, listLayer } from "./image/inside/listFiles.ts"
export type * from "./image/inside/listFiles.ts"
export { type Inside, makeInside, type OpenImage, type OpenOptions } from "./image/inside/openImage.ts"
export { type ReadPath, readPath } from "./image/inside/readPath.ts"
export { type FolderSize, type ImageSizes, type LayerSize, sizesOf } from "./image/inside/sizes.ts"
export { diffSettings, type SettingDifference, textDiffOf } from "./image/inside/textDiff.ts"
export { type Touched, whichLayers } from "./image/inside/whichLayers.ts"
export type { LayerSource } from "./image/layers/LayerSource.ts"
export { type LayerLimits, layerLimits } from "./image/limits.ts"
export { findPackage, type FoundPackage } from "./image/packages/findPackage.ts"
export type * from "./image/packages/Package.ts"
export { type Packages, packagesOf, type PackagesOptions } from "./image/packages/packagesOf.ts"
export type * from "./image/ports/LayerCodec.ts"
export { type LineMatcher, type MatchedLine, plainMatcher } from "./image/ports/LineMatcher.ts"
export type { Entry as FileEntry, LayerTable } from "./image/table/Entry.ts"
export type { EntryType as FileType, TarEntry } from "./image/tar/TarEntry.ts"
export type { Folder as ImageFolder, Inode, Leaf, Node as ImageNode } from "./image/tree/Node.ts"
export type { Bond, Way as BondKind } from "./layout/belonging.ts"
export type { NameChange } from "./layout/changes.ts"
export type * from "./layout/Command.ts"
export { Commit } from "./layout/Commit.ts"
export { decide } from "./layout/decide.ts"
export type { Entry } from "./layout/Entry.ts"
export { Event } from "./layout/Event.ts"
export { evolve, invert, replay, rewind } from "./layout/evolve.ts"
export type { StoredBlob } from "./layout/garbage.ts"
export type { Page } from "./layout/query.ts"
export { type Base, difference, equivalent, merge, type Merged, type Said, saidSince } from "./layout/reconcile.ts"
export type { AgedRule } from "./layout/retention.ts"
export { empty, fromIndex, type State } from "./layout/State.ts"
export {
  decideUpload,
  evolveUpload,
  type OpenUpload,
  type UploadAddress,
  type UploadCommand,
  type UploadEvent,
  type UploadId,
  type UploadRefusal,
  type UploadState
} from "./layout/Upload.ts"
export * as Artifact from "./make/Artifact.ts"
export * as Image from "./make/Image.ts"
export * as Index from "./make/Index.ts"
export type * from "./make/ports/LayerMaker.ts"
export { Digest } from "./memory/Digest.ts"
export * as annotations from "./oci/Annotations.ts"
export { Descriptor, embeddedData, emptyDescriptor, type Json, type JsonObject } from "./oci/Descriptor.ts"
export { type Algorithm, ContentDigest, parseContentDigest, parseDigest } from "./oci/Digest.ts"
export type * from "./oci/faults.ts"
export * from "./oci/groups.ts"
export { type BuildStep, type ContainerSettings, type ImageConfig, parseImageConfig } from "./oci/ImageConfig.ts"
export { type Facts, type Manifest, parseManifest } from "./oci/Manifest.ts"
export * as mediaTypes from "./oci/MediaType.ts"
export * from "./oci/OciError.ts"
export {
  formatReference,
  type LayoutReference,
  parseLayoutReference,
  parseReference,
  type Reference,
  Repository,
  Tag
} from "./oci/Reference.ts"
export {
  type Name as EntryName,
  parseRefName,
  type Raw as RawName,
  type Tagged as TaggedName,
  type Untagged as UntaggedName
} from "./oci/RefName.ts"
export { Actor } from "./ops/api/Actor.ts"
export type * from "./ops/api/Attached.ts"
export type * from "./ops/api/BlobWriter.ts"
export { catchGroup } from "./ops/api/catchGroup.ts"
export type * from "./ops/api/Content.ts"
export type * from "./ops/api/Copy.ts"
export type * from "./ops/api/Done.ts"
export type * from "./ops/api/errors.ts"
export { type Finding, type FindingCode, findingCodes, type Severity } from "./ops/api/findings.ts"
export type * from "./ops/api/Garbage.ts"
export type * from "./ops/api/History.ts"
export type * from "./ops/api/LayerCache.ts"
export * from "./ops/api/Layout.ts"
export type * from "./ops/api/Maintenance.ts"
export type * from "./ops/api/Names.ts"
export * from "./ops/api/Registry.ts"
export { copyManifest, copyManifests } from "./ops/copy/copyManifest.ts"
export { inventory, type InventoryReads } from "./ops/copy/inventory.ts"
export { makeTurns } from "./ops/copy/makeTurns.ts"
export { sharedRegistry, treeRegistry } from "./ops/makeRegistry.ts"
export type * from "./ops/ports/BlobStore.ts"
export type * from "./ops/ports/FactsCache.ts"
export type * from "./ops/ports/Hasher.ts"
export type * from "./ops/ports/Journal.ts"
export type * from "./ops/ports/LayoutStore.ts"
export type * from "./ops/ports/Leftovers.ts"
export type * from "./ops/ports/LocalFiles.ts"
export type * from "./ops/ports/Pins.ts"
export type * from "./ops/ports/Plans.ts"
export type * from "./ops/ports/Stores.ts"
export type * from "./ops/ports/Upkeep.ts"
export type * from "./ops/ports/UploadStore.ts"
export { readOnly } from "./ops/readOnly.ts"
export { inspect, type Inspected, type InspectOptions } from "./ops/refs/inspect.ts"
