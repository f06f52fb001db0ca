/** What could go and why, what is wrong, and doing something about it. */
import { Duration, Effect, Option, Stream } from "effect"
import * as Response from "effect/http/HttpServerResponse"
import { field } from "../../oci/field.ts"
import { findingCodes } from "../../ops/api/findings.ts"
import type { Finding, FindingCode } from "../../ops/api/findings.ts"
import type { GarbagePlan } from "../../ops/api/Garbage.ts"
import type { VerifyStep } from "../../ops/api/Maintenance.ts"
import { Refused } from "../Refused.ts"
import * as answers from "./answers.ts"
import {
  allowed,
  allowedEverywhere,
  answer,
  apiHeaders,
  type Asked,
  body,
  cut,
  denied,
  given,
  notOffered,
  numberOf,
  treeMember
} from "./Ui.ts"

/** Things that go, and reasons to stay, that are told. */
const mostItems = 5000

const looked = Effect.fnUntraced(function*(asked: Asked, keep: boolean) {
  yield* allowedEverywhere(asked, "pull")
  const undoDays = yield* numberOf(asked, "undoDays", 7, 3650)
  return yield* asked.layout.planGarbage({
    repository: yield* treeMember(asked),
    untagged: given(asked, "untagged") === "1",
    undoWindow: Duration.days(undoDays),
    keep
  })
})

const garbageOf = ({ bytes, id, items }: GarbagePlan): answers.Garbage => {
  const goes = items.filter((item) => item.goes)
  const reasons = new Map<string, { why: string; things: number; bytes: number }>()
  for (const item of items) {
    if (item.goes) continue
    const reason = reasons.get(item.why) ?? { why: cut(item.why), things: 0, bytes: 0 }
    reasons.set(item.why, reason)
    reason.things++
    reason.bytes += item.bytes
  }
  const stays = Array.from(reasons.values()).toSorted((a, b) => b.bytes - a.bytes)
  return {
    ...(goes.length === 0 || Option.isNone(id) ? {} : { plan: id.value }),
    bytes,
    goes: goes.slice(0, mostItems).map(({ bytes, kind, name, why }) => ({
      kind,
      name: cut(name),
      bytes,
      why: cut(why)
    })),
    stays: stays.slice(0, mostItems),
    omitted: Math.max(0, goes.length - mostItems) + Math.max(0, stays.length - mostItems)
  }
}

/** Nothing is kept of it: a look changes nothing. */
export const garbage = (asked: Asked) =>
  Effect.map(looked(asked, false), (plan) => answer(answers.Garbage, garbageOf(plan)))

const mayCollect = Effect.fnUntraced(function*(asked: Asked) {
  if (!asked.offers.deleteBlobs) return yield* notOffered
  yield* allowedEverywhere(asked, "pull", "push", "delete")
})

/** As `garbage`, to be carried out. */
export const plan = Effect.fnUntraced(function*(asked: Asked) {
  yield* mayCollect(asked)
  return answer(answers.Garbage, garbageOf(yield* looked(asked, true)))
})

export const collect = Effect.fnUntraced(function*(asked: Asked) {
  yield* mayCollect(asked)
  const { plan, repository } = yield* body(asked, answers.CollectAsked)
  if (repository !== undefined) yield* allowed(asked, "delete", repository)
  const where = asked.ui.perRepository ? { repository } : {}
  const { bytes, removed, spared } = yield* asked.layout.collectGarbage(plan, where)
  return answer(answers.Collected, { removed: removed.length, spared: spared.length, bytes })
})

/** Servers that are verifying now: it takes the whole disk. */
let verifying = 0

const busy = new Refused({
  status: 429,
  code: "TOOMANYREQUESTS",
  message: "the layout is being verified already; come back in a moment",
  headers: { "retry-after": "5" }
})

const findingOf = (
  { affected, code, digest, message, path, repair: { by, how }, repository, severity }: Finding
): answers.Finding => ({
  code,
  severity,
  path: cut(path),
  ...field("repository", repository),
  ...(digest === undefined ? {} : { digest: cut(digest) }),
  message: cut(message),
  affected: affected.slice(0, 20).map(cut),
  by,
  how: cut(how)
})

const lineOf = (step: VerifyStep): answers.VerifyLine => {
  if (step._tag === "Found") return { finding: findingOf(step.finding) }
  const { blobs, bytes, manifests, total } = step
  return { checked: { manifests, blobs, bytes, ...field("total", total) } }
}

const written = (line: answers.VerifyLine): string => `${JSON.stringify(line)}\n`

/** A line of JSON for each finding, and for how far it has got; those who have not logged in do not make a disk busy. */
export const verify = Effect.fnUntraced(function*(asked: Asked) {
  yield* allowedEverywhere(asked, "pull")
  if (asked.hasLogins && asked.user === "anonymous") return yield* denied
  if (verifying > 0) return yield* busy
  const level = given(asked, "level") === "content" ? "content" : "links"
  const steps = asked.layout.verify({ level }).pipe(
    Stream.map((step) => written(lineOf(step))),
    Stream.concat(Stream.succeed(written({ done: true }))),
    Stream.catch(({ message }) => Stream.succeed(written({ failure: message }))),
    Stream.interruptWhen(asked.surface.stopped)
  )
  const counted = Stream.unwrap(Effect.acquireRelease(
    Effect.sync(() => {
      verifying++
      return steps
    }),
    () =>
      Effect.sync(() => {
        verifying--
      })
  ))
  return Response.stream(Stream.encodeText(counted), {
    contentType: "application/x-ndjson",
    headers: { ...apiHeaders, "x-accel-buffering": "no" }
  })
})

const known: ReadonlySet<string> = new Set(findingCodes)
const isCode = (code: string): code is FindingCode => known.has(code)

export const repair = Effect.fnUntraced(function*(asked: Asked) {
  const { offers } = asked
  if (!offers.push || !offers.delete) return yield* notOffered
  yield* allowedEverywhere(asked, "pull", "push", "delete")
  const { codes, dryRun } = yield* body(asked, answers.RepairAsked)
  const { done, left } = yield* asked.layout.repair({ codes: codes.filter(isCode), dryRun })
  const stepsOf = (steps: typeof done) => steps.map(({ code, what }) => ({ code, what: cut(what) }))
  return answer(answers.Repaired, { done: stepsOf(done), left: stepsOf(left) })
})
