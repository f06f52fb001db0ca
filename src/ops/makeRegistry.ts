/** Puts the operations together over a layout, or over a tree of them. */
import { makeByName } from "./byName.ts"
import { type Catalog, sharedCatalog, treeCatalog } from "./catalog.ts"
import { makeDeletes } from "./deletes.ts"
import { makeLists } from "./lists.ts"
import { makeGarbage } from "./makeGarbage.ts"
import { makeHistory } from "./makeHistory.ts"
import { makeMaintenance } from "./makeMaintenance.ts"
import { makePins } from "./makePins.ts"
import { pastCatalog } from "./past.ts"
import type { Hasher, Layouts, Stores } from "./ports.ts"
import { makePushes } from "./pushes.ts"
import { readOnly } from "./readOnly.ts"
import { makeReads } from "./reads.ts"
import type { RegistryShape } from "./Registry.ts"
import { makeUploads } from "./uploads.ts"
import { makeWatch } from "./watch.ts"

const over = (catalog: Catalog, hasher: Hasher): RegistryShape => ({
  ...makeReads(catalog),
  ...makeUploads(catalog),
  ...makePushes(catalog, hasher),
  ...makeDeletes(catalog, hasher),
  ...makeByName(catalog),
  ...makeLists(catalog),
  ...makeHistory(catalog),
  ...makeWatch(catalog),
  ...makeGarbage(catalog),
  ...makePins(catalog),
  ...makeMaintenance(catalog),
  at: (point) => readOnly(over(pastCatalog(catalog, point), hasher))
})

/** All repositories in one layout. */
export const sharedRegistry = (stores: Stores, hasher: Hasher): RegistryShape =>
  over(sharedCatalog(stores, hasher), hasher)

/** One layout per repository, below a root. */
export const treeRegistry = (layouts: Layouts, hasher: Hasher): RegistryShape =>
  over(treeCatalog(layouts, hasher), hasher)
