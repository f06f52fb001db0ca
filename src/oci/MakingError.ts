/** What can be wrong with what new content is to be made of. */
import { Schema } from "effect"
import { named, quoted, sentence } from "./quoted.ts"

/** A manifest, or what it names, is not fit for what is to be made of it; nothing was stored under a name. */
export class ImageUnsuitable extends Schema.TaggedError<ImageUnsuitable>()("ImageUnsuitable", {
  code: Schema.tag("UNSUPPORTED"),
  digest: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${named(this.digest)} ${sentence(this.reason)}`
  }
}

/** A file, folder or value that was given is not fit to become content: a socket, or a file that changed meanwhile. */
export class InputUnsuitable extends Schema.TaggedError<InputUnsuitable>()("InputUnsuitable", {
  code: Schema.tag("UNSUPPORTED"),
  /** A path, or what was given. */
  input: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.input)} ${sentence(this.reason)}`
  }
}
