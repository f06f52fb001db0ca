/**
 * node:zlib, driven by hand: its streams take two to three times as long, stop after the first frame of zstd, and do not
 * say where blocks end. `_handle` and `_writeState` are not documented; where they are not there, no layer is read.
 * The handle tells us of what fails, and not its stream, which could not be used again.
 */
import type { Transform } from "node:stream"
import { CodecFailed, type Sink } from "../../image/ports/LayerCodec.ts"

interface Handle {
  onerror: (message: string) => void
  readonly reset: () => void
  readonly writeSync: (
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number
  ) => void
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === "object" && value !== null && "writeSync" in value && typeof value.writeSync === "function" &&
  "onerror" in value && "reset" in value && typeof value.reset === "function"

/** What one call has done, in bytes. */
export interface Step {
  readonly taken: number
  readonly given: number
}

export class Driven {
  readonly #stream: Transform
  readonly #handle: Handle
  readonly #state: Uint32Array
  #open = true
  #failure: string | undefined

  constructor(stream: Transform) {
    this.#stream = stream
    const handle = "_handle" in stream ? stream._handle : undefined
    const state = "_writeState" in stream ? stream._writeState : undefined
    if (!isHandle(handle) || !(state instanceof Uint32Array)) {
      throw new CodecFailed("this version of Node does not let its zlib be driven")
    }
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target: this is what it calls
    handle.onerror = (message) => {
      this.#failure = message
    }
    this.#handle = handle
    this.#state = state
  }

  /**
   * Decodes some of the input into some of the output.
   *
   * @throws CodecFailed
   */
  step(flush: number, input: Uint8Array, at: number, length: number, output: Uint8Array, outputAt: number): Step {
    if (!this.#open) throw new CodecFailed("it has ended")
    const room = output.length - outputAt
    this.#handle.writeSync(flush, input, at, length, output, outputAt, room)
    if (this.#failure !== undefined) {
      this.#open = false
      throw new CodecFailed(this.#failure)
    }
    const [roomLeft = room, inputLeft = length] = this.#state
    return { taken: length - inputLeft, given: room - roomLeft }
  }

  /** Begins anew, also where it has failed. */
  reset(): void {
    this.#handle.reset()
    this.#failure = undefined
    this.#open = true
  }

  close(): void {
    this.#open = false
    this.#stream.destroy()
  }
}

const nothing = new Uint8Array()

/** Decodes all of the input, and tells what comes out; how many bytes of it were left over behind the end. */
export const drain = (driven: Driven, flush: number, input: Uint8Array, output: Uint8Array, sink: Sink): number => {
  for (let at = 0;;) {
    const { given, taken } = driven.step(flush, input, at, input.length - at, output, 0)
    at += taken
    if (given > 0) sink(output.subarray(0, given))
    // A buffer that is full may have been filled by the last byte: only the next call tells.
    if (given === output.length) continue
    if (at === input.length || (taken === 0 && given === 0)) return input.length - at
  }
}

/** Asks for the end, which fails where it has not come. */
export const demandEnd = (driven: Driven, flush: number, output: Uint8Array, sink: Sink): void => {
  drain(driven, flush, nothing, output, sink)
}
