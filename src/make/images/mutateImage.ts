/** Makes an image of another one, or an index of images of another index: with other settings, or more layers. */
import { Effect } from "effect"
import type { CopySource } from "../../ops/api/Copy.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import type { LayerMaker } from "../ports/LayerMaker.ts"
import { imageIn } from "./ImageParts.ts"
import { type ImageEdit, makeImage, type MakeImageError } from "./makeImage.ts"
import { mutateIndex, type MutateOptions } from "./mutateIndex.ts"

/**
 * Stores another image of one, which stays as it is: what was asked is changed, and everything else is as it was, fields
 * that are unknown here included. Without a change it is the same image.
 *
 * Of an index, each of its images is changed so, and the result is an index of them, with its own annotations changed and
 * those of the images as they were. What is no image stays. Attestations are then of the new images.
 */
export const mutateImage = Effect.fn("mutateImage")(function*<E = never>(
  source: CopySource,
  target: MakeTarget,
  maker: LayerMaker,
  edit: ImageEdit<E>,
  options: MutateOptions = {}
): Effect.fn.Return<Made, E | MakeImageError> {
  const { platform } = options
  if (platform === undefined) {
    const reader = readSource(source)
    const root = yield* reader.root
    if (root.manifest.kind === "index") return yield* mutateIndex(reader, root, target, maker, edit, options)
  }
  return yield* makeImage(target, maker, yield* imageIn(source, platform), edit, options.referrers)
})
