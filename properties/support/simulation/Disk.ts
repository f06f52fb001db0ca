/**
 * A POSIX disk as a value: what is in the page cache, what is on the platter, and which changes of directories are in
 * between. Nothing of it is ever changed in place, so a crash at any moment is a look at an earlier value.
 */

import { join } from "node:path"

/** A system error code. */
export class Code extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

interface Common {
  /** The number that `stat` tells; given again once nothing has it. */
  readonly ino: bigint
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** When it was made. */
  readonly birthNs: bigint
}

interface FileNode extends Common {
  readonly kind: "file"
  /** What everybody reads. */
  readonly content: Uint8Array
  /** What survives a power cut for certain. */
  readonly durable: Uint8Array
  /** A sync has failed: later ones report success and make nothing durable. */
  readonly poisoned: boolean
  /** How many names it has. */
  readonly names: number
}

interface DirectoryNode extends Common {
  readonly kind: "directory"
  readonly entries: ReadonlyMap<string, number>
  readonly durable: ReadonlyMap<string, number>
}

interface LinkNode extends Common {
  readonly kind: "link"
  readonly target: string
}

export type Node = FileNode | DirectoryNode | LinkNode

/** One name in a directory that came to lead elsewhere, or nowhere. */
interface Change {
  readonly directory: number
  readonly name: string
  readonly to: number | undefined
}

/** Changes that happen together, as those of a rename. */
type Operation = ReadonlyArray<Change>

export interface Disk {
  readonly nodes: ReadonlyMap<number, Node>
  /** Operations on directories that are not durable yet, in order. */
  readonly pending: ReadonlyArray<Operation>
  /** Never given again, other than inode numbers. */
  readonly nextNode: number
}

const rootNode = 0

const nothing = new Uint8Array()

export const emptyDisk = (nowNs: bigint): Disk => ({
  nodes: new Map([[rootNode, directoryNode(2n, 0o755, nowNs)]]),
  pending: [],
  nextNode: 1
})

const directoryNode = (ino: bigint, mode: number, nowNs: bigint, uid = 0, gid = 0): DirectoryNode => ({
  kind: "directory",
  ino,
  mode,
  uid,
  gid,
  mtimeNs: nowNs,
  ctimeNs: nowNs,
  birthNs: nowNs,
  entries: new Map(),
  durable: new Map()
})

export const nodeAt = ({ nodes }: Disk, node: number): Node => nodes.get(node) ?? fail("ENOENT")

/** The longest name in bytes. eCryptfs has the lowest limit of the file systems that we support. */
const longestName = 142

export const fail = (code: string): never => {
  throw new Code(code)
}

export const withNode = (disk: Disk, id: number, node: Node | undefined): Disk => {
  const nodes = new Map(disk.nodes)
  if (node === undefined) nodes.delete(id)
  else nodes.set(id, node)
  return { ...disk, nodes }
}

/** Where a path leads. */
export interface Place {
  readonly directory: number
  readonly name: string
  /** Nothing where there is nothing. */
  readonly node: number | undefined
  /** The names on the way, every link followed. */
  readonly path: string
}

const most = 40

/** A directory from which a path is followed, and where it is. */
interface Start {
  readonly node: number
  readonly path: string
}

const top: Start = { node: rootNode, path: "/" }

/** Looks at a directory before a name is looked for in it: fails where that may not be. */
export type Enter = (directory: Node) => void

const anyone: Enter = () => undefined

/** Follows a path from the root, or from a directory; the last component too if it is a link and `follow` says so. */
export const find = (disk: Disk, path: string, follow: boolean, enter = anyone, start = top, links = 0): Place => {
  if (links > most) return fail("ELOOP")
  const components = path.split("/").filter((component) => component !== "" && component !== ".")
  const trail = [start.node]
  const walked: Array<string> = []
  const placeOf = (names: ReadonlyArray<string>): string => join(start.path, ...names)
  for (const [at, name] of components.entries()) {
    const directory = trail.at(-1) ?? rootNode
    const parent = nodeAt(disk, directory)
    if (parent.kind !== "directory") return fail("ENOTDIR")
    enter(parent)
    const isLast = at === components.length - 1
    if (name === "..") {
      if (trail.length > 1) trail.pop()
      walked.pop()
      if (isLast) return { directory, name, node: trail.at(-1), path: placeOf(walked) }
      continue
    }
    const node = parent.entries.get(name)
    const found = node === undefined ? undefined : disk.nodes.get(node)
    if (found?.kind === "link" && (!isLast || follow)) {
      const before = found.target.startsWith("/") ? [] : [start.path, ...walked]
      return find(disk, [...before, found.target, ...components.slice(at + 1)].join("/"), follow, enter, top, links + 1)
    }
    walked.push(name)
    if (isLast) return { directory, name, node, path: placeOf(walked) }
    if (node === undefined) return fail("ENOENT")
    trail.push(node)
  }
  return { directory: start.node, name: "", node: start.node, path: start.path }
}

