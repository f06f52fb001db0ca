/** What a tag names in a state. */
import { Option, Result } from "effect"
import { names, tagged } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Digest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { ManifestUnknown, NameUnknown } from "../../oci/OciError.ts"
import type { Repository, Tag } from "../../oci/Reference.ts"

export const findTag = (
  state: State,
  repository: Repository,
  tag: Tag
): Result.Result<Descriptor, ManifestUnknown | NameUnknown> => {
  const found = tagged(state, repository, tag)[0]?.descriptor
  if (found !== undefined) return Result.succeed(found)
  return Option.isNone(names(state, repository))
    ? Result.fail(new NameUnknown({ repository: repository }))
    : Result.fail(new ManifestUnknown({ repository, reference: tag }))
}

/** What the entries of a tag point at, each once: the first is what the tag is taken to name. */
export const choicesOf = (state: State, repository: Repository, tag: Tag): ReadonlyArray<Descriptor> =>
  choicesAmong(tagged(state, repository, tag))

/** What entries of one name point at, each once and with the platform that its entry states. */
export const choicesAmong = (
  entries: ReadonlyArray<{ readonly descriptor: Descriptor | undefined }>
): ReadonlyArray<Descriptor> => {
  const found = new Map<Digest, Descriptor>()
  for (const { descriptor } of entries) {
    if (descriptor === undefined || found.has(descriptor.digest)) continue
    const { platform } = descriptor
    found.set(descriptor.digest, { ...bare(descriptor), ...field("platform", platform) })
  }
  return Array.from(found.values())
}

/** Type, digest and size: what the operations promise; what else an entry carries is the entry's. */
export const bare = ({ artifactType, digest, mediaType, size }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
  ...field("artifactType", artifactType)
})
