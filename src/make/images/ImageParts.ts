/** An image that another one is made of: its documents, read to be written again. */
import { Effect, Result } from "effect"
import { type Descriptor, isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"
import { jsonDepth, parseJson } from "../../oci/Json.ts"
import * as types from "../../oci/MediaType.ts"
import { ImageUnsuitable, PlatformUnknown } from "../../oci/OciError.ts"
import { images, platformsOf } from "../../oci/Platform.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import type { InspectError } from "../../ops/api/errors.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { type ReadManifest, readSource, type SourceReader } from "../../ops/refs/copySource.ts"
import { documentOf } from "../content/documentOf.ts"
import { diffIdsIn } from "../documents/imageEdit.ts"
import { type ImagePlatform, platformFields } from "../documents/platform.ts"

/** Documents and layers of an image. */
export interface ImageParts {
  /** Absent for an image that begins with nothing. */
  readonly from?: {
    readonly reader: SourceReader
    readonly root: ReadManifest
    /** As it is stored, and as `config` is until something of it is changed. */
    readonly config: JsonObject
  }
  readonly manifest: JsonObject
  readonly config: JsonObject
  readonly configType: string
  readonly mediaType: string
  readonly layers: ReadonlyArray<Descriptor>
}

/** An image without layers. */
export const emptyImage = (platform: ImagePlatform): ImageParts => ({
  manifest: { schemaVersion: 2, mediaType: types.imageManifest },
  config: { ...platformFields(platform), config: {}, rootfs: { type: "layers", diff_ids: [] }, history: [] },
  configType: types.imageConfig,
  mediaType: types.imageManifest,
  layers: []
})

/** The image that a source names; of an index the one for a platform, or else its only one. */
export const imageIn = Effect.fnUntraced(function*(
  source: CopySource,
  platform: string | undefined
): Effect.fn.Return<ImageParts, InspectError | ImageUnsuitable> {
  const reader = readSource(source)
  if (platform !== undefined) {
    return yield* partsOf(reader, (yield* chooseImage(reader, yield* reader.candidates, platform)).manifest)
  }
  const root = yield* reader.root
  if (root.manifest.kind !== "index") return yield* partsOf(reader, root)
  const [only, ...others] = images(root.manifest)
  if (only === undefined || others.length > 0) {
    return yield* new PlatformUnknown({ platform: "", available: platformsOf(root.manifest), reason: "unsaid" })
  }
  return yield* partsOf(reader, yield* reader.manifest(only))
})

/** The parts of one image; `ImageUnsuitable` for what is none, or says too little to be written again. */
export const partsOf = Effect.fnUntraced(function*(
  reader: SourceReader,
  root: ReadManifest
): Effect.fn.Return<ImageParts, InspectError | ImageUnsuitable> {
  const { descriptor: { digest, mediaType }, manifest: { config, kind, layers } } = root
  const unsuitable = (reason: string) => new ImageUnsuitable({ digest, reason })
  if (kind !== "image" || config === undefined) {
    return yield* unsuitable("is no image: it has no config that says how it is run")
  }
  const bytes = yield* reader.document(config)
  const document = parseJson(bytes, { maxDepth: jsonDepth, duplicateKeys: "refuse" })
  if (Result.isFailure(document)) return yield* unsuitable(`has a config that ${document.failure}`)
  if (!isJsonObject(document.success)) return yield* unsuitable("has a config that is no JSON object")
  const { length } = diffIdsIn(document.success)
  if (length !== layers.length) {
    return yield* unsuitable(`has a config that tells of ${length} layers, and the manifest has ${layers.length}`)
  }
  return {
    from: { reader, root, config: document.success },
    manifest: yield* documentOf(root),
    config: document.success,
    configType: config.mediaType,
    mediaType,
    layers
  }
})
