/** Looking after a registry's layouts. */
import type { Catalog } from "./catalog.ts"
import type { MaintenanceShape } from "./Maintenance.ts"
import { makeRepair } from "./repair.ts"
import { makeVerify } from "./verify.ts"

export const makeMaintenance = (catalog: Catalog): MaintenanceShape => {
  const verify = makeVerify(catalog)
  return { verify, repair: makeRepair(catalog, verify) }
}
