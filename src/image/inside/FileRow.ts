/** A file of an image, as questions are answered. */
import { field } from "../../oci/field.ts"
import { PathUnknown } from "../../oci/OciError.ts"
import { digestOf, type Entry, type LayerTable } from "../table/Entry.ts"
import type { EntryType } from "../tar/TarEntry.ts"
import { entryOf, modeOf } from "../tree/Node.ts"
import { reach, type Reached } from "../tree/walk.ts"
import type { OpenImage } from "./openImage.ts"

/** One file, folder or link of an image, as listings show it. */
export interface FileRow {
  /** Absolute; a byte that is no UTF-8 is a lone surrogate U+DC80 to U+DCFF. */
  readonly path: string
  readonly type: EntryType | "whiteout"
  /** Of files, in bytes. */
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970; absent of folders that only what is in them has made. */
  readonly mtime?: number
  /** What a link leads to, as it is written. */
  readonly target?: string
  /** SHA-256 of a file's content. */
  readonly digest?: string
  /** The layer that it comes from, from 0. */
  readonly layer: number
  /** More names of this file: how many. */
  readonly names?: number
  /** Names of extended attributes. */
  readonly xattrs?: ReadonlyArray<string>
}

export const rowOf = ({ tables }: Pick<OpenImage, "tables">, { node, path }: Reached): FileRow => {
  const entry = entryOf(node)
  if (entry === undefined) {
    return { path, type: "directory", size: 0, mode: modeOf(node), uid: 0, gid: 0, layer: Math.max(0, node.layer) }
  }
  const layer = node.kind === "leaf" ? node.inode.layer : node.layer
  const row = rowOfEntry(tables[layer], entry, path, layer)
  return node.kind === "leaf" && node.inode.names > 1 ? { ...row, names: node.inode.names } : row
}

export const rowOfEntry = (table: LayerTable | undefined, entry: Entry, path: string, layer: number): FileRow => {
  const digest = table === undefined ? undefined : digestOf(table, entry)
  const { gid, link, mode, mtime, size, type, uid, xattrs } = entry
  return {
    path,
    type,
    size: type === "file" ? size : 0,
    mode,
    uid,
    gid,
    mtime,
    ...(link === "" ? {} : { target: link }),
    ...field("digest", digest),
    layer,
    ...(xattrs === undefined ? {} : { xattrs: Array.from(xattrs.keys()) })
  }
}

/** What a path of an image leads to. */
export const reached = ({ root }: Pick<OpenImage, "root">, path: string, follow: boolean): Reached | PathUnknown => {
  const found = reach(root, path, follow)
  return typeof found === "string" ? new PathUnknown({ path, reason: found }) : found
}

/** The order in which everything is listed: a folder, what is in it, and then what comes after it by name. */
export const inOrder = (a: string, b: string): number => {
  const [one, other] = [a.split("/"), b.split("/")]
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const [left = "", right = ""] = [one[at], other[at]]
    if (left !== right) return left < right ? -1 : 1
  }
  return one.length - other.length
}
