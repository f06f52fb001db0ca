/** The port for the content of one layout. */
import type { Effect, Option, Scope, Stream } from "effect"
import type { StoredBlob } from "../../layout/garbage.ts"
import type { Algorithm, ContentDigest } from "../../oci/Digest.ts"
import type { ContentFault, ReadFault, WriteFault } from "../../oci/faults.ts"
import type { DigestInvalid, SizeInvalid } from "../../oci/OciError.ts"

/** A blob's bytes, or a window of them. */
export interface BlobRead {
  /** Bytes of the whole blob. */
  readonly size: number
  /**
   * Whether what the stream yields is known to be content of that digest: by hashing along, in which case the stream
   * fails with `ContentMismatch` before its end, or because this very file was hashed before.
   */
  readonly verified: boolean
  readonly content: Stream.Stream<Uint8Array, ContentFault>
}

/** What writing a blob did. */
export interface BlobWritten {
  readonly digest: ContentDigest
  readonly size: number
  /** Whether there was a blob of this size under this digest already. */
  readonly existed: boolean
}

/** The content-addressed files of one layout. */
export interface BlobStore {
  /**
   * Size in bytes, when the blob is there. With `size`, what is kept beside the layout is looked at only if it has so
   * many bytes: anything else would have to be hashed to find out that it is not the content.
   */
  readonly stat: (
    digest: ContentDigest,
    options?: { readonly size?: number | undefined }
  ) => Effect.Effect<Option.Option<number>, ReadFault>
  /**
   * As `stat`, for a blob that a commit is about to name: it is then as durable as the layout promises, marked as just
   * used, and has a second name, which another tool's garbage collection does not remove (R15). `manifest` says that
   * the blob is a manifest.
   */
  readonly protect: (
    digest: ContentDigest,
    options?: { readonly manifest?: boolean; readonly size?: number | undefined }
  ) => Effect.Effect<Option.Option<number>, WriteFault>
  /**
   * A window of `length` bytes from `offset`, cut at the blob's end; all of it without a window. With `passing` a piece
   * may take the place of the one before it.
   */
  readonly read: (
    digest: ContentDigest,
    options: {
      readonly window?: { readonly offset: number; readonly length: number }
      readonly verify: boolean
      readonly passing?: boolean | undefined
    }
  ) => Effect.Effect<Option.Option<BlobRead>, ContentFault, Scope.Scope>
  /** The whole of a small blob, verified; `LimitExceeded` when it is larger than `limit` bytes. */
  readonly get: (digest: ContentDigest, limit: number) => Effect.Effect<Option.Option<Uint8Array>, ContentFault>
  /**
   * Stores content under its digest after its bytes were checked; fails as soon as it exceeds `size`. From then on it
   * is protected as by `protect`.
   */
  readonly write: <E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    expected: {
      readonly algorithm: Algorithm
      readonly digest?: ContentDigest
      readonly size?: number
      readonly manifest?: boolean
    }
  ) => Effect.Effect<BlobWritten, E | DigestInvalid | SizeInvalid | WriteFault, R>
  /** Takes a blob over from another layout's store, by link where the two can share it. False when it is not there. */
  readonly adopt: (
    from: BlobStore,
    digest: ContentDigest
  ) => Effect.Effect<boolean, DigestInvalid | SizeInvalid | WriteFault>
  /** Every blob, in no order; files under `blobs/` that have no digest as name are skipped. */
  readonly list: Stream.Stream<StoredBlob, ReadFault>
  /**
   * The digests of all blobs, in no order: much faster than `list`, since no blob is looked at. The same array again
   * means that no blob has come or gone.
   */
  readonly digests: Effect.Effect<ReadonlyArray<ContentDigest>, ReadFault>
  /** Content that was removed from the layout by another tool, and that only we still hold; in no order. */
  readonly heldOnly: Stream.Stream<StoredBlob, ReadFault>
  /** One blob as `list` or `heldOnly` would tell of it. */
  readonly find: (digest: ContentDigest) => Effect.Effect<Option.Option<StoredBlob>, ReadFault>
  /** The blobs that were pushed, mounted or named by a commit since a time in milliseconds, as far as that is known. */
  readonly markedSince: (since: number) => Effect.Effect<ReadonlySet<string>, ReadFault>
  /** The file that holds a blob, where blobs are files. */
  readonly path: (digest: ContentDigest) => Option.Option<string>
}
