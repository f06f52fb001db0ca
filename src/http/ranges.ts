/** Ranges of bytes: of a blob that is read (RFC 9110, "Range"), and of a chunk that is written (distribution-spec). */

/** What a `Range` asks for: bytes from `offset` up to, not including, `end`. */
export type Asked =
  | { readonly _tag: "All" }
  | { readonly _tag: "Part"; readonly offset: number; readonly end: number }
  | { readonly _tag: "Unsatisfiable" }

const all: Asked = { _tag: "All" }
const unsatisfiable: Asked = { _tag: "Unsatisfiable" }

/** Several ranges at once, and units other than bytes, are answered with everything, as HTTP allows. */
export const parseRange = (header: string | undefined, size: number): Asked => {
  if (header === undefined) return all
  const [, first, last = ""] = /^bytes= *(\d{0,15})-(\d{0,15}) *$/u.exec(header) ?? []
  if (first === undefined || (first === "" && last === "")) return all
  if (first === "") {
    const length = Math.min(Number(last), size)
    return length === 0 ? unsatisfiable : { _tag: "Part", offset: size - length, end: size }
  }
  const offset = Number(first)
  const end = last === "" ? size : Math.min(Number(last) + 1, size)
  return offset >= end ? unsatisfiable : { _tag: "Part", offset, end }
}

/** Where a chunk goes: its first byte, and how many there are. */
export interface ChunkRange {
  readonly offset: number
  readonly length: number
}

/** `0-1023`, or as HTTP has it elsewhere `bytes 0-1023/2048`; nothing where it cannot be read. */
export const parseContentRange = (header: string): ChunkRange | undefined => {
  const [, first, last] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/u.exec(header.trim()) ?? []
  if (first === undefined || last === undefined) return undefined
  const offset = Number(first)
  const length = Number(last) + 1 - offset
  // An empty chunk can only be written as 0-0 or as one that ends before it begins.
  return length < 0 ? undefined : { offset, length }
}
