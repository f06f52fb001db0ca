/** history, watch, revert, restore. */
import { DateTime, Effect, Option, Schema, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import type { NameChange } from "../../layout/changes.ts"
import { field } from "../../oci/field.ts"
import { named } from "../../oci/quoted.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { knownCommits } from "../../ops/history/knownCommits.ts"
import { parsePoint } from "../../ops/refs/parsePoint.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { keepTended } from "../keepTended.ts"
import { type Answer, answer, answers, report } from "../output.ts"
import { scopeOf } from "../scope.ts"
import { locate } from "../target.ts"
import type { Screen } from "../terminal/Screen.ts"
import { styled } from "../terminal/style.ts"
import { ageOf, shortOf } from "../terminal/units.ts"
import { BuildStep, shownSteps, stepsOf } from "./buildSteps.ts"
import { platform } from "./insideImage.ts"
import { dryRun } from "./manifest.ts"

const Change = Schema.Struct({
  repository: Schema.optionalKey(Schema.String),
  tag: Schema.optionalKey(Schema.String),
  /** The name of an entry that fits no repository. */
  name: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String),
  to: Schema.optionalKey(Schema.String)
})

export const Commit = Schema.Struct({
  revision: Schema.Natural,
  /** ISO 8601. */
  time: Schema.String,
  actor: Schema.String,
  changes: Schema.Array(Change),
  /** A change of another tool that is not in the journal yet. */
  pending: Schema.optionalKey(Schema.Literal(true))
})
type Commit = typeof Commit.Type

const changeOf = ({ from, refName, repository, tag, to }: NameChange): typeof Change.Type => ({
  ...field("repository", repository),
  ...field("tag", tag),
  ...field("name", refName),
  ...field("from", from),
  ...field("to", to)
})

const commitOf = ({ actor, changes, pending, revision, time }: HistoryCommit): Commit => ({
  revision,
  time: DateTime.formatIso(time),
  actor,
  changes: changes.map(changeOf),
  ...field("pending", pending)
})

const subjectOf = ({ name, repository, tag }: typeof Change.Type): string => {
  if (repository === undefined) return name === undefined ? "blob" : named(name)
  return `${repository}:${tag}`
}

const changeLine = (change: typeof Change.Type): string => {
  const { from, repository, tag, to } = change
  if (repository !== undefined && tag === undefined) {
    // A manifest that left may well still be there, by a tag that it got.
    return [
      ...(from === undefined ? [] : [`${repository} no longer lists ${shortOf(from)} without a tag`]),
      ...(to === undefined ? [] : [`${repository} lists ${shortOf(to)} without a tag`])
    ].join(", ")
  }
  const subject = subjectOf(change)
  if (from === undefined) return `${subject} is ${shortOf(to ?? "")}`
  return to === undefined
    ? `${subject} is gone, was ${shortOf(from)}`
    : `${subject} is ${shortOf(to)}, was ${shortOf(from)}`
}

const commitLines = ({ actor, changes, pending, revision, time }: Commit, screen: Screen): string => {
  const at = Date.parse(time)
  const state = pending === true ? "  not on record yet" : ""
  return [
    `${styled(screen, "bold", String(revision))}  ${ageOf(at, screen.now)}  ${named(actor)}${state}`,
    ...changes.map((change) => `  ${changeLine(change)}`)
  ].join("\n")
}

export const History = Schema.Struct({
  commits: Schema.Array(Commit),
  /** Where the next page begins: --before. */
  next_before: Schema.optionalKey(Schema.Natural),
  /** Why there is no more, where that is not the beginning. */
  incomplete: Schema.optionalKey(Schema.String),
  /** How the image was built, with --build; base first. */
  steps: Schema.optionalKey(Schema.Array(BuildStep))
})

const shown: Answer<typeof History.Type> = {
  schema: History,
  show: ({ commits, incomplete, next_before, steps }, screen) =>
    [
      ...(steps === undefined ? [] : [shownSteps(screen, steps)]),
      ...commits.map((commit) => commitLines(commit, screen)),
      ...(next_before === undefined ? [] : [styled(screen, "dim", `more with --before ${next_before}`)]),
      ...(incomplete === undefined ? [] : [styled(screen, "yellow", incomplete)])
    ].join("\n")
}

