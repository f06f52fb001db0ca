/** Manifests that lie under `blobs/` and that nothing leads to: some tools write one and leave it out of the index. */
import { Effect, Option, Result, Stream } from "effect"
import { type Descriptor, fieldOf, isJsonObject } from "../../oci/Descriptor.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { field } from "../../oci/field.ts"
import { readJson } from "../../oci/Json.ts"
import { type Facts, type Manifest, parseManifest } from "../../oci/Manifest.ts"
import { artifactManifest, imageIndex, imageManifest, kindOf } from "../../oci/MediaType.ts"
import * as limits from "../limits.ts"
import { collectBytes } from "../manifests/collectBytes.ts"
import { damaged } from "../manifests/damage.ts"
import { factsOf } from "../manifests/manifests.ts"
import type { BlobStore } from "../ports/BlobStore.ts"

/** A manifest as a descriptor of it would name it. */
export interface Unlisted {
  readonly descriptor: Descriptor & { readonly digest: ContentDigest }
  readonly facts: Facts
}

/** What blobs were found to be: content cannot change under its name. */
const found = new WeakMap<BlobStore, Map<ContentDigest, Unlisted | "other">>()

/** The manifests among the blobs of a layout that are not `known`, each with what it names, by digest. */
export const unlistedManifests = Effect.fnUntraced(function*(
  blobs: BlobStore,
  digests: ReadonlyArray<ContentDigest>,
  known: { readonly has: (digest: string) => boolean }
): Effect.fn.Return<ReadonlyMap<ContentDigest, Unlisted>, ReadFault> {
  const memory = found.get(blobs) ?? new Map<ContentDigest, Unlisted | "other">()
  found.set(blobs, memory)
  const unlisted = new Map<ContentDigest, Unlisted>()
  for (const digest of digests) {
    if (known.has(digest) || unlisted.size >= limits.walkManifests) continue
    const read = memory.get(digest) ?? (yield* readUnlisted(blobs, digest))
    if (read === undefined) continue
    if (memory.size < limits.rememberedManifests) memory.set(digest, read)
    if (read !== "other") unlisted.set(digest, read)
  }
  return unlisted
})

/** Nothing where the blob cannot be read now. */
const readUnlisted = Effect.fnUntraced(function*(
  blobs: Pick<BlobStore, "get" | "read">,
  digest: ContentDigest
): Effect.fn.Return<Unlisted | "other" | undefined, ReadFault> {
  const first = yield* damaged(Effect.scoped(Effect.gen(function*() {
    const read = yield* blobs.read(digest, { window: { offset: 0, length: 1 }, verify: false })
    if (Option.isNone(read) || read.value.size > limits.manifestBytes) return undefined
    return (yield* collectBytes(Stream.take(read.value.content, 1), () => Effect.void))[0]
  })))
  // Most blobs are no JSON, and are known by their first byte.
  if (Result.isSuccess(first) && first.success !== openingBrace) return "other"
  const read = yield* damaged(blobs.get(digest, limits.manifestBytes))
  const bytes = Result.isSuccess(read) ? Option.getOrUndefined(read.success) : undefined
  if (bytes === undefined) return undefined
  const manifest = asManifest(bytes)
  if (manifest === undefined) return "other"
  const { artifactType, mediaType } = manifest
  return {
    descriptor: { mediaType, digest, size: bytes.length, ...field("artifactType", artifactType) },
    facts: factsOf(manifest, bytes)
  }
})

const openingBrace = 0x7b

/** What a document says it is; one that does not say is told by its fields. */
export const asManifest = (bytes: Uint8Array): Manifest | undefined => {
  if (bytes[0] !== openingBrace) return undefined
  const document = Result.getOrUndefined(readJson(bytes))
  if (!isJsonObject(document)) return undefined
  const own = fieldOf(document, "mediaType")
  if (own === artifactManifest) return Result.getOrUndefined(parseManifest(bytes, own, "read"))
  if (fieldOf(document, "schemaVersion") !== 2) return undefined
  const isIndex = Array.isArray(fieldOf(document, "manifests"))
  if (!isIndex && !isJsonObject(fieldOf(document, "config"))) return undefined
  const usual = isIndex ? imageIndex : imageManifest
  const mediaType = typeof own === "string" && kindOf(own) === kindOf(usual) ? own : usual
  return Result.getOrUndefined(parseManifest(bytes, mediaType, "read"))
}
