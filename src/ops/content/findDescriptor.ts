/** A manifest by its digest, wherever in a repository it is named. */
import { Effect, Option } from "effect"
import { names, reaching, unnamed } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Digest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { ManifestUnknown, NameUnknown } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import { descriptorsOf } from "../manifests/manifests.ts"
import { findAttached } from "../reachability/belonging.ts"
import type { Opened } from "../repositories/catalog.ts"
import { walkRepository } from "../repositories/walkRepository.ts"

type Located = Opened & { readonly repository: Repository }

/** The descriptor of a manifest of the repository: an entry, below an entry, or of what belongs to one of these. */
export const findDescriptor = Effect.fnUntraced(function*(
  opened: Located,
  state: State,
  digest: Digest
): Effect.fn.Return<Descriptor, NameUnknown | ManifestUnknown | ReadFault> {
  const { repository } = opened
  const strangers = repository === state.defaultRepository ? unnamed(state) : []
  const [entry] = [...reaching(state, repository, digest), ...strangers.filter((one) => one.digest === digest)]
  if (entry?.descriptor !== undefined) return entry.descriptor
  // Below an entry whose name fits no grammar. There are few of them, and nothing is remembered by them.
  const below = (yield* opened.manifests.walk(descriptorsOf(strangers), false)).reached.get(digest)
  if (below !== undefined) return notAnEntry(below)
  if (Option.isNone(names(state, repository))) return yield* new NameUnknown({ repository: repository })
  const { reached } = yield* walkRepository(opened, state, repository, false)
  const found = reached.get(digest) ?? (yield* findAttached(opened, state, digest, new Set<string>(reached.keys())))
  return notAnEntry(found ?? (yield* new ManifestUnknown({ repository, reference: digest })))
})

/**
 * Removes annotations: those of a child descriptor are of the index that names it, and must not be copied to an entry.
 */
const notAnEntry = ({ annotations: _annotations, ...descriptor }: Descriptor): Descriptor => descriptor
