/** Makes an index of images, or another one of an index: with more images, with fewer, or for some platforms alone. */
import { Effect, Result } from "effect"
import { prunedFrom } from "../../oci/Annotations.ts"
import { type Descriptor, isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { jsonBytes, readJson } from "../../oci/Json.ts"
import { dockerManifestList, imageIndex } from "../../oci/MediaType.ts"
import { ImageUnsuitable, type InputUnsuitable, PlatformUnknown } from "../../oci/OciError.ts"
import { images, platformsOf } from "../../oci/Platform.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import { type ReadManifest, readSource, type SourceReader } from "../../ops/refs/copySource.ts"
import { bring } from "../content/bring.ts"
import { documentOf } from "../content/documentOf.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { pushAnew } from "../content/pushAnew.ts"
import { pushMade } from "../content/pushDocument.ts"
import { type Edits, withEdits } from "../documents/edits.ts"
import { entriesFor, withEntries, withoutEntries } from "../documents/indexEntries.ts"
import { type ImagePlatform, platformFields, platformIn } from "../documents/platform.ts"

/** Of what makes indexes. */
export type MakeIndexError = CopyError | ImageUnsuitable | InputUnsuitable

/** An image that an index is to name. */
export interface IndexImage {
  /** An image, an artifact, or an index, whose images are then named. */
  readonly source: CopySource
  /** What it is for; by default what its config says. */
  readonly platform?: ImagePlatform | undefined
  /** What the index says of it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** How an index is made. */
export interface IndexOptions {
  /** Annotations of the index; `null` removes one. */
  readonly annotations?: Edits | undefined
  /** Whether a new index is one of OCI, which is the default, or a manifest list of Docker. */
  readonly mediaTypes?: "oci" | "docker" | undefined
  /** Whether referrers of the index that it is made of are made anew for the new one; false by default. */
  readonly referrers?: boolean | undefined
}

/** What becomes of an index. */
export interface IndexChange {
  readonly add?: ReadonlyArray<IndexImage> | undefined
  /** Digests, or platforms `os/arch[/variant]`; attestations go with what they are of. */
  readonly remove?: ReadonlyArray<string> | undefined
  /** Only the images for these platforms stay, and what attests them; the digest of the index before is noted. */
  readonly platforms?: ReadonlyArray<string> | undefined
}

/**
 * Stores an index of images, in their order; what the target has not is brought along. The images of an index are named in
 * its place, attestations included. `ImageUnsuitable` for an image whose config states no platform, `InputUnsuitable`
 * for two images that are for the same one.
 */
export const makeIndex = Effect.fn("makeIndex")(function*(
  target: MakeTarget,
  images: ReadonlyArray<IndexImage>,
  { annotations = {}, mediaTypes = "oci" }: IndexOptions = {}
): Effect.fn.Return<Made, MakeIndexError> {
  const mediaType = mediaTypes === "oci" ? imageIndex : dockerManifestList
  const manifests = yield* Effect.fromResult(withEntries([], yield* named(target, images)))
  const document = withEdits({ schemaVersion: 2, mediaType, manifests }, "annotations", annotations)
  return yield* pushMade(target, document, mediaType)
})

/**
 * Stores another index of one, which stays as it is: every field that is not asked to change is the same. `PlatformUnknown`
 * where it has nothing for a platform that is to stay, `ImageUnsuitable` for what is no index.
 */
export const changeIndex = Effect.fn("changeIndex")(function*(
  source: CopySource,
  target: MakeTarget,
  { add = [], platforms, remove = [] }: IndexChange,
  { annotations = {}, referrers = false }: IndexOptions = {}
): Effect.fn.Return<Made, MakeIndexError> {
  const reader = readSource(source)
  const root = yield* indexOf(reader)
  const { bytes, descriptor, manifest: { manifests } } = root
  const document = yield* documentOf(root)
  if (platforms !== undefined) yield* requirePlatforms(manifests, platforms)
  const left = yield* Effect.fromResult(withoutEntries(manifests, remove))
  const kept = platforms === undefined ? left : entriesFor(left, platforms)
  const all = yield* Effect.fromResult(withEntries(kept, yield* named(target, add)))
  const isSame = all.length === manifests.length && all.every(({ digest }, at) => digest === manifests[at]?.digest)
  const pruned = isSame || platforms === undefined ? {} : { [prunedFrom]: descriptor.digest }
  const edits = { ...pruned, ...annotations }
  const changed = withEdits(isSame ? document : { ...document, manifests: all }, "annotations", edits)
  const isUntouched = JSON.stringify(changed) === JSON.stringify(document)
  const made = { bytes: isUntouched ? bytes : jsonBytes(changed), mediaType: descriptor.mediaType }
  return yield* pushAnew(reader, target, root, made, { referrers })
})

/**
 * Stores an index as it is, with the images for some platforms alone, in another layout or registry: by the same digest, and
 * so with its signatures good. The layout is without the others, which those that read it have to allow.
 */
export const sparseIndex = Effect.fn("sparseIndex")(function*(
  source: CopySource,
  target: MakeTarget,
  platforms: ReadonlyArray<string>
): Effect.fn.Return<Made, MakeIndexError> {
  const reader = readSource(source)
  const { bytes, descriptor, manifest: { manifests } } = yield* indexOf(reader)
  yield* requirePlatforms(manifests, platforms)
  for (const entry of entriesFor(manifests, platforms)) yield* bring(reader, yield* reader.manifest(entry), target)
  const made = yield* pushMade(target, bytes, descriptor.mediaType, { stored: true, sparse: true })
  return { ...made, from: descriptor }
})

const indexOf = Effect.fnUntraced(function*(
  reader: SourceReader
): Effect.fn.Return<ReadManifest, CopyError | ImageUnsuitable> {
  const root = yield* reader.root
  if (root.manifest.kind === "index") return root
  return yield* new ImageUnsuitable({ digest: root.descriptor.digest, reason: "is no index" })
})

const requirePlatforms = (
  manifests: ReadonlyArray<Descriptor>,
  platforms: ReadonlyArray<string>
): Effect.Effect<void, PlatformUnknown> =>
  Effect.forEach(platforms, (platform) =>
    entriesFor(manifests, [platform]).length > 0
      ? Effect.void
      : Effect.fail(new PlatformUnknown({ platform, available: platformsOf({ manifests }) })), { discard: true })

/** What the images are as entries of an index; all that they need is then in the repository. */
const named = Effect.fnUntraced(function*(
  target: MakeTarget,
  all: ReadonlyArray<IndexImage>
): Effect.fn.Return<ReadonlyArray<Descriptor>, MakeIndexError> {
  const entries: Array<Descriptor> = []
  for (const { annotations, platform, source } of all) {
    const reader = readSource(source)
    const root = yield* reader.root
    yield* bring(reader, root, target)
    if (root.manifest.kind === "index") {
      if (images(root.manifest).length === 0) {
        return yield* new ImageUnsuitable({ digest: root.descriptor.digest, reason: "is an index without images" })
      }
      entries.push(...root.manifest.manifests)
      continue
    }
    const { digest, mediaType, size } = root.descriptor
    const { artifactType, kind } = root.manifest
    const own = platform === undefined ? yield* statedPlatform(reader, root) : platformFields(platform)
    entries.push({
      mediaType,
      digest,
      size,
      ...(kind === "artifact" && artifactType !== undefined ? { artifactType } : {}),
      ...field("platform", own),
      ...field("annotations", annotations)
    })
  }
  return entries
})

const statedPlatform = Effect.fnUntraced(function*(
  reader: SourceReader,
  { descriptor: { digest }, manifest: { config, kind } }: ReadManifest
): Effect.fn.Return<JsonObject | undefined, MakeIndexError> {
  if (kind !== "image" || config === undefined) return undefined
  const document = readJson(yield* reader.document(config))
  const platform = Result.isSuccess(document) && isJsonObject(document.success)
    ? platformIn(document.success)
    : undefined
  return platform ?? (yield* new ImageUnsuitable({ digest, reason: "has a config that states no platform" }))
})
