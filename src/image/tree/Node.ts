/** The file system of an image. Nothing of it changes once it is folded. */
import type { Entry } from "../table/Entry.ts"

/** What several names can have: content and attributes. */
export interface Inode {
  readonly entry: Entry
  /** The layer that has it, from 0. */
  readonly layer: number
  /** How many names it was ever given. */
  names: number
}

/** A name of what is no folder. */
export interface Leaf {
  readonly kind: "leaf"
  readonly inode: Inode
  /** The layer that gave it this name. */
  readonly layer: number
}

/** A folder, as the layers that have it and what is in it make it. */
export interface Folder {
  readonly kind: "folder"
  readonly name: string
  /** Nothing above the root. */
  readonly parent: Folder | undefined
  readonly depth: number
  readonly kids: Map<string, Node>
  /** None where only what is in it made it: then it is root's, and 755. */
  entry: Entry | undefined
  /** The layer that made it, where there was none. */
  readonly made: number
  /** The last layer that has an entry of it. */
  layer: number
  /** The last layer that has put something in it, or below. */
  touched: number
  /** The last layer that has removed from it all that lower layers had put there. */
  cleared: number
}

/** A name in the file system of an image. */
export type Node = Leaf | Folder

export const makeFolder = (
  parent: Folder | undefined,
  name: string,
  layer: number,
  entry?: Entry
): Folder => ({
  kind: "folder",
  name,
  parent,
  depth: parent === undefined ? 0 : parent.depth + 1,
  kids: new Map(),
  entry,
  made: layer,
  layer,
  touched: layer,
  cleared: layer
})

/** The parts of a path in an archive: nothing leads above the root. */
export const partsOf = (path: string): Array<string> => {
  const parts: Array<string> = []
  for (const part of path.split("/")) {
    if (part === "..") parts.pop()
    else if (part !== "" && part !== ".") parts.push(part)
  }
  return parts
}

/** A path with a name behind it. */
export const joined = (folder: string, name: string): string => folder === "/" ? `/${name}` : `${folder}/${name}`

/** The bits of `chmod`. */
export const modeOf = (node: Node): number => entryOf(node)?.mode ?? 0o755

export const entryOf = (node: Node): Entry | undefined => node.kind === "leaf" ? node.inode.entry : node.entry
