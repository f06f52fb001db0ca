/** Images: of layers, on a base, or of other images with other settings, layers or bases. */
export type { Made, MakeTarget, MakeWrites } from "./content/Made.ts"
export type { Edits } from "./documents/edits.ts"
export type { ConfigEdit } from "./documents/imageEdit.ts"
export type { ImagePlatform } from "./documents/platform.ts"
export { flattenImage as flatten } from "./images/flattenImage.ts"
export {
  buildImage as build,
  type ImageBase,
  type ImageEdit,
  type MakeImageError,
  mutateImage as mutate
} from "./images/makeImage.ts"
export { type Bases, rebaseImage as rebase } from "./images/rebaseImage.ts"
export type { LayerInput } from "./layers/pushLayer.ts"
