/** What Go writes into its programs: the version of Go, and the modules they are built of (`debug/buildinfo`). */
import { Growing } from "../table/Growing.ts"
import { byteAt, decoded } from "../tar/bytes.ts"
import { mostPackages, type Said } from "./Package.ts"
import { lines } from "./text.ts"

/** `\xff Go buildinf:`. */
const magic = Uint8Array.of(0xff, 0x20, 0x47, 0x6f, 0x20, 0x62, 0x75, 0x69, 0x6c, 0x64, 0x69, 0x6e, 0x66, 0x3a)
const elf = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)

/** It begins at a multiple of this. */
const alignment = 16
const headerBytes = 32
/** More than any list of modules. */
const mostBytes = 1024 * 1024
/** Around the list of modules. */
const sentinelBytes = 16

const startsWith = (bytes: Uint8Array, at: number, wanted: Uint8Array): boolean =>
  wanted.every((byte, offset) => bytes[at + offset] === byte)

/** Looks for it in a program that comes piece by piece. */
export class GoBuildInfo {
  /** What comes of a multiple of the alignment, and less than one of it, from the piece before. */
  #carried: Uint8Array = new Uint8Array()
  #isElf: boolean | undefined
  /** From the magic on. */
  #found: Growing | undefined

  take(bytes: Uint8Array): void {
    if (this.#isElf === false) return
    if (this.#found !== undefined) return this.#keep(bytes)
    const piece = this.#carried.length === 0 ? bytes : joined(this.#carried, bytes)
    if (piece.length < alignment) {
      this.#carried = new Uint8Array(piece)
      return
    }
    this.#isElf ??= startsWith(piece, 0, elf)
    if (!this.#isElf) return
    const end = piece.length - piece.length % alignment
    for (let at = 0; at < end; at += alignment) {
      if (piece[at] === magic[0] && startsWith(piece, at, magic)) {
        this.#found = new Growing()
        return this.#keep(piece.subarray(at))
      }
    }
    this.#carried = new Uint8Array(piece.subarray(end))
  }

  #keep(bytes: Uint8Array): void {
    const found = this.#found
    found?.put(bytes.subarray(0, Math.max(0, mostBytes - found.length)))
  }

  /** What the program says. */
  end(): ReadonlyArray<Said> {
    return this.#found === undefined ? [] : parseGoBuild(this.#found.bytes)
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** From the magic on. Programs of Go before 1.18 have pointers in the place of the text. */
const parseGoBuild = (bytes: Uint8Array): ReadonlyArray<Said> => {
  if ((byteAt(bytes, 15) & 2) === 0) return [{ name: "stdlib", version: "before go1.18" }]
  let at = headerBytes
  const part = (): Uint8Array => {
    let length = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      const byte = byteAt(bytes, at++)
      length += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    const start = at
    at += length
    return bytes.subarray(start, at)
  }
  const version = decoded(part())
  if (!/^(?:go|devel)/u.test(version)) return []
  const modules = part()
  const found: Array<Said> = [{ name: "stdlib", version }]
  for (const line of lines(decoded(modules.subarray(sentinelBytes, -sentinelBytes)))) {
    const [kind, name, version] = line.split("\t", 4)
    const last = found.at(-1)
    if (name === undefined || name === "") continue
    if (kind === "mod" || kind === "dep") found.push({ name, version: version ?? "" })
    // The module in the line before is replaced by this one.
    else if (kind === "=>" && last !== undefined) found[found.length - 1] = { name, version: version ?? "" }
    if (found.length >= mostPackages) break
  }
  return found
}
