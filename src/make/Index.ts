/** Indexes: several images under one name. */
export type { Carried, Made, MakeTarget, MakeWrites } from "./content/Made.ts"
export type { Edits } from "./documents/edits.ts"
export type { ImagePlatform } from "./documents/platform.ts"
export {
  changeIndex as change,
  type IndexChange,
  type IndexImage,
  type IndexOptions,
  makeIndex as make,
  type MakeIndexError,
  sparseIndex as sparse
} from "./indexes/changeIndex.ts"
