/** Looking after a registry's layouts. */
import type { Catalog } from "./catalog.ts"
import type { MaintenanceShape } from "./Maintenance.ts"
import { makeVerify } from "./verify.ts"

export const makeMaintenance = (catalog: Catalog): MaintenanceShape => ({
  verify: makeVerify(catalog)
})
