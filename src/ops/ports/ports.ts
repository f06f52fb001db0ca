/** What programs need from the world: each port has an interpreter in memory and one on disk. */
import type { Effect, Option, Result, Scope, Stream } from "effect"
import type { Commit } from "../../layout/Commit.ts"
import type { Event } from "../../layout/Event.ts"
import type { StoredBlob } from "../../layout/garbage.ts"
import type { State } from "../../layout/State.ts"
import type { OpenUpload, UploadEvent, UploadId, UploadState } from "../../layout/Upload.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Algorithm, ContentDigest } from "../../oci/Digest.ts"
import type { ContentFault, ReadFault, WriteFault } from "../../oci/faults.ts"
import type { Facts } from "../../oci/Manifest.ts"
import type { DigestInvalid, PlanExpired, RangeInvalid, SizeInvalid, UploadBusy } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { CreateFileError, ReadFileError } from "../api/errors.ts"
import type { Pin } from "../api/Garbage.ts"
import type { LayerCache } from "../api/LayerCache.ts"
import type { Leftovers, Upkeep } from "./Upkeep.ts"

/** What a transaction did. */
export interface Committed {
  /** The state its decision was made on. */
  readonly before: State
  readonly after: State
  readonly events: ReadonlyArray<Event>
  /** The number of the commit; none when there was nothing to do. */
  readonly revision: Option.Option<number>
}

/** A decision, and what it has to know besides the state. */
export interface Transaction<A, E, D> {
  readonly evidence: (state: State) => Effect.Effect<A, E>
  readonly decide: (state: State, evidence: A) => Result.Result<ReadonlyArray<Event>, D>
}

/** One layout's index. */
export interface LayoutStore {
  /** The state as of now, without waiting for writers. */
  readonly snapshot: Effect.Effect<State, ReadFault>
  /** The state of a moment ago, where it costs a request to be sure: for what is looked at again before it counts. */
  readonly recent?: Effect.Effect<State, ReadFault>
  /**
   * Decides on the latest state and makes the events durable before it answers, refusals and no-ops included.
   *
   * `evidence` runs under the layout's lock: other writers wait for it, readers do not. Evidence of a push and of a tag
   * looks at the content that it names, and reads the lists of fallback tags; that of an undo looks at all that it
   * brings back. Evidence of a deletion, a pin and a collection walks over what the entries lead to, within
   * `walkManifests`, `walkDepth` and `walkBytes`. Who asks for that reads the manifests before the lock (`readAhead`),
   * so that under it only those are read that have come or have lost their entry since, or that are too many to be
   * remembered (`rememberedManifests`). A collection is done in batches, each under the lock for itself.
   *
   * Decisions that wait together are committed as one group, each on the state its predecessors left. A blob that a
   * decision deletes or collects is removed under the same lock, once that is on record; one to be collected stays if
   * it was just pushed again.
   */
  readonly transact: <A, E, D>(
    transaction: Transaction<A, E, D>
  ) => Effect.Effect<Committed, E | D | WriteFault>
  /**
   * Looks as a writer does, and changes nothing itself: what other tools have overwritten or removed of ours is put
   * back, and what they did is recorded. A layout that we have never written is left as it is.
   */
  readonly tend: Effect.Effect<void, WriteFault>
}

/** A commit, or what will be one. */
export interface FoundCommit extends Commit {
  /** It is not on record yet: what it says may still grow, until the next write records it. */
  readonly pending?: true
  /** Which journal it is in: another one begins where the first was lost. */
  readonly journal?: string
}

/** What has happened to one layout. All users who may read the layout may read it. */
export interface Journal {
  /** One signal at once, and then one after each possible change. It says neither what changed nor how many changes. */
  readonly changes: Stream.Stream<void>
  /**
   * The commits that happened, newest first, those before the revision `before` if it is given. What others have
   * changed since the last one comes first, as the commit that the next write will make of it. `HistoryInvalid` where
   * the history has been edited or cut; what comes after that point is right.
   *
   * Commits whose events do not have the text `mentioning` in them may be left out, which is faster.
   */
  readonly commits: (
    options?: { readonly before?: number | undefined; readonly mentioning?: string | undefined }
  ) => Stream.Stream<FoundCommit, ReadFault>
  /**
   * Commits of layouts that were here before and were removed since a time, with all but our own folder; what they name
   * can be had for as long as things can be undone.
   */
  readonly putAside: (since: number) => Stream.Stream<FoundCommit, ReadFault>
  /** The state after the commit of a revision; 0 is before the first. `RevisionUnknown` where it is kept no longer. */
  readonly stateAt: (revision: number) => Effect.Effect<State, ReadFault>
}

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

