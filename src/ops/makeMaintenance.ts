/** Looking after a registry's layouts. */
import type { MaintenanceReads, MaintenanceWrites } from "./api/Maintenance.ts"
import { makeRepair } from "./repair/repair.ts"
import type { Catalog } from "./repositories/catalog.ts"
import { makeVerify } from "./verify/verify.ts"

export const makeMaintenance = (catalog: Catalog): MaintenanceReads & MaintenanceWrites => {
  const verify = makeVerify(catalog)
  return { verify, repair: makeRepair(catalog, verify) }
}
