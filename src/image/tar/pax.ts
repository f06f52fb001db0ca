/** Records of pax headers, read as Go's `archive/tar` reads them. */
import { byteAt, bytesOf, textOf } from "./bytes.ts"
import { integerIn, invalid, timeIn } from "./numbers.ts"
import type { TarEntry } from "./TarEntry.ts"

export interface Pax {
  readonly texts: ReadonlyMap<string, string>
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

const sparseKeys = ["GNU.sparse.offset", "GNU.sparse.numbytes"]

const xattrPrefix = "SCHILY.xattr."

/** What cannot have a zero in it. */
const names = new Set(["path", "linkpath", "uname", "gname"])

/** @throws TarInvalid */
export const parsePax = (bytes: Uint8Array): Pax => {
  const texts = new Map<string, string>()
  const xattrs = new Map<string, Uint8Array>()
  const sparse: Array<string> = []
  for (let start = 0; start < bytes.length;) {
    const { end, key, value } = recordAt(bytes, start)
    if (key.includes("\0")) invalid("a pax record has a zero in its key")
    if (key.startsWith(xattrPrefix)) xattrs.set(key.slice(xattrPrefix.length), bytes.slice(value, end))
    else {
      const text = textOf(bytes, value, end)
      if (names.has(key) && text.includes("\0")) invalid("a pax record has a zero in its value")
      if (key === sparseKeys[0] || key === sparseKeys[1]) {
        // By turns, an offset first.
        if (key !== sparseKeys[sparse.length % 2] || text.includes(",")) invalid("the map of a sparse file is wrong")
        sparse.push(text)
      } else texts.set(key, text)
    }
    start = end + 1
  }
  if (sparse.length > 0) texts.set("GNU.sparse.map", sparse.join(","))
  return { texts, xattrs }
}

/** `LENGTH KEY=VALUE` and a line break; the value lies between `value` and `end`. */
const recordAt = (
  bytes: Uint8Array,
  start: number
): { readonly key: string; readonly value: number; readonly end: number } => {
  let at = start
  let length = 0
  for (; byteAt(bytes, at) >= 0x30 && byteAt(bytes, at) <= 0x39 && length < 1e9; at++) {
    length = length * 10 + byteAt(bytes, at) - 0x30
  }
  const end = start + length - 1
  if (byteAt(bytes, at) !== 0x20 || length < 5 || end >= bytes.length || byteAt(bytes, end) !== 0x0a) {
    invalid("a pax record has a wrong length")
  }
  const equals = bytes.indexOf(0x3d, at + 1)
  if (equals <= at + 1 || equals > end) invalid("a pax record has no key")
  return { key: textOf(bytes, at + 1, equals), value: equals + 1, end }
}

/** What a pax header says of the entry behind it; the size of its body where it says that. An empty value says nothing. */
export const applyPax = (entry: TarEntry, { texts, xattrs }: Pax): number | undefined => {
  const said = (key: string): string | undefined => texts.get(key) || undefined
  const number = (key: string): number | undefined => {
    const text = said(key)
    return text === undefined ? undefined : integerIn(text)
  }
  const time = (key: string): number | undefined => {
    const text = said(key)
    return text === undefined ? undefined : timeIn(text)
  }
  const [name, link] = [said("path"), said("linkpath")]
  if (name !== undefined) entry.name = bytesOf(name)
  if (link !== undefined) entry.link = bytesOf(link)
  entry.uid = number("uid") ?? entry.uid
  entry.gid = number("gid") ?? entry.gid
  entry.mtime = time("mtime") ?? entry.mtime
  // Read to be checked: a wrong one makes Go refuse the entry.
  time("atime")
  time("ctime")
  if (xattrs.size > 0) entry.xattrs = xattrs
  const size = number("size")
  if (size !== undefined && size < 0) invalid("a size is negative")
  return size
}
