/** Decompression of layers by node:zlib, and their hashes by node:crypto. */
import { createHash, hash } from "node:crypto"
import { constants, createGunzip, createInflateRaw, createZstdDecompress, inflateRawSync } from "node:zlib"
import {
  type Checkpoint,
  type CheckpointWishes,
  CodecFailed,
  type Decoder,
  type LayerCodec,
  type Sink
} from "../../image/ports/LayerCodec.ts"
import { bitPrefix } from "./bitPrefix.ts"
import { windowBytes } from "./BlockStarts.ts"
import { demandEnd, drain, Driven } from "./driven.ts"
import { GzipPass } from "./GzipPass.ts"
import { rpmHeaders } from "./rpmHeaders.ts"

const outputBytes = 256 * 1024

const nothing = new Uint8Array()

/** All frames, one after another; the streams of node:zlib stop behind the first one, without an error. */
class ZstdPass implements Decoder {
  readonly #driven = new Driven(createZstdDecompress())
  readonly #output = Buffer.alloc(outputBytes)
  readonly #sink: Sink
  readonly #wishes: CheckpointWishes | undefined
  #in = 0
  #out = 0
  #due: number

  constructor(sink: Sink, wishes: CheckpointWishes | undefined) {
    this.#sink = sink
    this.#wishes = wishes
    this.#due = wishes?.span ?? Number.POSITIVE_INFINITY
  }

  write(input: Uint8Array): void {
    for (let at = 0;;) {
      const left = input.length - at
      const { given, taken } = this.#driven.step(constants.ZSTD_e_continue, input, at, left, this.#output, 0)
      at += taken
      this.#in += taken
      this.#out += given
      if (given > 0) this.#sink(this.#output.subarray(0, given))
      // A buffer that is full may have been filled by the last byte: only the next call tells.
      if (given === outputBytes) continue
      if (at === input.length) return
      if (taken === 0 && given === 0) throw new CodecFailed("zstd makes no progress")
      // Input and room are left: a frame has ended, and another begins.
      if (this.#out >= this.#due) this.#note()
    }
  }

  #note(): void {
    this.#due = this.#out + (this.#wishes?.span ?? 0)
    this.#wishes?.checkpoint({ out: this.#out, in: this.#in, state: nothing })
  }

  finish(): void {
    demandEnd(this.#driven, constants.ZSTD_e_end, this.#output, this.#sink)
  }

  close(): void {
    this.#driven.close()
  }
}

/** The checksum and the length behind a member of gzip. */
const trailerBytes = 8

/** Goes on in the middle of a member; those behind it are decoded from their beginning. */
class ResumedGzip implements Decoder {
  readonly #output = Buffer.alloc(outputBytes)
  readonly #sink: Sink
  #driven: Driven
  #raw = true
  #skip = 0

  constructor({ state }: Checkpoint, sink: Sink) {
    const [unused = 0, last = 0] = state
    const window = inflateRawSync(state.subarray(2), { maxOutputLength: windowBytes })
    this.#sink = sink
    this.#driven = new Driven(createInflateRaw({ dictionary: window }))
    drain(this.#driven, constants.Z_NO_FLUSH, bitPrefix(unused, last), this.#output, sink)
  }

  write(input: Uint8Array): void {
    let rest = input
    if (this.#raw) {
      const left = drain(this.#driven, constants.Z_NO_FLUSH, rest, this.#output, this.#sink)
      if (left === 0) return
      this.#driven.close()
      this.#driven = new Driven(createGunzip())
      this.#raw = false
      this.#skip = trailerBytes
      rest = rest.subarray(rest.length - left)
    }
    const skipped = Math.min(this.#skip, rest.length)
    this.#skip -= skipped
    if (skipped < rest.length) {
      drain(this.#driven, constants.Z_NO_FLUSH, rest.subarray(skipped), this.#output, this.#sink)
    }
  }

  finish(): void {
    // A client that resumes asks how many bytes came, and not how the stream ended.
  }

  close(): void {
    this.#driven.close()
  }
}

/** Decompresses layers with the zlib of Node: gzip and zstd. */
export const layerCodec: LayerCodec = {
  decode: (compression, sink, wishes) =>
    compression === "gzip" ? new GzipPass(sink, wishes) : new ZstdPass(sink, wishes),
  resume: (compression, checkpoint, sink) =>
    checkpoint.state.length === 0
      ? layerCodec.decode(compression, sink)
      : new ResumedGzip(checkpoint, sink),
  sha256: () => {
    const running = createHash("sha256")
    return { update: (bytes) => void running.update(bytes), digest: () => running.digest() }
  },
  // As text: a buffer for each file costs more than its hash.
  sha256Into: (bytes, target, at) => {
    const text = hash("sha256", bytes, "binary")
    for (let byte = 0; byte < text.length; byte++) target[at + byte] = text.charCodeAt(byte)
  },
  rpmHeaders
}
