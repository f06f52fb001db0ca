/** Puts the layers of an image together to one. */
import { Effect } from "effect"
import { makeInside } from "../../image/inside/openImage.ts"
import type { ImageSource } from "../../ops/api/Copy.ts"
import type { LookError } from "../../ops/api/errors.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { withDiffIds, withoutHistory } from "../documents/imageEdit.ts"
import { flatTar } from "../layers/flatTar.ts"
import type { LayerMaker } from "../ports/LayerMaker.ts"
import { imageIn } from "./ImageParts.ts"
import { type ImageEdit, makeImage, type MakeImageError } from "./makeImage.ts"

/**
 * Stores an image with one layer, which has what a container of the image sees: what later layers delete or replace is
 * gone. The settings stay; the history is one step. What `Inside.open` fails with is told where it cannot be read.
 */
export const flattenImage = Effect.fn("flattenImage")(function*(
  source: ImageSource,
  target: MakeTarget,
  maker: LayerMaker,
  edit: Omit<ImageEdit, "layers" | "recompress"> = {},
  platform?: string
): Effect.fn.Return<Made, LookError | MakeImageError> {
  const parts = yield* imageIn(source, platform)
  const opened = yield* makeInside(maker.codec).open(source, platform)
  const config = withDiffIds(withoutHistory(parts.config), [])
  const layer = { content: flatTar(opened), name: opened.digest, createdBy: "ocilayout: all layers in one" }
  return yield* makeImage(target, maker, { ...parts, config, layers: [] }, { ...edit, layers: [layer] })
})
