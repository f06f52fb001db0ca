import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { pushBlob, pushImage, short } from "../support/images.ts"
import { session } from "../support/session.ts"

const now = { grace_minutes: 0, undo_days: 0 }

/** An image, an untagged one, and a blob that is not needed, all of them pushed a while ago. */
const used = Effect.fnUntraced(function*(options: Parameters<typeof session>[0] = {}) {
  const opened = yield* session(options)
  const image = yield* pushImage(opened.registry, { tags: ["1.0"] })
  const untagged = yield* pushImage(opened.registry, { config: { os: "plan9" }, layers: ["x".repeat(1000)] })
  const stray = yield* pushBlob(opened.registry, "app", "y".repeat(500))
  yield* TestClock.adjust("2 days")
  return { ...opened, image, untagged, stray }
})

describe("oci_gc", () => {
  it.effect("reports what could go and why, and what stays, and changes nothing", () =>
    Effect.gen(function*() {
      const { call, image, stray } = yield* used()
      const { expires, kept, plan, ...answer } = yield* call("oci_gc")
      assert.deepStrictEqual(answer, {
        done: false,
        tags: 0,
        manifests: 0,
        blobs: 1,
        uploads: 0,
        files: 0,
        bytes: 500,
        examples: [{ name: short(stray.digest), bytes: 500, why: "no manifest needs it" }]
      })
      assert.match(String(plan), /^[0-9a-f]{32}$/u)
      assert.strictEqual(expires, "1970-01-03T01:00:00.000Z")
      const size = [image, image.config, ...image.layers].reduce((sum, part) => sum + part.size, 0)
      assert.deepInclude(kept, { why: "needed by app:1.0", things: 3, bytes: size })
      assert.strictEqual((yield* call("oci_resolve", { ref: `app@${stray.digest}` }))["kind"], "blob")
    }))

  it.effect("carries a plan out, and nothing else", () =>
    Effect.gen(function*() {
      const { call, fails, image, untagged } = yield* used()
      const plan = yield* call("oci_gc", { ...now, untagged: true })
      assert.deepInclude(plan, { manifests: 1, blobs: 4, done: false })
      const answer = yield* call("oci_gc", { plan: plan["plan"] })
      assert.deepInclude(answer, { done: true, manifests: 1, blobs: 4, bytes: plan["bytes"], kept: [] })
      assert.match(yield* fails("oci_resolve", { ref: `app@${untagged.digest}` }), /^BLOB_UNKNOWN/u)
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1.0" }))["digest"], image.digest)
      assert.deepInclude(yield* call("oci_gc", { ...now, untagged: true }), { blobs: 0, bytes: 0 })
    }))

  it.effect("spares what is needed by then, and says so", () =>
    Effect.gen(function*() {
      const { call, untagged } = yield* used()
      const { plan } = yield* call("oci_gc", { ...now, untagged: true })
      yield* call("oci_tag", { ref: `app@${untagged.digest}`, tags: ["2.0"] })
      const { kept, ...answer } = yield* call("oci_gc", { plan })
      assert.deepInclude(answer, { done: true, manifests: 0, blobs: 1, bytes: 500 })
      assert.deepInclude(kept, { why: "was gone already", things: 1, bytes: 0 })
    }))

  it.effect("lets tags go by rules, and can take that back", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* used()
      yield* pushImage(registry, { tags: ["pr-1"] })
      yield* TestClock.adjust("1 day")
      yield* pushImage(registry, { tags: ["pr-2"] })
      const keep = [{ tag: "pr-*", newest: 1 }]
      const { examples, plan } = yield* call("oci_gc", { keep })
      assert.deepInclude(examples, {
        name: "app:pr-1",
        bytes: 0,
        why: "app:pr-1 is kept no longer by the rule to keep the newest 1: moved 1970-01-03T00:00:00.000Z"
      })
      yield* call("oci_gc", { plan })
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app" }))["tags"], ["1.0", "pr-2"])
      const { commits } = yield* call("oci_history", { repository: "app", tag: "pr-1", limit: 1 })
      const [last] = Array.isArray(commits) ? commits.map((commit: { readonly revision: number }) => commit) : []
      yield* call("oci_restore", { undo: last?.revision })
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app" }))["tags"], ["1.0", "pr-1", "pr-2"])
    }))

  it.effect("wants rules that say something, and plans that are there", () =>
    Effect.gen(function*() {
      const { fails } = yield* used()
      assert.match(
        yield* fails("oci_gc", { keep: [{ tag: "x" }] }),
        /^INVALID_ARGUMENT: keep\[0\]: needs newest or days/u
      )
      assert.match(yield* fails("oci_gc", { plan: "x" }), /^PLAN_EXPIRED: .*\nHint: Call oci_gc without plan/u)
    }))

  it.effect("only looks where nothing may be removed", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* used({ mode: "write" })
      const answer = yield* call("oci_gc")
      assert.deepInclude(answer, { done: false, blobs: 1 })
      assert.notProperty(answer, "plan")
      assert.match(yield* fails("oci_gc", { plan: "0".repeat(32) }), /^INVALID_ARGUMENT: plan: no such argument/u)
    }))
})
