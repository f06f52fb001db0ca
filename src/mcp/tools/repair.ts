/** The tool that puts right what `oci_verify` finds. */
import { Effect, Option, Schema } from "effect"
import { type FindingCode, isFindingCode } from "../../ops/api/findings.ts"
import type { RepairStep } from "../../ops/api/Maintenance.ts"
import { Allowance, clean } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool } from "../tool/Tool.ts"
import { level } from "./verify.ts"

const Step = Schema.Struct({
  code: Schema.String,
  path: Schema.String,
  digest: p.optional(Schema.String),
  what: Schema.String,
  revision: p.optional(Schema.Natural)
})

export const repair = defineTool({
  name: "oci_repair",
  toolset: "maintain",
  title: "Repair a layout",
  description:
    "Puts right what is wrong with a layout, as far as that is safe: a missing oci-layout, an index that is lost or torn, names that several entries have, damaged content (moved to a quarantine), missing content (from source, if given), and what tools left behind more than a day ago. oci_verify finds it all. With dry_run, the default, it only reports. Nothing else is ever deleted. What changes the index is a commit. Content that cannot be had again stays missing, and is listed under left with the reason, like all that a person has to do.",
  hints: p.removing,
  needs: "writing",
  input: Schema.Struct({
    codes: p.optional(
      Schema.Array(Schema.String).annotate({ description: "Repair only problems of these codes; otherwise all" })
    ),
    source: p.optional(p.text("Layout to fetch missing or damaged content from: an id from oci_list_layouts")),
    level,
    dry_run: p.flag("Only report what would be done", true),
    limit: p.integer("Steps to return of each kind", { minimum: 1, maximum: 500, default: 20 })
  }),
  output: Schema.Struct({
    dry_run: Schema.Boolean,
    done: Schema.Array(Step),
    done_total: Schema.Natural,
    left: Schema.Array(Step),
    left_total: Schema.Natural
  }),
  run: Effect.fn("oci_repair")(function*({ codes, dry_run, level, limit, source }, call) {
    const wanted = yield* Effect.forEach(codes ?? [], codeOf)
    const { done, left } = yield* call.layout.registry.repair({
      level,
      dryRun: dry_run,
      ...(codes === undefined ? {} : { codes: wanted }),
      ...(source === undefined ? {} : { source: (yield* sourceOf(call, source)).registry })
    })
    const half = limits.partCharacters / 2
    return {
      dry_run,
      done: new Allowance(half).take(done.slice(0, limit).map(stepOf)),
      done_total: done.length,
      left: new Allowance(half).take(left.slice(0, limit).map(stepOf)),
      left_total: left.length
    }
  })
})

const codeOf = (code: string): Effect.Effect<FindingCode, ToolError> =>
  isFindingCode(code)
    ? Effect.succeed(code)
    : Effect.fail(invalidArgument(`codes: ${clean(code, 50)} is no code of oci_verify`))

const sourceOf = ({ layout, served }: Call, id: string): Effect.Effect<ServedLayout, ToolError> => {
  const others = served.layouts.filter((other) => other.id !== layout.id)
  const found = others.find((other) => other.id === id)
  if (found !== undefined) return Effect.succeed(found)
  const known = others.length === 0
    ? "this server has no other layout"
    : `expected ${others.map(({ id }) => id).join(", ")}`
  return Effect.fail(invalidArgument(`source: ${known}`))
}

const stepOf = ({ code, digest, path, revision, what }: RepairStep) => ({
  code,
  path: clean(path),
  ...(digest === undefined ? {} : { digest: clean(digest) }),
  what: clean(what),
  ...(Option.isNone(revision) ? {} : { revision: revision.value })
})
