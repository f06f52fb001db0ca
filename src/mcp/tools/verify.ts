/** The tool that looks for everything that is wrong. */
import { Effect, Schema, Stream } from "effect"
import { field } from "../../oci/field.ts"
import type { Finding, Severity } from "../../ops/api/findings.ts"
import type { Level, VerifyOptions } from "../../ops/api/Maintenance.ts"
import { scopeOf } from "../../ops/verify/scopeOf.ts"
import { Allowance, clean, withShortDigests } from "../tool/display.ts"
import * as p from "../tool/parameters.ts"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import { invalidArgument } from "../tool/SurfaceError.ts"
import { type Call, defineTool } from "../tool/Tool.ts"

const Problem = Schema.Struct({
  code: Schema.String,
  severity: Schema.Literals(["error", "warning", "info"]),
  path: Schema.String,
  digest: p.optional(Schema.String),
  message: Schema.String,
  needed_by: p.optional(p.strings),
  repair: Schema.Struct({ by: Schema.Literals(["repair", "source", "person"]), how: Schema.String })
})

export const level = p.choice("links: everything named is there, of its size; content: and every byte is right", [
  "links",
  "content"
], "content")

export const verify = defineTool({
  name: "oci_verify",
  toolset: "read",
  title: "Verify content",
  description:
    "Checks that what a reference, a repository or the whole layout needs is present and undamaged. level links checks that every referenced manifest and blob exists with the right size; level content also re-hashes every byte. Without ref and repository it also checks the index, names, modes and leftovers. Reports progress and can be cancelled. Returns at most limit problems, errors first, and the total; ok is false when one is an error. repair.by is repair, source (a repair from another layout) or person.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.optional(p.text("Check only this reference")),
    repository: p.optional(p.repository),
    level,
    sparse: p.flag("Missing content is absent on purpose: info"),
    limit: p.integer("Problems to return", { minimum: 1, maximum: 500, default: 10 })
  }),
  output: Schema.Struct({
    ok: Schema.Boolean,
    manifests: Schema.Natural,
    blobs: Schema.Natural,
    bytes: Schema.Natural,
    problems: Schema.Array(Problem),
    problems_total: Schema.Natural
  }),
  run: Effect.fn("oci_verify")(function*({ level, limit, ref, repository, sparse }, { layout, progress }) {
    if (ref !== undefined && repository !== undefined) {
      return yield* invalidArgument("give ref or repository, not both: a ref names its repository")
    }
    const scope = ref === undefined ? { repository } : yield* scopeOf(layout, ref)
    const found = yield* gather(layout, { ...scope, level, sparse }, { limit, progress })
    const { checked: { blobs, bytes, manifests }, total } = found
    return {
      ok: found.findings.every(({ severity }) => severity !== "error"),
      manifests,
      blobs,
      bytes,
      problems: new Allowance().take(found.findings.map(problemOf)),
      problems_total: total
    }
  })
})

/** The findings that are worth most, at most `limit` of them, and how many there are. */
const gather = Effect.fnUntraced(function*(
  { registry }: ServedLayout,
  options: VerifyOptions & { readonly level: Level },
  { limit, progress }: { readonly limit: number; readonly progress: Call["progress"] }
) {
  const kept: Record<Severity, Array<Finding>> = { error: [], warning: [], info: [] }
  let total = 0
  let checked = { manifests: 0, blobs: 0, bytes: 0 }
  yield* Stream.runForEach(registry.verify(options), (step) => {
    if (step._tag === "Found") {
      total++
      const alike = kept[step.finding.severity]
      if (alike.length < limit) alike.push(step.finding)
      return Effect.void
    }
    checked = step
    const { blobs, bytes, manifests } = step
    return progress({
      progress: bytes,
      ...field("total", step.total),
      message: `${manifests} manifests and ${blobs} blobs`
    })
  })
  return { findings: [...kept.error, ...kept.warning, ...kept.info].slice(0, limit), total, checked }
})

const problemOf = ({ affected, code, digest, message, neededBy, path, repair, severity }: Finding) => {
  const needing = [...affected, ...neededBy].map((name) => withShortDigests(clean(name)))
  return {
    code,
    severity,
    path: clean(path),
    ...(digest === undefined ? {} : { digest: clean(digest) }),
    message: withShortDigests(clean(message)),
    ...(needing.length === 0 ? {} : { needed_by: needing }),
    repair
  }
}
