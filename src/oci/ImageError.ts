/** What can be wrong with a layer, or with a path inside an image. */
import { Schema } from "effect"
import { named, quoted, sentence } from "./quoted.ts"

/** A layer is no tar, its compression is broken, or it is not the one that the image's config names. */
export class LayerInvalid extends Schema.TaggedError<LayerInvalid>()("LayerInvalid", {
  code: Schema.tag("LAYER_INVALID"),
  digest: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `layer ${named(this.digest)} cannot be read: ${sentence(this.reason)}`
  }
}

/** A layer of a type that is no tar, or an encrypted one. */
export class LayerUnsupported extends Schema.TaggedError<LayerUnsupported>()("LayerUnsupported", {
  code: Schema.tag("UNSUPPORTED"),
  digest: Schema.String,
  mediaType: Schema.String
}) {
  override get message(): string {
    const why = this.mediaType.includes("+encrypted") ? "it is encrypted" : "its type is no layer of files"
    return `layer ${named(this.digest)} of type ${quoted(this.mediaType)} cannot be read: ${why}`
  }
}

/** A path that an image does not have, or that is not what was asked for. */
export class PathUnknown extends Schema.TaggedError<PathUnknown>()("PathUnknown", {
  code: Schema.tag("PATH_UNKNOWN"),
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.path)} in the image ${sentence(this.reason)}`
  }
}
