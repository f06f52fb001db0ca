/** What takes the space of an image: by layer, by folder, by file, and what is there for nothing. */
import { field } from "../../oci/field.ts"
import { digestOf } from "../table/Entry.ts"
import { type Inode, joined } from "../tree/Node.ts"
import { below, kidsOf } from "../tree/walk.ts"
import { type FileRow, rowOf } from "./FileRow.ts"
import type { OpenImage } from "./openImage.ts"

/** What a layer takes. */
export interface LayerSize {
  readonly digest: string
  /** Bytes of the blob. */
  readonly blob: number
  /** Bytes of the files in it. */
  readonly files: number
  readonly count: number
  /** Of these, bytes of files that later layers replace or delete. */
  readonly hidden: number
  readonly createdBy?: string
}

/** What a folder takes, with all below it. */
export interface FolderSize {
  readonly path: string
  /** Bytes of the files below it. */
  readonly bytes: number
  readonly count: number
}

/** Where the bytes of an image are. */
export interface ImageSizes {
  /** Bytes of all blobs; of all files in all layers; and of the files that can be seen. */
  readonly blobs: number
  readonly files: number
  readonly visible: number
  /** Bytes of files that later layers replace or delete. */
  readonly hidden: number
  /** Bytes of files whose content the image has under another name as well, hard links aside. */
  readonly repeated: number
  readonly layers: ReadonlyArray<LayerSize>
  /** The folders at the top, the largest first. */
  readonly folders: ReadonlyArray<FolderSize>
  /** The largest files. */
  readonly largest: ReadonlyArray<FileRow>
}

/**
 * Adds up the bytes of an image.
 *
 * @param most how many of the largest files are listed
 */
export const sizesOf = (image: OpenImage, most: number): ImageSizes => {
  const { config, root, tables } = image
  const seen = tables.map(() => 0)
  const inodes = new Set<Inode>()
  const contents = new Set<string>()
  let repeated = 0
  const largest: Array<FileRow> = []
  const folders: Array<FolderSize> = []
  for (const [name, kid] of kidsOf(root)) {
    const path = joined("/", name)
    let [bytes, count] = [0, 0]
    const all = kid.kind === "folder" ? below(kid, path) : [{ node: kid, path }]
    for (const item of all) {
      if (item.node.kind === "folder") continue
      count++
      const { inode } = item.node
      const { entry, layer } = inode
      if (entry.type !== "file" || inodes.has(inode)) continue
      inodes.add(inode)
      bytes += entry.size
      seen[layer] = (seen[layer] ?? 0) + entry.size
      const table = tables[layer]
      const digest = table === undefined || entry.size === 0 ? undefined : digestOf(table, entry)
      if (digest !== undefined && contents.has(digest)) repeated += entry.size
      if (digest !== undefined) contents.add(digest)
      if (largest.length < most || entry.size > (largest.at(-1)?.size ?? 0)) {
        largest.push(rowOf(image, item))
        largest.sort((a, b) => b.size - a.size)
        largest.length = Math.min(largest.length, most)
      }
    }
    folders.push({ path, bytes, count })
  }
  const layers = tables.map(({ blobSize, digest, entries }, at): LayerSize => {
    const files = entries.reduce((sum, { size, type }) => type === "file" ? sum + size : sum, 0)
    const createdBy = config?.instructions[at]
    const hidden = files - (seen[at] ?? 0)
    return {
      digest,
      blob: blobSize,
      files,
      count: entries.length,
      hidden,
      ...field("createdBy", createdBy)
    }
  })
  const sum = (one: (layer: LayerSize) => number): number => layers.reduce((total, layer) => total + one(layer), 0)
  return {
    blobs: sum(({ blob }) => blob),
    files: sum(({ files }) => files),
    visible: seen.reduce((total, bytes) => total + bytes, 0),
    hidden: sum(({ hidden }) => hidden),
    repeated,
    layers,
    folders: folders.toSorted((a, b) => b.bytes - a.bytes).slice(0, most),
    largest
  }
}
