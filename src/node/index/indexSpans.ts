/** Where the entries of an index stand in its bytes, so that those that stay are copied and not spelled again. */
import type { Schema } from "effect"
import type { IndexBytes } from "./indexBytes.ts"
import type { SteppedHash } from "./indexHash.ts"
import { type IndexText, takeApart } from "./indexText.ts"

/** The list of entries in the bytes of an index. */
interface Spans {
  /** After the opening bracket, and at the closing one. */
  readonly open: number
  readonly close: number
  /** Where each entry begins, and after the last byte of each. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/**
 * A valid index as if we had written it; nothing where its entries are not kept apart in one and the same way, so that it
 * has to be taken apart as text.
 *
 * @param bytes not to be changed as long as the answer is used
 * @param entries the elements of its `manifests`, parsed from the same bytes
 */
export const asWritten = (
  bytes: Uint8Array<ArrayBuffer>,
  entries: ReadonlyArray<Schema.Json>,
  hashed: SteppedHash
): IndexBytes | undefined => {
  if (entries.length < 2) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const spans = listIn(buffer, entries.length)
  if (spans === undefined) return undefined
  const { close, ends, open, starts } = spans
  const [first = 0, second = 0, last = 0] = [starts[0], starts[1], ends[entries.length - 1]]
  const separator = buffer.subarray(ends[0], second)
  for (let place = 1; place < entries.length; place++) {
    const gap = buffer.subarray(ends[place - 1], starts[place])
    if (gap.length !== separator.length || (separator.length > 1 && !gap.equals(separator))) return undefined
  }
  const utf8 = (from: number, to: number): string => buffer.toString("utf8", from, to)
  const around = takeApart(utf8(0, open) + utf8(close, bytes.length), [])
  const text: IndexText = {
    ...around,
    manifests: { lead: utf8(open, first), separator: separator.toString("utf8"), trail: utf8(last, close), items: [] }
  }
  const begins = new Uint32Array(entries.length + 1)
  begins.set(starts)
  begins[entries.length] = last + separator.length
  return {
    bytes: buffer,
    text,
    entries: entries.map((value) => ({ value })),
    starts: begins,
    hashed,
    spare: new ArrayBuffer(0)
  }
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b
const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** The one list of so many elements that is called `manifests`; nothing where that is not so plain. */
const listIn = (bytes: Buffer, count: number): Spans | undefined => {
  let found: Spans | undefined
  let at = afterSpace(bytes, bytes.indexOf("{") + 1)
  while (bytes[at] === quote) {
    const end = afterString(bytes, at)
    const key: unknown = JSON.parse(bytes.toString("utf8", at, end))
    const value = afterSpace(bytes, afterSpace(bytes, end) + 1)
    if (key === "manifests") {
      if (found !== undefined || bytes[value] !== 0x5b) return undefined
      found = elementsAt(bytes, value, count)
      if (found === undefined) return undefined
      at = found.close + 1
    } else at = afterValue(bytes, value)
    at = afterSpace(bytes, at)
    if (bytes[at] === comma) at = afterSpace(bytes, at + 1)
  }
  return found
}

/** The elements of the array that begins at `start`, if there are so many. */
const elementsAt = (bytes: Buffer, start: number, count: number): Spans | undefined => {
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  let at = afterSpace(bytes, start + 1)
  for (let place = 0; place < count; place++) {
    starts[place] = at
    at = afterValue(bytes, at)
    ends[place] = at
    at = afterSpace(bytes, at)
    if (bytes[at] !== comma) return place === count - 1 ? { open: start + 1, close: at, starts, ends } : undefined
    at = afterSpace(bytes, at + 1)
  }
  return undefined
}

/** After the value that begins at `start`: up to what ends it, with no space behind it. */
const afterValue = (bytes: Buffer, start: number): number => {
  let depth = 0
  let at = start
  for (;;) {
    const code = bytes[at] ?? 0
    if (code === quote) {
      at = afterString(bytes, at)
      if (depth === 0) return at
      continue
    }
    if (isOpening(code)) depth++
    else if (isClosing(code)) {
      if (depth === 0) return at
      depth--
      if (depth === 0) return at + 1
    } else if (depth === 0 && (code === comma || isSpace(code))) return at
    if (at >= bytes.length) return at
    at++
  }
}

const afterString = (bytes: Buffer, start: number): number => {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at + 1
}

const afterSpace = (bytes: Buffer, start: number): number => {
  let at = start
  while (isSpace(bytes[at] ?? 0)) at++
  return at
}
