/** Tells which content is there, so that what is brought there can leave it out. */
import { Effect, Stream } from "effect"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import type { CopyReads, CopyWrites } from "../api/Copy.ts"
import type { CopyError } from "../api/errors.ts"
import type { RegistryReads } from "../api/Registry.ts"
import { readSource } from "../refs/copySource.ts"
import { walkCopy } from "./copyWalk.ts"

/** What an inventory is taken of. */
export type InventoryReads =
  & CopyReads
  & Pick<RegistryReads, "digests" | "resolveBlob" | "tags">
  & Pick<CopyWrites, "manifestsApart">

/** Questions at once. */
const concurrency = 8

/**
 * Digests of the content that these repositories lead to and that is there, in lexical order: manifests, configs and
 * layers. What nothing leads to may be collected any time, and is not among them. Of a registry on the network, what its
 * tags and their referrers lead to is taken to be there.
 */
export const inventory = Effect.fn("inventory")(function*(
  registry: InventoryReads,
  repositories: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<ContentDigest>, CopyError> {
  const found = new Set<ContentDigest>()
  for (const repository of repositories) {
    const digests = registry.manifestsApart === true
      ? yield* walked(registry, repository)
      : yield* present(registry, repository)
    for (const digest of digests) if (isContentDigest(digest)) found.add(digest)
  }
  return Array.from(found).toSorted()
})

const present = Effect.fnUntraced(function*(
  registry: InventoryReads,
  repository: string
): Effect.fn.Return<ReadonlyArray<string>, CopyError> {
  const named = yield* Stream.runCollect(
    Stream.concat(registry.digests(repository, "manifest"), registry.digests(repository, "blob"))
  )
  return yield* Effect.filter(named.filter(isContentDigest), (digest) =>
    registry.resolveBlob(repository, digest).pipe(
      Effect.as(true),
      Effect.catchTag("BlobUnknown", () => Effect.succeed(false))
    ), { concurrency })
})

const walked = Effect.fnUntraced(function*(
  registry: InventoryReads,
  repository: string
): Effect.fn.Return<ReadonlyArray<string>, CopyError> {
  const tags = yield* Stream.runCollect(registry.tags(repository))
  const each = yield* Effect.forEach(
    tags,
    Effect.fnUntraced(function*(reference) {
      const reader = readSource({ registry, repository, reference })
      const { entries, parts } = yield* walkCopy(reader, yield* reader.root, { referrers: true, sparse: false })
      return [...entries, ...parts].map(({ descriptor }) => descriptor.digest)
    }),
    { concurrency }
  )
  return each.flat()
})
