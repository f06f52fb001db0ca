/** What the rules of a layout in a bucket need of a store: keys with ETags, and requests that hold on a condition. */
import type { Effect, Scope, Stream } from "effect"
import type { RemoteError, Unauthorized } from "../../oci/OciError.ts"

/** What any request can fail with; `RemoteError` that is `passing` may have taken effect, or may do so later. */
export type StoreFault = RemoteError | Unauthorized

/** An answer, and when the store gave it by its own clock: milliseconds since 1970. */
export interface Dated<A> {
  readonly date: number
  readonly value: A
}

/** An object as the store tells of it. */
export interface ObjectInfo {
  /** Changes with every other content, and never by itself; as it is written in headers. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** When it was written, by the store's clock: milliseconds since 1970. */
  readonly modified: number
}

export interface ListedObject extends ObjectInfo {
  readonly key: string
}

/** Holds only while there is no object of this key, or only while it has this ETag. */
export type Precondition = { readonly _tag: "Absent" } | { readonly _tag: "Unchanged"; readonly etag: string }

export const absent: Precondition = { _tag: "Absent" }
export const unchanged = (etag: string): Precondition => ({ _tag: "Unchanged", etag })

/** How a changing request is sent. */
export interface Changing {
  /**
   * The `Date` of the oldest answer that it relies on: it counts as signed then, so that the store refuses it once that
   * is 15 minutes ago. By default it relies on nothing.
   */
  readonly relies?: number | undefined
}

/**
 * What a changing request did: nothing where the condition did not hold (`Conflict`), and nothing by this sending where
 * the store refused it as too old (`Expired`).
 */
export type Changed =
  | { readonly _tag: "Done"; readonly etag: string }
  | { readonly _tag: "Conflict" }
  | { readonly _tag: "Expired" }

/** One part of an upload in parts, from 1. */
export interface Part {
  readonly number: number
  readonly etag: string
}

/** The objects of a bucket, or those below a prefix. Reads and parts of an upload are asked again; other changing requests are sent once. */
export interface ObjectStore {
  /** What it is called in messages. */
  readonly name: string
  readonly head: (key: string) => Effect.Effect<Dated<ObjectInfo | undefined>, StoreFault>
  /** A whole small object; `unless` is an ETag under which it is already known. */
  readonly get: (
    key: string,
    options?: { readonly unless?: string | undefined }
  ) => Effect.Effect<Dated<(ObjectInfo & { readonly bytes: Uint8Array }) | "unchanged" | undefined>, StoreFault>
  /** A window of `length` bytes from `offset`, or all of it. */
  readonly read: (
    key: string,
    window?: { readonly offset: number; readonly length: number }
  ) => Effect.Effect<
    (ObjectInfo & { readonly content: Stream.Stream<Uint8Array, StoreFault> }) | undefined,
    StoreFault,
    Scope.Scope
  >
  readonly put: (
    key: string,
    bytes: Uint8Array,
    options: Changing & { readonly condition?: Precondition | undefined }
  ) => Effect.Effect<Dated<Changed>, StoreFault>
  /** Without an ETag the object goes in any state; `Done` also where nothing was. */
  readonly remove: (
    key: string,
    options?: Changing & { readonly etag?: string | undefined }
  ) => Effect.Effect<Dated<Changed>, StoreFault>
  /** The objects whose keys begin so, in the order of their keys; `limit` is how many at most. */
  readonly list: (
    prefix: string,
    limit?: number
  ) => Effect.Effect<Dated<ReadonlyArray<ListedObject>>, StoreFault>
  /** The names directly in a folder, which is empty or ends in a slash; those of folders in it end in one. */
  readonly names: (folder: string) => Effect.Effect<ReadonlyArray<string>, StoreFault>
  /** An upload in parts of at least 5 MiB, but for the last. */
  readonly begin: (key: string) => Effect.Effect<string, StoreFault>
  readonly part: (key: string, upload: string, number: number, bytes: Uint8Array) => Effect.Effect<Part, StoreFault>
  readonly complete: (
    key: string,
    upload: string,
    parts: ReadonlyArray<Part>,
    options: Changing & { readonly condition?: Precondition | undefined }
  ) => Effect.Effect<Dated<Changed>, StoreFault>
  readonly abort: (key: string, upload: string) => Effect.Effect<void, StoreFault>
}
