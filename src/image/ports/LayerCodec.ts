/** Decompression, hashing and databases, which are not of this code: an interpreter brings them. */

/** How a layer is compressed. */
export type Compression = "none" | "gzip" | "zstd"

/** A place from which a compressed layer can be read on without what comes before it. */
export interface Checkpoint {
  /** Bytes of the uncompressed layer before it. */
  readonly out: number
  /** Bytes of the blob before it. */
  readonly in: number
  /** What the interpreter needs to go on; nothing where a member of gzip or a frame of zstd begins. */
  readonly state: Uint8Array
}

/** Told of what comes out; the bytes are good during the call only. What it throws ends the decoding and is passed on. */
export type Sink = (bytes: Uint8Array) => void

/** Takes compressed bytes in turn. */
export interface Decoder {
  /** @throws CodecFailed */
  readonly write: (bytes: Uint8Array) => void
  /**
   * There are no more bytes.
   *
   * @throws CodecFailed where the end is missing
   */
  readonly finish: () => void
  /** Lets go of what it holds, whether it has ended or not. */
  readonly close: () => void
}

/** Which checkpoints are told: places about every `span` bytes of output. */
export interface CheckpointWishes {
  readonly span: number
  readonly checkpoint: (checkpoint: Checkpoint) => void
}

/** A SHA-256 that is computed piece by piece. */
export interface RunningSha256 {
  readonly update: (bytes: Uint8Array) => void
  readonly digest: () => Uint8Array
}

/** What looking inside images needs from the platform: decompression, hashing and a reader of SQLite. */
export interface LayerCodec {
  /** Decodes all members of gzip and all frames of zstd. Checkpoints of zstd are where frames begin. */
  readonly decode: (compression: "gzip" | "zstd", sink: Sink, wishes?: CheckpointWishes) => Decoder
  /** Goes on at a checkpoint: the bytes of the blob from `in` are next. */
  readonly resume: (compression: "gzip" | "zstd", checkpoint: Checkpoint, sink: Sink) => Decoder
  readonly sha256: () => RunningSha256
  /** Writes the 32 bytes of a SHA-256 to a place of `target`. */
  readonly sha256Into: (bytes: Uint8Array, target: Uint8Array, at: number) => void
  /**
   * The headers in a database of rpm, which is one of SQLite and may be hostile.
   *
   * @throws CodecFailed
   */
  readonly rpmHeaders: (database: Uint8Array) => ReadonlyArray<Uint8Array>
}

/** What is no gzip or zstd, is cut short, or does not fit its checksum. */
export class CodecFailed extends Error {
  override readonly name = "CodecFailed"
}
