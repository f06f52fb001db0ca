/** What can go wrong in a call that is no failure of the registry; the codes are this surface's own. */
import { Schema } from "effect"
import type { RegistryError } from "../../oci/OciError.ts"
import { quoted, sentence } from "../../oci/quoted.ts"

/** More than may pass through a conversation. */
export class ContentTooLarge extends Schema.TaggedError<ContentTooLarge>()("ContentTooLarge", {
  code: Schema.tag("CONTENT_TOO_LARGE"),
  what: Schema.String,
  size: Schema.Number,
  limit: Schema.Number,
  unit: Schema.Literals(["bytes", "characters"])
}) {
  override get message(): string {
    return `${this.what} has ${this.size} ${this.unit}, more than the ${this.limit} that fit here`
  }
}

/** The arguments do not fit the tool's input schema, or each other. */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  code: Schema.tag("INVALID_ARGUMENT"),
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.problems.map(sentence).join("; ")
  }
}

/** A person was asked, and did not agree. */
export class Declined extends Schema.TaggedError<Declined>()("Declined", {
  code: Schema.tag("DENIED"),
  /** Otherwise there was no answer. */
  answered: Schema.Boolean
}) {
  override get message(): string {
    return this.answered
      ? "the person who was asked declined; nothing was changed"
      : "a person was asked and did not answer; nothing was changed"
  }
}

/** A resource is read whole, so it has to be small. */
export class ResourceTooLarge extends Schema.TaggedError<ResourceTooLarge>()("ResourceTooLarge", {
  code: Schema.tag("CONTENT_TOO_LARGE"),
  what: Schema.Literals(["content", "tags", "referrers"]),
  /** In bytes; of lists, of what was gathered until it was too much. */
  size: Schema.Number,
  limit: Schema.Number
}) {
  override get message(): string {
    const what = this.what === "content" ? "the content has" : `the list of ${this.what} has at least`
    return `${what} ${this.size} bytes, more than the ${this.limit} of a resource`
  }
}

/** The URI names nothing that this server has. */
export class ResourceUnknown extends Schema.TaggedError<ResourceUnknown>()("ResourceUnknown", {
  code: Schema.tag("RESOURCE_UNKNOWN"),
  uri: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `there is no resource ${quoted(this.uri)}: ${sentence(this.reason)}`
  }
}

/** What a call of a tool can fail with beside the errors of a registry. */
export type SurfaceError = ContentTooLarge | Declined | InvalidArgument | ResourceTooLarge | ResourceUnknown

/** Everything a tool can fail with. */
export type ToolError = RegistryError | SurfaceError

/** Two arguments that do not go together, or one that is missing because of another. */
export const invalidArgument = (problem: string): InvalidArgument => new InvalidArgument({ problems: [problem] })
