/** How a tool ends that does not do what it was asked. */
import { Schema } from "effect"

/** It gives up, as tools do that find something they do not expect. */
export class GivenUp extends Schema.TaggedError<GivenUp>()("GivenUp", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}
