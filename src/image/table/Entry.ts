/** One file of a layer, as the table of contents has it. */
import type { Checkpoint } from "../ports/LayerCodec.ts"
import type { EntryType, TarEntry } from "../tar/TarEntry.ts"

/** In the order of their numbers in tables, which never changes. */
export const entryTypes: ReadonlyArray<EntryType> = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "character",
  "block",
  "fifo",
  "other"
]

/** One entry of a layer. */
export interface Entry extends Readonly<Omit<TarEntry, "flag" | "name" | "link">> {
  /** As `textOf` has them. */
  readonly name: string
  readonly link: string
  /** Where its SHA-256 is in the table's list of them, in hashes; -1 for what is no file. */
  readonly sha: number
}

/** What one pass over a layer finds out. */
export interface LayerTable {
  /** Of the blob. */
  readonly digest: string
  /** Of the uncompressed tar; empty where only the layer's own table was read. */
  readonly diffId: string
  /** Bytes of the blob, and of the tar. */
  readonly blobSize: number
  readonly size: number
  readonly compression: "none" | "gzip" | "zstd"
  /** In the order of the tar: of two entries of one name the later one counts. */
  readonly entries: ReadonlyArray<Entry>
  /** SHA-256 of files, 32 bytes each. */
  readonly shas: Uint8Array
  /** Where files are, if this is the table that the layer has of itself, which was believed. */
  readonly own?: ReadonlyArray<Checkpoint>
}

/** Of one SHA-256. */
export const shaBytes = 32

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

export const hexOf = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += digits[byte] ?? ""
  return text
}

/** `sha256:…` of a file's content. */
export const digestOf = ({ shas }: Pick<LayerTable, "shas">, { sha }: Entry): string | undefined =>
  sha < 0 ? undefined : `sha256:${hexOf(shas.subarray(sha * 32, sha * 32 + 32))}`
