/** The port for the files of a layout as they lie there, and how they are put right. */
import type { Effect, Option, Result, Schema, Scope, Stream } from "effect"
import type { State } from "../../layout/State.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import type { Held } from "../api/Garbage.ts"

/** A file or folder in the place of a blob. */
export interface BlobFile {
  /** Relative to the layout. */
  readonly path: string
  readonly digest: ContentDigest
  /** Links are what they lead to where they may be followed. */
  readonly kind: "file" | "directory" | "link" | "other"
  readonly size: number
  /** Whether all users who may read the layout may read it. */
  readonly readable: boolean
}

/** What the files of a layout are like that are no blobs. What cannot be read is told with the reason. */
export interface FilesCondition {
  readonly marker: Result.Result<"present" | "missing", ReadFault>
  readonly index: Result.Result<IndexCondition | undefined, ReadFault>
  readonly journal: Result.Result<JournalCondition, ReadFault>
}

/** How the index is found. */
export interface IndexCondition {
  readonly state: State
  /** What `manifests` is. */
  readonly manifests: "list" | "null" | "absent"
  /** `schemaVersion` as it stands there, where that is not 2; `undefined` where it is missing. */
  readonly otherVersion?: { readonly written: string | undefined }
  /** The path of the first key that its object has twice. */
  readonly keyTwice: string | undefined
  /** See `BlobFile.readable`. */
  readonly readable: boolean
}

/** How the journal is found. */
export interface JournalCondition {
  /** Whether anything has been committed. */
  readonly begun: boolean
  readonly damaged: boolean
  /** Bytes after its last line. */
  readonly torn: number
}

/** Hashes blobs as they lie there, trusting nothing that was found out before, on all processors. */
export interface Hashing {
  /** How many are worth being hashed at a time. */
  readonly atOnce: number
  /** Nothing where there is no file; `passed` is told how many bytes have been read since the last time. */
  readonly hash: (
    digest: ContentDigest,
    passed: (bytes: number) => Effect.Effect<void>
  ) => Effect.Effect<Option.Option<ContentDigest>, ReadFault>
}

/** The files of one layout as they lie there, and how they are put right. */
export interface Upkeep {
  readonly held: Effect.Effect<Held, ReadFault>
  /** Deletes for good what collections have taken away, at once. */
  readonly emptyTrash: Effect.Effect<void, WriteFault>
  /** Fails only where the medium does. */
  readonly inspect: Effect.Effect<FilesCondition, ReadFault>
  readonly blob: (digest: ContentDigest) => Effect.Effect<Option.Option<BlobFile>, ReadFault>
  /** Everything with the name of a blob, in no order. */
  readonly blobs: Stream.Stream<BlobFile, ReadFault>
  readonly hashing: Effect.Effect<Hashing, never, Scope.Scope>
  /** Moves a blob away that is not what its name says, and tells where to; nothing happens to any other. */
  readonly quarantine: (digest: ContentDigest) => Effect.Effect<Option.Option<string>, WriteFault>
  /**
   * Makes `oci-layout` beside a good index, or an empty list in an index that has none. Tells what was done; nothing
   * where there was nothing to do.
   */
  readonly repairFile: (what: "marker" | "list") => Effect.Effect<Option.Option<string>, WriteFault>
  /** What `docker save` puts beside the index; none where there is no such file, or more than a manifest has. */
  readonly beside: (name: "manifest.json" | "repositories") => Effect.Effect<Option.Option<Uint8Array>>
  /**
   * The bytes of the file `index.json`, unparsed; none where there is no file, or it is larger than a manifest may be.
   */
  readonly indexBytes: Effect.Effect<Option.Option<Uint8Array>, ReadFault>
  /**
   * Makes an index where it is lost, at once and with all that is in it: of the last commit or, where no journal tells,
   * of these entries. Tells what was done.
   */
  readonly restoreIndex: (recovered: ReadonlyArray<Schema.Json>) => Effect.Effect<Option.Option<string>, WriteFault>
}
