/** The tool for what happened, and how changes are shown. */
import { DateTime, Effect, Schema } from "effect"
import type { NameChange } from "../../layout/changes.ts"
import { isDigest, shortDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { ReferenceInvalid } from "../../oci/OciError.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { knownCommits } from "../../ops/history/knownCommits.ts"
import { parsePoint } from "../../ops/refs/parsePoint.ts"
import { Allowance, clean, pageOf } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { defineTool } from "../tool/Tool.ts"

const Commit = Schema.Struct({
  revision: Schema.Natural,
  time: Schema.String,
  actor: Schema.String,
  events: Schema.Array(p.Change),
  omitted: p.optional(Schema.Natural)
})

export const history = defineTool({
  name: "oci_history",
  toolset: "read",
  title: "Show what happened",
  description:
    "Lists the changes of a layout, newest first: revision, time, who made it (foreign: another tool), and what each name pointed at before and after; no ref means a deleted blob, a ref without a tag an untagged manifest. Other tools take a revision as at, to read what was there then.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    repository: p.optional(p.repository),
    tag: p.optional(p.text("Only changes of this tag")),
    actor: p.optional(p.text("Only changes by this actor, as shown")),
    since: p.optional(p.text("Only changes since this ISO time")),
    // This is a revision, and need not be one that a page gave.
    before: p.optional(p.bytes("next_before of the previous page")),
    limit: p.integer("Changes per page", { minimum: 1, maximum: 200, default: 20 })
  }),
  output: Schema.Struct({
    commits: Schema.Array(Commit),
    next_before: p.optional(Schema.Natural),
    incomplete: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_history")(function*({ actor, before, limit, repository, since, tag }, { layout }) {
    const query = { actor, before, repository, tag, limit: limit + 1, since: yield* timeOf(since) }
    const { commits, damage } = yield* knownCommits(layout.registry.history(query))
    const { items, more } = pageOf(commits.map(shownCommit), limit)
    const last = items.at(-1)?.revision
    return {
      commits: items,
      ...(more && last !== undefined ? { next_before: last } : {}),
      ...(damage === undefined || more ? {} : { incomplete: damage.message })
    }
  })
})

const timeOf = (since: string | undefined): Effect.Effect<DateTime.DateTime | undefined, ReferenceInvalid> => {
  if (since === undefined) return Effect.succeed(undefined)
  return Effect.flatMap(Effect.fromResult(parsePoint(since)), (point) =>
    "time" in point
      ? Effect.succeed(point.time)
      : Effect.fail(
        new ReferenceInvalid({ input: since, expected: "a time", reason: "has to be as in 2026-11-25T20:15:00Z" })
      ))
}

const shownCommit = ({ actor, changes, revision, time }: HistoryCommit): typeof Commit.Type => {
  const all = changes.map(shownChange)
  const events = new Allowance(limits.commitCharacters).take(all)
  return {
    revision,
    time: DateTime.formatIso(time),
    actor: clean(actor, limits.clientCharacters + 8),
    events,
    ...(events.length < all.length ? { omitted: all.length - events.length } : {})
  }
}

export const shownChange = ({ from, refName, repository, tag, to }: NameChange): typeof p.Change.Type => {
  const ref = repository === undefined
    ? refName === undefined ? undefined : clean(refName)
    : tag === undefined
    ? repository
    : `${repository}:${tag}`
  return {
    ...field("ref", ref),
    ...(from === undefined ? {} : { from: shownDigest(from) }),
    ...(to === undefined ? {} : { to: shownDigest(to) })
  }
}

const shownDigest = (digest: string): string => isDigest(digest) ? shortDigest(digest) : clean(digest)
