/**
 * Decodes gzip once, and notes places from which it can be decoded again. With `Z_BLOCK` zlib stops where a block ends;
 * which bit of the byte that is it does not say.
 */
import { constants, createGunzip } from "node:zlib"
import type { CheckpointWishes, Decoder, Sink } from "../../image/ports/LayerCodec.ts"
import { BlockStarts, windowBytes } from "./BlockStarts.ts"
import { demandEnd, Driven } from "./driven.ts"

const outputBytes = 256 * 1024

/** Input behind a checkpoint by which its bit is found, and output that is compared. */
const tailBytes = 8 * 1024
const seenBytes = 16 * 1024

/** A checkpoint whose bit is not known yet. */
interface Pending {
  readonly out: number
  readonly in: number
  readonly last: number
  readonly window: Uint8Array
  readonly tail: Uint8Array
}

export class GzipPass implements Decoder {
  readonly #gunzip = new Driven(createGunzip())
  readonly #sink: Sink
  readonly #wishes: CheckpointWishes | undefined
  /** The window, and behind it what comes out. */
  readonly #buffer = Buffer.alloc(windowBytes + outputBytes)
  #in = 0
  #out = 0
  #due: number
  #pending: Pending | undefined
  /** What came out behind it. */
  readonly #seen = Buffer.alloc(seenBytes)
  #seenLength = 0
  readonly #window = Buffer.alloc(windowBytes)
  readonly #tail = Buffer.alloc(tailBytes)
  #starts: BlockStarts | undefined

  constructor(sink: Sink, wishes: CheckpointWishes | undefined) {
    this.#sink = sink
    this.#wishes = wishes
    this.#due = wishes?.span ?? Number.POSITIVE_INFINITY
  }

  write(input: Uint8Array): void {
    for (let at = 0;;) {
      const left = input.length - at
      const wanted = this.#out >= this.#due && left > tailBytes && this.#pending === undefined
      const flush = wanted ? constants.Z_BLOCK : constants.Z_NO_FLUSH
      const { given, taken } = this.#gunzip.step(flush, input, at, left, this.#buffer, windowBytes)
      at += taken
      this.#in += taken
      this.#took(given)
      const isFull = given === outputBytes
      if (wanted && !isFull && input.length - at > tailBytes) {
        this.#note(input, at)
        continue
      }
      if (isFull) continue
      // Zeros behind the last member are passed over, as gzip itself does.
      if (at === input.length || (taken === 0 && given === 0)) return
    }
  }

  #took(given: number): void {
    if (given === 0) return
    const output = this.#buffer.subarray(windowBytes, windowBytes + given)
    this.#out += given
    this.#sink(output)
    const pending = this.#pending
    if (pending !== undefined) {
      this.#seenLength += output.copy(this.#seen, this.#seenLength)
      if (this.#seenLength === seenBytes) this.#resolve(pending)
    }
    this.#buffer.copyWithin(0, given, windowBytes + given)
  }

  #note(input: Uint8Array, at: number): void {
    const window = this.#window.subarray(Math.max(0, windowBytes - this.#out))
    this.#buffer.copy(window, 0, windowBytes - window.length, windowBytes)
    this.#tail.set(input.subarray(at, at + tailBytes))
    this.#seenLength = 0
    this.#pending = { out: this.#out, in: this.#in, last: input[at - 1] ?? 0, window, tail: this.#tail }
  }

  #resolve(pending: Pending): void {
    this.#pending = undefined
    const span = this.#wishes?.span ?? Number.POSITIVE_INFINITY
    this.#starts ??= new BlockStarts()
    const unused = this.#starts.unusedBits({ ...pending, seen: this.#seen })
    if (unused === undefined) {
      // Not to be proven here, for example at the end of a member: a later block will do.
      this.#due = pending.out + span / 8
      return
    }
    this.#due = pending.out + span
    const state = Buffer.concat([Buffer.from([unused, pending.last]), this.#starts.packed(pending.window)])
    this.#wishes?.checkpoint({ out: pending.out, in: pending.in, state })
  }

  finish(): void {
    demandEnd(this.#gunzip, constants.Z_FINISH, this.#buffer, this.#sink)
  }

  close(): void {
    this.#gunzip.close()
    this.#starts?.close()
  }
}
