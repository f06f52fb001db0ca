/** The port for the unfinished blobs of one layout. */
import type { Effect, Scope, Stream } from "effect"
import type { OpenUpload, UploadEvent, UploadId, UploadState } from "../../layout/Upload.ts"
import type { Algorithm, ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import type { RangeInvalid, UploadBusy } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"

/** A session that this caller alone works on, until the scope closes. */
export interface UploadSession {
  readonly state: UploadState
  /**
   * Appends the bytes and acknowledges them: they are as durable as the layout promises. When the content breaks off,
   * what had arrived is kept and acknowledged, and the failure is passed on. Where callers are kept apart only when they
   * write, the second of two learns that now: `RangeInvalid` tells where the session stands, `UploadBusy` that it ended.
   *
   * @param options `committed`: the caller commits next, and acknowledges nothing before that
   */
  readonly append: <E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    options?: { readonly committed?: boolean }
  ) => Effect.Effect<number, E | RangeInvalid | UploadBusy | WriteFault, R>
  /** What all of its bytes hash to. */
  readonly digest: (algorithm: Algorithm) => Effect.Effect<ContentDigest, WriteFault>
  /** Makes the bytes a blob (`UploadCommitted`), or discards them (`UploadCancelled`); fails as `append` does. */
  readonly conclude: (event: UploadEvent) => Effect.Effect<void, RangeInvalid | UploadBusy | WriteFault>
}

/** The unfinished blobs of one layout. */
export interface UploadStore {
  /** Starts a session with a new id. */
  readonly create: (repository: Repository) => Effect.Effect<OpenUpload, WriteFault>
  readonly stat: (id: UploadId) => Effect.Effect<UploadState, ReadFault>
  /** `UploadBusy` when another caller is using it. */
  readonly exclusive: (id: UploadId) => Effect.Effect<UploadSession, UploadBusy | WriteFault, Scope.Scope>
  readonly list: Effect.Effect<ReadonlyArray<OpenUpload>, ReadFault>
}
