/** A registry: what can be done with a layout, or with a tree of layouts, one per repository. */
import { Context, type Effect, type Option, type Scope, type Stream } from "effect"
import type { Page } from "../layout/query.ts"
import type { UploadId } from "../layout/Upload.ts"
import type { Descriptor } from "../oci/Descriptor.ts"
import type { ContentDigest, Digest } from "../oci/Digest.ts"
import type { Repository, Tag } from "../oci/Reference.ts"
import type { GarbageShape } from "./Garbage.ts"
import type { HistoryShape } from "./History.ts"
import type { MaintenanceShape } from "./Maintenance.ts"
import type { Facts } from "./manifests.ts"
import type { NamesShape } from "./Names.ts"
import type { RegistryError } from "./ports.ts"
import type { Held } from "./Upkeep.ts"

/** Content with its descriptor, readable while the scope is open. */
/** How a blob is read. */
export interface ReadOptions {
  /** Whether its bytes are checked against its digest, as they are by default. */
  readonly verify?: boolean | undefined
  /**
   * Whether a piece may take the place of the one before it, as in a buffer that is read into again and again: faster,
   * and in little memory however large the blob, for whoever is done with a piece when it takes the next. By default
   * each piece is the reader's to keep.
   */
  readonly passing?: boolean | undefined
}

export interface Content {
  readonly descriptor: Descriptor
  /** See `BlobRead.verified`. */
  readonly verified: boolean
  readonly stream: Stream.Stream<Uint8Array, RegistryError>
}

/** A manifest's bytes as they were pushed; always verified. */
export interface ManifestContent extends Content {
  readonly bytes: Uint8Array
}

/** What a blob must turn out to be; without a digest it is stored under its SHA-256. */
export interface BlobExpectation {
  readonly digest?: string
  /** In bytes. */
  readonly size?: number
  /** Only echoed in the descriptor: a blob has no media type of its own. */
  readonly mediaType?: string
}

export interface BlobPushed {
  readonly descriptor: Descriptor
  /** Whether it was there already. */
  readonly existed: boolean
}

/** A tag to set; a plain string sets it whatever it points at. */
export type TagRequest = string | {
  readonly tag: string
  /** Only if it points at this digest now; otherwise `Conflict`. */
  readonly ifDigest?: string
  /** Only if it does not exist, or already is what it is to become; otherwise `TagExists`. */
  readonly ifAbsent?: boolean
}

export interface PushManifestOptions {
  /** What the bytes must hash to, and by which algorithm; SHA-256 by default. */
  readonly digest?: string
  readonly tags?: ReadonlyArray<TagRequest>
  /**
   * Whether parts that are not there may stay away, as of an index of which only some platforms are pushed. By default
   * they are required, with `ManifestBlobUnknown`.
   */
  readonly sparse?: boolean
}

export interface TagMoved {
  readonly tag: Tag
  /** What it pointed at before; absent when the tag is new. */
  readonly from?: Digest
}

export interface ManifestPushed {
  readonly descriptor: Descriptor
  /** The manifest this one refers to. */
  readonly subject?: Digest
  /** Whether the repository had the manifest already. */
  readonly existed: boolean
  /** The tags that were created or moved; those that pointed here already are left out. */
  readonly moved: ReadonlyArray<TagMoved>
  /** The number of the commit; none when nothing changed. */
  readonly revision: Option.Option<number>
}

export interface TagDeleted {
  /** What the tag pointed at. */
  readonly digest: Digest
  readonly revision: Option.Option<number>
}

export interface ManifestDeleted {
  readonly tags: ReadonlyArray<Tag>
  readonly revision: Option.Option<number>
}

/** A part of a batch; all parts happen in one commit, or none does. */
export type Change =
  | {
    readonly _tag: "PushManifest"
    readonly repository: string
    readonly bytes: Uint8Array
    readonly mediaType: string
    readonly options?: PushManifestOptions
  }
  | {
    readonly _tag: "Tag"
    readonly repository: string
    readonly digest: string
    readonly tags: ReadonlyArray<TagRequest>
  }
  | { readonly _tag: "DeleteTag"; readonly repository: string; readonly tag: string; readonly ifDigest?: string }

/** What a deletion would do, were it carried out now. */
export interface DeletionForecast {
  readonly digest: Digest
  readonly tags: ReadonlyArray<Tag>
  /** Manifests that name it, as child or as subject. */
  readonly neededBy: ReadonlyArray<string>
  /** Manifests whose subject it is: they would be left dangling. */
  readonly referrers: ReadonlyArray<string>
  /** Bytes of content that nothing else in the layout needs: what a collection could free once it is gone. */
  readonly reclaimable: number
}

