/** Makes images: of layers, on a base, or of other images with other settings. */
import { Effect, Result } from "effect"
import { isLayer } from "../../image/layers/layerType.ts"
import type { Descriptor, JsonObject } from "../../oci/Descriptor.ts"
import { jsonBytes } from "../../oci/Json.ts"
import { type ImageUnsuitable, InputUnsuitable, LayerInvalid, LayerUnsupported } from "../../oci/OciError.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import type { CopyError } from "../../ops/api/errors.ts"
import { bringLayers } from "../content/bring.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { pushAnew } from "../content/pushAnew.ts"
import { pushDocument, pushMade } from "../content/pushDocument.ts"
import { type Edits, withEdits } from "../documents/edits.ts"
import {
  type ConfigEdit,
  diffIdsIn,
  editConfig,
  type HistoryStep,
  stepTime,
  withLayers
} from "../documents/imageEdit.ts"
import { descriptorAs, familyOf, mediaTypeAs } from "../documents/mediaTypes.ts"
import type { ImagePlatform } from "../documents/platform.ts"
import { type LayerInput, type LayerMade, pushLayer, usualCompressing } from "../layers/pushLayer.ts"
import type { Compressing, LayerMaker } from "../ports/LayerMaker.ts"
import { emptyImage, imageIn, type ImageParts } from "./ImageParts.ts"

/** Of what makes images. */
export type MakeImageError = CopyError | ImageUnsuitable | InputUnsuitable | LayerInvalid | LayerUnsupported

/** What is changed of an image. */
export interface ImageEdit<E = never> extends ConfigEdit {
  /** Of the manifest; `null` removes one. */
  readonly annotations?: Edits | undefined
  /** Layers on top of those that it has. */
  readonly layers?: ReadonlyArray<LayerInput<E>> | undefined
  /** How new layers are compressed: by default gzip, and what is compressed already stays as it is. */
  readonly compressing?: Compressing | undefined
  /** Whether all layers are compressed anew, those of the base too; false by default. Their tars stay the same. */
  readonly recompress?: boolean | undefined
  /** Whose media types the manifest, its config and its layers have; by default as before, and of a new image OCI's. */
  readonly mediaTypes?: "oci" | "docker" | undefined
}

/** What an image is built on. */
export interface ImageBase {
  readonly base?: CopySource | undefined
  /** Of a base for several platforms, which one; without a base, what the image is for, linux/amd64 by default. */
  readonly basePlatform?: string | undefined
}

/**
 * Stores an image of layers, on a base or on nothing: the same bytes for the same layers and settings, since nothing says
 * when it was made unless `created` does. Layers are stored as they come; the manifest and its tags are one commit at
 * the end. `InputUnsuitable` for a layer that is no tar, `ImageUnsuitable` for a base that is no image.
 */
export const buildImage = Effect.fn("buildImage")(function*<E = never>(
  target: MakeTarget,
  maker: LayerMaker,
  { base, basePlatform }: ImageBase,
  edit: ImageEdit<E>
): Effect.fn.Return<Made, E | MakeImageError> {
  const parts = base === undefined
    ? emptyImage(edit.platform ?? linux)
    : yield* imageIn(base, basePlatform)
  return yield* makeImage(target, maker, parts, edit)
})

const linux: ImagePlatform = { os: "linux", architecture: "amd64" }

/** Stores an image made of another with changes; with `referrers`, what refers to that is made anew for it. */
export const makeImage = Effect.fnUntraced(function*<E>(
  target: MakeTarget,
  maker: LayerMaker,
  parts: ImageParts,
  edit: ImageEdit<E>,
  referrers = false
): Effect.fn.Return<Made, E | MakeImageError> {
  const changed = yield* changedImage(target, maker, parts, edit, yield* addedLayers(target, maker, edit))
  const { from } = parts
  return from === undefined
    ? yield* pushMade(target, changed.bytes, changed.mediaType, { stored: true })
    : yield* pushAnew(from.reader, target, from.root, changed, { referrers })
})

/** A layer on top, and what the history says of it. */
type AddedLayer = LayerMade & { readonly step: HistoryStep }

/** The layers that come on top, stored. What is wrong with the change is told before any of them is read. */
export const addedLayers = Effect.fnUntraced(function*<E>(
  target: MakeTarget,
  maker: LayerMaker,
  edit: ImageEdit<E>
): Effect.fn.Return<ReadonlyArray<AddedLayer>, E | MakeImageError> {
  yield* Effect.fromResult(checkEdit(edit))
  const added: Array<AddedLayer> = []
  for (const layer of edit.layers ?? []) {
    added.push({ ...(yield* pushLayer(target, maker, layer, edit.compressing)), step: stepOf(layer, edit.created) })
  }
  return added
})

