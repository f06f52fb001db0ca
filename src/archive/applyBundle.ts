/** Takes in a bundle: looks whether all is there that it builds on, and then makes all its tags visible at once. */
import { Effect, Option, type Scope } from "effect"
import { type ContentDigest, parseContentDigest } from "../oci/Digest.ts"
import { ArchiveInvalid, BundleBaseUnknown, type RegistryError } from "../oci/OciError.ts"
import { several } from "../oci/quoted.ts"
import type { Copied, CopyItem, CopyProgress, CopySource, CopyWrites } from "../ops/api/Copy.ts"
import type { RegistryReads } from "../ops/api/Registry.ts"
import { copyManifests } from "../ops/copy/copyManifest.ts"
import { walkCopy } from "../ops/copy/copyWalk.ts"
import * as limits from "../ops/limits.ts"
import { readSource } from "../ops/refs/copySource.ts"
import { archivedImages, digestOf } from "./archivedImages.ts"
import { type ArchiveOptions, type OpenArchive, openArchive } from "./makeArchive.ts"

/** What a bundle is applied to: a layout, a tree of them, or a registry on the network. */
export type BundleTarget = CopyWrites & Pick<RegistryReads, "resolveBlob">

/** How a bundle is applied. */
export interface ApplyOptions {
  /** Whether tags that point elsewhere are moved; true by default. `TagExists`. */
  readonly move?: boolean | undefined
  /** How far it has got, in bytes of what is below the manifests. */
  readonly onProgress?: ((step: CopyProgress) => Effect.Effect<void>) | undefined
}

/** What applying a bundle did. */
export interface BundleApplied {
  /** One for each image of the bundle. */
  readonly images: ReadonlyArray<Copied>
  /** How many blobs it builds on. */
  readonly base: number
  /** The number of the commit; none where all of it was there, and none of registries on the network. */
  readonly revision: Option.Option<number>
}

/** Questions to the target at once. */
const concurrency = 8

/** An image of the bundle with all its tags. */
interface Wanted {
  readonly source: CopySource
  readonly repository: string
  readonly tags: Set<string>
}

/**
 * Applies a bundle, or another archive, which then is one that builds on nothing. First all of its manifests are read: what
 * they need and the bundle leaves out has to be in the target, in the size that they say. Where something lacks, it fails
 * with `BundleBaseUnknown`, and where something lacks that the bundle does not tell of, with `ArchiveInvalid`; then nothing
 * was written. Then its content is copied, each blob verified, and all manifests and tags become visible in one commit. In a
 * registry on the network each is a change of its own. In a tree of layouts, a bundle can be for one repository only:
 * `Unsupported` of others.
 */
export const applyBundle = Effect.fn("applyBundle")(function*(
  archive: ArchiveOptions,
  registry: BundleTarget,
  { move = true, onProgress }: ApplyOptions = {}
): Effect.fn.Return<BundleApplied, RegistryError, Scope.Scope> {
  const opened = yield* openArchive(archive)
  const wanted = new Map<string, Wanted>()
  for (const { repository, source, tags } of yield* archivedImages(opened.registry)) {
    const key = `${repository}@${digestOf(source)}`
    const known = wanted.get(key) ?? { source, repository, tags: new Set() }
    for (const tag of tags) known.tags.add(tag)
    wanted.set(key, known)
  }
  yield* checkBase(archive.file, opened, registry, Array.from(wanted.values()))
  const items = Array.from(
    wanted.values(),
    ({ repository, source, tags }): CopyItem => ({
      source,
      repository,
      tags: Array.from(tags, (tag) => move ? tag : { tag, ifAbsent: true })
    })
  )
  const images = yield* copyManifests(items, { registry, repository: "" }, { referrers: true, onProgress })
  const revision = images.find((one) => Option.isSome(one.revision))?.revision ?? Option.none()
  return { images, base: opened.base.size, revision }
})

/** Whether what the images need is in the bundle, or where they are brought to. */
const checkBase = Effect.fnUntraced(function*(
  path: string,
  { base, holds }: OpenArchive,
  registry: BundleTarget,
  images: ReadonlyArray<Wanted>
): Effect.fn.Return<void, RegistryError> {
  const needed = new Map<
    string,
    { readonly repository: string; readonly digest: ContentDigest; readonly size: number }
  >()
  const untold = new Set<string>()
  let bytes = 0
  for (const { repository, source } of images) {
    const reader = readSource(source)
    const root = yield* reader.root
    bytes += root.bytes.length
    yield* limits.atMost(limits.copyBytes, bytes, "bytes of manifests in a bundle")
    const { parts } = yield* walkCopy(reader, root, { referrers: true, sparse: false })
    for (const { descriptor: { digest: written, size }, optional } of parts) {
      if (optional) continue
      const digest = yield* Effect.fromResult(parseContentDigest(written))
      if (holds.has(digest)) continue
      if (!base.has(digest)) untold.add(digest)
      needed.set(`${repository}@${digest}`, { repository, digest, size })
    }
  }
  if (untold.size > 0) {
    const reason = `it leaves out content without telling so: ${several(Array.from(untold))}`
    return yield* new ArchiveInvalid({ path, reason })
  }
  const lacking = yield* Effect.filter(
    Array.from(needed.values()),
    ({ digest, repository, size }) =>
      registry.resolveBlob(repository, digest).pipe(
        Effect.map((found) => found.size !== size),
        Effect.catchTag("BlobUnknown", () => Effect.succeed(true))
      ),
    { concurrency }
  )
  const missing = new Map(lacking.map(({ digest, size }) => [digest, { digest, size }]))
  if (missing.size > 0) return yield* new BundleBaseUnknown({ path, missing: Array.from(missing.values()) })
})