/** Where a directory is; nowhere once it was removed. */
export const pathOf = (disk: Disk, node: number, from = top): string | undefined => {
  if (node === from.node) return from.path
  const found = disk.nodes.get(from.node)
  if (found?.kind !== "directory") return undefined
  for (const [name, child] of found.entries) {
    const path = pathOf(disk, node, { node: child, path: join(from.path, name) })
    if (path !== undefined) return path
  }
  return undefined
}

/** Whether a directory is another one or somewhere below it. */
export const isWithin = (disk: Disk, node: number, top: number): boolean => {
  if (node === top) return true
  const found = disk.nodes.get(top)
  return found?.kind === "directory" && Array.from(found.entries.values()).some((child) => isWithin(disk, node, child))
}

/** Lets names lead elsewhere, all at once. */
export const change = (disk: Disk, nowNs: bigint, operation: Operation): Disk => {
  const nodes = new Map(disk.nodes)
  for (const { directory, name, to } of operation) {
    const parent = nodes.get(directory)
    if (parent?.kind !== "directory") return fail("ENOTDIR")
    if (to !== undefined && Buffer.byteLength(name) > longestName) return fail("ENAMETOOLONG")
    const entries = new Map(parent.entries)
    const before = entries.get(name)
    if (to === undefined) entries.delete(name)
    else entries.set(name, to)
    nodes.set(directory, { ...parent, entries, mtimeNs: nowNs, ctimeNs: nowNs })
    for (const [node, more] of [[before, -1], [to, 1]] as const) {
      const file = node === undefined ? undefined : nodes.get(node)
      if (node === undefined || file === undefined) continue
      const names = file.kind === "file" ? { names: file.names + more } : {}
      nodes.set(node, { ...file, ...names, ctimeNs: nowNs })
    }
  }
  return { ...disk, nodes, pending: [...disk.pending, operation] }
}

/** A new node under a name that nothing has. */
export const create = (
  disk: Disk,
  nowNs: bigint,
  { directory, name, node }: Place,
  made:
    | { readonly kind: "file" | "directory"; readonly mode: number; readonly uid?: number; readonly gid?: number }
    | { readonly kind: "link"; readonly target: string },
  open: Iterable<number>
): Disk => {
  if (node !== undefined) return fail("EEXIST")
  const ino = freeNumber(disk, open)
  const common = made.kind === "link"
    ? directoryNode(ino, 0o777, nowNs)
    : directoryNode(ino, made.mode, nowNs, made.uid, made.gid)
  const fresh: Node = made.kind === "directory"
    ? common
    : made.kind === "link"
    ? { ...common, kind: "link", target: made.target }
    : { ...common, kind: "file", content: nothing, durable: nothing, poisoned: false, names: 0 }
  const next = { ...withNode(disk, disk.nextNode, fresh), nextNode: disk.nextNode + 1 }
  return change(next, nowNs, [{ directory, name, to: disk.nextNode }])
}

/** The lowest inode number that neither a name nor an open file has, as file systems give them. */
const freeNumber = ({ nodes }: Disk, open: Iterable<number>): bigint => {
  const opened = new Set(open)
  const taken = new Set<bigint>()
  for (const [id, node] of nodes) if (node.kind !== "file" || node.names > 0 || opened.has(id)) taken.add(node.ino)
  let ino = 2n
  while (taken.has(ino)) ino++
  return ino
}

/** Writes into a file, whose end moves when the bytes reach beyond it. */
export const write = (disk: Disk, nowNs: bigint, id: number, bytes: Uint8Array, position: number): Disk => {
  const file = nodeAt(disk, id)
  if (file.kind !== "file") return fail("EISDIR")
  const content = new Uint8Array(Math.max(file.content.length, position + bytes.length))
  content.set(file.content)
  content.set(bytes, position)
  return withNode(disk, id, { ...file, content, mtimeNs: nowNs, ctimeNs: nowNs })
}

export const truncate = (disk: Disk, nowNs: bigint, id: number, size: number): Disk => {
  const file = nodeAt(disk, id)
  if (file.kind !== "file") return fail("EISDIR")
  const content = new Uint8Array(size)
  content.set(file.content.subarray(0, size))
  return withNode(disk, id, { ...file, content, mtimeNs: nowNs, ctimeNs: nowNs })
}

