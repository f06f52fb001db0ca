/** What changes of a registry did. */
import type { Option } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Digest } from "../../oci/Digest.ts"
import type { Tag } from "../../oci/Reference.ts"

/** What storing a blob did. */
export interface BlobPushed {
  readonly descriptor: Descriptor
  /** Whether it was there already. */
  readonly existed: boolean
}

/** A tag that was created or moved. */
export interface TagMoved {
  readonly tag: Tag
  /** What it pointed at before; absent when the tag is new. */
  readonly from?: Digest
}

/** What storing or tagging a manifest did. */
export interface ManifestPushed {
  readonly descriptor: Descriptor
  /** The manifest this one refers to. */
  readonly subject?: Digest
  /** Whether the repository had the manifest already. */
  readonly existed: boolean
  /** The tags that were created or moved; those that pointed here already are left out. */
  readonly moved: ReadonlyArray<TagMoved>
  /** The number of the commit; none when nothing changed. */
  readonly revision: Option.Option<number>
}

/** What removing a tag did. Without a revision nothing changed. */
export interface TagDeleted {
  /** What the tag pointed at. */
  readonly digest: Digest
  readonly revision: Option.Option<number>
}

/** What removing a manifest did: the tags that went with it. Without a revision nothing changed. */
export interface ManifestDeleted {
  readonly tags: ReadonlyArray<Tag>
  readonly revision: Option.Option<number>
}

/** What one part of a batch did. */
export interface ChangeDone {
  /** Of what was pushed or tagged, or what a deleted tag pointed at before the batch, as far as that is known. */
  readonly descriptor?: Descriptor
  /** Whether the repository had the manifest before the batch. */
  readonly existed: boolean
  /** The tags that the batch as a whole created or moved; a deleted one is not among them. */
  readonly moved: ReadonlyArray<TagMoved>
}

/** What a batch did. */
export interface BatchDone {
  /** One for each change, in their order. */
  readonly changes: ReadonlyArray<ChangeDone>
  /** The number of the commit; none when nothing changed. */
  readonly revision: Option.Option<number>
}