/** The blob of an upload session, written in pieces (the Go interface's BlobWriter). */
export interface BlobWriter {
  readonly id: UploadId
  readonly repository: Repository
  /** Acknowledged bytes when the writer was made. */
  readonly size: number
  /** How many bytes a chunk had best have; a hint. */
  readonly chunkSize: number
  /** When the session expires unless something is appended: milliseconds since 1970. */
  readonly expires: number
  /**
   * Appends at `offset`, which must be the session's size, and answers the new size. `RangeInvalid` tells the size to
   * continue from, `UploadBusy` that somebody else is appending. What arrived before a failure is kept.
   */
  readonly append: <E, R>(
    offset: number,
    content: Stream.Stream<Uint8Array, E, R>
  ) => Effect.Effect<number, E | RegistryError, R>
  /** Makes the bytes a blob. With `DigestInvalid` or `SizeInvalid` the session stays as it was. */
  readonly commit: (digest: string, size?: number) => Effect.Effect<Descriptor, RegistryError>
  /** Discards the session and answers how many bytes went with it; nothing happens to one that is over. */
  readonly cancel: Effect.Effect<number, RegistryError>
}

/**
 * The registry's operations. Names are checked first: `NameInvalid`, `TagInvalid` and `DigestInvalid` come before any
 * look at the disk, and so does `AlgorithmUnsupported` where content is read or written; an entry may well be named by a
 * digest of another algorithm. Every operation can fail with what is wrong about the layout
 * itself (`LayoutInvalid`, `LayoutVersionUnsupported`, `IndexInvalid`, `SymlinkRefused`) or its medium (`StorageError`);
 * a write also with `LayoutLocked`, `IndexTooLarge` and `OutcomeUnknown`.
 */
export interface RegistryShape extends HistoryShape, GarbageShape, MaintenanceShape, NamesShape {
  /** A blob. `BlobUnknown`; the stream fails with `ContentMismatch` before its end when the bytes are not the digest's. */
  readonly getBlob: (
    repository: string,
    digest: string,
    options?: ReadOptions
  ) => Effect.Effect<Content, RegistryError, Scope.Scope>
  /** Bytes `offset` up to, not including, `end`; a negative or too large end, or none, means to the end. `RangeInvalid`. */
  readonly getBlobRange: (
    repository: string,
    digest: string,
    range: { readonly offset: number; readonly end?: number | undefined },
    options?: ReadOptions
  ) => Effect.Effect<Content, RegistryError, Scope.Scope>
  /** A manifest by digest: a top-level entry of the repository, or below one. `NameUnknown`, `ManifestUnknown`. */
  readonly getManifest: (repository: string, digest: string) => Effect.Effect<ManifestContent, RegistryError>
  readonly getTag: (repository: string, tag: string) => Effect.Effect<ManifestContent, RegistryError>
  readonly resolveBlob: (repository: string, digest: string) => Effect.Effect<Descriptor, RegistryError>
  readonly resolveManifest: (repository: string, digest: string) => Effect.Effect<Descriptor, RegistryError>
  readonly resolveTag: (repository: string, tag: string) => Effect.Effect<Descriptor, RegistryError>

  /** Stores a blob. `DigestInvalid` or `SizeInvalid` when the content is not what was expected; then nothing is stored. */
  readonly pushBlob: <E, R>(
    repository: string,
    expected: BlobExpectation,
    content: Stream.Stream<Uint8Array, E, R>
  ) => Effect.Effect<BlobPushed, E | RegistryError, R>
  /** Starts an upload session. */
  readonly pushBlobChunked: (repository: string, chunkSize?: number) => Effect.Effect<BlobWriter, RegistryError>
  /** Continues a session, at `offset` when given. `BlobUploadUnknown` when it is unknown, over, expired or another repository's. */
  readonly pushBlobChunkedResume: (
    repository: string,
    id: string,
    options?: { readonly offset?: number; readonly chunkSize?: number }
  ) => Effect.Effect<BlobWriter, RegistryError>
  /** Makes a blob of one repository, or of any where `from` is left out, readable in another. `BlobUnknown`. */
  readonly mountBlob: (from: string | undefined, to: string, digest: string) => Effect.Effect<Descriptor, RegistryError>
  /**
   * Stores a manifest byte for byte and makes it reachable. `ManifestInvalid`, `ManifestTooLarge`,
   * `MediaTypeUnsupported`, `ManifestBlobUnknown` naming each missing part, `DigestInvalid`, `Conflict`, `TagExists`.
   */
  readonly pushManifest: (
    repository: string,
    bytes: Uint8Array,
    mediaType: string,
    options?: PushManifestOptions
  ) => Effect.Effect<ManifestPushed, RegistryError>
  /** Points tags at a manifest that the repository has. `ManifestUnknown`, `Conflict`, `TagExists`. */
  readonly tagManifest: (
    repository: string,
    digest: string,
    tags: ReadonlyArray<TagRequest>
  ) => Effect.Effect<ManifestPushed, RegistryError>
  /** Several changes of one layout in one commit, each on the state its predecessors leave. `Unsupported` across layouts. */
  readonly batch: (changes: ReadonlyArray<Change>) => Effect.Effect<Option.Option<number>, RegistryError>

