/** One pass over a layer: its table of contents, its diff_id, and the places to read on from. */
import { LimitExceeded } from "../../oci/OciError.ts"
import { checkpointSpan, type LayerLimits } from "../limits.ts"
import type { Checkpoint, Compression, Decoder, LayerCodec, RunningSha256 } from "../ports/LayerCodec.ts"
import { hexOf, shaBytes } from "../table/Entry.ts"
import { TableWriter } from "../table/TableWriter.ts"
import type { TarEntry } from "../tar/TarEntry.ts"
import { TarReader } from "../tar/TarReader.ts"
import { Unpacked } from "../tar/Unpacked.ts"
import { compressionOf, magicBytes } from "./layerType.ts"

/** Thrown through the decoder when a limit is reached. */
export class LimitReached extends Error {
  override readonly name = "LimitReached"
  readonly error: LimitExceeded

  constructor(error: LimitExceeded) {
    super(error.message)
    this.error = error
  }
}

const nothing = new Uint8Array()

export class LayerPass {
  readonly checkpoints: Array<Checkpoint> = []
  readonly #codec: LayerCodec
  readonly #limits: LayerLimits
  readonly #digest: string
  readonly #table = new TableWriter()
  readonly #tar: TarReader
  readonly #diffId: RunningSha256
  #start: Uint8Array = new Uint8Array()
  #compression: Compression | undefined
  #decoder: Decoder | undefined
  #blobSize = 0
  #size = 0
  /** Bytes of holes. */
  #holes = 0
  // Of the current file: how many bytes its body has, and its hash, or one that goes on.
  #stored = 0
  #isHashed = false
  readonly #sha = new Uint8Array(shaBytes)
  #hash: RunningSha256 | undefined
  #unpacked: Unpacked | undefined

  constructor(codec: LayerCodec, limits: LayerLimits, digest: string) {
    this.#codec = codec
    this.#limits = limits
    this.#digest = digest
    this.#diffId = codec.sha256()
    this.#tar = new TarReader({
      begin: (entry) => this.#begin(entry),
      data: (bytes) => this.#data(bytes),
      end: (entry) => this.#end(entry)
    })
  }

  /** Takes bytes of the blob. Throws `TarInvalid`, `CodecFailed` and `LimitReached`. */
  write(bytes: Uint8Array): void {
    this.#blobSize += bytes.length
    if (this.#compression !== undefined) return this.#decode(bytes)
    const start = new Uint8Array(this.#start.length + bytes.length)
    start.set(this.#start)
    start.set(bytes, this.#start.length)
    this.#start = start
    if (start.length >= magicBytes) this.#begun()
  }

  #begun(): void {
    const compression = compressionOf(this.#start)
    this.#compression = compression
    if (compression !== "none") {
      this.#decoder = this.#codec.decode(compression, (bytes) => this.#content(bytes), {
        span: checkpointSpan,
        checkpoint: (checkpoint) => void this.checkpoints.push(checkpoint)
      })
    }
    this.#decode(this.#start)
    this.#start = new Uint8Array()
  }

  #decode(bytes: Uint8Array): void {
    if (this.#decoder === undefined) this.#content(bytes)
    else this.#decoder.write(bytes)
  }

  #content(bytes: Uint8Array): void {
    this.#size += bytes.length
    this.#checkSize()
    this.#diffId.update(bytes)
    this.#tar.write(bytes)
  }

  #checkSize(): void {
    const { ratio, ratioFrom, size } = this.#limits
    const all = this.#size + this.#holes
    if (all > size) throw this.#limit("uncompressed bytes", size)
    if (all > ratioFrom && all > ratio * this.#blobSize) throw this.#limit("bytes unpacked from each byte", ratio)
  }

  #limit(what: string, limit: number): LimitReached {
    return new LimitReached(new LimitExceeded({ what: `${what} of layer ${this.#digest}`, limit }))
  }

  #begin(entry: TarEntry): void {
    if (this.#table.entries >= this.#limits.entries) throw this.#limit("files", this.#limits.entries)
    this.#isHashed = false
    this.#hash = this.#unpacked = undefined
    if (entry.sparse === undefined) {
      this.#stored = entry.stored
      return
    }
    this.#holes += entry.size - entry.stored
    this.#checkSize()
    this.#hash = this.#codec.sha256()
    this.#unpacked = new Unpacked(entry)
  }

  #data(bytes: Uint8Array): void {
    if (this.#unpacked !== undefined) return this.#hashAll(this.#unpacked.data(bytes))
    // Nearly every file comes in one piece, and is hashed in one call: a hash that goes on costs more than its content.
    if (bytes.length === this.#stored) this.#hashWhole(bytes)
    else {
      this.#hash ??= this.#codec.sha256()
      this.#hash.update(bytes)
    }
  }

  #end(entry: TarEntry): void {
    if (this.#unpacked !== undefined) this.#hashAll(this.#unpacked.end())
    this.#table.add(entry, entry.type === "file" ? this.#shaOf() : undefined)
    if (this.#table.length > this.#limits.tableBytes) {
      throw this.#limit("bytes of the table of contents", this.#limits.tableBytes)
    }
  }

  #hashAll(pieces: Iterable<Uint8Array>): void {
    for (const bytes of pieces) this.#hash?.update(bytes)
  }

  #hashWhole(bytes: Uint8Array): void {
    this.#codec.sha256Into(bytes, this.#sha, 0)
    this.#isHashed = true
  }

  #shaOf(): Uint8Array {
    if (this.#hash !== undefined) return this.#hash.digest()
    if (!this.#isHashed) this.#hashWhole(nothing)
    return this.#sha
  }

  /** The blob has ended: the table as bytes. Throws as `write` does. */
  finish(): Uint8Array {
    if (this.#compression === undefined) this.#begun()
    this.#decoder?.finish()
    this.#tar.finish()
    return this.#table.finish({
      digest: this.#digest,
      diffId: `sha256:${hexOf(this.#diffId.digest())}`,
      blobSize: this.#blobSize,
      size: this.#size,
      compression: this.#compression ?? "none"
    })
  }

  close(): void {
    this.#decoder?.close()
  }
}
