/**
 * Decodes gzip once, and notes places from which it can be decoded again. With `Z_BLOCK` zlib stops where a block ends;
 * which bit of the byte that is it does not say, so each of the eight is tried on what came next.
 */
import { constants, createGunzip, deflateRawSync, inflateRawSync } from "node:zlib"
import type { Checkpoint, Decoder, Sink } from "../../image/ports/LayerCodec.ts"
import { bitPrefix } from "./bitPrefix.ts"
import { demandEnd, Driven } from "./driven.ts"

/** What deflate may look back to. */
export const windowBytes = 32 * 1024

const outputBytes = 256 * 1024

/** Input behind a checkpoint by which its bit is found, and output of which at least `comparedBytes` have to agree. */
const tailBytes = 8 * 1024
const seenBytes = 16 * 1024
const comparedBytes = 4 * 1024

interface Pending {
  readonly out: number
  readonly in: number
  readonly last: number
  readonly window: Buffer
  readonly tail: Buffer
  seen: Buffer
}

interface Wishes {
  readonly span: number
  readonly checkpoint: (checkpoint: Checkpoint) => void
}

export class GzipPass implements Decoder {
  readonly #gunzip = new Driven(createGunzip())
  readonly #sink: Sink
  readonly #wishes: Wishes | undefined
  /** The window, and behind it what comes out. */
  readonly #buffer = Buffer.alloc(windowBytes + outputBytes)
  #in = 0
  #out = 0
  #due: number
  #pending: Pending | undefined

  constructor(sink: Sink, wishes: Wishes | undefined) {
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
      pending.seen = Buffer.concat([pending.seen, output.subarray(0, 2 * seenBytes)])
      if (pending.seen.length >= seenBytes) this.#resolve(pending)
    }
    this.#buffer.copyWithin(0, given, windowBytes + given)
  }

  #note(input: Uint8Array, at: number): void {
    this.#pending = {
      out: this.#out,
      in: this.#in,
      last: input[at - 1] ?? 0,
      window: Buffer.from(this.#buffer.subarray(Math.max(0, windowBytes - this.#out), windowBytes)),
      tail: Buffer.from(input.subarray(at, at + tailBytes)),
      seen: Buffer.alloc(0)
    }
  }

  #resolve(pending: Pending): void {
    this.#pending = undefined
    const span = this.#wishes?.span ?? Number.POSITIVE_INFINITY
    const unused = Array.from({ length: 8 }, (_, bits) => bits).find((bits) => fits(pending, bits))
    if (unused === undefined) {
      // Not to be proven here, for example at the end of a member: a later block will do.
      this.#due = pending.out + span / 8
      return
    }
    this.#due = pending.out + span
    const state = Buffer.concat([
      Buffer.from([unused, pending.last]),
      deflateRawSync(pending.window, { level: 1 })
    ])
    this.#wishes?.checkpoint({ out: pending.out, in: pending.in, state })
  }

  finish(): void {
    demandEnd(this.#gunzip, constants.Z_FINISH, this.#buffer, this.#sink)
  }

  close(): void {
    this.#gunzip.close()
  }
}

/** Whether decoding goes on as it did where so many bits of the last byte are still unused. */
const fits = ({ last, seen, tail, window }: Pending, unused: number): boolean => {
  let decoded: Buffer
  try {
    decoded = inflateRawSync(Buffer.concat([bitPrefix(unused, last), tail]), {
      dictionary: window,
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: 64 * 1024,
      maxOutputLength: 16 * 1024 * 1024
    })
  } catch {
    // That bit is in the middle of something.
    return false
  }
  const length = Math.min(decoded.length, seen.length)
  return length >= Math.min(comparedBytes, seen.length) && decoded.subarray(0, length).equals(seen.subarray(0, length))
}
