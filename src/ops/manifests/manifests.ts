/** The manifests of one layout: their bytes, what they name, and what names them. */
import { Effect, Option, Result } from "effect"
import type { Entry } from "../../layout/Entry.ts"
import { type Descriptor, embeddedData } from "../../oci/Descriptor.ts"
import { algorithmOf, type Digest, isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import type { ManifestFault, ReadFault } from "../../oci/faults.ts"
import { type Facts, type Manifest, neededBy } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { LimitExceeded, ManifestTooLarge, ManifestUnknown } from "../../oci/OciError.ts"
import * as limits from "../limits.ts"
import type { BlobStore } from "../ports/BlobStore.ts"
import type { FactsCache } from "../ports/FactsCache.ts"
import type { Hasher } from "../ports/Hasher.ts"
import { parseStored } from "./parseStored.ts"

/** A manifest's facts depend on what it is said to be as well. */
export const factsKey = ({ digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">): string =>
  `${digest} ${mediaType}`

/** What can be reached from some descriptors. */
export interface Walk {
  /** Every manifest reached, by digest, as the first descriptor met names it. */
  readonly reached: ReadonlyMap<Digest, Descriptor>
  readonly facts: ReadonlyMap<Digest, Facts>
  /** Whether everything that was to be read could be. */
  readonly complete: boolean
  /** Manifests that are there but cannot be read, so that what they need is not known. */
  readonly unreadable: ReadonlyMap<Digest, ManifestFault>
}

export interface Manifests {
  /**
   * A manifest's bytes, verified, even if its descriptor gives a wrong size; from its embedded data where the blob is
   * absent.
   */
  readonly bytes: (descriptor: Descriptor) => Effect.Effect<Uint8Array, ManifestFault>
  /** What a manifest names; remembered, since content cannot change under its name. */
  readonly facts: (descriptor: Descriptor) => Effect.Effect<Facts, ManifestFault>
  /**
   * The indexes below `roots` and their children; manifests too are read when `deep`, but for those that
   * `cached` knows.
   */
  readonly walk: (
    roots: ReadonlyArray<Descriptor>,
    deep: boolean,
    cached?: (descriptor: Descriptor) => Facts | undefined
  ) => Effect.Effect<Walk, ReadFault>
  /** The content of a descriptor's embedded data, if it is the content of its digest. */
  readonly embedded: (descriptor: Descriptor) => Option.Option<Uint8Array>
}

/** @param learn told of all that is found out */
export const makeManifests = (
  blobs: Pick<BlobStore, "get">,
  hasher: Hasher,
  learn: FactsCache["learn"] = () => Effect.void
): Manifests => {
  const known = new Map<string, Facts>()
  const remembered = (descriptor: Descriptor): Facts | undefined => known.get(factsKey(descriptor))

  const embedded: Manifests["embedded"] = (descriptor) =>
    embeddedData(descriptor).pipe(
      Option.filter((data) =>
        isContentDigest(descriptor.digest) && hasher.digest(algorithmOf(descriptor.digest), data) === descriptor.digest
      )
    )

  const bytes: Manifests["bytes"] = Effect.fnUntraced(function*(descriptor) {
    const digest = yield* Effect.fromResult(parseContentDigest(descriptor.digest))
    if (descriptor.size > limits.manifestBytes) {
      return yield* new ManifestTooLarge({ size: descriptor.size, limit: limits.manifestBytes })
    }
    const stored = yield* blobs.get(digest, limits.manifestBytes)
    const content = Option.isSome(stored) ? stored : embedded(descriptor)
    if (Option.isNone(content)) return yield* new ManifestUnknown({ repository: "", reference: digest })
    return content.value
  })

  const facts: Manifests["facts"] = Effect.fnUntraced(function*(descriptor) {
    const there = remembered(descriptor)
    if (there !== undefined) return there
    const content = yield* bytes(descriptor)
    const made = factsOf(yield* Effect.fromResult(parseStored(content, descriptor)), content)
    known.set(factsKey(descriptor), made)
    if (known.size > limits.rememberedManifests) forgetOldest(known)
    yield* learn(descriptor, made)
    return made
  })

  return { bytes, facts, embedded, walk: walkWith(facts, remembered) }
}

/** What a manifest names, its document left out. */
export const factsOf = ({ document: _document, ...named }: Manifest, { length }: Uint8Array): Facts => ({
  ...named,
  bytes: length
})

const forgetOldest = (known: Map<string, Facts>): void => {
  const oldest = known.keys().next()
  if (oldest.done !== true) known.delete(oldest.value)
}

/** Breadth first, each digest once, so that shared children of nested indexes cost nothing twice. */
const walkWith = (
  facts: Manifests["facts"],
  remembered: (descriptor: Descriptor) => Facts | undefined
): Manifests["walk"] =>
  Effect.fnUntraced(function*(roots, deep, cached = () => undefined) {
    const reached = new Map<Digest, Descriptor>()
    const known = new Map<Digest, Facts>()
    const unreadable = new Map<Digest, ManifestFault>()
    let complete = true
    let bytes = 0
    let level: ReadonlyArray<Descriptor> = roots
    for (let depth = 0; level.length > 0; depth++) {
      const next: Array<Descriptor> = []
      for (const descriptor of level) {
        if (reached.has(descriptor.digest)) continue
        reached.set(descriptor.digest, descriptor)
        yield* limits.atMost(limits.walkManifests, reached.size, "manifests in a layout")
        const kind = kindOf(descriptor.mediaType)
        if (kind === "other" || (kind === "manifest" && !deep)) continue
        const there = remembered(descriptor) ?? cached(descriptor)
        const read = there === undefined ? yield* Effect.result(facts(descriptor)) : Result.succeed(there)
        if (Result.isFailure(read)) {
          // A medium that fails says nothing about the manifest: an answer without it would be wrong.
          if (read.failure._tag === "StorageError" && read.failure.kind !== "other") return yield* read.failure
          complete = false
          if (read.failure._tag !== "ManifestUnknown") unreadable.set(descriptor.digest, read.failure)
          continue
        }
        bytes += read.success.bytes
        yield* limits.atMost(limits.walkBytes, bytes, "bytes of manifests in a layout")
        known.set(descriptor.digest, read.success)
        if (depth >= limits.walkDepth && read.success.manifests.length > 0) {
          complete = false
          unreadable.set(
            descriptor.digest,
            new LimitExceeded({ what: "indexes inside indexes", limit: limits.walkDepth })
          )
          continue
        }
        for (const child of read.success.manifests) next.push(child)
      }
      level = next
    }
    return { reached, facts: known, complete, unreadable }
  })

/** The descriptors of entries, those that are none left out. */
export const descriptorsOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Descriptor> =>
  entries.flatMap(({ descriptor }) => descriptor === undefined ? [] : [descriptor])

/** Who names a digest, and how. */
export interface Need {
  readonly by: string
  readonly as: "child" | "subject"
}

/** Who names what in a walk. */
export const needsOf = ({ facts }: Walk): ReadonlyMap<string, ReadonlyArray<Need>> => {
  const needs = new Map<string, Array<Need>>()
  const add = (digest: string, need: Need): void => {
    const list = needs.get(digest)
    if (list === undefined) needs.set(digest, [need])
    else list.push(need)
  }
  for (const [by, named] of facts) {
    for (const { digest } of neededBy(named)) add(digest, { by, as: "child" })
    if (named.subject !== undefined) add(named.subject.digest, { by, as: "subject" })
  }
  return needs
}
