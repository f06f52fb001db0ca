/** A registry: what can be done with a layout, or with a tree of layouts, one per repository. */
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { ContentDigest, Digest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Facts } from "../../oci/Manifest.ts"
import type { Tag } from "../../oci/Reference.ts"
import type { Attached, ReferrersOptions } from "./Attached.ts"
import type { BlobWriter } from "./BlobWriter.ts"
import type { Content, ContentSource, ManifestContent, ReadOptions } from "./Content.ts"
import type { BatchDone, BlobPushed, ManifestDeleted, ManifestPushed, TagDeleted } from "./Done.ts"
import type {
  BatchError,
  ByDigestError,
  DeleteBlobError,
  DeleteManifestError,
  DeleteTagError,
  DescribeError,
  GetBlobError,
  GetBlobRangeError,
  GetError,
  GetManifestError,
  GetTagError,
  ListDigestsError,
  ListTagsError,
  MountBlobError,
  PushBlobError,
  PushManifestError,
  ResolveBlobError,
  ResolveError,
  ResolveManifestError,
  ResolveTagError,
  TagManifestError,
  UploadError
} from "./errors.ts"
import type { LayerCache } from "./LayerCache.ts"

/** What a blob must turn out to be; without a digest it is stored under its SHA-256. */
export interface BlobExpectation {
  readonly digest?: string | undefined
  /** In bytes. */
  readonly size?: number | undefined
  /** Only echoed in the descriptor: a blob has no media type of its own. */
  readonly mediaType?: string | undefined
}

/** A tag to set; a plain string sets it without a condition. */
export type TagRequest = string | {
  readonly tag: string
  /** Only if it points at this digest now; otherwise `Conflict`. */
  readonly ifDigest?: string | undefined
  /** Only if it does not exist, or already is what it is to become; otherwise `TagExists`. */
  readonly ifAbsent?: boolean | undefined
}

/** What is asked of a manifest that is stored. Without options it gets no tag, and is named by its SHA-256. */
export interface PushManifestOptions {
  /** What the bytes must hash to, and by which algorithm; SHA-256 by default. */
  readonly digest?: string | undefined
  readonly tags?: ReadonlyArray<TagRequest> | undefined
  /** What a new entry says of the manifest besides its name; nothing by default, and of one that is there nothing. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /**
   * The manifest is stored elsewhere as it is, so that all that can be read is taken; by default what the image-spec
   * demands of a new one is demanded.
   */
  readonly stored?: boolean | undefined
  /** Whether what it needs may be absent; false by default. */
  readonly sparse?: boolean | undefined
  /**
   * Whether a manifest with a subject is listed under the tag `sha256-<hex>` of its subject as well, for tools that
   * find it in no other way (distribution-spec, "Referrers tag schema"). False by default; where there is such a tag it
   * is kept up to date in any case.
   */
  readonly fallbackTag?: boolean | undefined
}

/** A part of a batch; all parts happen in one commit, or none does. */
export type Change =
  | {
    readonly _tag: "PushManifest"
    readonly repository: string
    readonly bytes: Uint8Array
    readonly mediaType: string
    readonly options?: PushManifestOptions | undefined
  }
  | {
    readonly _tag: "Tag"
    readonly repository: string
    readonly digest: string
    readonly tags: ReadonlyArray<TagRequest>
  }
  | {
    readonly _tag: "DeleteTag"
    readonly repository: string
    readonly tag: string
    readonly ifDigest?: string | undefined
  }

