/** What the processes of a stress run ask of the registry, and what they are told, as data. */

/** When a tag may be set or deleted. */
export type Condition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "digest"; readonly digest: string }

/** Every manifest is used for one tag only, so that tags are independent of each other. */
interface OfTag {
  readonly repository: string
  readonly tag: string
}

/** A manifest, and the note in it. */
interface OfManifest extends OfTag {
  readonly note: string
  readonly digest: string
}

export type TagCall =
  | { readonly op: "pushManifest"; readonly tagged: boolean; readonly condition: Condition } & OfManifest
  | { readonly op: "tagManifest"; readonly condition: Condition } & OfManifest
  | { readonly op: "deleteManifest" } & OfManifest
  /** Of the commit that gave a manifest, new to the layout, its tag, which no other process has ever had. */
  | { readonly op: "revert"; readonly revision: number } & OfManifest
  | { readonly op: "getManifest" } & OfManifest
  | { readonly op: "deleteTag"; readonly condition: Exclude<Condition, { readonly kind: "absent" }> } & OfTag
  | { readonly op: "getTag" } & OfTag
  /** Whether a listing of the repository has the tag. */
  | { readonly op: "isListed" } & OfTag

/** A blob, and its name. */
interface OfBlob {
  readonly repository: string
  readonly blob: string
  readonly digest: string
}

export type BlobCall =
  | { readonly op: "pushBlob" } & OfBlob
  | { readonly op: "mountBlob"; readonly to: string } & OfBlob
  | { readonly op: "getBlob" } & OfBlob

/** A session by its id. */
interface OfUpload {
  readonly repository: string
  readonly id: string
}

export type UploadCall =
  | { readonly op: "resume" } & OfUpload
  | { readonly op: "append"; readonly offset: number; readonly length: number } & OfUpload
  | { readonly op: "commit"; readonly size: number } & OfUpload

export type Call = TagCall | BlobCall | UploadCall | { readonly op: "tags"; readonly repository: string }

/** What was answered: a digest, a size or names; or the name of what was wrong. */
export interface Answer {
  readonly digest?: string | undefined
  readonly size?: number | undefined
  readonly names?: ReadonlyArray<string> | undefined
  /** The number of the commit, when there was one. */
  readonly revision?: number | undefined
  readonly refused?: string | undefined
  readonly message?: string | undefined
}