/** The manifest of an image made of another with changes; all that it needs is stored, and the manifest itself is not. */
export const changedImage = Effect.fnUntraced(function*(
  target: MakeTarget,
  maker: LayerMaker,
  parts: ImageParts,
  edit: Omit<ImageEdit, "layers">,
  added: ReadonlyArray<AddedLayer>
): Effect.fn.Return<{ readonly bytes: Uint8Array; readonly mediaType: string }, MakeImageError> {
  const below = edit.recompress === true
    ? yield* recompressed(target, maker, parts, edit.compressing)
    : yield* brought(target, parts)
  const config = editConfig(withLayers(parts.config, added), edit)
  const to = edit.mediaTypes ?? familyOf(parts.mediaType)
  const isConverted = edit.mediaTypes !== undefined
  const typed = (descriptor: Descriptor): Descriptor => isConverted ? descriptorAs(descriptor, to) : descriptor
  const configType = isConverted ? mediaTypeAs(parts.configType, to) : parts.configType
  const stored = parts.from !== undefined && same(config, parts.from.config)
    ? typed(parts.from.root.manifest.config ?? (yield* pushDocument(target, jsonBytes(config), configType)))
    : yield* pushDocument(target, jsonBytes(config), configType)
  const mediaType = isConverted ? mediaTypeAs(parts.mediaType, to) : parts.mediaType
  const document = withEdits(
    {
      ...parts.manifest,
      ...(Object.hasOwn(parts.manifest, "mediaType") ? { mediaType } : {}),
      config: stored,
      layers: [...below.map(typed), ...added.map(({ descriptor }) => descriptorAs(descriptor, to))]
    },
    "annotations",
    edit.annotations ?? {}
  )
  const isSame = parts.from !== undefined && same(document, parts.manifest)
  return { bytes: isSame && parts.from !== undefined ? parts.from.root.bytes : jsonBytes(document), mediaType }
})

const same = (one: JsonObject, other: JsonObject): boolean => JSON.stringify(one) === JSON.stringify(other)

const stepOf = <E>({ createdBy }: LayerInput<E>, created: string | null | undefined): HistoryStep => ({
  created: stepTime(created),
  created_by: createdBy ?? "ocilayout"
})

/** The layers of the image below, in the repository; what is there already is not sent again. */
const brought = Effect.fnUntraced(function*(
  target: MakeTarget,
  { from, layers }: ImageParts
): Effect.fn.Return<ReadonlyArray<Descriptor>, CopyError> {
  if (from === undefined) return layers
  const { reader, root: { manifest: { config } } } = from
  yield* bringLayers(reader, target, config === undefined ? layers : [config, ...layers])
  return layers
})

/** The same tars, compressed anew. What an annotation says of a layer's bytes is not true of others, and is left out. */
const recompressed = Effect.fnUntraced(function*(
  target: MakeTarget,
  maker: LayerMaker,
  { config, from, layers }: ImageParts,
  how: Compressing = usualCompressing
): Effect.fn.Return<ReadonlyArray<Descriptor>, MakeImageError> {
  if (from === undefined) return layers
  const diffIds = diffIdsIn(config)
  const docker = familyOf(from.root.descriptor.mediaType) === "docker"
  return yield* Effect.forEach(
    layers,
    Effect.fnUntraced(function*(layer, at) {
      if (!isLayer(layer.mediaType)) {
        return yield* new LayerUnsupported({ digest: layer.digest, mediaType: layer.mediaType })
      }
      const content = yield* from.reader.content(layer)
      const { descriptor, diffId } = yield* pushLayer(target, maker, { content, name: layer.digest }, how)
      if (diffId !== diffIds[at]) {
        const reason = `its content is ${diffId}, and the config says ${JSON.stringify(diffIds[at])}`
        return yield* new LayerInvalid({ digest: layer.digest, reason })
      }
      return docker ? descriptorAs(descriptor, "docker") : descriptor
    }, Effect.scoped)
  )
})

/** RFC 3339, as configs have times. */
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/u

const port = /^\d{1,5}(?:\/(?:tcp|udp|sctp))?$/u

const checkEdit = (
  { created, env = {}, platform, ports = [], volumes = [], workdir }: ConfigEdit
): Result.Result<void, InputUnsuitable> => {
  const wrong: ReadonlyArray<readonly [input: string, reason: string] | undefined> = [
    typeof created === "string" && !time.test(created)
      ? [created, "is no time: write it as 2026-11-30T12:00:00Z"]
      : undefined,
    ...ports.map((one) => port.test(one) ? undefined : [one, "is no port: write 80, or 80/udp"] as const),
    ...volumes.map((one) => one.startsWith("/") ? undefined : [one, "is no absolute path"] as const),
    typeof workdir === "string" && workdir !== "" && !/^(?:\/|[A-Za-z]:)/u.test(workdir)
      ? [workdir, "is no absolute path"]
      : undefined,
    ...Object.keys(env).map((name) =>
      name === "" || name.includes("=") ? [name, "is no name of a variable"] as const : undefined
    ),
    platform !== undefined && (platform.os === "" || platform.architecture === "")
      ? [`${platform.os}/${platform.architecture}`, "is no platform"]
      : undefined
  ]
  const first = wrong.find((one) => one !== undefined)
  return first === undefined ? Result.void : Result.fail(new InputUnsuitable({ input: first[0], reason: first[1] }))
}
