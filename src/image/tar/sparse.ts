/** Maps of sparse files: which parts of a file a tar has, in the four forms that GNU tar has written. */
import { byteAt, bytesOf } from "./bytes.ts"
import { integerIn, invalid, numberAt } from "./numbers.ts"
import type { Pax } from "./pax.ts"
import type { TarEntry } from "./TarEntry.ts"

type SparseMap = Array<readonly [offset: number, length: number]>

/** No file has more parts; each costs memory. */
const mostParts = 100_000

const mapBytes = 1024 * 1024

/** Adds pairs of numbers up to the first that is empty. */
export const sparsePairs = (block: Uint8Array, start: number, count: number, map: SparseMap): void => {
  for (let pair = 0; pair < count; pair++) {
    const at = start + pair * 24
    if (byteAt(block, at) === 0) break
    map.push([numberAt(block, at, 12), numberAt(block, at + 12, 12)])
  }
  if (map.length > mostParts) invalid("a sparse file has too many parts")
}

/** The old form: four pairs in the header, and more in blocks behind it where it is `extended`. */
export const gnuSparse = (
  entry: TarEntry,
  block: Uint8Array
): { readonly map: SparseMap; readonly extended: boolean } => {
  const map: SparseMap = []
  entry.size = sizeFrom(numberAt(block, 483, 12))
  entry.sparse = map
  sparsePairs(block, 386, 4, map)
  return { map, extended: byteAt(block, 482) !== 0 }
}

/** What a pax header says of a sparse file; of the form 1.0 the map comes first in the body. */
export const sparseOfPax = (entry: TarEntry, { texts }: Pax): "1.0" | "0" | undefined => {
  const map = texts.get("GNU.sparse.map") ?? ""
  const form = formOf(texts.get("GNU.sparse.major") ?? "", texts.get("GNU.sparse.minor") ?? "", map)
  if (form === undefined) return undefined
  const name = texts.get("GNU.sparse.name") ?? ""
  if (name !== "") entry.name = bytesOf(name)
  const size = texts.get("GNU.sparse.size") || texts.get("GNU.sparse.realsize") || ""
  if (size !== "") entry.size = sizeFrom(integerIn(size))
  if (form === "0") entry.sparse = mapOf(map, integerIn(texts.get("GNU.sparse.numblocks") ?? ""))
  return form
}

/** The forms before 1.0 need not say which they are. */
const formOf = (major: string, minor: string, map: string): "1.0" | "0" | undefined => {
  if (major === "0" && (minor === "0" || minor === "1")) return "0"
  if (major === "1" && minor === "0") return "1.0"
  return major === "" && minor === "" && map !== "" ? "0" : undefined
}

const mapOf = (text: string, count: number): SparseMap => {
  const numbers = text === "" ? [] : text.split(",")
  if (numbers.length !== 2 * count) invalid("the map of a sparse file is wrong")
  if (count > mostParts) invalid("a sparse file has too many parts")
  return Array.from({ length: count }, (_, at) => [
    integerIn(numbers[2 * at] ?? ""),
    integerIn(numbers[2 * at + 1] ?? "")
  ])
}

const sizeFrom = (size: number): number =>
  size >= 0 && size <= Number.MAX_SAFE_INTEGER ? size : invalid("a size is wrong")

/** The form 1.0: decimal lines in the first blocks of the body, how many pairs first. */
export class SparseMap10 {
  readonly #entry: TarEntry
  readonly #numbers: Array<number> = []
  #line = ""
  #used = 0

  constructor(entry: TarEntry) {
    this.#entry = entry
  }

  /** Takes a block; whether there are more. */
  add(block: Uint8Array): boolean {
    this.#used += block.length
    if (this.#used > this.#entry.stored || this.#used > mapBytes) invalid("the map of a sparse file is wrong")
    for (const byte of block) {
      if (byte === 0x0a) {
        this.#numbers.push(integerIn(this.#line))
        this.#line = ""
        if (this.#isWhole()) return false
      } else this.#line += String.fromCharCode(byte)
    }
    return true
  }

  #isWhole(): boolean {
    const count = this.#numbers[0] ?? 0
    if (count < 0 || count > mostParts) invalid("a sparse file has too many parts")
    if (this.#numbers.length < 1 + 2 * count) return false
    const map: SparseMap = []
    for (let at = 1; at < this.#numbers.length; at += 2) {
      map.push([this.#numbers[at] ?? 0, this.#numbers[at + 1] ?? 0])
    }
    this.#entry.sparse = map
    this.#entry.stored -= this.#used
    return true
  }
}
