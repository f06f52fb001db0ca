/** Artifacts: files that are no image, alone or attached to a manifest. */
export { annotate, type AnnotateError, type AnnotateOptions } from "./artifacts/annotate.ts"
export {
  type ArtifactFile,
  type ArtifactOptions,
  type ArtifactPushed,
  attachArtifact as attach,
  type AttachTarget,
  pushArtifact as push,
  type PushArtifactError
} from "./artifacts/pushArtifact.ts"
export type { Made, MakeTarget, MakeWrites } from "./content/Made.ts"
export { type ArtifactKind, artifactKinds } from "./documents/artifactKinds.ts"
export type { Edits } from "./documents/edits.ts"
