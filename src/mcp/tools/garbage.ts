/** Frees space: shows what is not needed, and removes it where the server allows that. */
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { isDigest, shortDigest } from "../../oci/Digest.ts"
import type { GarbageItem, RetentionRule } from "../../ops/api/Garbage.ts"
import { Allowance, clean, withShortDigests } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import type { Mode, ServedLayout } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool, type MakeTool, type ToolSpec } from "../tool/Tool.ts"

const Item = Schema.Struct({ name: Schema.String, bytes: Schema.Natural, why: Schema.String })
const Reason = Schema.Struct({ why: Schema.String, things: Schema.Natural, bytes: Schema.Natural })

const Collected = Schema.Struct({
  done: Schema.Boolean,
  plan: p.optional(Schema.String),
  expires: p.optional(Schema.String),
  tags: Schema.Natural,
  manifests: Schema.Natural,
  blobs: Schema.Natural,
  uploads: Schema.Natural,
  files: Schema.Natural,
  bytes: Schema.Natural,
  examples: Schema.Array(Item),
  kept: Schema.Array(Reason),
  kept_omitted: p.optional(Schema.Natural),
  kept_tags: p.optional(Schema.Array(Schema.Struct({ name: Schema.String, why: Schema.String }))),
  omitted: p.optional(Schema.Natural),
  trash: p.optional(Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural }))
})
type Collected = typeof Collected.Type

const looking = {
  repository: p.optional(p.repository),
  untagged: p.flag("Also manifests that no tag, index or subject keeps"),
  keep: p.optional(
    Schema.Array(Schema.Struct({
      repository: p.optional(p.text("Repositories it is about, * for any characters")),
      tag: p.optional(p.text("Tags it is about, * for any characters")),
      newest: p.optional(p.bytes("How many stay, those moved last")),
      days: p.optional(p.bytes("How long they stay"))
    })).annotate({ description: "Rules that let tags go which are outside of all they give" })
  ),
  grace_minutes: p.integer("Keep content younger than this; what was pushed within an hour stays anyway", {
    minimum: 0,
    maximum: 525_600,
    default: 1440
  }),
  undo_days: p.integer("Keep what changes of so many days need to be taken back", {
    minimum: 0,
    maximum: 3650,
    default: 7
  })
}

const now = p.optional(Schema.Boolean.annotate({ description: "Delete at once, if no other tool writes" }))

interface Request {
  readonly plan?: string
  readonly repository?: string
  readonly untagged: boolean
  readonly keep?: ReadonlyArray<{
    readonly repository?: string
    readonly tag?: string
    readonly newest?: number
    readonly days?: number
  }>
  readonly grace_minutes: number
  readonly undo_days: number
  readonly now?: boolean
}

/** Where nothing may be removed that does not come back. */
const lookOnly = (because: string): ToolSpec<Request, Collected> => ({
  name: "oci_gc",
  toolset: "maintain",
  title: "Look for garbage",
  description:
    `Reports what could be freed and why: blobs that no manifest needs, expired uploads, files that tools left behind and, with untagged or keep, manifests and tags; and what stays, by reason, with its size. Nothing can be removed, since this server was started ${because}.`,
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct(looking),
  output: Collected,
  run: Effect.fn("oci_gc")((request, { layout }) => look(layout, request, false))
})

const collecting: ToolSpec<Request, Collected> = {
  name: "oci_gc",
  toolset: "maintain",
  title: "Collect garbage",
  description:
    "Frees space. Without plan it only reports what could go and why (blobs that no manifest needs, expired uploads, files that tools left behind and, with untagged or keep, manifests and tags) and what stays, by reason, and returns a plan that holds for an hour. Called again with that plan it removes what is on it and may still go, and nothing else. Content is deleted a day later (trash); undo_days 0 also frees what oci_restore could need.",
  hints: p.removing,
  needs: "nothing",
  // A hash of the plan: it cannot be guessed, and what it names cannot have been exchanged.
  input: Schema.Struct({ plan: p.optional(p.text("plan from a previous call: carry it out")), ...looking, now }),
  output: Collected,
  run: Effect.fn("oci_gc")((request, call) =>
    request.plan === undefined ? look(call.layout, request, true) : collect(call, request.plan, request.repository)
  )
}

const tools: Readonly<Record<Mode, MakeTool>> = {
  read: defineTool(lookOnly("with --read-only")),
  write: defineTool(lookOnly("without --allow-delete")),
  delete: defineTool(collecting)
}

