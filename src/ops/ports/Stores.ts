/** All ports of one layout, and of a tree of layouts. Each has an interpreter in memory, one on disk, and one in a bucket. */
import type { Effect } from "effect"
import type { ReadFault } from "../../oci/faults.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { LayerCache } from "../api/LayerCache.ts"
import type { BlobStore } from "./BlobStore.ts"
import type { FactsCache } from "./FactsCache.ts"
import type { Journal } from "./Journal.ts"
import type { LayoutStore } from "./LayoutStore.ts"
import type { Leftovers } from "./Leftovers.ts"
import type { Pins } from "./Pins.ts"
import type { Plans } from "./Plans.ts"
import type { Upkeep } from "./Upkeep.ts"
import type { UploadStore } from "./UploadStore.ts"

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
