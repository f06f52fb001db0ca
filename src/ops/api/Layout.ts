/** A layout, or a tree of them: what only something with a journal and files of its own can do. */
import { Context, type Effect, type Option, type Stream } from "effect"
import type { Digest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Tag } from "../../oci/Reference.ts"
import type { ForecastError, ResolveBlobError } from "./errors.ts"
import type { GarbageReads, GarbageWrites, Held } from "./Garbage.ts"
import type { HistoryReads, HistoryWrites, Point } from "./History.ts"
import type { MaintenanceReads, MaintenanceWrites } from "./Maintenance.ts"
import type { NamesReads, NamesWrites } from "./Names.ts"
import { Registry, type RegistryShape } from "./Registry.ts"

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

/** What is read of a layout. */
export interface LayoutReads extends HistoryReads, GarbageReads, MaintenanceReads, NamesReads {
  /**
   * The registry as it was: everything that reads answers as it would have then, as far as the content is still there,
   * and everything that writes fails with `Denied`. `RevisionUnknown` for a point that there is not.
   */
  readonly at: (point: Point) => LayoutRegistry
  /** What deleting a manifest (by digest) or a blob would meet. `ManifestUnknown`, `BlobUnknown`. */
  readonly forecast: (
    repository: string,
    kind: "manifest" | "blob",
    digest: string
  ) => Effect.Effect<DeletionForecast, ForecastError>
  /** The file that holds a blob, where blobs are files. */
  readonly blobPath: (repository: string, digest: string) => Effect.Effect<Option.Option<string>, ResolveBlobError>
  /** How many blobs there are, and their bytes. */
  readonly usage: Effect.Effect<{ readonly blobs: number; readonly bytes: number }, ReadFault>
  /** What we hold of content beside the layout. */
  readonly held: Effect.Effect<Held, ReadFault>
}

/** What changes a layout. */
export interface LayoutWrites extends HistoryWrites, GarbageWrites, MaintenanceWrites, NamesWrites {}

/** What can be done with a layout beside what every registry can: history and undo, garbage, verifying, repair, raw names. */
export interface LayoutShape extends LayoutReads, LayoutWrites {}

/** Both at once, as every layout on disk or in memory is. */
export interface LayoutRegistry extends RegistryShape, LayoutShape {}

/** The layout as a service of Effect programs; a registry that is no layout has none. */
export class Layout extends Context.Service<Layout, LayoutShape>()("ocilayout/ops/Layout") {}

/** Both services of one registry: what a layer provides. */
export const contextOf = (registry: LayoutRegistry): Context.Context<Registry | Layout> =>
  Context.make(Registry, registry).pipe(Context.add(Layout, registry))

/** What an operation can fail with, by its name: `ErrorOf<"resolveTag">`; of one that answers a stream, the stream's. */
export type ErrorOf<Name extends keyof LayoutRegistry> = LayoutRegistry[Name] extends (...args: never) => infer Answer
  ? ErrorIn<Answer>
  : ErrorIn<LayoutRegistry[Name]>

/** What an effect or a stream can fail with. */
export type ErrorIn<Answer> = Answer extends Effect.Effect<infer _A, infer E, infer _R> ? E
  : Answer extends Stream.Stream<infer _A, infer E, infer _R> ? E
  : never
