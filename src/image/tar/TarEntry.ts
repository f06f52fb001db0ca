/** What a tar says of one file. */

/** `sparse` counts as `file`; `other` is what no runtime unpacks. */
export type EntryType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo" | "other"

/** The reader fills it header by header; its users must not change it. */
export interface TarEntry {
  type: EntryType
  /** The letter of the header. */
  flag: string
  /** As it is written; good, as `link` is, until the next entry begins. */
  name: Uint8Array
  link: Uint8Array
  /** Bytes of the file, holes included. */
  size: number
  /** Bytes of the body in the tar. */
  stored: number
  /** The lower twelve bits. */
  mode: number
  uid: number
  gid: number
  /** Seconds since 1970; with a fraction where a pax header says one. */
  mtime: number
  major: number
  minor: number
  /** Where the body begins in the tar. */
  offset: number
  /** Where in the file the parts of the body go, each with its length; the rest are holes. */
  sparse: ReadonlyArray<readonly [offset: number, length: number]> | undefined
  xattrs: ReadonlyMap<string, Uint8Array> | undefined
}

const types: Readonly<Record<string, EntryType>> = {
  "0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo"
}

export const typeOf = (flag: string): EntryType => types[flag] ?? "other"

/** Entries without a body, whatever their size says. */
export const hasNoBody = (type: EntryType): boolean => type !== "file" && type !== "other"
