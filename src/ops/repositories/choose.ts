/** Operations on a layout as a whole: in a tree of them it has to be said which one. */
import { Effect } from "effect"
import type { ReadFault } from "../../oci/faults.ts"
import { type NameInvalid, Unsupported } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { Catalog, Opened } from "./catalog.ts"

/** The layout that is meant, with the repository that was named. */
export const choose = Effect.fnUntraced(function*(
  catalog: Catalog,
  repository: string | undefined
): Effect.fn.Return<Opened & { readonly repository?: Repository }, NameInvalid | Unsupported | ReadFault> {
  if (repository !== undefined) return yield* catalog.open(repository)
  const [only, ...others] = yield* catalog.layouts
  if (only !== undefined && others.length === 0) return only
  return yield* new Unsupported({
    operation: "this for all repositories at once",
    reason: "each of them is a layout of its own here; say which one is meant"
  })
})
