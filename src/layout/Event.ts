/** What has happened to a layout. Events are facts: applying one never fails, and each can be taken back. */
import { Schema } from "effect"
import { ContentDigest } from "../oci/Digest.ts"

/**
 * Names one entry of the index exactly: its `org.opencontainers.image.ref.name` as written, or none, its digest as
 * written, and, among entries that share both, its place from 0 in index order.
 */
const key = {
  refName: Schema.optionalKey(Schema.String),
  digest: Schema.String,
  occurrence: Schema.Natural
}

/** An entry was written at the end of the index. */
export class EntryAdded extends Schema.TaggedClass<EntryAdded>()("EntryAdded", {
  value: Schema.Json
}) {}

/** An entry was taken out of the index; `value` is what it was. */
export class EntryRemoved extends Schema.TaggedClass<EntryRemoved>()("EntryRemoved", {
  ...key,
  value: Schema.Json
}) {}

/** An entry was rewritten where it stood: a tag moved, or a manifest lost or got a name. */
export class EntryReplaced extends Schema.TaggedClass<EntryReplaced>()("EntryReplaced", {
  ...key,
  from: Schema.Json,
  to: Schema.Json
}) {}

/** A note: a blob was removed from `blobs/`. It changes no index, and what it removed does not come back. */
export class BlobDeleted extends Schema.TaggedClass<BlobDeleted>()("BlobDeleted", {
  digest: ContentDigest
}) {}

/**
 * A note: a blob that nothing needed was taken away as garbage, unless it was pushed at that very moment. It can be put
 * back for a day. It changes no index.
 */
export class BlobCollected extends Schema.TaggedClass<BlobCollected>()("BlobCollected", {
  digest: ContentDigest
}) {}

/** What a commit changed: entries of the index that came, went or were replaced, and blobs that were deleted. */
export const Event = Schema.Union([BlobCollected, BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced]).pipe(
  Schema.toTaggedUnion("_tag")
)
export type Event = typeof Event.Type

/** Whether an event tells of content that is gone, and changes no index. */
export const isNote = (event: Event): event is BlobCollected | BlobDeleted =>
  event._tag === "BlobCollected" || event._tag === "BlobDeleted"
