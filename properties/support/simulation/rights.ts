/** Who may do what on the simulated disk, as Linux decides it, with `fs.protected_hardlinks` set. */
import { type Disk, type Enter, fail, type Node, nodeAt, type Place } from "./Disk.ts"

/** Who a process is, and what its new files are not given. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Groups beside `gid`. */
  readonly groups: ReadonlyArray<number>
  readonly umask: number
}

/** Is never refused anything for want of a right. Most users have this umask. */
export const superuser: User = { uid: 0, gid: 0, groups: [], umask: 0o022 }

/** New files take the group of a folder with this bit, and new folders the bit too. */
export const setGid = 0o2000
/** In a folder with this bit only owners rename and remove. */
const sticky = 0o1000

const bits = { read: 4, write: 2, enter: 1 } as const

/** What each check fails with where the user may not do it. */
export interface Rights {
  readonly enter: Enter
  readonly open: (disk: Disk, node: number, access: "read" | "update" | "lock" | "create") => void
  /** That a name of a folder comes to lead elsewhere. */
  readonly change: (disk: Disk, place: Place) => void
  /** A second name for a file. */
  readonly link: (disk: Disk, node: number) => void
  readonly own: (disk: Disk, node: number) => void
  readonly give: (disk: Disk, node: number, to: { readonly uid: number; readonly gid: number }) => void
  /** The mode that a file gets when this one is asked for. */
  readonly mode: (disk: Disk, node: number, asked: number) => number
}

export const rightsOf = ({ gid, groups, uid }: User): Rights => {
  const isMember = (group: number): boolean => group === gid || groups.includes(group)
  const may = (node: Node, bit: number): boolean => {
    const shift = node.uid === uid ? 6 : isMember(node.gid) ? 3 : 0
    return uid === 0 || ((node.mode >> shift) & bit) === bit
  }
  const need = (node: Node, bit: number): void => may(node, bit) ? undefined : fail("EACCES")
  const own = (disk: Disk, id: number): void => {
    if (uid !== 0 && nodeAt(disk, id).uid !== uid) fail("EPERM")
  }
  return {
    enter: (directory) => need(directory, bits.enter),
    open: (disk, id, access) => need(nodeAt(disk, id), access === "read" ? bits.read : bits.read | bits.write),
    change: (disk, { directory, node }) => {
      const folder = nodeAt(disk, directory)
      need(folder, bits.write | bits.enter)
      const isOwned = uid === 0 || folder.uid === uid || node === undefined || nodeAt(disk, node).uid === uid
      if ((folder.mode & sticky) !== 0 && !isOwned) fail("EPERM")
    },
    link: (disk, id) => {
      const file = nodeAt(disk, id)
      if (file.uid !== uid && !may(file, bits.read | bits.write)) fail("EPERM")
    },
    own,
    give: (disk, id, to) => {
      if (uid === 0) return
      own(disk, id)
      if (to.uid !== uid || !isMember(to.gid)) fail("EPERM")
    },
    mode: (disk, id, asked) => {
      own(disk, id)
      return uid === 0 || isMember(nodeAt(disk, id).gid) ? asked : asked & ~setGid
    }
  }
}