/** What is read of a registry; none of it changes anything. */
export interface RegistryReads extends ContentSource {
  /**
   * The descriptor of a manifest by a tag, or by a digest: type, digest and size, and what kind of artifact it is where the
   * layout says so.
   */
  readonly resolve: (repository: string, reference: string) => Effect.Effect<Descriptor, ResolveError>
  /** A manifest by a tag, or by a digest: its bytes as they were pushed. */
  readonly get: (repository: string, reference: string) => Effect.Effect<ManifestContent, GetError>
  /** The bytes of a blob as a stream that opens it when it is run, and closes it at its end. */
  readonly streamBlob: (
    repository: string,
    digest: string,
    options?: ReadOptions
  ) => Stream.Stream<Uint8Array, GetBlobError>
  /**
   * Bytes `offset` up to, not including, `end`; a negative or too large end, or none, means to the end. `RangeInvalid`.
   */
  readonly getBlobRange: (
    repository: string,
    digest: string,
    range: { readonly offset: number; readonly end?: number | undefined },
    options?: ReadOptions
  ) => Effect.Effect<Content, GetBlobRangeError, Scope.Scope>
  /** What was found out about layers, kept where the repository is. */
  readonly layerCache: (repository: string) => Effect.Effect<LayerCache, ListDigestsError>
  /** A manifest by digest: a top-level entry of the repository, or below one. `NameUnknown`, `ManifestUnknown`. */
  readonly getManifest: (repository: string, digest: string) => Effect.Effect<ManifestContent, GetManifestError>
  readonly getTag: (repository: string, tag: string) => Effect.Effect<ManifestContent, GetTagError>
  readonly resolveBlob: (repository: string, digest: string) => Effect.Effect<Descriptor, ResolveBlobError>
  readonly resolveManifest: (repository: string, digest: string) => Effect.Effect<Descriptor, ResolveManifestError>
  readonly resolveTag: (repository: string, tag: string) => Effect.Effect<Descriptor, ResolveTagError>
  /**
   * Everything that a tag names, each with the platform that its entry states: what `resolveTag` answers, and then other
   * entries of the same tag, as tools write them that list each platform by itself. `NameUnknown`, `ManifestUnknown`.
   */
  readonly choices: (repository: string, tag: string) => Effect.Effect<ReadonlyArray<Descriptor>, ResolveTagError>
  /** Tags in lexical order. `NameUnknown`. */
  readonly tags: (repository: string, page?: Page) => Stream.Stream<Tag, ListTagsError>
  /**
   * Manifests that belong to `digest`, in order of their digests, with their own annotations and artifact type
   * (distribution-spec, "Listing Referrers"). In a layout that repositories share they may be of any repository of it,
   * or of none; `layout/belonging` says in which ways a manifest belongs to another. Empty for an unknown subject.
   * Unless `verified`, what earlier processes have found out of manifests counts as well, which is faster, and says
   * nothing of those that are gone since.
   */
  readonly referrers: (
    repository: string,
    digest: string,
    options?: ReferrersOptions
  ) => Stream.Stream<Descriptor, ByDigestError>
  /** As `referrers`, each with the repositories that name it and why it belongs, and with lists of referrers. */
  readonly attached: (
    repository: string,
    digest: string,
    options?: ReferrersOptions
  ) => Stream.Stream<Attached, ByDigestError>
  /** What a manifest of the repository names. `ManifestUnknown`, `ManifestInvalid`. */
  readonly describe: (repository: string, descriptor: Descriptor) => Effect.Effect<Facts, DescribeError>
  /**
   * What is reachable in a repository, in lexical order: its manifests, or the configs and layers they name. Of a
   * manifest that cannot be read nothing below it is known. Empty for an unknown repository.
   */
  readonly digests: (
    repository: string,
    kind: "manifest" | "blob",
    page?: Page
  ) => Stream.Stream<Digest, ListDigestsError>
  /** The tags that point at a digest, in lexical order. */
  readonly tagsOf: (repository: string, digest: string) => Effect.Effect<ReadonlyArray<Tag>, ByDigestError>
  /** The digests that begin with a prefix of at least 12 hexadecimal digits, manifests of the repository first. */
  readonly expandDigest: (
    repository: string,
    prefix: string
  ) => Effect.Effect<ReadonlyArray<ContentDigest>, ByDigestError>
  /** Whether the layout can be read at all; in a tree, nothing. */
  readonly check: Effect.Effect<void, ReadFault>
}

