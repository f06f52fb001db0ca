/**
 * Finds the bit at which a block of deflate begins: each of the eight is tried on what came next. One decoder serves for
 * all of them, since those of node:zlib leave more memory behind than all else does.
 */
import { constants, createDeflateRaw, createInflateRaw } from "node:zlib"
import { CodecFailed } from "../../image/ports/LayerCodec.ts"
import { bitPrefix } from "./bitPrefix.ts"
import { Driven } from "./driven.ts"

/** What deflate may look back to. */
export const windowBytes = 32 * 1024

/** Output that has to agree, where there is as much. */
const comparedBytes = 4 * 1024

/** A place behind which a block begins, somewhere in the byte before it. */
export interface BlockStart {
  /** The byte before. */
  readonly last: number
  /** What was decoded before, at most a window. */
  readonly window: Uint8Array
  /** What comes next, before and after it is decoded. */
  readonly tail: Uint8Array
  readonly seen: Uint8Array
}

export class BlockStarts {
  readonly #inflate = new Driven(createInflateRaw())
  readonly #deflate = new Driven(createDeflateRaw({ level: 1 }))
  readonly #output = Buffer.alloc(windowBytes + 64 * 1024)

  /** How many bits of the byte before belong to the block; none where no number is right. */
  unusedBits(start: BlockStart): number | undefined {
    for (let unused = 0; unused < 8; unused++) if (this.#fits(start, unused)) return unused
    return undefined
  }

  #fits({ last, seen, tail, window }: BlockStart, unused: number): boolean {
    this.#inflate.reset()
    let length = 0
    try {
      for (const part of [storedHeader(window.length), window, bitPrefix(unused, last), tail]) {
        length += this.#inflate.step(constants.Z_NO_FLUSH, part, 0, part.length, this.#output, length).given
      }
    } catch (error) {
      // That bit is in the middle of something.
      if (error instanceof CodecFailed) return false
      throw error
    }
    const decoded = this.#output.subarray(window.length, length)
    const common = Math.min(decoded.length, seen.length)
    return common >= Math.min(comparedBytes, seen.length) &&
      decoded.subarray(0, common).equals(seen.subarray(0, common))
  }

  /** A window, compressed: a copy. */
  packed(window: Uint8Array): Buffer {
    this.#deflate.reset()
    const { given } = this.#deflate.step(constants.Z_FINISH, window, 0, window.length, this.#output, 0)
    return Buffer.from(this.#output.subarray(0, given))
  }

  close(): void {
    this.#inflate.close()
    this.#deflate.close()
  }
}

/** Of a block that is not compressed. The window comes as one: decoders that can be used again take no dictionary. */
const storedHeader = (length: number): Uint8Array =>
  Uint8Array.of(0, length & 0xff, length >> 8, ~length & 0xff, ~length >> 8 & 0xff)