  /** Removes a blob. `BlobUnknown`; `Referenced` while a manifest of the layout needs it. */
  readonly deleteBlob: (repository: string, digest: string) => Effect.Effect<void, RegistryError>
  /**
   * Removes a manifest's entries and so its tags. `ManifestUnknown`; `Referenced` unless forced. With `leaveReferrers`
   * only an index that names it keeps it, and manifests whose subject it is may stay without it.
   */
  readonly deleteManifest: (
    repository: string,
    digest: string,
    options?: { readonly force?: boolean; readonly leaveReferrers?: boolean }
  ) => Effect.Effect<ManifestDeleted, RegistryError>
  /** Removes a tag; the manifest stays reachable by digest. `ManifestUnknown`, `Conflict`. */
  readonly deleteTag: (
    repository: string,
    tag: string,
    options?: { readonly ifDigest?: string }
  ) => Effect.Effect<TagDeleted, RegistryError>
  /** What deleting a manifest (by digest) or a blob would meet. `ManifestUnknown`, `BlobUnknown`. */
  readonly forecast: (
    repository: string,
    kind: "manifest" | "blob",
    digest: string
  ) => Effect.Effect<DeletionForecast, RegistryError>

  /** Repositories in lexical order. */
  readonly repositories: (page?: Page) => Stream.Stream<Repository, RegistryError>
  /** Tags in lexical order. `NameUnknown`. */
  readonly tags: (repository: string, page?: Page) => Stream.Stream<Tag, RegistryError>
  /**
   * Manifests whose subject is `digest`, in order of their digests, with their own annotations and artifact type
   * (distribution-spec, "Listing Referrers"). Empty for an unknown subject or repository. Unless `verified`, what earlier
   * processes have found out of manifests counts as well, which is faster, and says nothing of those that are gone since.
   */
  readonly referrers: (
    repository: string,
    digest: string,
    options?: Page & { readonly artifactType?: string | undefined; readonly verified?: boolean | undefined }
  ) => Stream.Stream<Descriptor, RegistryError>
  /** What a manifest of the repository names. `ManifestUnknown`, `ManifestInvalid`. */
  readonly describe: (repository: string, descriptor: Descriptor) => Effect.Effect<Facts, RegistryError>
  /**
   * What is reachable in a repository, in lexical order: its manifests, or the configs and layers they name. Of a
   * manifest that cannot be read nothing below it is known. Empty for an unknown repository.
   */
  readonly digests: (
    repository: string,
    kind: "manifest" | "blob",
    page?: Page
  ) => Stream.Stream<Digest, RegistryError>
  /** The tags that point at a digest, in lexical order. */
  readonly tagsOf: (repository: string, digest: string) => Effect.Effect<ReadonlyArray<Tag>, RegistryError>
  /** The digests that begin with a prefix of at least 12 hexadecimal digits, manifests of the repository first. */
  readonly expandDigest: (
    repository: string,
    prefix: string
  ) => Effect.Effect<ReadonlyArray<ContentDigest>, RegistryError>
  /** Upload sessions that have not ended. */
  readonly uploads: (repository: string) => Effect.Effect<ReadonlyArray<BlobWriter>, RegistryError>
  /** A session by its id alone, ended ones included. `BlobUploadUnknown`. */
  readonly findUpload: (id: string) => Effect.Effect<BlobWriter, RegistryError>
  /** The file that holds a blob, where blobs are files. */
  readonly blobPath: (repository: string, digest: string) => Effect.Effect<Option.Option<string>, RegistryError>
  /** Whether the layout can be read at all; in a tree, nothing. */
  readonly check: Effect.Effect<void, RegistryError>
  /** How many blobs there are, and their bytes. */
  readonly usage: Effect.Effect<{ readonly blobs: number; readonly bytes: number }, RegistryError>
  /** What we hold of content beside the layout. */
  readonly held: Effect.Effect<Held, RegistryError>
}

/** The registry as a service of Effect programs. */
export class Registry extends Context.Service<Registry, RegistryShape>()("ocilayout/ops/Registry") {}
