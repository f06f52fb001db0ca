/** The bytes of an index, written again by what has changed: most of a large one is copied as it was. */
import type { Schema } from "effect"
import { isJsonObject } from "../../oci/Descriptor.ts"
import { hashOn, type SteppedHash } from "./indexHash.ts"
import { frame, type IndexText, spell } from "./indexText.ts"

/** What an element of `manifests` says. */
interface Listed {
  readonly value: Schema.Json
}

/** An index as it was written. */
export interface IndexBytes {
  readonly bytes: Buffer<ArrayBuffer>
  /** How it is written. The spelling of its entries is in the bytes. */
  readonly text: IndexText
  readonly entries: ReadonlyArray<Listed>
  /** The offset of each entry, and, at the end, the offset that one more entry would have (after its separator). */
  readonly starts: Uint32Array
  readonly hashed: SteppedHash
  /** The place of the index before it, which is free by now: a large index is written there next. */
  readonly spare: ArrayBuffer
}

/** From so many bytes on, memory is used again: collecting it takes longer than writing the index. */
const largeBytes = 1024 * 1024

const noBytesOf = (text: IndexText): IndexBytes => ({
  bytes: Buffer.alloc(0),
  text,
  entries: [],
  starts: new Uint32Array(1),
  hashed: hashOn(new Uint8Array(0), undefined, 0),
  spare: new ArrayBuffer(0)
})

/**
 * An index with these entries and this generation.
 *
 * @param last what was written with this `text` before
 */
export const writeIndex = (
  text: IndexText,
  entries: ReadonlyArray<Listed>,
  generation: string,
  last: IndexBytes = noBytesOf(text)
): IndexBytes => {
  const { first, rest } = unchanged(last.entries, entries)
  const separator = Buffer.byteLength(text.manifests.separator)
  const old = (from: number, to: number): Buffer =>
    last.bytes.subarray(startOf(last, from), Math.max(startOf(last, from), startOf(last, to) - separator))
  const end = last.entries.length
  const moved = new Map(
    last.entries.slice(first, end - rest).map(({ value }, place) => [value, first + place])
  )
  const spelled = entries.slice(first, entries.length - rest).map(({ value }) => {
    const place = isJsonObject(value) ? moved.get(value) : undefined
    return place === undefined ? spell(text, value) : old(place, place + 1).toString("utf8")
  })

  const { after, before } = frame(text, entries.length === 0, generation)
  const parts = [old(0, first), Buffer.from(spelled.join(text.manifests.separator)), old(end - rest, end)]
    .filter(({ length }) => length > 0)
  const listed = parts.reduce((sum, { length }) => sum + length + separator, parts.length === 0 ? 0 : -separator)
  const begins = Buffer.byteLength(before)
  const bytes = room(begins + listed + Buffer.byteLength(after), last)
  let at = bytes.write(before)
  for (const [place, part] of parts.entries()) {
    if (place > 0) at += bytes.write(text.manifests.separator, at)
    at += part.copy(bytes, at)
  }
  bytes.write(after, at)

  const starts = new Uint32Array(entries.length + 1)
  for (let place = 0; place < first; place++) starts[place] = startOf(last, place) - startOf(last, 0) + begins
  let next = first === 0 ? begins : startOf(last, first) - startOf(last, 0) + begins
  for (const [place, spelling] of spelled.entries()) {
    starts[first + place] = next
    next += Buffer.byteLength(spelling) + separator
  }
  const moves = next - startOf(last, end - rest)
  for (let place = 0; place <= rest; place++) {
    starts[entries.length - rest + place] = startOf(last, end - rest + place) + moves
  }
  const isSameBefore = begins === startOf(last, 0) && bytes.compare(last.bytes, 0, begins, 0, begins) === 0
  // Up to the end of the last entry that is where it was.
  const shared = isSameBefore ? Math.max(begins, (starts[first] ?? 0) - separator) : 0
  return {
    bytes,
    text: { ...text, spellings: new WeakMap() },
    entries,
    starts,
    hashed: hashOn(bytes, last.hashed, shared),
    spare: last.bytes.buffer
  }
}

const room = (size: number, { spare }: IndexBytes): Buffer<ArrayBuffer> => {
  if (size < largeBytes) return Buffer.allocUnsafeSlow(size)
  // With some more, so that what is added now and then finds room.
  const buffer = spare.byteLength >= size ? spare : new ArrayBuffer(size + (size >> 4))
  return Buffer.from(buffer, 0, size)
}

const startOf = ({ starts }: IndexBytes, place: number): number => starts[place] ?? 0

/** How many entries at the beginning and at the end are the same. */
const unchanged = (
  last: ReadonlyArray<Listed>,
  entries: ReadonlyArray<Listed>
): { readonly first: number; readonly rest: number } => {
  const most = Math.min(last.length, entries.length)
  let first = 0
  while (first < most && isSame(last[first], entries[first])) first++
  let rest = 0
  while (rest < most - first && isSame(last.at(-1 - rest), entries.at(-1 - rest))) rest++
  return { first, rest }
}

const isSame = (one: Listed | undefined, other: Listed | undefined): boolean =>
  one === other || one?.value === other?.value
