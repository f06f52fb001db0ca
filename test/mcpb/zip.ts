/** As much of ZIP as a bundle needs: files, deflated, without times, so that equal files make equal bytes. */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib"

export interface File {
  /** With slashes, relative to the bundle. */
  readonly path: string
  readonly content: Uint8Array
}

/** The parts of an archive begin with these (APPNOTE 4.3.7, 4.3.12, 4.3.16). */
const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 } as const

const size = { local: 30, central: 46, end: 22 } as const

/** The first day there is, 1980-01-01. */
const noDate = 0x0021

const utf8Names = 0x0800
const deflated = 8

/** The fields that stand before a file and again in the list of files, from `version needed` to `extra field length`. */
const fieldsOf = (content: Uint8Array, packed: Uint8Array, name: Uint8Array): Buffer => {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(utf8Names, 2)
  fields.writeUInt16LE(deflated, 4)
  fields.writeUInt16LE(noDate, 8)
  fields.writeUInt32LE(crc32(content), 10)
  fields.writeUInt32LE(packed.length, 14)
  fields.writeUInt32LE(content.length, 18)
  fields.writeUInt16LE(name.length, 22)
  return fields
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export const zip = (files: ReadonlyArray<File>): Buffer => {
  const bodies: Array<Uint8Array> = []
  const list: Array<Uint8Array> = []
  let offset = 0
  for (const { content, path } of files) {
    const name = Buffer.from(path, "utf8")
    const packed = deflateRawSync(content, { level: 9 })
    const fields = fieldsOf(content, packed, name)
    bodies.push(uint32(signature.local), fields, name, packed)
    // Made by version 2.0; then no comment, the first disk, and no attributes.
    list.push(uint32(signature.central), Buffer.from([20, 0]), fields, Buffer.alloc(10), uint32(offset), name)
    offset += size.local + name.length + packed.length
  }
  const central = Buffer.concat(list)
  const end = Buffer.alloc(size.end)
  end.writeUInt32LE(signature.end, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...bodies, central, end])
}

/** The files of such an archive, each held to its checksum. */
export const unzip = (archive: Buffer): ReadonlyArray<File> => {
  const end = archive.length - size.end
  if (archive.readUInt32LE(end) !== signature.end) throw new Error("no end of an archive")
  const files: Array<File> = []
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== signature.central) throw new Error(`no file listed at ${at}`)
    const nameLength = archive.readUInt16LE(at + 28)
    const path = archive.toString("utf8", at + size.central, at + size.central + nameLength)
    const local = archive.readUInt32LE(at + 42)
    const begin = local + size.local + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const content = inflateRawSync(archive.subarray(begin, begin + archive.readUInt32LE(at + 20)))
    if (crc32(content) !== archive.readUInt32LE(at + 16)) throw new Error(`${path} is damaged`)
    files.push({ path, content })
    at += size.central + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}
