/** Puts the operations together over a layout, or over a tree of them. */
import { Effect } from "effect"
import type { LayoutRegistry } from "./api/Layout.ts"
import { makeByName } from "./content/byName.ts"
import { makeDeletes } from "./content/deletes.ts"
import { makeListings } from "./content/listings.ts"
import { makePushBlobs } from "./content/pushBlobs.ts"
import { makePushManifests } from "./content/pushManifests.ts"
import { makeReads } from "./content/reads.ts"
import { makeGarbage } from "./garbage/makeGarbage.ts"
import { makePins } from "./garbage/makePins.ts"
import { pastCatalog } from "./history/historicalView.ts"
import { makeHistory } from "./history/makeHistory.ts"
import { makeWatch } from "./history/watch.ts"
import { makeMaintenance } from "./makeMaintenance.ts"
import type { Hasher } from "./ports/Hasher.ts"
import type { Layouts, Stores } from "./ports/Stores.ts"
import { annotate } from "./ports/telemetry.ts"
import { readOnly } from "./readOnly.ts"
import { type Catalog, sharedCatalog, treeCatalog } from "./repositories/catalog.ts"

/** Every operation opens its repository, and so says on its span which one that is. */
const observed = (catalog: Catalog): Catalog => ({
  ...catalog,
  open: (repository) => Effect.andThen(annotate({ repository }), catalog.open(repository))
})

const over = (catalog: Catalog, hasher: Hasher): LayoutRegistry => ({
  ...makeReads(catalog),
  ...makePushBlobs(catalog),
  ...makePushManifests(catalog, hasher),
  ...makeDeletes(catalog, hasher),
  ...makeByName(catalog),
  ...makeListings(catalog),
  ...makeHistory(catalog),
  ...makeWatch(catalog),
  ...makeGarbage(catalog),
  ...makePins(catalog),
  ...makeMaintenance(catalog),
  at: (point) => readOnly(over(pastCatalog(catalog, point), hasher))
})

/** All repositories in one layout. */
export const sharedRegistry = (stores: Stores, hasher: Hasher): LayoutRegistry =>
  over(observed(sharedCatalog(stores, hasher)), hasher)

/** One layout per repository, below a root. */
export const treeRegistry = (layouts: Layouts, hasher: Hasher): LayoutRegistry =>
  over(observed(treeCatalog(layouts, hasher)), hasher)