/**
 * Makes a file's content durable, or the names in a directory with all that has to be for them.
 *
 * @param ordersNames whether that is every change of a name before the last of this directory
 */
export const sync = (disk: Disk, id: number, ordersNames = false): Disk => {
  const node = nodeAt(disk, id)
  if (node.kind === "link") return disk
  if (node.kind === "file") return node.poisoned ? disk : withNode(disk, id, { ...node, durable: node.content })
  if (ordersNames) {
    const count = disk.pending.findLastIndex((operation) => operation.some(({ directory }) => directory === id)) + 1
    const nodes = settle(disk.nodes, disk.pending.slice(0, count))
    return { ...disk, nodes, pending: disk.pending.slice(count) }
  }
  const wanted = new Set<string>()
  const flushed = disk.pending.toReversed().filter((operation) => {
    const needed = operation.some((part) => part.directory === id || wanted.has(keyOf(part)))
    if (needed) { for (const part of operation) wanted.add(keyOf(part)) }
    return needed
  }).toReversed()
  const rest = disk.pending.filter((operation) => !flushed.includes(operation))
  return { ...disk, nodes: settle(disk.nodes, flushed), pending: rest }
}

/** A sync of this file failed: what was dirty will never be written. */
export const poison = (disk: Disk, id: number): Disk => {
  const node = nodeAt(disk, id)
  return node.kind === "file" ? withNode(disk, id, { ...node, poisoned: true }) : disk
}

const keyOf = ({ directory, name }: Change): string => `${directory} ${name}`

const settle = (nodes: Disk["nodes"], operations: ReadonlyArray<Operation>): ReadonlyMap<number, Node> => {
  const settled = new Map(nodes)
  for (const { directory, name, to } of operations.flat()) {
    const node = settled.get(directory)
    if (node?.kind !== "directory") continue
    const durable = new Map(node.durable)
    if (to === undefined) durable.delete(name)
    else durable.set(name, to)
    settled.set(directory, { ...node, durable })
  }
  return settled
}

/** Numbers from 0 up to, not including, 1. */
export type Chance = () => number

export type Crash = "kill" | "ordered" | "adversarial"

/**
 * The disk as it is found after a crash. The death of processes leaves the cache. A power cut leaves what is durable and
 * some of what is not: of directories a first part of the pending operations (`ordered`, as journaling file systems
 * do) or any that respect the order in which each name was changed; of files what was there, what is there, or a mix.
 */
export const crash = (disk: Disk, kind: Crash, chance: Chance): Disk => {
  if (kind === "kill") return disk
  const nodes = settle(disk.nodes, survivors(disk.pending, kind, chance))
  const found = new Map<number, Node>()
  const names = new Map<number, number>()
  const visit = (id: number): void => {
    const node = nodes.get(id)
    if (node === undefined) return
    names.set(id, (names.get(id) ?? 0) + 1)
    if (found.has(id)) return
    found.set(id, node)
    if (node.kind !== "directory") return
    found.set(id, { ...node, entries: node.durable })
    for (const child of node.durable.values()) visit(child)
  }
  visit(rootNode)
  for (const [id, node] of found) {
    if (node.kind !== "file") continue
    const content = survivingContent(node, chance)
    found.set(id, { ...node, content, durable: content, poisoned: false, names: names.get(id) ?? 0 })
  }
  return { nodes: found, pending: [], nextNode: disk.nextNode }
}

const survivors = (
  pending: ReadonlyArray<Operation>,
  kind: Crash,
  chance: Chance
): ReadonlyArray<Operation> => {
  if (kind === "ordered") return pending.slice(0, Math.floor(chance() * (pending.length + 1)))
  const lost = new Set<string>()
  const likely = chance()
  return pending.filter((operation) => {
    const kept = chance() < likely && !operation.some((part) => lost.has(keyOf(part)))
    if (!kept) { for (const part of operation) lost.add(keyOf(part)) }
    return kept
  })
}

const sector = 512

const survivingContent = ({ content, durable }: FileNode, chance: Chance): Uint8Array => {
  if (content === durable) return durable
  const luck = chance()
  if (luck < 0.35) return durable
  if (luck < 0.6) return content
  // The size may be there before the data is.
  const mixed = new Uint8Array(chance() < 0.5 ? content.length : durable.length)
  for (let from = 0; from < mixed.length; from += sector) {
    const source = chance() < 0.5 ? content : durable
    mixed.set(source.subarray(from, Math.min(from + sector, mixed.length)), from)
  }
  return mixed
}