/** What changes a registry, or begins to. */
export interface RegistryWrites {
  /**
   * Stores a blob. `DigestInvalid` or `SizeInvalid` when the content is not what was expected; then nothing is stored.
   */
  readonly pushBlob: <E, R>(
    repository: string,
    content: Stream.Stream<Uint8Array, E, R>,
    expected?: BlobExpectation
  ) => Effect.Effect<BlobPushed, E | PushBlobError, R>
  /** Starts an upload session. */
  readonly pushBlobChunked: (repository: string, chunkSize?: number) => Effect.Effect<BlobWriter, UploadError>
  /**
   * Continues a session, at `offset` when given. `BlobUploadUnknown` when it is unknown, over, expired or another
   * repository's.
   */
  readonly pushBlobChunkedResume: (
    repository: string,
    id: string,
    options?: { readonly offset?: number | undefined; readonly chunkSize?: number | undefined }
  ) => Effect.Effect<BlobWriter, UploadError>
  /** Upload sessions that have not ended. */
  readonly uploads: (repository: string) => Effect.Effect<ReadonlyArray<BlobWriter>, UploadError>
  /** A session by its id alone, ended ones included. `BlobUploadUnknown`. */
  readonly findUpload: (id: string) => Effect.Effect<BlobWriter, UploadError>
  /** Makes a blob of one repository, or of any where `from` is left out, readable in another. `BlobUnknown`. */
  readonly mountBlob: (
    from: string | undefined,
    to: string,
    digest: string
  ) => Effect.Effect<Descriptor, MountBlobError>
  /**
   * Stores a manifest byte for byte and makes it reachable. `ManifestInvalid`, `ManifestTooLarge`,
   * `MediaTypeUnsupported`, `ManifestBlobUnknown` naming each missing part, `DigestInvalid`, `Conflict`, `TagExists`.
   */
  readonly pushManifest: (
    repository: string,
    bytes: Uint8Array,
    mediaType: string,
    options?: PushManifestOptions
  ) => Effect.Effect<ManifestPushed, PushManifestError>
  /** Points tags at a manifest that the repository has. `ManifestUnknown`, `Conflict`, `TagExists`. */
  readonly tagManifest: (
    repository: string,
    digest: string,
    tags: ReadonlyArray<TagRequest>
  ) => Effect.Effect<ManifestPushed, TagManifestError>
  /**
   * Several changes of one layout in one commit, each on the state its predecessors leave. `Unsupported` across
   * layouts.
   */
  readonly batch: (changes: ReadonlyArray<Change>) => Effect.Effect<BatchDone, BatchError>
  /** Removes a blob. `BlobUnknown`; `Referenced` while a manifest of the layout needs it. */
  readonly deleteBlob: (repository: string, digest: string) => Effect.Effect<void, DeleteBlobError>
  /**
   * Removes a manifest's entries and so its tags. `ManifestUnknown`; `Referenced` unless forced. With `leaveReferrers`
   * only an index that names it keeps it, and manifests whose subject it is may stay without it.
   */
  readonly deleteManifest: (
    repository: string,
    digest: string,
    options?: { readonly force?: boolean | undefined; readonly leaveReferrers?: boolean | undefined }
  ) => Effect.Effect<ManifestDeleted, DeleteManifestError>
  /** Removes a tag; the manifest stays reachable by digest. `ManifestUnknown`, `Conflict`. */
  readonly deleteTag: (
    repository: string,
    tag: string,
    options?: { readonly ifDigest?: string | undefined }
  ) => Effect.Effect<TagDeleted, DeleteTagError>
}

/**
 * The registry's operations, as the Go interface `ociregistry` has them. Names are checked first: `NameInvalid`,
 * `TagInvalid` and `DigestInvalid` come before any look at the disk, and so does `AlgorithmUnsupported` where content
 * is read or written; an entry may well be named by a digest of another algorithm. Every operation can fail with what
 * is wrong about the layout itself (`LayoutInvalid`, `LayoutVersionUnsupported`, `IndexInvalid`, `SymlinkRefused`) or
 * its medium (`StorageError`); a write also with `LayoutLocked`, `IndexTooLarge` and `OutcomeUnknown`.
 */
export interface RegistryShape extends RegistryReads, RegistryWrites {}

/** The registry as a service of Effect programs. */
export class Registry extends Context.Service<Registry, RegistryShape>()("ocilayout/ops/Registry") {}
