/** Looking after a registry's layouts. */
import type { MaintenanceShape } from "./api/Maintenance.ts"
import { makeRepair } from "./repair/repair.ts"
import type { Catalog } from "./repositories/catalog.ts"
import { makeVerify } from "./verify/verify.ts"

export const makeMaintenance = (catalog: Catalog): MaintenanceShape => {
  const verify = makeVerify(catalog)
  return { verify, repair: makeRepair(catalog, verify) }
}
