/** Layers that have a table of contents of themselves, written as eStargz and zstd:chunked are. */
import { gzipSync, zstdCompressSync } from "node:zlib"
import { digestOf, type Entry } from "../../../src/image/table/Entry.ts"
import { imageFiles, sha256, tableOf } from "./layers.ts"
import { file, tar as tarOf } from "./tars.ts"

export type Kind = "eStargz" | "zstd:chunked"

export const kinds: ReadonlyArray<Kind> = ["eStargz", "zstd:chunked"]

/** What a table says of one file, or of a part of one. */
export type Said = Record<string, unknown>

export interface OwnTableLayer {
  readonly tar: Buffer
  readonly blob: Buffer
  readonly annotations: Readonly<Record<string, string>>
}

export interface OwnTableOptions {
  /** Bytes of a part of a file. */
  readonly chunk?: number
  /** Changes what the table says; by default it is the truth. */
  readonly lie?: (said: ReadonlyArray<Said>) => ReadonlyArray<Said>
  /** The table, byte for byte. */
  readonly table?: (bytes: Buffer) => Buffer
  readonly annotate?: (annotations: Readonly<Record<string, string>>) => Readonly<Record<string, string>>
}

const types = {
  file: "reg",
  directory: "dir",
  symlink: "symlink",
  hardlink: "hardlink",
  character: "char",
  block: "block",
  fifo: "fifo",
  other: "other"
} as const

const number64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

const skippable = (content: Buffer): Buffer => {
  const header = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, content])
}

/** A layer of the files of a tar. */
export const withOwnTable = (
  kind: Kind,
  source: Buffer,
  { annotate = (all) => all, chunk = 100_000, lie = (said) => said, table: change = (bytes) => bytes }:
    OwnTableOptions = {}
): OwnTableLayer => {
  const compress = kind === "eStargz" ? gzipSync : zstdCompressSync
  const table = tableOf(source)
  const parts: Array<Buffer> = []
  let [size, done] = [0, 0]
  const put = (end: number): number => {
    const at = size
    if (end > done) {
      const part = compress(source.subarray(done, end))
      parts.push(part)
      size += part.length
      done = end
    }
    return at
  }
  const said: Array<Said> = []
  for (const entry of table.entries) {
    const { offset, stored } = entry
    const content: Array<Said> = []
    if (entry.type === "file" && stored > 0) put(offset)
    for (let at = 0; entry.type === "file" && at < stored; at += chunk) {
      const length = Math.min(chunk, stored - at)
      const digest = sha256(source.subarray(offset + at, offset + at + length))
      const place = { offset: put(offset + at + length), chunkOffset: at, chunkSize: length, chunkDigest: digest }
      content.push(at === 0 ? place : { name: entry.name, type: "chunk", ...place })
    }
    const [first = {}, ...more] = content
    said.push({ ...saidOf(entry, digestOf(table, entry)), ...first }, ...more)
  }
  const last = table.entries.at(-1)
  const end = last === undefined ? 0 : 512 * Math.ceil((last.offset + last.stored) / 512)
  const bytes = change(Buffer.from(JSON.stringify({ version: 1, entries: lie(said) })))
  if (kind === "zstd:chunked") {
    put(source.length)
    const packed = zstdCompressSync(bytes)
    const numbers = [size + 8, packed.length, bytes.length, 1]
    const footer = Buffer.concat([...numbers.map(number64), Buffer.from("GNUlInUx")])
    return {
      tar: source,
      blob: Buffer.concat([...parts, skippable(packed), skippable(footer)]),
      annotations: annotate({
        "io.github.containers.zstd-chunked.manifest-checksum": sha256(packed),
        "io.github.containers.zstd-chunked.manifest-position": numbers.join(":")
      })
    }
  }
  put(end)
  const tableTar = tarOf(file("stargz.index.json", bytes))
  const extra = Buffer.concat([
    Buffer.from([26, 0, 0x53, 0x47, 22, 0]),
    Buffer.from(`${size.toString(16).padStart(16, "0")}STARGZ`)
  ])
  const footer = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]),
    extra,
    Buffer.from([1, 0, 0, 0xff, 0xff]),
    Buffer.alloc(8)
  ])
  return {
    tar: Buffer.concat([source.subarray(0, end), tableTar]),
    blob: Buffer.concat([...parts, gzipSync(tableTar), footer]),
    annotations: annotate({ "containerd.io/snapshot/stargz/toc.digest": sha256(bytes) })
  }
}

const saidOf = (entry: Entry, digest: string | undefined): Said => ({
  name: entry.name,
  type: types[entry.type],
  size: entry.type === "file" ? entry.size : 0,
  linkName: entry.link,
  mode: entry.mode,
  uid: entry.uid,
  gid: entry.gid,
  devMajor: entry.major,
  devMinor: entry.minor,
  modtime: new Date(entry.mtime * 1000).toISOString(),
  ...(entry.xattrs === undefined ? {} : {
    xattrs: Object.fromEntries(Array.from(entry.xattrs, ([key, value]) => [key, Buffer.from(value).toString("base64")]))
  }),
  ...(digest === undefined ? {} : { digest })
})

/** The files of a layout whose only image, `v1`, has this layer. */
export const layoutOf = ({ annotations, blob, tar }: OwnTableLayer): ReadonlyMap<string, Uint8Array> =>
  imageFiles({ v1: [tar] }, () => blob, "application/vnd.oci.image.layer.v1.tar+gzip", annotations)
