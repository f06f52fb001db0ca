/** Ways through the file system of an image: no link leads out of it. */
import { links } from "../limits.ts"
import { type Folder, joined, type Node } from "./Node.ts"

/** Why a path leads nowhere. */
export type Nowhere = "does not exist" | "has something on its way that is no folder" | "leads through too many links"

export interface Reached {
  readonly node: Node
  /** Where it is, links followed. */
  readonly path: string
}

/**
 * What a path leads to. Links on the way are followed inside of the image, and one at its end where `follow` says so.
 */
export const reach = (root: Folder, path: string, follow: boolean): Reached | Nowhere => {
  const rest = path.split("/").toReversed()
  let at: Folder = root
  let steps = 0
  let found: Reached = { node: root, path: "/" }
  while (rest.length > 0) {
    const part = rest.pop() ?? ""
    if (part === "" || part === ".") continue
    if (part === "..") {
      at = at.parent ?? at
      found = { node: at, path: pathTo(at) }
      continue
    }
    const node = at.kids.get(part)
    if (node === undefined) return "does not exist"
    const isLast = rest.every((one) => one === "" || one === ".")
    if (node.kind === "folder") at = node
    else if (node.inode.entry.type === "symlink" && (!isLast || follow)) {
      if (++steps > links) return "leads through too many links"
      const { link } = node.inode.entry
      if (link.startsWith("/")) at = root
      found = { node: at, path: pathTo(at) }
      rest.push(...link.split("/").toReversed())
      continue
    } else if (!isLast) return "has something on its way that is no folder"
    found = { node, path: node.kind === "folder" ? pathTo(node) : joined(pathTo(at), part) }
  }
  return found
}

const pathTo = (folder: Folder): string => {
  const parts: Array<string> = []
  for (let at = folder; at.parent !== undefined; at = at.parent) parts.push(at.name)
  return `/${parts.toReversed().join("/")}`
}

const byName = ([a]: readonly [string, Node], [b]: readonly [string, Node]): number => a < b ? -1 : a > b ? 1 : 0

const isInOrder = (names: Iterable<string>): boolean => {
  let last = ""
  for (const name of names) {
    if (name < last) return false
    last = name
  }
  return true
}

/** What is in a folder, by name; it is put in this order once. */
export const kidsOf = ({ kids }: Folder): ReadonlyMap<string, Node> => {
  if (isInOrder(kids.keys())) return kids
  const sorted = Array.from(kids).toSorted(byName)
  kids.clear()
  for (const [name, node] of sorted) kids.set(name, node)
  return kids
}

/** What comes last is taken first. */
const reverseFrom = (all: Array<Reached>, first: number): void => {
  for (let [low, high] = [first, all.length - 1]; low < high; low++, high--) {
    const [one, other] = [all[low], all[high]]
    if (one !== undefined && other !== undefined) [all[low], all[high]] = [other, one]
  }
}

/** Everything below a folder, each folder before what is in it. */
export function* below(folder: Folder, path: string): Generator<Reached> {
  // No recursion: folders lie in each other thousands deep.
  const waiting: Array<Reached> = []
  const enter = (inside: Folder, at: string): void => {
    const first = waiting.length
    for (const [name, node] of kidsOf(inside)) waiting.push({ node, path: joined(at, name) })
    reverseFrom(waiting, first)
  }
  enter(folder, path)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next
    if (next.node.kind === "folder") enter(next.node, next.path)
  }
}
