/** verify, repair. */
import { Effect, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { field } from "../../oci/field.ts"
import { named } from "../../oci/quoted.ts"
import { type Finding, type FindingCode, isFindingCode } from "../../ops/api/findings.ts"
import type { RepairStep, VerifyOptions } from "../../ops/api/Maintenance.ts"
import { scopeOf } from "../../ops/verify/scopeOf.ts"
import { described } from "../described.ts"
import { exitCodes } from "../exitCodes.ts"
import { Ended, type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, answers, report } from "../output.ts"
import { locate, locateDamaged, type Target, withoutName } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import type { Screen } from "../terminal/Screen.ts"
import { styled } from "../terminal/style.ts"
import { counted, sizeOf } from "../terminal/units.ts"
import { dryRun } from "./manifest.ts"

const level = Flag.Literals("level", ["links", "content"]).pipe(
  Flag.withMetavar("LEVEL"),
  Flag.withDescription("links: all that is named is there, of its size; content (default): and every byte is right"),
  Flag.withDefault("content" as const)
)

export const Verified = Schema.Union([
  Schema.Struct({
    code: Schema.String,
    severity: Schema.Literals(["error", "warning", "info"]),
    path: Schema.String,
    digest: Schema.optionalKey(Schema.String),
    message: Schema.String,
    /** Entries that reach it, and manifests that name it. */
    needed_by: Schema.Array(Schema.String),
    repair: Schema.Struct({ by: Schema.Literals(["repair", "source", "person"]), how: Schema.String })
  }),
  /** The last line. */
  Schema.Struct({
    ok: Schema.Boolean,
    manifests: Schema.Natural,
    blobs: Schema.Natural,
    bytes: Schema.Natural,
    errors: Schema.Natural,
    warnings: Schema.Natural
  })
])
type Verified = typeof Verified.Type

const problemOf = ({ affected, code, digest, message, neededBy, path, repair, severity }: Finding): Verified => ({
  code,
  severity,
  path,
  ...field("digest", digest),
  message,
  needed_by: [...affected, ...neededBy],
  repair
})

const colours = { error: "red", warning: "yellow", info: "dim" } as const
const ways = {
  repair: "ocilayout repair would",
  source: "ocilayout repair --source DIR would",
  person: "to do"
} as const

const verifiedLines = (found: Verified, screen: Screen): string => {
  if ("ok" in found) {
    const { blobs, bytes, errors, manifests, ok, warnings } = found
    const verdict = ok ? styled(screen, "green", "ok") : styled(screen, "red", counted(errors, "error"))
    const more = warnings === 0 ? "" : `, ${counted(warnings, "warning")}`
    return `${verdict}${more}: ${counted(manifests, "manifest")} and ${counted(blobs, "other blob")}, ${sizeOf(bytes)}`
  }
  const { code, message, needed_by, path, repair, severity } = found
  return [
    `${styled(screen, colours[severity], severity)}  ${code}  ${named(path)}`,
    `  ${message}`,
    ...(needed_by.length === 0 ? [] : [`  needed by ${needed_by.map(named).join(", ")}`]),
    `  ${ways[repair.by]}: ${repair.how}`
  ].join("\n")
}

/** What is to be verified. */
const scopeIn = (target: Target): Effect.Effect<VerifyOptions, Failure> => {
  const { name } = target
  if (name === undefined) return Effect.succeed({})
  return /[:@]/u.test(name) ? scopeOf(target, name) : Effect.succeed({ repository: name })
}

export const verify = Command.make("verify", {
  target: f.target,
  level,
  sparse: f.off("sparse", "Take content that is absent for absent on purpose: tell of it, and let it be no error"),
  where: f.where,
  wanted: f.wanted
}, ({ level, sparse, target, wanted, where }) =>
  answers(
    { schema: Verified, show: verifiedLines },
    wanted,
    Stream.unwrap(Effect.gen(function*() {
      const opened = yield* locateDamaged(where, target)
      const show = yield* progressOf("verifying")
      const counts = { error: 0, warning: 0, info: 0 }
      let checked = { manifests: 0, blobs: 0, bytes: 0 }
      const found = opened.registry.verify({ ...(yield* scopeIn(opened)), level, sparse }).pipe(
        Stream.mapEffect((step): Effect.Effect<ReadonlyArray<Verified>> => {
          if (step._tag === "Found") {
            counts[step.finding.severity]++
            return Effect.succeed([problemOf(step.finding)])
          }
          const { blobs, bytes, manifests, total } = step
          checked = { manifests, blobs, bytes }
          return Effect.as(show({ bytes, total, note: counted(manifests + blobs, "blob") }), [])
        }),
        Stream.flattenIterable
      )
      const end = Stream.suspend(() => {
        const last: Verified = { ok: counts.error === 0, ...checked, errors: counts.error, warnings: counts.warning }
        return Stream.concat(
          Stream.succeed(last),
          counts.error === 0 ? Stream.empty : Stream.fail(new Ended(exitCodes.damaged))
        )
      })
      return Stream.concat(found, end)
    }))
  )).pipe(
    described(
      "Look for everything that is wrong",
      "Of a layout, a repository or what one reference needs. Ends with exit code 5 where something is an error.",
      [
        ["verify ./images", "Every byte of a layout"],
        ["verify ./images/example/app:latest --level links", "Whether all that an image needs is there"]
      ]
    )
  )

const Step = Schema.Struct({
  code: Schema.String,
  path: Schema.String,
  digest: Schema.optionalKey(Schema.String),
  /** What was, or would be, done; or why nothing was. */
  what: Schema.String,
  revision: Schema.optionalKey(Schema.Natural)
})

export const Repaired = Schema.Struct({
  dry_run: Schema.Boolean,
  done: Schema.Array(Step),
  left: Schema.Array(Step)
})

const repaired: Answer<typeof Repaired.Type> = {
  schema: Repaired,
  show: ({ done, dry_run, left }, screen) => {
    const line = ({ code, path, what }: typeof Step.Type): string => `  ${code}  ${named(path)}: ${what}`
    return [
      ...(done.length === 0 ? [] : [styled(screen, "green", dry_run ? "would be done" : "done"), ...done.map(line)]),
      ...(left.length === 0 ? [] : [styled(screen, "yellow", "left"), ...left.map(line)]),
      ...(done.length + left.length === 0 ? ["nothing to repair"] : [])
    ].join("\n")
  }
}

const stepOf = ({ code, digest, path, revision, what }: RepairStep): typeof Step.Type => ({
  code,
  path,
  ...field("digest", digest),
  what,
  ...field("revision", revision)
})

const codeOf = (code: string): Effect.Effect<FindingCode, Mistake> =>
  isFindingCode(code)
    ? Effect.succeed(code)
    : Effect.fail(new Mistake(`--code ${named(code)}: no such code; ocilayout verify shows those that were found`))

export const repair = Command.make("repair", {
  layout: f.layout,
  codes: f.several("code", "CODE", "Only problems of this code; repeat for several"),
  source: f.text("source", "DIR", "A layout to fetch missing and damaged content from"),
  level,
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ codes, dryRun, layout, level, source, wanted, where }) =>
  report(
    repaired,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const { registry } = yield* withoutName(yield* locateDamaged(where, layout))
      const other = Option.isNone(source) ? undefined : yield* locate({ ...where, layout: Option.none() }, source)
      const chosen = yield* Effect.forEach(codes, codeOf)
      const { done, left } = yield* registry.repair({
        level,
        dryRun,
        ...(chosen.length === 0 ? {} : { codes: chosen }),
        ...(other === undefined ? {} : { source: other.registry })
      })
      return { dry_run: dryRun, done: done.map(stepOf), left: left.map(stepOf) }
    })
  )).pipe(
    described(
      "Put right what verify finds",
      "As far as that is safe: nothing is deleted but leftovers of more than a day; damaged content is moved to a " +
        "quarantine; what changes the index is a commit and can be taken back.",
      [
        ["repair ./images --dry-run", "What would be done"],
        ["repair ./images --source /mnt/mirror", "Fetch what is missing or damaged from another layout"]
      ]
    )
  )
