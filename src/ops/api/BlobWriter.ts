/** Writing a blob in pieces. */
import type { DateTime, Effect, Stream } from "effect"
import type { UploadId } from "../../layout/Upload.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { UploadSessionError } from "./errors.ts"

/** The blob of an upload session, written in pieces (the Go interface's BlobWriter). */
export interface BlobWriter {
  readonly id: UploadId
  readonly repository: Repository
  /** Acknowledged bytes when the writer was made. */
  readonly size: number
  /** How many bytes a chunk had best have; a hint. */
  readonly chunkSize: number
  /** When the session expires unless something is appended. */
  readonly expires: DateTime.Utc
  /**
   * Appends at `offset`, which must be the session's size, and answers the new size. `RangeInvalid` tells the size to
   * continue from, `UploadBusy` that another caller is appending. What arrived before a failure is kept.
   */
  readonly append: <E, R>(
    offset: number,
    content: Stream.Stream<Uint8Array, E, R>
  ) => Effect.Effect<number, E | UploadSessionError, R>
  /**
   * Appends what is left and makes the bytes a blob, in one step: cheaper than both. When that is refused, what arrived
   * is kept.
   */
  readonly finish: <E, R>(
    offset: number,
    content: Stream.Stream<Uint8Array, E, R>,
    digest: string
  ) => Effect.Effect<Descriptor, E | UploadSessionError, R>
  /** Makes the bytes a blob. With `DigestInvalid` or `SizeInvalid` the session stays as it was. */
  readonly commit: (digest: string, size?: number) => Effect.Effect<Descriptor, UploadSessionError>
  /** Discards the session and answers how many bytes went with it; nothing happens to one that is over. */
  readonly cancel: Effect.Effect<number, UploadSessionError>
}
