/**
 * Names of files as text. A name in a tar is bytes, mostly UTF-8; each byte that is not becomes the lone surrogate
 * U+DC80 to U+DCFF (Python's `surrogateescape`), which no UTF-8 has, so that no two names become one and none is lost.
 */

/** Declared here because this folder compiles without the types of any platform; every one has it. */
declare const TextDecoder: new(label: "utf-8") => { readonly decode: (bytes: Uint8Array) => string }

/** Text for people: what is no UTF-8 becomes U+FFFD, so that names are not made of it. */
export const decoded = (bytes: Uint8Array): string => new TextDecoder("utf-8").decode(bytes)

/** The byte at a place, zero behind the end. */
export const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0

/** The text of bytes `start` up to, not including, `end`. */
export const textOf = (bytes: Uint8Array, start: number, end: number): string => {
  let high = 0
  for (let at = start; at < end; at++) high |= byteAt(bytes, at)
  if (high < 0x80 && end - start <= 1024) {
    // Names are most of what a table has: to spread the bytes themselves takes four times as long as an array of them.
    const codes: Array<number> = []
    for (let at = start; at < end; at++) codes.push(byteAt(bytes, at))
    return String.fromCharCode(...codes)
  }
  let text = ""
  for (let at = start; at < end;) {
    const { length, point } = pointAt(bytes, at, end)
    text += String.fromCodePoint(point)
    at += length
  }
  return text
}

/** The character that begins at a place of `bytes`; of what is no UTF-8, one byte. */
const pointAt = (bytes: Uint8Array, at: number, end: number): { readonly point: number; readonly length: number } => {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { point: first, length: 1 }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  let point = first & (0x7f >> length)
  let valid = first >= 0xc2 && first <= 0xf4 && at + length <= end
  for (let next = 1; next < length; next++) {
    const byte = byteAt(bytes, at + next)
    valid &&= (byte & 0xc0) === 0x80
    point = point << 6 | byte & 0x3f
  }
  const surrogate = point >= 0xd800 && point <= 0xdfff
  valid &&= length === 2 || (length === 3 ? point >= 0x800 && !surrogate : point >= 0x10000 && point <= 0x10ffff)
  return valid ? { point, length } : { point: 0xdc00 + first, length: 1 }
}

/** As `textOf`, of all of them. */
export const textIn = (bytes: Uint8Array): string => textOf(bytes, 0, bytes.length)

/** The bytes that `textOf` made a text of; of other texts their UTF-8. */
export const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length * 3)
  let end = 0
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0
    if (point < 0x80) bytes[end++] = point
    else if (point >= 0xdc80 && point <= 0xdcff) bytes[end++] = point - 0xdc00
    else if (point < 0x800) {
      bytes[end++] = 0xc0 | point >> 6
      bytes[end++] = 0x80 | point & 0x3f
    } else if (point < 0x10000) {
      bytes[end++] = 0xe0 | point >> 12
      bytes[end++] = 0x80 | point >> 6 & 0x3f
      bytes[end++] = 0x80 | point & 0x3f
    } else {
      at++
      bytes[end++] = 0xf0 | point >> 18
      bytes[end++] = 0x80 | point >> 12 & 0x3f
      bytes[end++] = 0x80 | point >> 6 & 0x3f
      bytes[end++] = 0x80 | point & 0x3f
    }
  }
  return bytes.subarray(0, end)
}

/** A field of a header up to its first zero; not a copy. */
export const fieldAt = (bytes: Uint8Array, start: number, length: number): Uint8Array => {
  let end = start
  while (end < start + length && byteAt(bytes, end) !== 0) end++
  return end === start ? nothing : bytes.subarray(start, end)
}

const nothing = new Uint8Array()

/** Whether ASCII characters stand at a place. */
export const hasAt = (bytes: Uint8Array, start: number, ascii: string): boolean => {
  for (let at = 0; at < ascii.length; at++) if (bytes[start + at] !== ascii.charCodeAt(at)) return false
  return true
}
