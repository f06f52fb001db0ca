/** Lines of the files of an image. */
import { Effect } from "effect"
import { LimitExceeded, PathUnknown } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { type EntryHandler, readEntries } from "../layers/readEntries.ts"
import { grepBytes } from "../limits.ts"
import type { LineMatcher, MatchedLine } from "../ports/LineMatcher.ts"
import type { Entry } from "../table/Entry.ts"
import { decoded } from "../tar/bytes.ts"
import { below } from "../tree/walk.ts"
import { inOrder, reached } from "./FileRow.ts"
import { fitsGlob } from "./glob.ts"
import type { PageOf, Paging } from "./listFiles.ts"
import type { OpenImage } from "./openImage.ts"

/** A file that has lines which fit. */
export interface GrepFile {
  readonly path: string
  /** The layer that it comes from, from 0. */
  readonly layer: number
  readonly lines: ReadonlyArray<MatchedLine>
  /** Whether it may have more than those. */
  readonly more: boolean
}

/** Where is looked. */
export interface GrepOptions extends Paging {
  /** A folder, or one file; everything by default. */
  readonly path?: string | undefined
  /** Files whose name fits; with a slash in it, whose whole path does. */
  readonly name?: string | undefined
}

/** Lines of one file. */
const mostLines = 100

/** A file that has a zero in its first bytes is no text. */
const sniffedBytes = 8 * 1024

/** Text that is looked through at once; of a longer line each part counts as one. */
const chunkBytes = 1024 * 1024

/**
 * Files of an image that have lines which fit, in the order of their paths. Binary files are passed over, and of several
 * names of one file the first is told. `PathUnknown`; `LimitExceeded` where the files have too many bytes, or the search
 * takes too long.
 */
export const grepFiles = Effect.fn("grepFiles")(function*(
  image: OpenImage,
  matcher: LineMatcher,
  { limit, name, path = "/", startAfter }: GrepOptions
): Effect.fn.Return<PageOf<GrepFile>, LookError | PathUnknown> {
  const found = reached(image, path, true)
  if (found instanceof PathUnknown) return yield* found
  const wanted: Array<Array<Candidate>> = image.tables.map(() => [])
  const seen = new Set<Entry>()
  let bytes = 0
  for (const { node, path } of found.node.kind === "leaf" ? [found] : below(found.node, found.path)) {
    if (node.kind === "folder" || node.inode.entry.type !== "file" || node.inode.entry.size === 0) continue
    const { entry, layer } = node.inode
    if (seen.has(entry)) continue
    seen.add(entry)
    if (startAfter !== undefined && inOrder(path, startAfter) <= 0) continue
    const last = path.slice(path.lastIndexOf("/") + 1)
    if (name !== undefined && !fitsGlob(name, name.includes("/") ? path : last)) continue
    bytes += entry.size
    wanted[layer]?.push({ entry, path, layer })
  }
  if (bytes > grepBytes) {
    return yield* new LimitExceeded({ what: "bytes of the files looked through", limit: grepBytes })
  }
  const search = new Search(matcher, limit)
  for (const [at, table] of image.tables.entries()) {
    yield* readEntries(image.source, table, wanted[at] ?? [], search, search.attempt)
  }
  return search.page
})

interface Candidate {
  readonly entry: Entry
  readonly path: string
  readonly layer: number
}

interface Chunk {
  readonly candidate: Candidate
  readonly text: string
  /** Lines before it. */
  readonly before: number
}

/** Reads files in the order of their layers, and keeps the first that fit in the order of their paths. */
class Search implements EntryHandler<Candidate> {
  readonly #matcher: LineMatcher
  readonly #limit: number
  readonly #found = new Map<string, { readonly layer: number; readonly lines: Array<MatchedLine>; more: boolean }>()
  #chunks: Array<Chunk> = []
  #pieces: Array<Uint8Array> = []
  #length = 0
  #lines = 0
  #isText: boolean | undefined

  constructor(matcher: LineMatcher, limit: number) {
    this.#matcher = matcher
    this.#limit = limit
  }

  begin(): void {
    this.#pieces = []
    this.#length = this.#lines = 0
    this.#isText = undefined
  }

  data(candidate: Candidate, bytes: Uint8Array): void {
    this.#isText ??= !bytes.subarray(0, sniffedBytes).includes(0)
    if (!this.#isText) return
    this.#pieces.push(new Uint8Array(bytes))
    this.#length += bytes.length
    if (this.#length < chunkBytes) return
    const whole = joined(this.#pieces, this.#length)
    const end = whole.lastIndexOf(0x0a) + 1
    const cut = end === 0 ? whole.length : end
    this.#push(candidate, whole.subarray(0, cut))
    this.#pieces = [whole.subarray(cut)]
    this.#length = whole.length - cut
  }

  end(candidate: Candidate): void {
    if (this.#isText === true && this.#length > 0) this.#push(candidate, joined(this.#pieces, this.#length))
    this.#pieces = []
  }

  #push(candidate: Candidate, bytes: Uint8Array): void {
    this.#chunks.push({ candidate, text: decoded(bytes), before: this.#lines })
    for (const byte of bytes) if (byte === 0x0a) this.#lines++
  }

  /** Does what is to be done with bytes, and then looks through the text that they have made. */
  readonly attempt = (run: () => void): Effect.Effect<void, LimitExceeded> =>
    Effect.suspend(() => {
      run()
      const chunks = this.#chunks
      this.#chunks = []
      return Effect.forEach(chunks, (chunk) => this.#look(chunk), { discard: true })
    })

  #look({ before, candidate: { layer, path }, text }: Chunk): Effect.Effect<void, LimitExceeded> {
    const known = this.#found.get(path)
    const room = mostLines - (known?.lines.length ?? 0)
    if (room <= 0) return Effect.void
    return Effect.map(this.#matcher.search(text, room), (lines) => {
      if (lines.length === 0) return
      const file = known ?? { layer, lines: [], more: false }
      for (const { line, text } of lines) file.lines.push({ line: before + line, text })
      file.more = lines.length === room
      this.#found.set(path, file)
      this.#makeRoom()
    })
  }

  #makeRoom(): void {
    if (this.#found.size <= 2 * this.#limit + 1000) return
    for (const path of Array.from(this.#found.keys()).toSorted(inOrder).slice(this.#limit + 1)) {
      this.#found.delete(path)
    }
  }

  get page(): PageOf<GrepFile> {
    const all = Array.from(this.#found, ([path, file]): GrepFile => ({ path, ...file }))
      .toSorted((a, b) => inOrder(a.path, b.path))
    return { items: all.slice(0, this.#limit), more: all.length > this.#limit }
  }
}

const joined = (pieces: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
