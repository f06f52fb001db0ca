/** What a foreign hand does to a file or a folder of a layout on a simulated disk. */
import { mutatedBytes } from "../mutate.ts"
import { type Random, randomOf } from "../random.ts"
import { copied, idThere, lasting, nodeThere, pathsBelow } from "./copies.ts"
import { change, create, type Disk, find, nodeAt, truncate, write } from "./Disk.ts"

export const harms = [
  "removed",
  "cut",
  "emptied",
  "other bytes",
  "one other byte",
  "swapped",
  "an older copy",
  "a link elsewhere",
  "a folder for a file",
  "a file for a folder"
] as const
type Harm = (typeof harms)[number]

export interface Damage {
  /** A folder or a file, and which of what is in it, counted through. */
  readonly place: string
  readonly which: number
  readonly harm: Harm
  /** Whether a file is changed where it is, under all of its names, or another one takes its place. */
  readonly inPlace: boolean
  /** Whether an older copy has the times of then. */
  readonly keepsTimes: boolean
  readonly seed: number
}

/** What was done, and where. */
export interface Damaged {
  readonly disk: Disk
  /** What was harmed; two that were swapped. */
  readonly paths: ReadonlyArray<string>
  readonly harm: Harm
  /** Whether content was changed that has other names too. */
  readonly shared: boolean
}

/** Where links lead: nothing is there. */
const elsewhere = "/srv/elsewhere"

/** Harms a file or folder, and everything of it lasts; nothing where there is nothing to be harmed like this. */
export const damaged = (
  disk: Disk,
  nowNs: bigint,
  older: ReadonlyArray<Disk>,
  damage: Damage
): Damaged | undefined => {
  const paths = pathsBelow(disk, damage.place)
  const path = paths[damage.which % Math.max(1, paths.length)]
  if (path === undefined) return undefined
  const random = randomOf(damage.seed)
  const done = (disk: Disk | undefined, shared = false): Damaged | undefined =>
    disk === undefined ? undefined : { disk: lasting(disk, path), paths: [path], harm: damage.harm, shared }
  const node = nodeThere(disk, path)
  switch (damage.harm) {
    case "removed":
      return done(without(disk, nowNs, path))
    case "cut":
    case "emptied":
    case "other bytes":
    case "one other byte": {
      if (node?.kind !== "file") return undefined
      const bytes = harmed(random, damage.harm, Buffer.from(node.content))
      return damage.inPlace
        ? done(rewritten(disk, nowNs, path, bytes), node.names > 1)
        : done(rewritten(withFile(without(disk, nowNs, path), nowNs, path, node.mode), nowNs, path, bytes))
    }
    case "swapped": {
      const other = random.pick(paths)
      if (node === undefined || overlap(path, other) || nodeThere(disk, other)?.kind !== node.kind) return undefined
      const [one, two] = [find(disk, path, false), find(disk, other, false)]
      const swapped = change(disk, nowNs, [
        { directory: one.directory, name: one.name, to: two.node },
        { directory: two.directory, name: two.name, to: one.node }
      ])
      return { disk: lasting(lasting(swapped, path), other), paths: [path, other], harm: "swapped", shared: false }
    }
    case "an older copy": {
      const from = random.pick(older)
      const cleared = without(disk, nowNs, path)
      if (nodeThere(from, path) === undefined) return done(cleared)
      return done(copied(cleared, nowNs, { from, path, to: path, keepsTimes: damage.keepsTimes }))
    }
    case "a link elsewhere":
      return done(
        create(without(disk, nowNs, path), nowNs, find(without(disk, nowNs, path), path, false), {
          kind: "link",
          target: elsewhere
        }, [])
      )
    case "a folder for a file": {
      if (node?.kind !== "file") return undefined
      const cleared = without(disk, nowNs, path)
      return done(create(cleared, nowNs, find(cleared, path, false), { kind: "directory", mode: 0o755 }, []))
    }
    case "a file for a folder":
      if (node?.kind !== "directory") return undefined
      return done(withFile(without(disk, nowNs, path), nowNs, path, 0o644))
  }
}

const overlap = (one: string, two: string): boolean =>
  `${one}/`.startsWith(`${two}/`) || `${two}/`.startsWith(`${one}/`)

/** Takes a name away, with everything below it. */
export const without = (disk: Disk, nowNs: bigint, path: string): Disk => {
  const { directory, name } = find(disk, path, false)
  return change(disk, nowNs, [{ directory, name, to: undefined }])
}

const withFile = (disk: Disk, nowNs: bigint, path: string, mode: number): Disk =>
  create(disk, nowNs, find(disk, path, false), { kind: "file", mode }, [])

const rewritten = (disk: Disk, nowNs: bigint, path: string, bytes: Uint8Array): Disk => {
  const id = idThere(disk, path) ?? -1
  const emptied = nodeAt(truncate(disk, nowNs, id, 0), id)
  return emptied.kind === "file" ? write(truncate(disk, nowNs, id, 0), nowNs, id, bytes, 0) : disk
}

const harmed = (random: Random, harm: "cut" | "emptied" | "other bytes" | "one other byte", bytes: Buffer): Buffer => {
  switch (harm) {
    case "cut":
      return bytes.subarray(0, random.below(bytes.length + 1))
    case "emptied":
      return Buffer.alloc(0)
    case "other bytes":
      return mutatedBytes(random, [Buffer.from("other bytes"), Buffer.from("{}"), Buffer.alloc(700, 0)])
    case "one other byte": {
      const other = Buffer.from(bytes)
      const at = random.below(Math.max(1, bytes.length))
      if (bytes.length > 0) other[at] = (other[at] ?? 0) ^ (1 << random.below(8))
      return other
    }
  }
}
