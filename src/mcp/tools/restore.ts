/** Takes changes back: of one tag at once, of more in two calls, the first of which only shows what the second does. */
import { Effect, Option, Schema } from "effect"
import type { NameChange } from "../../layout/changes.ts"
import type { RestoreOptions } from "../../ops/api/History.ts"
import { parsePoint } from "../../ops/refs/parsePoint.ts"
import { Allowance } from "../tool/display.ts"
import * as p from "../tool/parameters.ts"
import { makePreviews, type Previews } from "../tool/previews.ts"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool, type MakeTool, type ToolSpec } from "../tool/Tool.ts"
import { shownChange } from "./history.ts"

const Restored = Schema.Struct({
  to_revision: p.optional(Schema.Natural),
  revision: p.optional(Schema.Natural),
  done: Schema.Boolean,
  token: p.optional(Schema.String),
  expires: p.optional(Schema.String),
  events: Schema.Array(p.Change),
  omitted: p.optional(Schema.Natural)
})
type Restored = typeof Restored.Type

interface Request {
  readonly undo?: number
  readonly to?: string
  readonly repository?: string
  readonly tag?: string
  readonly force: boolean
  readonly dry_run: boolean
  readonly token?: string
}

const restoring = (previews: Previews): ToolSpec<Request, Restored> => ({
  name: "oci_restore",
  toolset: "delete",
  title: "Take changes back",
  description:
    "Takes changes back, by a new change; the history loses nothing. undo takes back one commit of oci_history: each name it changed points again where it did before; refused where a name was changed again since, unless force. to makes a tag (with repository and tag), a repository or the whole layout what it was at a revision or time, or a tag what it was N moves ago; to_revision tells which revision that is. What reaches further than one tag takes two calls: the first only reports and gives a token, the second has the same arguments and token. Refused when content is gone.",
  hints: { readOnly: false, destructive: true, idempotent: false },
  needs: "writing",
  input: Schema.Struct({
    undo: p.optional(p.bytes("Revision to take back")),
    to: p.optional(p.text("Revision or ISO time to go back to; -N with tag")),
    repository: p.optional(p.repository),
    tag: p.optional(p.text("With to: only this tag of the repository")),
    force: p.flag("With undo: also names that were changed again since"),
    dry_run: p.flag("Only report what would change"),
    token: p.optional(p.text("token of the same call before: do it"))
  }),
  output: Restored,
  run: Effect.fn("oci_restore")(function*(request, call) {
    yield* checked(request)
    const change = yield* changeOf(call.layout, request)
    const { changes, target } = yield* change({ dryRun: true })
    const asked = JSON.stringify([call.layout.id, request.undo, target, request.repository, request.tag, request.force])
    const { dry_run, tag, token } = request
    const shown = token === undefined ? undefined : yield* previews.find(token, asked)
    const isSmall = tag !== undefined || request.undo !== undefined && reach(changes) <= 1
    const head = target === undefined ? {} : { to_revision: target }
    if (dry_run || !isSmall && shown === undefined && changes.length > 0) {
      const kept = isSmall || changes.length === 0 ? {} : yield* previews.keep(asked, changes)
      return { ...head, done: false, ...kept, ...shortened(changes) }
    }
    if (!isSmall && changes.length > 0) yield* call.confirm(questionOf(call, request, target, changes))
    const done = yield* change({ expected: shown, target })
    if (token !== undefined) previews.useUp(token)
    return {
      ...head,
      ...Option.match(done.revision, { onNone: () => ({}), onSome: (revision) => ({ revision }) }),
      done: true,
      ...shortened(done.changes)
    }
  })
})

export const restore: MakeTool = (served) => defineTool(restoring(makePreviews()))(served)

const checked = ({ force, repository, tag, to, undo }: Request): Effect.Effect<void, ToolError> => {
  if ((undo === undefined) === (to === undefined)) {
    return Effect.fail(
      invalidArgument("undo, to: give one of them, a revision to take back or a point to go back to")
    )
  }
  if (tag !== undefined && (repository === undefined || to === undefined)) {
    return Effect.fail(invalidArgument("tag: goes with repository and to"))
  }
  return force && undo === undefined ? Effect.fail(invalidArgument("force: goes with undo")) : Effect.void
}

interface How extends RestoreOptions {
  /** What `to` turned out to mean: by the time it is done, the same words could mean another revision. */
  readonly target?: number | undefined
}

/** What is asked for, to be looked at and to be done. */
const changeOf = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  { force, repository, tag, to = "", undo }: Request
) {
  if (undo !== undefined) return (how: How) => registry.revert(undo, { repository, force, ...how })
  const of = repository === undefined || tag === undefined ? undefined : { repository, tag }
  const point = yield* Effect.fromResult(parsePoint(to, of))
  return ({ target, ...how }: How) =>
    registry.restore({ to: target === undefined ? point : { revision: target }, repository, tag, ...how })
})

/** How many names lose or get a manifest. What a tag leaves stays in the repository without it, and is no other name. */
const reach = (changes: ReadonlyArray<NameChange>): number => {
  const named = changes.filter(({ refName, tag }) => tag !== undefined || refName !== undefined)
  const carried = new Set(named.flatMap(({ from, repository, to }) => [`${repository}@${from}`, `${repository}@${to}`]))
  const alone = changes
    .filter(({ refName, tag }) => tag === undefined && refName === undefined)
    .map(({ from, repository, to }) => `${repository}@${from ?? to}`)
    .filter((untagged) => !carried.has(untagged))
  return new Set([...named.map(({ refName, repository, tag }) => refName ?? `${repository}:${tag}`), ...alone]).size
}

const questionOf = (
  { layout: { id, perRepository } }: Call,
  { repository, undo }: Request,
  target: number | undefined,
  changes: ReadonlyArray<NameChange>
): string => {
  // In a shared layout a commit is what it is, and taken back as a whole.
  const isWhole = repository === undefined || undo !== undefined && !perRepository
  const where = isWhole ? `layout ${id}` : `repository ${repository} of layout ${id}`
  const what = undo === undefined
    ? `Make ${where} what it was at revision ${target}`
    : `Take revision ${undo} of ${where} back`
  const gone = changes.filter(({ tag, to }) => tag !== undefined && to === undefined).length
  return `${what}: ${changes.length} changes, by which ${gone} tags go away? oci_restore takes it back.`
}

const shortened = (changes: ReadonlyArray<NameChange>) => {
  const all = changes.map(shownChange)
  const events = new Allowance().take(all)
  return { events, ...(events.length < all.length ? { omitted: all.length - events.length } : {}) }
}
