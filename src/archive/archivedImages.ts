/** What an archive holds, as items of a copy. */
import { Effect, Result, Stream } from "effect"
import type { RegistryError } from "../oci/OciError.ts"
import { parseReference, type Repository, type Tag } from "../oci/Reference.ts"
import type { CopySource } from "../ops/api/Copy.ts"
import type { LayoutRegistry } from "../ops/api/Layout.ts"
import { walkCopy } from "../ops/copy/copyWalk.ts"
import { readSource } from "../ops/refs/copySource.ts"

/** An image of an archive, and what it is called there. */
export interface ArchivedImage {
  readonly source: CopySource
  readonly repository: Repository
  readonly tags: ReadonlyArray<Tag>
}

/**
 * Every image of an archive with a name, and those without one; of a name with a port, the host is left out. Of several
 * images with one name the first one gets it. What belongs to these images, such as signatures, is no item of its own: it
 * is copied with them, by `referrers`, into their repositories.
 */
export const archivedImages = Effect.fn("archivedImages")(function*(
  registry: LayoutRegistry
): Effect.fn.Return<ReadonlyArray<ArchivedImage>, RegistryError> {
  const held: Array<ArchivedImage> = []
  for (const repository of yield* Stream.runCollect(registry.repositories())) {
    const own = yield* Stream.runCollect(registry.tags(repository)).pipe(
      Effect.catchTag("NameUnknown", () => Effect.succeed([]))
    )
    for (const tag of own) {
      for (const [place, { digest }] of (yield* registry.choices(repository, tag)).entries()) {
        held.push({ source: { registry, repository, reference: digest }, repository, tags: place === 0 ? [tag] : [] })
      }
    }
    for (const { digest } of yield* Stream.runCollect(registry.untagged(repository))) {
      held.push({ source: { registry, repository, reference: digest }, repository, tags: [] })
    }
  }
  const named = new Set<string>()
  for (const { digest, refName } of yield* Stream.runCollect(registry.unnamed())) {
    const name = refName === undefined ? undefined : Result.getOrUndefined(parseReference(refName))
    if (refName === undefined || name === undefined) continue
    const isFirst = !named.has(refName)
    named.add(refName)
    held.push({
      source: { registry, refName, digest },
      repository: name.repository,
      tags: name.tag === undefined || !isFirst ? [] : [name.tag]
    })
  }
  const belonging = new Set<string>()
  for (const { source, tags } of held) {
    if (tags.length === 0) continue
    const reader = readSource(source)
    const { entries } = yield* walkCopy(reader, yield* reader.root, { referrers: true, sparse: true })
    for (const { descriptor } of entries.slice(1)) belonging.add(descriptor.digest)
  }
  return held.filter(({ source, tags }) => tags.length > 0 || !belonging.has(digestOf(source)))
})

/** Items of an archive are named by their digests. */
export const digestOf = (source: CopySource): string => "refName" in source ? source.digest ?? "" : source.reference
