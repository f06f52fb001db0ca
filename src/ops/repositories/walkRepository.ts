/** What the entries of a repository lead to. */
import { Effect, Option } from "effect"
import { constantOf, entriesOf, names } from "../../layout/query.ts"
import type { Names, State } from "../../layout/State.ts"
import type { ReadFault } from "../../oci/faults.ts"
import type { Repository } from "../../oci/Reference.ts"
import { descriptorsOf, type Walk } from "../manifests/manifests.ts"
import type { Opened } from "./catalog.ts"

/** A walk over a repository, kept for as long as the repository stays as it is. */
const walks = {
  indexes: new WeakMap<Names, Walk>(),
  manifests: new WeakMap<object, Walk>(),
  cached: new WeakMap<object, Walk>()
}

/** Everything reachable from a repository's entries; manifests are read too when `deep`. */
export const walkRepository = Effect.fnUntraced(function*(
  { manifests }: Opened,
  state: State,
  repository: Repository,
  deep: boolean
): Effect.fn.Return<Walk, ReadFault> {
  const own = names(state, repository)
  const memory = deep ? walks.manifests : walks.indexes
  const known = Option.flatMap(own, (own) => Option.fromUndefinedOr(memory.get(own)))
  if (Option.isSome(known)) return known.value
  const walk = yield* manifests.walk(descriptorsOf(entriesOf(state, repository)), deep)
  // What could not be read now may be read later, so only a complete walk is kept.
  if (walk.complete && Option.isSome(own)) memory.set(own.value, walk)
  return walk
})

/**
 * The manifests of a repository by what earlier processes have found out of them as well: to answer questions, and never
 * to decide what may go.
 */
export const walkRepositoryCached = Effect.fnUntraced(function*(
  { facts, manifests }: Opened,
  state: State,
  repository: Repository
): Effect.fn.Return<Walk, ReadFault> {
  const own = constantOf(state, repository)
  const known = own === undefined ? undefined : walks.manifests.get(own) ?? walks.cached.get(own)
  if (known !== undefined) return known
  const walk = yield* manifests.walk(descriptorsOf(entriesOf(state, repository)), true, yield* facts.load)
  if (walk.complete && own !== undefined) walks.cached.set(own, walk)
  return walk
})
