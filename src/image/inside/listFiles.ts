/** Listing and finding files of an image, by the page. */
import { Effect, Result } from "effect"
import { PathUnknown } from "../../oci/OciError.ts"
import type { EntryType } from "../tar/TarEntry.ts"
import { entryOf, joined, partsOf } from "../tree/Node.ts"
import { below, kidsOf, type Reached } from "../tree/walk.ts"
import { type FileRow, inOrder, reached, rowOf, rowOfEntry } from "./FileRow.ts"
import { fitsGlob } from "./glob.ts"
import type { OpenImage } from "./openImage.ts"

/** Which part of a list is wanted. */
export interface Paging {
  /** At most so many. */
  readonly limit: number
  /** Only what comes after this path. */
  readonly startAfter?: string | undefined
}

/** One page of a list. */
export interface PageOf<A> {
  readonly items: ReadonlyArray<A>
  /** Whether there are more. */
  readonly more: boolean
}

/** A page of what comes, cut off as soon as it is full. */
export const paged = <A extends { readonly path: string }, B>(
  all: Iterable<A>,
  { limit, startAfter }: Paging,
  show: (item: A) => B
): PageOf<B> => {
  const items: Array<B> = []
  for (const item of all) {
    if (startAfter !== undefined && inOrder(item.path, startAfter) <= 0) continue
    if (items.length === limit) return { items, more: true }
    items.push(show(item))
  }
  return { items, more: false }
}

/**
 * What is in a folder, or everything below it, in the order of their paths; of what is no folder, that itself. A link at
 * the end of the path is followed. `PathUnknown`.
 */
export const listFiles = Effect.fnUntraced(function*(
  image: OpenImage,
  path: string,
  { recursive, ...paging }: Paging & { readonly recursive: boolean }
): Effect.fn.Return<PageOf<FileRow>, PathUnknown> {
  const found = reached(image, path, true)
  if (found instanceof PathUnknown) return yield* found
  return paged(
    found.node.kind === "leaf"
      ? [found]
      : recursive
      ? below(found.node, found.path)
      : Array.from(kidsOf(found.node), ([name, node]): Reached => ({ node, path: joined(found.path, name) })),
    paging,
    (item) => rowOf(image, item)
  )
})

/** What the tar of one layer has, whiteouts included, in its order. `PathUnknown` where there is no such layer. */
export const listLayer = (
  { tables }: OpenImage,
  layer: number,
  limit: number
): Result.Result<PageOf<FileRow>, PathUnknown> => {
  const table = tables[layer]
  if (table === undefined) {
    const reason = `has ${tables.length} layers, from 0`
    return Result.fail(new PathUnknown({ path: `layer ${layer}`, reason }))
  }
  const items = table.entries.slice(0, limit).map((entry): FileRow => {
    const row = rowOfEntry(table, entry, `/${partsOf(entry.name).join("/")}`, layer)
    return /(?:^|\/)\.wh\.[^/]*$/u.test(row.path) ? { ...row, type: "whiteout" } : row
  })
  return Result.succeed({ items, more: table.entries.length > limit })
}

/** Which files are looked for; all that is given must hold. */
export interface Wanted {
  /** Fits the last part of the path; with a slash in it, all of the path. */
  readonly name?: string | undefined
  readonly type?: EntryType | undefined
  /** Files of more bytes than this, or of fewer. */
  readonly larger?: number | undefined
  readonly smaller?: number | undefined
  /** Changed after this time, in seconds since 1970. */
  readonly newer?: number | undefined
  /** Files that run with the rights of their owner or group. */
  readonly setuid?: boolean | undefined
  /** Files of this content: `sha256:…`, or its first digits. */
  readonly digest?: string | undefined
  readonly layer?: number | undefined
}

/** Everything below a folder that is all of this. `PathUnknown`. */
export const findFiles = Effect.fnUntraced(function*(
  image: OpenImage,
  path: string,
  wanted: Wanted,
  paging: Paging
): Effect.fn.Return<PageOf<FileRow>, PathUnknown> {
  const found = reached(image, path, true)
  if (found instanceof PathUnknown) return yield* found
  const all = found.node.kind === "leaf" ? [found] : below(found.node, found.path)
  return paged(fitting(image, all, wanted), paging, (row) => row)
})

function* fitting(image: OpenImage, all: Iterable<Reached>, wanted: Wanted): Generator<FileRow> {
  const { digest, layer, larger, name, newer, setuid, smaller, type } = wanted
  const prefix = digest === undefined || digest.startsWith("sha256:") ? digest : `sha256:${digest}`
  for (const item of all) {
    if (name !== undefined && !fitsGlob(name, name.includes("/") ? item.path : lastPart(item.path))) continue
    // A row costs more than a look at the entry.
    const entry = entryOf(item.node)
    const isFile = entry?.type === "file"
    if (type !== undefined && (entry?.type ?? "directory") !== type) continue
    if (larger !== undefined && !(isFile && entry.size > larger)) continue
    if (smaller !== undefined && !(isFile && entry.size < smaller)) continue
    if (newer !== undefined && !((entry?.mtime ?? 0) > newer)) continue
    if (setuid === true && !(isFile && (entry.mode & 0o6000) !== 0)) continue
    const row = rowOf(image, item)
    if (prefix !== undefined && row.digest?.startsWith(prefix) !== true) continue
    if (layer !== undefined && row.layer !== layer) continue
    yield row
  }
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf("/") + 1)
