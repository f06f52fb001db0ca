/** Content as it is read. */
import type { Effect, Scope, Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ContentFault, ReadFault } from "../../oci/faults.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { GetBlobError } from "./errors.ts"

/** How a blob is read. */
export interface ReadOptions {
  /** Whether its bytes are checked against its digest, as they are by default. */
  readonly verify?: boolean | undefined
  /**
   * Whether a piece may take the place of the one before it, as in a buffer that is read into again and again: faster,
   * and in little memory however large the blob, for a consumer that is done with a piece when it takes the next. By
   * default each piece is the consumer's to keep.
   */
  readonly passing?: boolean | undefined
}

/** Content with its descriptor, readable while the scope is open. */
export interface Content {
  readonly descriptor: Descriptor
  /** See `BlobRead.verified`. */
  readonly verified: boolean
  readonly stream: Stream.Stream<Uint8Array, ContentFault>
}

/** A manifest's bytes as they were pushed; always verified. */
export interface ManifestContent extends Content {
  readonly bytes: Uint8Array
}

/** What content can be fetched from. */
export interface ContentSource {
  /**
   * A blob. `BlobUnknown`; the stream fails with `ContentMismatch` before its end when the bytes are not the digest's.
   */
  readonly getBlob: (
    repository: string,
    digest: string,
    options?: ReadOptions
  ) => Effect.Effect<Content, GetBlobError, Scope.Scope>
  /** Repositories in lexical order. */
  readonly repositories: (page?: Page) => Stream.Stream<Repository, ReadFault>
}
