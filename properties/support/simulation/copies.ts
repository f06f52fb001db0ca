/** Copies of what lies on a simulated disk, as `cp -r` makes them: every file by itself, whatever names it had. */
import { assert } from "@effect/vitest"
import { create, type Disk, find, type Node, nodeAt, sync, withNode, write } from "./Disk.ts"

export interface Copying {
  /** The disk that is copied from: the same, or what it was at an earlier time. */
  readonly from: Disk
  readonly path: string
  /** Where nothing is yet. */
  readonly to: string
  /** Whether files keep the time at which they were last written, as with `cp -p`. */
  readonly keepsTimes?: boolean
}

/** Puts a copy of what is at a path at another, with all that is in it. */
export const copied = (disk: Disk, nowNs: bigint, copying: Copying): Disk => {
  const { from, keepsTimes = false, path, to } = copying
  const node = nodeThere(from, path) ?? assert.fail(path)
  const place = find(disk, to, false)
  const made = node.kind === "link" ? { kind: node.kind, target: node.target } : { kind: node.kind, mode: node.mode }
  const begun = create(disk, nowNs, place, made, [])
  const id = find(begun, to, false).node ?? assert.fail(to)
  const filled = node.kind === "file"
    ? write(begun, nowNs, id, node.content, 0)
    : node.kind === "directory"
    ? Array.from(node.entries.keys()).reduce(
      (disk, name) => copied(disk, nowNs, { ...copying, path: `${path}/${name}`, to: `${to}/${name}` }),
      begun
    )
    : begun
  const { gid, mtimeNs, uid } = node
  const copy = nodeAt(filled, id)
  return withNode(filled, id, { ...copy, uid, gid, ...(keepsTimes ? { mtimeNs } : {}) })
}

/** What is at a path, no link followed in its last component; nothing where there is nothing. */
export const nodeThere = (disk: Disk, path: string): Node | undefined => {
  const id = idThere(disk, path)
  return id === undefined ? undefined : nodeAt(disk, id)
}

/** As `nodeThere`, which node it is. Nothing also where the path leads through a file. */
export const idThere = (disk: Disk, path: string): number | undefined => {
  const names = path.split("/").filter((name) => name !== "")
  let id: number | undefined = find(disk, "/", false).node
  for (const name of names) {
    const node: Node | undefined = id === undefined ? undefined : disk.nodes.get(id)
    id = node?.kind === "directory" ? node.entries.get(name) : undefined
  }
  return id
}

/** Every path below one, and that one itself first. */
export const pathsBelow = (disk: Disk, path: string): ReadonlyArray<string> => {
  const node = nodeThere(disk, path)
  if (node === undefined) return []
  if (node.kind !== "directory") return [path]
  return [path, ...Array.from(node.entries.keys()).flatMap((name) => pathsBelow(disk, `${path}/${name}`))]
}

/** What is at a path is on the platter, with its name and all that is in it. */
export const lasting = (disk: Disk, path: string): Disk => {
  const above = path.slice(0, Math.max(1, path.lastIndexOf("/")))
  return [above, ...pathsBelow(disk, path)].reduce((disk, path) => {
    const id = idThere(disk, path)
    return id === undefined ? disk : sync(disk, id)
  }, disk)
}
