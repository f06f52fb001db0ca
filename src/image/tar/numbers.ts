/** Numbers in the headers of tars, read as Go's `archive/tar` reads them. */
import { byteAt } from "./bytes.ts"

/** A tar that is none; thrown inside of the reader and told as the failure of its layer. */
export class TarInvalid extends Error {
  override readonly name = "TarInvalid"
}

/** @throws TarInvalid */
export const invalid = (reason: string): never => {
  throw new TarInvalid(reason)
}

/** A number of a header: octal digits, or with the first bit set the binary form of GNU. */
export const numberAt = (bytes: Uint8Array, start: number, length: number): number =>
  (byteAt(bytes, start) & 0x80) === 0 ? octalAt(bytes, start, start + length) : binaryAt(bytes, start, length)

/** The lower twelve bits of a number of eight bytes: of one that is larger than numbers can be exact, too. */
export const modeAt = (bytes: Uint8Array, start: number): number => {
  const value = numberAt(bytes, start, 8)
  const low = (byteAt(bytes, start) & 0x80) === 0 ? value : byteAt(bytes, start + 6) << 8 | byteAt(bytes, start + 7)
  return low & 0o7777
}

const binaryAt = (bytes: Uint8Array, start: number, length: number): number => {
  const first = byteAt(bytes, start)
  const negative = (first & 0x40) !== 0
  let value = BigInt(negative ? first | ~0xff : first & 0x7f)
  for (let at = 1; at < length; at++) value = value << 8n | BigInt(byteAt(bytes, start + at))
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) invalid("a number is too large")
  return Number(value)
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0

const octalAt = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && isBlank(byteAt(bytes, at))) at++
  let value = 0
  for (; at < end && !isBlank(byteAt(bytes, at)); at++) {
    const digit = byteAt(bytes, at) - 0x30
    if (digit < 0 || digit > 7) invalid("a number is not octal")
    value = value * 8 + digit
  }
  // Spaces, and then anything behind a zero.
  for (; at < end && byteAt(bytes, at) !== 0; at++) {
    if (byteAt(bytes, at) !== 0x20) invalid("a number is not octal")
  }
  return value
}

const sumAt = 148
const sumEnd = 156

/** Whether the checksum of a header is right, taken over bytes without or, as by old tools, with a sign. */
export const isSummed = (header: Uint8Array): boolean => {
  const words = new DataView(header.buffer, header.byteOffset, header.byteLength)
  // Two sums of 16 bits in one number: those of a header do not overflow.
  let pairs = 0
  let signs = 0
  for (let at = 0; at < header.length; at += 4) {
    const word = words.getUint32(at)
    pairs += (word & 0xff00ff) + (word >>> 8 & 0xff00ff)
    signs |= word
  }
  let sum = (pairs >>> 16) + (pairs & 0xffff) + (sumEnd - sumAt) * 0x20
  for (let at = sumAt; at < sumEnd; at++) sum -= byteAt(header, at)
  const wanted = numberAt(header, sumAt, sumEnd - sumAt)
  if (wanted === sum) return true
  if ((signs & 0x80808080) === 0) return false
  return wanted === sum - 0x100 * negativeIn(header)
}

/** How many bytes of a header, its checksum aside, have the first bit set. */
const negativeIn = (header: Uint8Array): number => {
  let count = 0
  for (let at = 0; at < header.length; at++) {
    if (byteAt(header, at) > 0x7f && (at < sumAt || at >= sumEnd)) count++
  }
  return count
}

/** A whole number in text. */
export const integerIn = (text: string): number => {
  const value = Number(text)
  return /^[+-]?\d+$/u.test(text) && Number.isSafeInteger(value) ? value : invalid("a pax number is wrong")
}

/** Seconds since 1970 in text, with a fraction. */
export const timeIn = (text: string): number =>
  /^-?\d+(?:\.\d*)?$/u.test(text) ? Number(text) : invalid("a pax time is wrong")
