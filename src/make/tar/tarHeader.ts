/**
 * Headers of files in layers: ustar, with a pax header before it where ustar cannot say it (POSIX, pax), as Go's
 * `archive/tar` writes them. The same file has the same bytes.
 */
import { bytesOf } from "../../image/tar/bytes.ts"
import { concatenated } from "../../ops/manifests/collectBytes.ts"

/** What a layer says of a file. */
export interface TarFile {
  readonly type: "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo"
  /** Without a slash at the beginning; that of a folder ends in one. */
  readonly name: Uint8Array
  /** What a link leads to. */
  readonly link?: Uint8Array
  /** The lower twelve bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whole seconds since 1970. */
  readonly mtime: number
  /** Bytes of its content, which follows; 0 for what has none. */
  readonly size: number
  readonly major?: number
  readonly minor?: number
  readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined
}

const blockLength = 512

const flags = { file: "0", hardlink: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6" } as const

/** What eleven and seven octal digits can say. */
const mostOctal = { 11: 8 ** 11 - 1, 7: 8 ** 7 - 1 } as const

const nameLength = 100

const none = new Uint8Array()

/** The header of a file, with what stands before it. */
export const tarHeader = (file: TarFile): Uint8Array => {
  const { gid, link = none, mtime, name, size, uid, xattrs } = file
  const records = [
    ...(isPlain(link) ? [] : [record("linkpath", link)]),
    ...(isPlain(name) ? [] : [record("path", name)]),
    ...(size <= mostOctal[11] ? [] : [record("size", bytesOf(String(size)))]),
    ...(fits(uid, 7) ? [] : [record("uid", bytesOf(String(uid)))]),
    ...(fits(gid, 7) ? [] : [record("gid", bytesOf(String(gid)))]),
    ...(fits(mtime, 11) ? [] : [record("mtime", bytesOf(String(mtime)))]),
    ...Array.from(xattrs ?? [])
      .toSorted(([one], [other]) => one < other ? -1 : 1)
      .map(([key, value]) => record(`SCHILY.xattr.${key}`, value))
  ]
  const own = block(file, flags[file.type])
  if (records.length === 0) return own
  const body = concatenated(records)
  const before = block(
    { ...file, name: bytesOf("PaxHeaders.0/entry"), link: none, mode: 0, uid: 0, gid: 0, mtime: 0, size: body.length },
    "x"
  )
  return concatenated([before, body, tarPadding(body.length), own])
}

/** What fills the last block of a file. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((blockLength - size % blockLength) % blockLength)

/** What ends a tar. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * blockLength)

/** Whether ustar can say a name so that all read it alike: few bytes, and all of them ASCII. */
const isPlain = (name: Uint8Array): boolean => name.length <= nameLength && name.every((byte) => byte < 0x80)

const fits = (value: number, digits: 7 | 11): boolean => value >= 0 && value <= mostOctal[digits]

const block = (
  { gid, link = none, major = 0, minor = 0, mode, mtime, name, size, uid }: Omit<TarFile, "type">,
  flag: string
): Uint8Array => {
  const header = new Uint8Array(blockLength)
  const put = (text: string, at: number): void => header.set(bytesOf(text), at)
  const octal = (value: number, at: number, digits: 6 | 7 | 11): void =>
    put(`${value.toString(8).padStart(digits, "0")}\0`, at)
  header.set(shortened(name), 0)
  octal(mode, 100, 7)
  octal(fits(uid, 7) ? uid : 0, 108, 7)
  octal(fits(gid, 7) ? gid : 0, 116, 7)
  octal(size <= mostOctal[11] ? size : 0, 124, 11)
  octal(fits(mtime, 11) ? mtime : 0, 136, 11)
  put("        ", 148)
  put(flag, 156)
  header.set(shortened(link), 157)
  put("ustar\0", 257)
  put("00", 263)
  octal(major, 329, 7)
  octal(minor, 337, 7)
  put(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148)
  return header
}

/** What a reader without pax sees of a name: its end would be lost anyway, and half of a character is none. */
const shortened = (name: Uint8Array): Uint8Array =>
  isPlain(name) ? name : name.subarray(0, nameLength).map((byte) => byte < 0x80 ? byte : 0x5f)

/** `LENGTH KEY=VALUE\n`, whose length counts itself. */
const record = (key: string, value: Uint8Array): Uint8Array => {
  const rest = concatenated([bytesOf(` ${key}=`), value, bytesOf("\n")])
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return concatenated([bytesOf(String(length)), rest])
}
