/**
 * Writes the table of contents of a layer while its tar is read: a row of bytes for each entry, and no object. Names
 * share their beginning with the row before, offsets and times are differences.
 */
import { Schema } from "effect"
import { Base64 } from "effect/encoding"
import { field } from "../../oci/field.ts"
import { byteAt, bytesOf } from "../tar/bytes.ts"
import type { TarEntry } from "../tar/TarEntry.ts"
import { entryTypes, type LayerTable } from "./Entry.ts"
import { Growing } from "./Growing.ts"

/** What the first byte of a row says besides the type. */
export const rowFlags = { sha: 8, link: 16, more: 32 } as const

export const tableMagic = "OCT1"

/** Differences of times beyond are written as text. */
const mostSeconds = 2 ** 50

const Pair = Schema.Tuple([Schema.Finite, Schema.Finite])

/** What few entries have, as JSON behind their row. */
export const More = Schema.Struct({
  stored: Schema.optionalKey(Schema.Finite),
  sparse: Schema.optionalKey(Schema.Array(Pair)),
  /** Names, and values in base64. */
  xattrs: Schema.optionalKey(Schema.Array(Schema.Tuple([Schema.String, Schema.String]))),
  device: Schema.optionalKey(Pair),
  /** In seconds, where it is no whole number of them. */
  mtime: Schema.optionalKey(Schema.Finite)
})
export type More = typeof More.Type

const head = {
  digest: Schema.String,
  diffId: Schema.String,
  blobSize: Schema.Finite,
  size: Schema.Finite,
  compression: Schema.Literals(["none", "gzip", "zstd"])
}

export type TableHead = Pick<LayerTable, keyof typeof head>

/** As it is written. */
export const WrittenHead = Schema.Struct({
  ...head,
  entries: Schema.Finite,
  /** Bytes. */
  rows: Schema.Finite,
  /** Users and groups. */
  owners: Schema.Array(Pair)
})
export type WrittenHead = typeof WrittenHead.Type

export class TableWriter {
  readonly #rows = new Growing()
  readonly #shas = new Growing()
  readonly #owners = new Map<string, number>()
  readonly #ids: Array<readonly [uid: number, gid: number]> = []
  #entries = 0
  /** The name of the row before. */
  #name = new Uint8Array(256)
  #nameLength = 0
  #lastOwner = 0
  #seconds = 0
  #end = 0

  get entries(): number {
    return this.#entries
  }

  /** Bytes so far. */
  get length(): number {
    return this.#rows.length + this.#shas.length + 32 * this.#ids.length
  }

  add(entry: TarEntry, sha: Uint8Array | undefined): void {
    const rows = this.#rows
    const seconds = Math.floor(entry.mtime)
    const isPlainTime = Math.abs(seconds) < mostSeconds
    const more = moreOf(entry, isPlainTime)
    rows.number(
      entryTypes.indexOf(entry.type) | (sha === undefined ? 0 : rowFlags.sha) |
        (entry.link.length === 0 ? 0 : rowFlags.link) |
        (more === undefined ? 0 : rowFlags.more)
    )
    rows.number(entry.mode)
    rows.number(this.#owner(entry))
    const step = isPlainTime ? seconds - this.#seconds : 0
    rows.number(step < 0 ? -2 * step - 1 : 2 * step)
    this.#seconds += step
    rows.number(entry.size)
    rows.number(entry.offset - this.#end)
    this.#end = entry.offset + entry.stored
    this.#putName(entry.name)
    if (entry.link.length > 0) this.#putText(entry.link)
    if (more !== undefined) this.#putText(bytesOf(JSON.stringify(more)))
    if (sha !== undefined) this.#shas.put(sha)
    this.#entries++
  }

  #owner({ gid, uid }: TarEntry): number {
    const [lastUid, lastGid] = this.#ids[this.#lastOwner] ?? []
    if (uid !== lastUid || gid !== lastGid) this.#lastOwner = this.#ownerOf(uid, gid)
    return this.#lastOwner
  }

  #ownerOf(uid: number, gid: number): number {
    const key = `${uid}:${gid}`
    const known = this.#owners.get(key)
    if (known !== undefined) return known
    this.#ids.push([uid, gid])
    this.#owners.set(key, this.#ids.length - 1)
    return this.#ids.length - 1
  }

  #putName(name: Uint8Array): void {
    const most = Math.min(name.length, this.#nameLength)
    let same = 0
    while (same < most && byteAt(name, same) === byteAt(this.#name, same)) same++
    const rest = name.subarray(same)
    this.#rows.number(same)
    this.#putText(rest)
    if (this.#name.length < name.length) {
      const larger = new Uint8Array(2 * name.length)
      larger.set(this.#name)
      this.#name = larger
    }
    this.#name.set(rest, same)
    this.#nameLength = name.length
  }

  #putText(bytes: Uint8Array): void {
    this.#rows.number(bytes.length)
    this.#rows.put(bytes)
  }

  /** The whole table; nothing can be added behind it. */
  finish(head: TableHead): Uint8Array {
    const written: WrittenHead = { ...head, entries: this.#entries, rows: this.#rows.length, owners: this.#ids }
    const text = bytesOf(JSON.stringify(written))
    const table = new Growing(text.length + this.#rows.length + this.#shas.length + 64)
    table.put(bytesOf(tableMagic))
    table.number(text.length)
    for (const part of [text, this.#rows.bytes, this.#shas.bytes]) table.put(part)
    this.#rows.free()
    this.#shas.free()
    return table.bytes
  }
}

const moreOf = (
  { major, minor, mtime, size, sparse, stored, type, xattrs }: TarEntry,
  isPlainTime: boolean
): More | undefined => {
  const isDevice = type === "character" || type === "block"
  const isStored = stored !== (type === "file" ? size : 0)
  if (
    !isDevice && !isStored && sparse === undefined && xattrs === undefined && isPlainTime && Number.isInteger(mtime)
  ) {
    return undefined
  }
  return {
    ...(isStored ? { stored } : {}),
    ...field("sparse", sparse),
    ...(xattrs === undefined
      ? {}
      : { xattrs: Array.from(xattrs, ([key, value]) => [key, Base64.encode(value)] as const) }),
    ...(isDevice ? { device: [major, minor] } : {}),
    ...(isPlainTime && Number.isInteger(mtime) ? {} : { mtime })
  }
}
