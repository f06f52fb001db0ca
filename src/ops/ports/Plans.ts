/** The port for plans that are carried out later. */
import type { Effect, Option } from "effect"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import type { PlanExpired } from "../../oci/OciError.ts"

/** Lists of what is to be done, kept for an hour so that what was looked at is what is carried out. */
export interface Plans {
  /** Keeps a plan under a new name; none where nothing can be written. */
  readonly save: (plan: string) => Effect.Effect<Option.Option<string>, WriteFault>
  /** `PlanExpired` when it is kept no longer, or never was. */
  readonly load: (id: string) => Effect.Effect<string, PlanExpired | ReadFault>
}
