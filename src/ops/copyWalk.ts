/** Finds everything that a copy has to bring along; nothing is written yet. */
import { Effect } from "effect"
import type { Descriptor } from "../oci/Descriptor.ts"
import { type Child, children } from "../oci/Manifest.ts"
import { kindOf } from "../oci/MediaType.ts"
import { LimitExceeded } from "../oci/OciError.ts"
import type { ReadManifest, SourceReader } from "./copySource.ts"
import * as limits from "./limits.ts"
import type { RegistryError } from "./ports.ts"

/** Content below a manifest. */
export interface Part {
  readonly descriptor: Descriptor
  /** It may be missing at the source, and then stays missing. */
  readonly optional: boolean
  /** A manifest that only an index names: all it takes for that is to be there. */
  readonly isManifest: boolean
}

export interface Found {
  /** What becomes an entry of the target: the manifest that was asked for, and then its referrers. */
  readonly entries: ReadonlyArray<ReadManifest>
  /** Everything below them, each digest once. */
  readonly parts: ReadonlyArray<Part>
  readonly manifests: number
}

/** Breadth first, each manifest read once, however many indexes and subjects lead to it. */
export const walkCopy = Effect.fnUntraced(function*(
  source: SourceReader,
  root: ReadManifest,
  withReferrers: boolean
): Effect.fn.Return<Found, RegistryError> {
  const parts = new Map<string, Part>()
  const seen = new Set<string>([root.descriptor.digest])
  const entries: Array<ReadManifest> = [root]
  let readBytes = 0
  let entryBytes = root.bytes.length

  const read = Effect.fnUntraced(function*(descriptor: Descriptor): Effect.fn.Return<ReadManifest, RegistryError> {
    if (seen.size > limits.walkManifests) {
      return yield* new LimitExceeded({ what: "manifests in a copy", limit: limits.walkManifests })
    }
    const found = yield* source.manifest(descriptor)
    readBytes += found.bytes.length
    return readBytes <= limits.walkBytes
      ? found
      : yield* new LimitExceeded({ what: "bytes of manifests in a copy", limit: limits.walkBytes })
  })

  /** Takes in what stands below a manifest, level by level, and answers every manifest of it. */
  const below = Effect.fnUntraced(function*(
    top: ReadManifest
  ): Effect.fn.Return<ReadonlyArray<Descriptor>, RegistryError> {
    const manifests = [top.descriptor]
    let level = [top]
    for (let depth = 0; level.length > 0; depth++) {
      if (depth > limits.walkDepth) {
        return yield* new LimitExceeded({ what: "indexes inside indexes", limit: limits.walkDepth })
      }
      const next: Array<ReadManifest> = []
      for (const { manifest } of level) {
        for (const child of children(manifest)) {
          const isManifest = child.role === "manifest" && kindOf(child.descriptor.mediaType) !== "other"
          add(parts, child, isManifest)
          if (!isManifest || seen.has(child.descriptor.digest)) continue
          seen.add(child.descriptor.digest)
          manifests.push(child.descriptor)
          next.push(yield* read(child.descriptor))
        }
      }
      level = next
    }
    return manifests
  })

  const own = yield* below(root)
  const waiting = withReferrers ? Array.from(own) : []
  for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
    for (const referrer of yield* source.referrers(subject.digest)) {
      if (seen.has(referrer.digest)) continue
      seen.add(referrer.digest)
      const found = yield* read(referrer)
      entryBytes += found.bytes.length
      if (entryBytes > limits.copyBytes) {
        return yield* new LimitExceeded({ what: "bytes of attached manifests in a copy", limit: limits.copyBytes })
      }
      entries.push(found)
      waiting.push(...yield* below(found))
    }
  }
  return { entries, parts: Array.from(parts.values()), manifests: seen.size }
})

/** What one manifest needs is needed, also where another one could do without. */
const add = (parts: Map<string, Part>, { descriptor, optional }: Child, isManifest: boolean): void => {
  const known = parts.get(descriptor.digest)
  if (known === undefined) parts.set(descriptor.digest, { descriptor, optional, isManifest })
  else if (known.optional && !optional) parts.set(descriptor.digest, { ...known, descriptor, optional })
}
