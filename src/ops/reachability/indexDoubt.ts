/** Whether an index tells everything that it was written to tell. */
import { Effect, Result } from "effect"
import type { ReadFault } from "../../oci/faults.ts"
import type { Upkeep } from "../ports/Upkeep.ts"

/**
 * Why it is not known what an index names, in a sentence without a capital; nothing where it is whole. An index that is
 * missing, or has lost its list, names nothing, and that is hardly what was meant; of a key that is there twice only the
 * last one counts, and what the first one names is content all the same.
 */
export const indexDoubt = ({ inspect }: Pick<Upkeep, "inspect">): Effect.Effect<string | undefined, ReadFault> =>
  Effect.map(inspect, ({ index }) => {
    if (Result.isFailure(index)) return `what is needed cannot be told: ${index.failure.message}`
    const found = index.success
    if (found === undefined) return "index.json is missing, so that it is not known what is needed"
    if (found.manifests !== "list") return "index.json has no list of manifests, so that it is not known what is needed"
    return found.keyTwice === undefined
      ? undefined
      : `index.json has the key ${found.keyTwice} twice, and the one that does not count may name it`
  })
