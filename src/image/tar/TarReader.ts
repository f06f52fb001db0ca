/**
 * Reads tars piece by piece, by the rules of Go's `archive/tar`: it decides what container runtimes see, and no npm
 * library agrees with it. ustar, pax, GNU long names, base-256 numbers, sparse files of all four forms.
 */
import { byteAt, fieldAt, hasAt } from "./bytes.ts"
import { invalid, isSummed, modeAt, numberAt } from "./numbers.ts"
import { applyPax, parsePax, type Pax } from "./pax.ts"
import { oldPrefix, prefixed } from "./prefix.ts"
import { gnuSparse, SparseMap10, sparseOfPax, sparsePairs } from "./sparse.ts"
import { hasNoBody, type TarEntry, typeOf } from "./TarEntry.ts"

/** What is told of a tar; bytes of a body are good during the call only, and those of sparse files come as they are stored. */
export interface TarHandler {
  readonly begin: (entry: TarEntry) => void
  readonly data: (bytes: Uint8Array) => void
  readonly end: (entry: TarEntry) => void
}

const blockLength = 512

/** A pax header or a long name over this is an error, as in Go. */
const metaBytes = 1024 * 1024

interface Meta {
  readonly flag: string
  readonly bytes: Uint8Array
  filled: number
}

export class TarReader {
  #offset = 0
  readonly #handler: TarHandler
  readonly #block = new Uint8Array(blockLength)
  /** The header of the current entry, of which its names are parts. */
  readonly #current = new Uint8Array(blockLength)
  #filled = 0
  #zeroBlock = false
  #ended = false
  /** Bytes of the current body that are still to come, and of what fills its last block. */
  #left = 0
  #padding = 0
  #meta: Meta | undefined
  #entry: TarEntry | undefined
  #pax: Pax | undefined
  #longName: Uint8Array = none
  #longLink: Uint8Array = none
  /** What the next block is, where it is no header: more of a map of a sparse file. */
  #more: ((block: Uint8Array) => boolean) | undefined

  constructor(handler: TarHandler) {
    this.#handler = handler
  }

