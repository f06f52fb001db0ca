/** What two images have different files of. */
import type { Entry, LayerTable } from "../table/Entry.ts"
import { entryOf, type Folder, joined, modeOf, type Node } from "../tree/Node.ts"
import { below } from "../tree/walk.ts"
import { type FileRow, rowOf } from "./FileRow.ts"
import type { OpenImage } from "./openImage.ts"

/** In what a path of two images can differ. */
export type Aspect = "type" | "content" | "target" | "mode" | "owner" | "xattrs" | "time"

/** One path that differs between two images. */
export interface Difference {
  readonly path: string
  readonly change: "added" | "removed" | "changed"
  /** Of what was changed: in what. */
  readonly aspects?: ReadonlyArray<Aspect>
  readonly from?: FileRow
  readonly to?: FileRow
}

interface Pair {
  readonly path: string
  readonly a: Folder
  readonly b: Folder
}

/**
 * Every file that one has and the other has not, or has otherwise, in the order of their paths. That only its time differs
 * is told with `times` alone: every build has another one.
 */
export function* diffImages(a: OpenImage, b: OpenImage, { times }: { readonly times: boolean }): Generator<Difference> {
  yield* folders(a, b, { path: "/", a: a.root, b: b.root }, times)
}

function* folders(a: OpenImage, b: OpenImage, start: Pair, times: boolean): Generator<Difference> {
  const waiting: Array<() => Generator<Difference, Pair | undefined>> = [() => pairOf(a, b, start, times, true)]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const inside = yield* next()
    if (inside === undefined) continue
    for (const name of namesToCompare(inside).toSorted().toReversed()) {
      const path = joined(inside.path, name)
      const [from, to] = [inside.a.kids.get(name), inside.b.kids.get(name)]
      waiting.push(() => differ(a, b, path, from, to, times))
    }
  }
}

/** What is the same entry of the same layer cannot differ. */
const namesToCompare = ({ a, b }: Pair): Array<string> => {
  const names: Array<string> = []
  for (const [name, from] of a.kids) {
    const to = b.kids.get(name)
    if (from.kind !== "leaf" || to?.kind !== "leaf" || from.inode.entry !== to.inode.entry) names.push(name)
  }
  for (const name of b.kids.keys()) if (!a.kids.has(name)) names.push(name)
  return names
}

function* differ(
  a: OpenImage,
  b: OpenImage,
  path: string,
  from: Node | undefined,
  to: Node | undefined,
  times: boolean
): Generator<Difference, Pair | undefined> {
  if (from?.kind === "folder" && to?.kind === "folder") {
    return yield* pairOf(a, b, { path, a: from, b: to }, times, false)
  }
  if (from !== undefined && to !== undefined) {
    const aspects = aspectsOf(a.tables, from, b.tables, to, times)
    if (aspects.length > 0) {
      const rows = { from: rowOf(a, { node: from, path }), to: rowOf(b, { node: to, path }) }
      yield { path, change: "changed", aspects, ...rows }
    }
  } else if (from !== undefined) yield { path, change: "removed", from: rowOf(a, { node: from, path }) }
  else if (to !== undefined) yield { path, change: "added", to: rowOf(b, { node: to, path }) }
  // Of a folder that is no longer one, or was none, everything below it.
  if (from?.kind === "folder") {
    for (const one of below(from, path)) yield { path: one.path, change: "removed", from: rowOf(a, one) }
  }
  if (to?.kind === "folder") {
    for (const one of below(to, path)) yield { path: one.path, change: "added", to: rowOf(b, one) }
  }
  return undefined
}

function* pairOf(
  a: OpenImage,
  b: OpenImage,
  pair: Pair,
  times: boolean,
  isRoot: boolean
): Generator<Difference, Pair | undefined> {
  const aspects = aspectsOf(a.tables, pair.a, b.tables, pair.b, times)
  if (aspects.length > 0 && !isRoot) {
    const { path } = pair
    const rows = { from: rowOf(a, { node: pair.a, path }), to: rowOf(b, { node: pair.b, path }) }
    yield { path, change: "changed", aspects, ...rows }
  }
  return pair
}

const aspectsOf = (
  tablesA: ReadonlyArray<LayerTable>,
  a: Node,
  tablesB: ReadonlyArray<LayerTable>,
  b: Node,
  times: boolean
): ReadonlyArray<Aspect> => {
  const [from, to] = [entryOf(a), entryOf(b)]
  if (from === to) return []
  const [typeA, typeB] = [from?.type ?? "directory", to?.type ?? "directory"]
  if (typeA !== typeB) return ["type"]
  const aspects: Array<Aspect> = []
  if (!sameContent(contentOf(tablesA, a), contentOf(tablesB, b))) aspects.push("content")
  if ((from?.link ?? "") !== (to?.link ?? "") || from?.major !== to?.major || from?.minor !== to?.minor) {
    if (from !== undefined && to !== undefined) aspects.push("target")
  }
  if (modeOf(a) !== modeOf(b)) aspects.push("mode")
  if ((from?.uid ?? 0) !== (to?.uid ?? 0) || (from?.gid ?? 0) !== (to?.gid ?? 0)) aspects.push("owner")
  if (xattrsOf(from) !== xattrsOf(to)) aspects.push("xattrs")
  if (times && from?.mtime !== to?.mtime) aspects.push("time")
  return aspects
}

/** The hash of a file, as bytes; nothing of what has no content. */
const contentOf = (tables: ReadonlyArray<LayerTable>, node: Node): Uint8Array | undefined => {
  if (node.kind === "folder") return undefined
  const { entry, layer } = node.inode
  return entry.sha < 0 ? undefined : tables[layer]?.shas.subarray(entry.sha * 32, entry.sha * 32 + 32)
}

const sameContent = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.every((byte, at) => byte === b[at])

const xattrsOf = (entry: Entry | undefined): string =>
  entry?.xattrs === undefined
    ? ""
    : Array.from(entry.xattrs, ([key, value]) => JSON.stringify([key, Array.from(value)])).toSorted().join("\n")