/** Content that stays though nothing in the layout needs it. */
export interface Pins {
  readonly all: Effect.Effect<ReadonlyMap<ContentDigest, Pin>, ReadFault>
  readonly add: (digest: ContentDigest, pin: Pin) => Effect.Effect<void, WriteFault>
  /** Whether there was one. */
  readonly remove: (digest: ContentDigest) => Effect.Effect<boolean, WriteFault>
}

/** Lists of what is to be done, kept for an hour so that what was looked at is what is carried out. */
export interface Plans {
  /** Keeps a plan under a new name; none where nothing can be written. */
  readonly save: (plan: string) => Effect.Effect<Option.Option<string>, WriteFault>
  /** `PlanExpired` when it is kept no longer, or never was. */
  readonly load: (id: string) => Effect.Effect<string, PlanExpired | ReadFault>
}

/**
 * What was found out about manifests, also by earlier processes, so that they are not all read again to tell what
 * refers to one. It may be incomplete or old: questions are answered from it, but it never decides what may be deleted.
 */
export interface FactsCache {
  /** What earlier processes have found out of a manifest. */
  readonly load: Effect.Effect<(descriptor: Descriptor) => Facts | undefined>
  readonly learn: (descriptor: Descriptor, facts: Facts) => Effect.Effect<void>
  /** Keeps what was learned, now or later. Called after a write into the layout, so that files may be left in it. */
  readonly keep: Effect.Effect<void>
}

/** The stores of one layout. */
export interface Stores {
  readonly layout: LayoutStore
  readonly journal: Journal
  readonly blobs: BlobStore
  readonly uploads: UploadStore
  readonly pins: Pins
  readonly plans: Plans
  readonly facts: FactsCache
  readonly layers: LayerCache
  readonly upkeep: Upkeep
  readonly leftovers: Leftovers
}

/** A tree of layouts, one per repository. */
export interface Layouts {
  /** The stores of a repository, whether its layout exists already or not. */
  readonly open: (repository: Repository) => Effect.Effect<Stores, ReadFault>
  /** The repositories whose layouts exist, in lexical order. */
  readonly list: Effect.Effect<ReadonlyArray<Repository>, ReadFault>
}

/** Hashes what is in memory; streams are hashed where they are stored. */
export interface Hasher {
  readonly digest: (algorithm: Algorithm, bytes: Uint8Array) => ContentDigest
}

/** Files outside of layouts, inside the directories that a surface allows. */
export interface LocalFiles {
  readonly allowed: ReadonlyArray<string>
  /** Only those of them that are inside one of some directories as well, which are `file:` URIs and have to exist. */
  readonly within: (roots: ReadonlyArray<string>) => Effect.Effect<LocalFiles, ReadFileError>
  /**
   * `length` bytes from `offset`, all by default; a piece may take the place of the one before it. `PathDenied` outside
   * the allowed directories.
   */
  readonly read: (
    path: string,
    window?: { readonly offset: number; readonly length?: number | undefined }
  ) => Effect.Effect<
    { readonly size: number; readonly content: Stream.Stream<Uint8Array, ReadFileError> },
    ReadFileError,
    Scope.Scope
  >
  /** A folder by its path with every link resolved; none for what is no folder. `PathDenied` outside the allowed directories. */
  readonly folder: (path: string) => Effect.Effect<Option.Option<string>, ReadFileError>
  /** Writes a new file; it appears whole or not at all, and never in the place of another. */
  readonly create: <E>(
    path: string,
    content: Stream.Stream<Uint8Array, E>
  ) => Effect.Effect<{ readonly path: string; readonly size: number }, E | CreateFileError>
}