  /** @throws TarInvalid */
  write(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) at += this.#body(bytes, at)
      else if (this.#padding > 0) {
        const count = Math.min(this.#padding, bytes.length - at)
        this.#padding -= count
        this.#offset += count
        at += count
      } else if (this.#ended) return
      else if (this.#filled === 0 && bytes.length - at >= blockLength) {
        this.#offset += blockLength
        this.#takeBlock(bytes.subarray(at, at + blockLength))
        at += blockLength
      } else {
        const count = Math.min(blockLength - this.#filled, bytes.length - at)
        this.#block.set(bytes.subarray(at, at + count), this.#filled)
        this.#filled += count
        this.#offset += count
        at += count
        if (this.#filled < blockLength) return
        this.#filled = 0
        this.#takeBlock(this.#block)
      }
    }
  }

  /**
   * The tar has no more bytes. The end blocks may be missing, and so may what fills the last body's block.
   *
   * @throws TarInvalid
   */
  finish(): void {
    if (this.#filled > 0 || this.#left > 0 || this.#more !== undefined) invalid("the tar is cut short")
  }

  /**
   * How many bytes may be left out before what is written next: the rest of a body, and what fills its last block. Its
   * handler is told that it has ended.
   */
  passOver(): number {
    if (this.#meta !== undefined && this.#left > 0) return 0
    const isInside = this.#left > 0
    const count = this.#left + this.#padding
    this.#offset += count
    this.#left = this.#padding = 0
    if (isInside) this.#bodyEnded()
    return count
  }

  /** How many bytes of the body there were. */
  #body(bytes: Uint8Array, at: number): number {
    const count = Math.min(this.#left, bytes.length - at)
    const part = bytes.subarray(at, at + count)
    this.#left -= count
    this.#offset += count
    if (this.#meta === undefined) this.#handler.data(part)
    else {
      this.#meta.bytes.set(part, this.#meta.filled)
      this.#meta.filled += count
    }
    if (this.#left === 0) this.#bodyEnded()
    return count
  }

  #expect(stored: number): void {
    this.#left = stored
    this.#padding = (blockLength - stored % blockLength) % blockLength
    if (stored === 0) this.#bodyEnded()
  }

  #bodyEnded(): void {
    const meta = this.#meta
    if (meta === undefined) {
      const entry = this.#entry
      this.#entry = undefined
      if (entry !== undefined) this.#handler.end(entry)
      return
    }
    this.#meta = undefined
    const { bytes, flag } = meta
    if (flag === "x") this.#pax = parsePax(bytes)
    // A global header is checked and then ignored, as runtimes do.
    else if (flag === "g") parsePax(bytes)
    else if (flag === "L") this.#longName = fieldAt(bytes, 0, bytes.length)
    else this.#longLink = fieldAt(bytes, 0, bytes.length)
  }

  #takeBlock(block: Uint8Array): void {
    if (this.#more !== undefined) {
      if (this.#more(block)) return
      this.#more = undefined
      this.#open()
      return
    }
    if (isZero(block)) {
      this.#ended = this.#zeroBlock
      this.#zeroBlock = true
      return
    }
    if (this.#zeroBlock) invalid("a block of zeros stands alone")
    if (!isSummed(block)) invalid("a header has a wrong checksum")
    this.#header(block)
  }

  #header(block: Uint8Array): void {
    const size = numberAt(block, 124, 12)
    if (size < 0) invalid("a size is negative")
    if (size > Number.MAX_SAFE_INTEGER) invalid("a size is too large")
    const flag = String.fromCharCode(byteAt(block, 156))
    const header = this.#current
    header.set(block)
    const isGnu = hasAt(header, 257, magics.gnu)
    const entry = readHeader(header, size, isGnu)
    // Only now, so that a wrong field of these headers is an error too, as in Go.
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      if (size > metaBytes) invalid("a header is too long")
      this.#meta = { flag, bytes: new Uint8Array(size), filled: 0 }
      return this.#expect(size)
    }
    const pax = this.#pax
    this.#pax = undefined
    this.#entry = entry
    entry.stored = entry.size = (pax === undefined ? undefined : applyPax(entry, pax)) ?? size
    if (this.#longName.length > 0) entry.name = this.#longName
    if (this.#longLink.length > 0) entry.link = this.#longLink
    this.#longName = this.#longLink = none
    entry.flag = flag === "\0" ? (entry.name.at(-1) === slash ? "5" : "0") : flag
    entry.type = typeOf(entry.flag)
    if (hasNoBody(entry.type)) entry.stored = 0
    this.#sparse(entry, block, isGnu, pax)
  }

  #sparse(entry: TarEntry, block: Uint8Array, isGnu: boolean, pax: Pax | undefined): void {
    if (entry.flag === "S" && isGnu) {
      const { extended, map } = gnuSparse(entry, block)
      if (extended) {
        this.#more = (next) => {
          sparsePairs(next, 0, 21, map)
          return byteAt(next, 504) !== 0
        }
        return
      }
    } else if (pax !== undefined) {
      const form = sparseOfPax(entry, pax)
      if (form !== undefined && hasNoBody(entry.type)) invalid("what has no content is sparse")
      if (form === "1.0") {
        const map = new SparseMap10(entry)
        this.#more = (next) => map.add(next)
        return
      }
    }
    this.#open()
  }

  #open(): void {
    const entry = this.#entry
    if (entry === undefined) return
    if (entry.sparse !== undefined) {
      let end = 0
      let sum = 0
      for (const [offset, length] of entry.sparse) {
        if (offset < end || length < 0) invalid("the map of a sparse file is wrong")
        end = offset + length
        sum += length
      }
      if (end > entry.size || sum !== entry.stored) invalid("the map of a sparse file is wrong")
    }
    entry.offset = this.#offset
    this.#handler.begin(entry)
    this.#expect(entry.stored)
  }
}

const isZero = (block: Uint8Array): boolean => byteAt(block, 0) === 0 && block.every((byte) => byte === 0)

const magics = { posix: "ustar\0", gnu: "ustar  \0" }

const none = new Uint8Array()

const slash = 0x2f

/** The fields of one header, long names and pax aside. */
const readHeader = (block: Uint8Array, size: number, isGnu: boolean): TarEntry => {
  const isPosix = hasAt(block, 257, magics.posix)
  const isStar = isPosix && hasAt(block, 508, "tar\0")
  const entry: TarEntry = {
    type: "other",
    flag: "",
    name: fieldAt(block, 0, 100),
    link: fieldAt(block, 157, 100),
    size,
    stored: size,
    mode: modeAt(block, 100),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    mtime: numberAt(block, 136, 12),
    major: 0,
    minor: 0,
    offset: 0,
    sparse: undefined,
    xattrs: undefined
  }
  if (isPosix || isGnu) {
    entry.major = numberAt(block, 329, 8)
    entry.minor = numberAt(block, 337, 8)
    if (isPosix && byteAt(block, 345) !== 0) {
      entry.name = prefixed(fieldAt(block, 345, isStar ? 131 : 155), entry.name)
    }
    if (isStar) {
      numberAt(block, 476, 12)
      numberAt(block, 488, 12)
    }
    if (isGnu) entry.name = oldPrefix(block, entry.name)
  }
  return entry
}
