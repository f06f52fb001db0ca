/**
 * A model of layers put together (image-spec, layer.md; a whiteout speaks of lower layers only): a map of paths, without a
 * tree. Links are leaves, and no path leads through one.
 */
import type { Written } from "../../test/image/support/layers.ts"

interface Known {
  readonly kind: "f" | "d" | "s"
  /** The layer that has put it there. */
  readonly layer: number
  /** What it is, told apart from all others: a link to a file is the same as the file. */
  readonly identity: string
}

const isBelow = (path: string, folder: string): boolean => folder === "" || path.startsWith(`${folder}/`)

const parentOf = (path: string): string => path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ""

/** A line for each path, or nothing where no runtime could unpack it. */
export const modelOf = (layers: ReadonlyArray<ReadonlyArray<Written>>): ReadonlyArray<string> | undefined => {
  const files = new Map<string, Known>()
  for (const [layer, entries] of layers.entries()) {
    for (const [at, entry] of entries.entries()) {
      if (!apply(files, layer, entry, `${layer}.${at}`)) return undefined
    }
  }
  return Array.from(files, ([path, { identity, kind }]) => `${path} ${kind} ${identity}`).toSorted()
}

const apply = (files: Map<string, Known>, layer: number, [path, kind, detail]: Written, identity: string): boolean => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  const parent = parentOf(path)
  if (name.startsWith(".wh.")) {
    if (name === ".wh..wh..opq") hide(files, layer, parent, false)
    else hide(files, layer, path.slice(0, path.length - name.length) + name.slice(4), true)
    return true
  }
  for (let above = parent; above !== ""; above = parentOf(above)) {
    const there = files.get(above)
    if (there === undefined) files.set(above, { kind: "d", layer, identity: "" })
    else if (there.kind !== "d") return false
  }
  if (kind === "d") {
    files.set(path, { kind, layer, identity: "" })
    return true
  }
  const target = kind === "h" ? files.get(detail) : undefined
  if (kind === "h" && (target === undefined || target.kind === "d" || detail === path)) return false
  for (const other of Array.from(files.keys())) if (isBelow(other, path)) files.delete(other)
  files.set(
    path,
    kind === "h" && target !== undefined
      ? { kind: target.kind, layer, identity: target.identity }
      : { kind: kind === "s" ? "s" : "f", layer, identity }
  )
  return true
}

/** Removes what lower layers have put at a path and below it; folders stay as long as something of this layer is in them. */
const hide = (files: Map<string, Known>, layer: number, path: string, itself: boolean): void => {
  const isOurs = (one: string): boolean =>
    files.get(one)?.layer === layer ||
    Array.from(files).some(([other, known]) => isBelow(other, one) && known.layer === layer)
  const gone = Array.from(files.keys()).filter((one) => (itself && one === path || isBelow(one, path)) && !isOurs(one))
  const there = files.get(path)
  if (there === undefined && path !== "") return
  for (const one of gone) files.delete(one)
}
