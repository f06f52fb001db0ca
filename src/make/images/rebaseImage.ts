/** Puts the layers of an image on another base. */
import { Effect } from "effect"
import { InputUnsuitable } from "../../oci/OciError.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import { bringLayers } from "../content/bring.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { diffIdsIn, historyAbove, historyIn, withDiffIds } from "../documents/imageEdit.ts"
import { descriptorAs, familyOf } from "../documents/mediaTypes.ts"
import type { LayerMaker } from "../ports/LayerMaker.ts"
import { imageIn } from "./ImageParts.ts"
import { type ImageEdit, makeImage, type MakeImageError } from "./makeImage.ts"

/** The base that an image has, and the one that it is to have. */
export interface Bases {
  readonly from: CopySource
  readonly to: CopySource
  /** What the new base is called; it is noted as an annotation (image-spec, annotations.md). */
  readonly name?: string | undefined
}

/**
 * Stores an image with the layers of another base below its own: its settings stay, those that it once took from its base
 * too. Whether its own layers work on the new base is not looked at. `InputUnsuitable` where it does not begin with the
 * layers of the base that it is said to have.
 */
export const rebaseImage = Effect.fn("rebaseImage")(function*<E = never>(
  source: CopySource,
  target: MakeTarget,
  maker: LayerMaker,
  { from, name, to }: Bases,
  edit: Omit<ImageEdit<E>, "recompress"> = {},
  platform?: string
): Effect.fn.Return<Made, E | MakeImageError> {
  const parts = yield* imageIn(source, platform)
  const before = yield* imageIn(from, platform)
  const after = yield* imageIn(to, platform)
  const [own, below] = [diffIdsIn(parts.config), diffIdsIn(before.config)]
  if (!below.every((diffId, at) => diffId === own[at])) {
    return yield* new InputUnsuitable({
      input: before.from?.root.descriptor.digest ?? "",
      reason: `is not the base of ${parts.from?.root.descriptor.digest ?? ""}: their first layers are not the same`
    })
  }
  if (after.from !== undefined) yield* bringLayers(after.from.reader, target, after.layers)
  const config = {
    ...withDiffIds(parts.config, [...diffIdsIn(after.config), ...own.slice(below.length)]),
    history: [...historyIn(after.config), ...historyAbove(parts.config, before.config)]
  }
  const family = familyOf(parts.mediaType)
  return yield* makeImage(
    target,
    maker,
    {
      ...parts,
      config,
      layers: [...after.layers.map((layer) => descriptorAs(layer, family)), ...parts.layers.slice(below.length)]
    },
    {
      ...edit,
      annotations: {
        "org.opencontainers.image.base.digest": after.from?.root.descriptor.digest ?? null,
        "org.opencontainers.image.base.name": name ?? null,
        ...edit.annotations
      }
    }
  )
})
