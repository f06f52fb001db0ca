/** Archives of images. */
export { appendArchive, type Appended } from "./appendArchive.ts"
export { applyBundle, type ApplyOptions, type BundleApplied, type BundleTarget } from "./applyBundle.ts"
export { type ArchivedImage, archivedImages } from "./archivedImages.ts"
export { parseInventory } from "./files/inventoryText.ts"
export { inventoryBytes } from "./files/limits.ts"
export { isArchive } from "./files/openFile.ts"
export {
  type ArchivedBlob,
  type ArchiveOptions,
  layerArchive,
  makeArchive,
  type OpenArchive,
  openArchive
} from "./makeArchive.ts"
export { type ArchiveContent, type Held, type Saved, saveImages, type SaveOptions } from "./write/writeArchive.ts"