export const history = Command.make("history", {
  target: f.target,
  actor: f.text("actor", "NAME", "Only commits of this actor: cli:alice, mcp:claude, foreign"),
  since: f.text("since", "TIME", "Nothing older than this"),
  limit: f.count("limit", "NUMBER", "At most so many commits; 20 by default, 0 for all"),
  before: f.count("before", "REVISION", "Only what comes before this revision"),
  build: f.off("build", "Of an image, how it was built: the steps, and what each has changed"),
  platform,
  where: f.where,
  wanted: f.wanted
}, ({ actor, before, build, limit, platform, since, target, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      if (build) return { commits: [], steps: yield* stepsOf(where, target, platform) }
      const opened = yield* locate(where, target)
      const scope = yield* Effect.fromResult(scopeOf(opened))
      const time = Option.isNone(since) ? undefined : yield* Effect.fromResult(parsePoint(since.value))
      if (time !== undefined && !("time" in time)) return yield* Effect.fail(new Mistake("--since takes a time"))
      const count = Option.getOrElse(limit, () => 20)
      const { commits: found, damage } = yield* knownCommits(opened.registry.history({
        ...scope,
        actor: Option.getOrUndefined(actor),
        since: time?.time,
        before: Option.getOrUndefined(before),
        limit: count === 0 ? undefined : count + 1
      }))
      const commits = count === 0 ? found : found.slice(0, count)
      const last = commits.at(-1)
      if (last === undefined && damage !== undefined) return yield* damage
      const more = found.length > commits.length
      return {
        commits: commits.map(commitOf),
        ...field("next_before", more ? last?.revision : undefined),
        ...field("incomplete", more ? undefined : damage?.message)
      }
    })
  )).pipe(
    described("List what was done", "Newest first: when, by whom, and what each name was before and after.", [
      ["history ./images", "Of a whole layout"],
      ["history ./images/example/app:latest", "Of one tag"],
      ["history ./images/example/app:v1 --build", "How an image was built"],
      ["history ./images --actor foreign --since 2026-11-01", "What other tools did"]
    ])
  )

export const watch = Command.make("watch", {
  target: f.target,
  after: f.count("after", "REVISION", "The last revision that is known already; by default all that there are"),
  where: f.where,
  wanted: f.wanted
}, ({ after, target, wanted, where }) =>
  answers(
    { schema: Commit, show: commitLines },
    wanted,
    Stream.unwrap(Effect.gen(function*() {
      const opened = yield* locate(where, target)
      const { repository, tag } = yield* Effect.fromResult(scopeOf(opened))
      // Who watches sees what other tools overwrite first, and puts back what was acknowledged.
      yield* keepTended(opened.registry, { repository })
      const commits = opened.registry.watch({ repository, after: Option.getOrUndefined(after) })
      return commits.pipe(
        Stream.filter(({ changes }) => tag === undefined || changes.some((change) => change.tag === tag)),
        Stream.map(commitOf)
      )
    }))
  )).pipe(
    described("Print what is done, as it happens", "By any program; with --json a commit on each line.", [
      ["watch ./images", "Until it is interrupted"],
      ["watch ./images/example/app --after 120 --json", "From a revision on, for scripts"]
    ])
  )

export const Restored = Schema.Struct({
  /** Of the new commit; absent where there was nothing to do, or nothing was done yet. */
  revision: Schema.optionalKey(Schema.Natural),
  changes: Schema.Array(Change),
  dry_run: Schema.Boolean
})

const restored: Answer<typeof Restored.Type> = {
  schema: Restored,
  show: ({ changes, dry_run, revision }) =>
    changes.length === 0 ? "there is nothing to change" : [
      dry_run ? "would make a commit:" : `revision ${revision}:`,
      ...changes.map((change) => `  ${changeLine(change)}`)
    ].join("\n")
}

export const revert = Command.make("revert", {
  revision: Argument.Int("revision").pipe(
    Argument.withMetavar("revision"),
    Argument.withDescription("The commit to take back, as ocilayout history lists it")
  ),
  target: f.target,
  force: f.off("force", "Although later commits have changed the same names"),
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, force, revision, target, wanted, where }) =>
  report(
    restored,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const opened = yield* locate(where, target)
      const { repository } = yield* Effect.fromResult(scopeOf(opened))
      const { changes, revision: made } = yield* opened.registry.revert(revision, {
        force,
        dryRun,
        // In a layout that is shared a commit is what it is; a tree has to be told whose.
        repository: opened.perRepository ? repository : undefined
      })
      return { ...field("revision", made), changes: changes.map(changeOf), dry_run: dryRun }
    })
  )).pipe(
    described(
      "Take a commit back",
      "By a new commit that makes each name it changed what it was before. Refused where later commits changed them again.",
      [
        ["revert 12 ./images", "Take revision 12 back"],
        ["revert 12 ./images --dry-run", "What that would change"]
      ]
    )
  )

export const restore = Command.make("restore", {
  target: f.target,
  to: f.required("to", "POINT", "A revision, a time, or of a tag -N for its Nth previous value (--to=-1)"),
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, target, to, wanted, where }) =>
  report(
    restored,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const opened = yield* locate(where, target)
      const { repository, tag } = yield* Effect.fromResult(scopeOf(opened))
      const of = repository === undefined || tag === undefined ? undefined : { repository, tag }
      const point = yield* Effect.fromResult(parsePoint(to, of))
      const { changes, revision } = yield* opened.registry.restore({ to: point, repository, tag, dryRun })
      return { ...field("revision", revision), changes: changes.map(changeOf), dry_run: dryRun }
    })
  )).pipe(
    described(
      "Bring an earlier state back",
      "Of a tag, a repository or the whole layout, by a new commit: what was done since stays in the history.",
      [
        ["restore ./images/example/app:latest --to=-1", "What the tag was before it was moved"],
        ["restore ./images --to 2026-11-24T18:00:00Z --dry-run", "What it would take to go back to a time"]
      ]
    )
  )
