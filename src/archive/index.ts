/** Archives of images. */
export { isArchive } from "./files/openFile.ts"
export { type ArchiveOptions, layerArchive, makeArchive } from "./makeArchive.ts"
export { type ArchiveContent, type Saved, saveImages, type SaveOptions } from "./write/writeArchive.ts"
