/** The members of a tar, found by its headers alone: the bodies are passed over. */
import { Effect } from "effect"
import { posix } from "node:path"
import { textIn } from "../../image/tar/bytes.ts"
import type { TarEntry } from "../../image/tar/TarEntry.ts"
import { TarReader } from "../../image/tar/TarReader.ts"
import { asStorage } from "../../node/files/asStorage.ts"
import { readPieces } from "../../node/files/readPieces.ts"
import { ArchiveInvalid, type StorageError, type SymlinkRefused } from "../../oci/OciError.ts"
import { quoted } from "../../oci/quoted.ts"
import * as limits from "./limits.ts"
import type { Member, Members } from "./Members.ts"
import type { OpenFile } from "./openFile.ts"

/** Read at a time: a header and what mostly comes with it. */
const pieceBytes = 4096

interface Found {
  readonly offset: number
  readonly size: number
  /** Where a link leads. */
  readonly link?: string
  readonly isSparse: boolean
}

/** A name inside the archive; nothing where it leads out of it. */
const inside = (name: string): string | undefined => {
  if (name.startsWith("/") || name.includes("\0")) return undefined
  const normal = posix.normalize(name).replace(/\/$/u, "")
  return normal === ".." || normal.startsWith("../") ? undefined : normal
}

export const tarMembers = Effect.fnUntraced(function*(
  { handle, path, size }: OpenFile
): Effect.fn.Return<Members, ArchiveInvalid | StorageError | SymlinkRefused> {
  const found = new Map<string, Found>()
  const invalid = (reason: string) => new ArchiveInvalid({ path, reason })
  let count = 0
  let wrong: string | undefined

  const take = (entry: TarEntry): void => {
    if (++count > limits.members) wrong ??= `it has more than ${limits.members} files`
    const [written, link] = [textIn(entry.name), textIn(entry.link)]
    const name = inside(written)
    if (name === undefined) {
      wrong ??= `it has a file ${quoted(written)}, which leads out of it`
      return
    }
    const body = { offset: entry.offset, size: entry.size, isSparse: entry.sparse !== undefined }
    if (entry.type === "file") found.set(name, body)
    else if (entry.type === "hardlink" || entry.type === "symlink") {
      const target = inside(entry.type === "hardlink" ? link : posix.join(posix.dirname(name), link))
      if (target === undefined || link.startsWith("/")) {
        wrong ??= `it has a link ${quoted(written)}, which leads out of it`
      } else found.set(name, { ...body, link: target })
    } else found.delete(name)
  }

  const reader = new TarReader({ begin: take, data: () => undefined, end: () => undefined })
  const guarded = (work: () => void) =>
    Effect.try({
      try: work,
      catch: (error) => invalid(error instanceof Error ? error.message : "its headers cannot be read")
    })
  const piece = new Uint8Array(pieceBytes)
  for (let at = 0; at < size && wrong === undefined;) {
    const length = yield* asStorage("/")(handle.read(piece, at))
    if (length === 0) break
    yield* guarded(() => reader.write(piece.subarray(0, length)))
    at += length + reader.passOver()
    if (at > size && wrong === undefined) {
      // What fills the last block may be missing, and no more than that.
      if (at - size >= 512) wrong = "it is cut short"
      break
    }
  }
  if (wrong !== undefined) return yield* invalid(wrong)
  yield* guarded(() => reader.finish())
  for (const { offset, size: length, isSparse, link } of found.values()) {
    if (link === undefined && !isSparse && offset + length > size) return yield* invalid("it is cut short")
  }
  return { path, names: Array.from(found.keys()), find: finder(handle, found) }
})

const finder = (
  handle: OpenFile["handle"],
  found: ReadonlyMap<string, Found>
): Members["find"] =>
(name) => {
  let entry = found.get(name)
  for (let hops = 0; entry?.link !== undefined; hops++) {
    // A circle, or a way without end, leads to nothing.
    if (hops === limits.links) return undefined
    entry = found.get(entry.link)
  }
  if (entry === undefined || entry.isSparse) return undefined
  const { offset, size } = entry
  const member: Member = {
    name,
    size,
    read: ({ from, to, ...reading }) =>
      readPieces("/", handle, { ...reading, from: offset + from, to: offset + Math.min(to, size) })
  }
  return member
}