export const collectGarbage: MakeTool = (served) => tools[served.mode](served)

const look = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  { grace_minutes, keep = [], now = false, repository, undo_days, untagged }: Request,
  isPlanned: boolean
): Effect.fn.Return<Collected, ToolError> {
  const vague = keep.findIndex(({ days, newest }) => days === undefined && newest === undefined)
  if (vague >= 0) return yield* invalidArgument(`keep[${vague}]: needs newest or days`)
  const plan = yield* registry.planGarbage({
    keep: isPlanned,
    repository,
    untagged,
    now,
    retention: keep.map(({ days, newest, repository, tag }): RetentionRule => ({
      repository,
      tag,
      newest,
      maxAge: days === undefined ? undefined : Duration.days(days)
    })),
    grace: Duration.minutes(grace_minutes),
    undoWindow: Duration.days(undo_days)
  })
  const going = plan.items.filter(({ goes }) => goes)
  return {
    done: false,
    ...Option.match(going.length === 0 ? Option.none() : plan.id, {
      onNone: () => ({}),
      onSome: (id) => ({ plan: id, expires: DateTime.formatIso(plan.expires) })
    }),
    ...summary(going, plan.items.filter(({ goes }) => !goes))
  }
})

const collect = Effect.fnUntraced(function*(
  { confirm, layout: { id, registry } }: Call,
  plan: string,
  repository: string | undefined
): Effect.fn.Return<Collected, ToolError> {
  const { bytes, ...counts } = summary(yield* registry.plannedGarbage(plan, { repository }), [])
  const going = kinds.flatMap(([kind, noun]) => counts[kind] === 0 ? [] : [`${counts[kind]} ${noun}`])
  yield* confirm(
    `Collect garbage in layout ${id}: remove ${going.join(", ")} (${bytes} bytes in all)? Content does not come back.`
  )
  const { removed, spared, trash } = yield* registry.collectGarbage(plan, { repository })
  return { done: true, ...summary(removed, spared), ...(trash.blobs === 0 ? {} : { trash }) }
})

const kinds = [
  ["tags", "tags"],
  ["manifests", "manifests"],
  ["blobs", "blobs"],
  ["uploads", "uploads"],
  ["files", "left-over files"]
] as const

const count = (items: ReadonlyArray<GarbageItem>, kind: GarbageItem["kind"]): number =>
  items.filter((item) => item.kind === kind).length

const place = ({ kind }: GarbageItem): number => kind === "tag" ? 1 : 0

/** What goes, the largest first, and what stays, by reason. */
const summary = (going: ReadonlyArray<GarbageItem>, staying: ReadonlyArray<GarbageItem>) => {
  const reasons = Map.groupBy(staying.filter(({ kind }) => kind !== "tag"), ({ why }) => why)
  const keptTags = staying.filter(({ kind }) => kind === "tag").map(({ name, why }) => ({
    name: clean(name),
    why: withShortDigests(clean(why))
  }))
  const kept = Array.from(reasons, ([why, items]) => ({
    why: withShortDigests(clean(why)),
    things: items.length,
    bytes: items.reduce((sum, { bytes }) => sum + bytes, 0)
  })).toSorted((a, b) => b.bytes - a.bytes)
  // Tags first: of all that goes they are what people know by name.
  const examples = going.toSorted((a, b) => place(b) - place(a) || b.bytes - a.bytes).map(({ bytes, name, why }) => ({
    name: isDigest(name) ? shortDigest(name) : clean(name),
    bytes,
    why: withShortDigests(clean(why))
  }))
  const allowance = new Allowance()
  const shown = {
    examples: allowance.take(examples.slice(0, limits.textEntries)),
    kept: allowance.take(kept.slice(0, limits.textEntries)),
    ...(keptTags.length === 0 ? {} : { kept_tags: allowance.take(keptTags.slice(0, limits.textEntries)) })
  }
  const omitted = examples.length - shown.examples.length + keptTags.length - (shown.kept_tags ?? []).length
  return {
    tags: count(going, "tag"),
    manifests: count(going, "manifest"),
    blobs: count(going, "blob"),
    uploads: count(going, "upload"),
    files: count(going, "file"),
    bytes: going.reduce((sum, { bytes }) => sum + bytes, 0),
    ...shown,
    ...(shown.kept.length < kept.length ? { kept_omitted: kept.length - shown.kept.length } : {}),
    ...(omitted === 0 ? {} : { omitted })
  }
}
