/** The events of one decision, with who asked for them and when. */
import { Schema } from "effect"
import { Event } from "./Event.ts"

/** Lines and commits are numbered up to here: a generation has 15 digits. */
export const highestRevision = 999_999_999_999_999

export const Revision = Schema.Natural.check(Schema.isLessThanOrEqualTo(highestRevision))

/** A commit of a layout as the journal has it: its number, when and by whom, and what it changed. */
export const Commit = Schema.Struct({
  /** Its number, from 1 in the order in which commits happened. */
  revision: Revision,
  /** Milliseconds since 1970. */
  time: Schema.Natural,
  /** Who asked for it: `library`, `mcp:<client>`, `cli:<user>`, or `foreign` for what was done without us. */
  actor: Schema.String,
  events: Schema.Array(Event)
})
export type Commit = typeof Commit.Type

/** The actor of a commit in which no client changes anything: we put back what is ours, or write the index anew. */
export const ourselves = "ocilayout"

/** Whether a commit holds against the word of another tool, which is the commit before it. */
export const overrules = ({ actor, events }: Pick<Commit, "actor" | "events">): boolean =>
  actor === ourselves && events.length > 0
