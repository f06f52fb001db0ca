/** How many bytes the names of a layout need, and how many of them nothing else needs. */
import { Effect, Result, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { blobsOf } from "../../oci/Manifest.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { LayoutRegistry } from "../api/Layout.ts"

export interface Needed {
  /** Of the manifest and all below it, each digest once, as descriptors say. */
  readonly bytes: number
  /** Of these, what no other tag, untagged manifest or repository needs. */
  readonly unique: number
}

export interface RepositoryUsage extends Needed {
  readonly repository: string
  readonly tags: number
}

export interface TagUsage extends Needed {
  readonly repository: string
  readonly tag: string
}

const largestFirst = (a: Needed, b: Needed): number => b.unique - a.unique || b.bytes - a.bytes

interface Root {
  readonly repository: string
  /** Absent for a manifest without a tag. */
  readonly tag?: string
  readonly descriptor: Descriptor
}

type Sizes = ReadonlyMap<string, number>

/**
 * Of every repository and tag, or of those of one repository: `NameUnknown`. What frees most by its removal comes first.
 * What refers to a subject counts for itself, and not for its subject.
 */
export const usageOf = Effect.fn("usageOf")(function*(registry: LayoutRegistry, only?: string) {
  if (only !== undefined) yield* Stream.runDrain(registry.untagged(only, { limit: 1 }))
  const roots = yield* rootsOf(registry)
  const known = new Map<string, Sizes>()
  const contents = yield* Effect.forEach(
    roots,
    ({ descriptor, repository }) => below(registry, repository, descriptor, known)
  )
  const byRoot = new Map<string, number>()
  for (const sizes of contents) for (const digest of sizes.keys()) byRoot.set(digest, (byRoot.get(digest) ?? 0) + 1)
  const own = Map.groupBy(
    roots.map((root, at) => ({ root, sizes: contents[at] ?? new Map<string, number>() })),
    ({ root }) => root.repository
  )
  const merged = Array.from(own, ([repository, all]) => ({
    repository,
    tags: all.filter(({ root }) => root.tag !== undefined).length,
    sizes: new Map<string, number>(all.flatMap(({ sizes }) => Array.from(sizes)))
  }))
  const byRepository = new Map<string, number>()
  for (const { sizes } of merged) {
    for (const digest of sizes.keys()) byRepository.set(digest, (byRepository.get(digest) ?? 0) + 1)
  }
  const isMeant = ({ repository }: { readonly repository: string }) => only === undefined || repository === only
  return {
    repositories: merged.map(({ repository, sizes, tags }): RepositoryUsage => ({
      repository,
      tags,
      ...needed(sizes, byRepository)
    })).filter(isMeant).toSorted(largestFirst),
    tags: roots.flatMap(({ repository, tag }, at): ReadonlyArray<TagUsage> =>
      tag === undefined ? [] : [{ repository, tag, ...needed(contents[at] ?? new Map<string, number>(), byRoot) }]
    ).filter(isMeant).toSorted(largestFirst)
  }
})

const rootsOf = Effect.fnUntraced(function*(
  registry: LayoutRegistry
): Effect.fn.Return<ReadonlyArray<Root>, RegistryError> {
  const repositories = yield* Stream.runCollect(registry.repositories())
  const each = yield* Effect.forEach(
    repositories,
    Effect.fnUntraced(function*(repository) {
      const tags = yield* Stream.runCollect(registry.tags(repository))
      const tagged = yield* Effect.forEach(
        tags,
        (tag) =>
          Effect.map(registry.resolveTag(repository, tag), (descriptor): Root => ({ repository, tag, descriptor }))
      )
      const untagged = yield* Stream.runCollect(registry.untagged(repository))
      return [...tagged, ...untagged.map((descriptor): Root => ({ repository, descriptor }))]
    })
  )
  return each.flat()
})

/** The sizes of a manifest and all below it; of one that cannot be read, its own alone. */
const below = Effect.fnUntraced(
  function*(
    registry: LayoutRegistry,
    repository: string,
    descriptor: Descriptor,
    known: Map<string, Sizes>
  ): Effect.fn.Return<Sizes> {
    const found = known.get(descriptor.digest)
    if (found !== undefined) return found
    const sizes = new Map<string, number>([[descriptor.digest, descriptor.size]])
    // Before what is below it: an index that would contain itself ends here.
    known.set(descriptor.digest, sizes)
    const facts = yield* Effect.result(registry.describe(repository, descriptor))
    if (Result.isFailure(facts)) return sizes
    for (const { digest, size } of blobsOf(facts.success)) sizes.set(digest, size)
    for (const child of facts.success.manifests) {
      for (const [digest, size] of yield* below(registry, repository, child, known)) sizes.set(digest, size)
    }
    return sizes
  }
)

const needed = (sizes: Sizes, users: ReadonlyMap<string, number>): Needed => {
  let [bytes, unique] = [0, 0]
  for (const [digest, size] of sizes) {
    bytes += size
    if (users.get(digest) === 1) unique += size
  }
  return { bytes, unique }
}
