/** What is in the file system of an image, a line for each name. */
import { digestOf, type LayerTable } from "../../../src/image/table/Entry.ts"
import type { Folder, Inode } from "../../../src/image/tree/Node.ts"
import { modeOf } from "../../../src/image/tree/Node.ts"
import { below } from "../../../src/image/tree/walk.ts"

const letters = {
  file: "f",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
  directory: "d",
  hardlink: "h",
  other: "?"
}

/** As `find` walks, folder by folder: names of one file are told by the first of them. */
const firstNames = (root: Folder): ReadonlyMap<Inode, string> => {
  const all = Array.from(below(root, "/")).flatMap(({ node, path }) => node.kind === "leaf" ? [{ node, path }] : [])
  const order = all.toSorted((a, b) =>
    a.path.split("/").length - b.path.split("/").length || (a.path < b.path ? -1 : 1)
  )
  const first = new Map<Inode, string>()
  for (const { node, path } of order) if (!first.has(node.inode)) first.set(node.inode, path.slice(1))
  return first
}

export const listing = (root: Folder, tables: ReadonlyArray<LayerTable>): ReadonlyArray<string> => {
  const first = firstNames(root)
  const all = Array.from(below(root, "/"))
  const names = new Map<Inode, number>()
  for (const { node } of all) if (node.kind === "leaf") names.set(node.inode, (names.get(node.inode) ?? 0) + 1)
  return all.map(({ node, path }) => {
    const name = path.slice(1)
    if (node.kind === "folder") return `${name} d ${modeOf(node).toString(8)} 0`
    const { inode } = node
    const { entry, layer } = inode
    const table = tables[layer]
    const digest = table === undefined ? undefined : digestOf(table, entry)?.slice(7, 15)
    const last = entry.type === "file"
      ? ` ${digest}${(names.get(inode) ?? 0) > 1 ? ` =${first.get(inode)}` : ""}`
      : entry.type === "symlink"
      ? ` -> ${entry.link}`
      : entry.type === "fifo"
      ? ""
      : ` ${entry.major}:${entry.minor}`
    const mode = entry.type === "symlink" ? "777" : modeOf(node).toString(8)
    return `${name} ${letters[entry.type]} ${mode} ${entry.type === "file" ? entry.size : 0}${last}`
  }).toSorted()
}
