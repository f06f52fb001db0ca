import { assert, describe, it } from "@effect/vitest"
import { ElicitRequestSchema, type ElicitResult, ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { pushBlob, pushImage } from "./support/images.ts"
import { session, type SessionOptions } from "./support/session.ts"

const agree: ElicitResult = { action: "accept", content: { confirm: true } }

/** A server that is to ask, and a client that answers like this, with what there is to lose. */
const asked = Effect.fnUntraced(function*(answer: () => ElicitResult, options: SessionOptions = {}) {
  const questions: Array<string> = []
  const opened = yield* session({
    confirm: true,
    capabilities: { elicitation: { form: {} } },
    prepare: (client) =>
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        assert.isTrue("requestedSchema" in params)
        questions.push(params.message)
        return answer()
      }),
    ...options
  })
  const image = yield* pushImage(opened.registry, { tags: ["1"] })
  const stray = yield* pushBlob(opened.registry, "app", "y".repeat(500))
  return { ...opened, questions, image, blob: { kind: "blob", ref: `app@${stray.digest}` }, digest: stray.digest }
})

describe("a person", () => {
  it.live("is asked before a blob is deleted, and agrees", () =>
    Effect.gen(function*() {
      const { blob, call, digest, fails, questions } = yield* asked(() => agree)
      assert.isTrue((yield* call("oci_delete", blob))["deleted"])
      assert.deepStrictEqual(questions, [`Delete blob ${digest} (500 bytes) from layout main? It does not come back.`])
      assert.match(yield* fails("oci_resolve", { ref: blob.ref }), /^BLOB_UNKNOWN/u)
    }))

  it.effect("is asked before a plan is carried out, and told what is on it", () =>
    Effect.gen(function*() {
      const { call, questions } = yield* asked(() => agree)
      yield* TestClock.adjust("2 days")
      const { plan } = yield* call("oci_gc")
      assert.deepStrictEqual(questions, [])
      assert.deepInclude(yield* call("oci_gc", { plan }), { done: true, blobs: 1, bytes: 500 })
      assert.deepStrictEqual(questions, [
        "Collect garbage in layout main: remove 1 blobs (500 bytes in all)? Content does not come back."
      ])
    }))

  const others: ReadonlyArray<readonly [string, () => ElicitResult, RegExp]> = [
    [
      "declines",
      () => ({ action: "decline" }),
      /^DENIED: the person who was asked declined; nothing was changed\nHint: /u
    ],
    ["accepts without a yes", () => ({ action: "accept", content: { confirm: false } }), /^DENIED: the person/u],
    ["dismisses the question", () => ({ action: "cancel" }), /^DENIED: a person was asked and did not answer/u],
    ["is never asked", () => {
      throw new McpError(ErrorCode.InternalError, "no window")
    }, /^DENIED: a person was asked and did not answer/u]
  ]
  for (const [what, answer, message] of others) {
    it.effect(`who ${what} loses nothing`, () =>
      Effect.gen(function*() {
        const { blob, call, fails, questions } = yield* asked(answer)
        assert.match(yield* fails("oci_delete", blob), message)
        yield* TestClock.adjust("2 days")
        const { plan } = yield* call("oci_gc")
        assert.match(yield* fails("oci_gc", { plan }), message)
        assert.strictEqual((yield* call("oci_resolve", { ref: blob.ref }))["kind"], "blob")
        assert.lengthOf(questions, 2)
      }))
  }

  it.live("is not asked about what can be undone, is only looked at, or is refused anyway", () =>
    Effect.gen(function*() {
      const { blob, call, fails, image, questions } = yield* asked(() => agree)
      yield* call("oci_delete", { ...blob, dry_run: true })
      assert.match(
        yield* fails("oci_delete", { kind: "blob", ref: `app@${image.config.digest}` }),
        /^DENIED: .*needed/u
      )
      yield* call("oci_delete", { kind: "tag", ref: "app:1" })
      yield* call("oci_delete", { kind: "manifest", ref: `app@${image.digest}` })
      assert.match(yield* fails("oci_gc", { plan: "0".repeat(32) }), /^PLAN_EXPIRED/u)
      assert.deepStrictEqual(questions, [])
    }))

  it.live("is not asked unless the server was started to, or where the client cannot", () =>
    Effect.gen(function*() {
      const without: ReadonlyArray<SessionOptions> = [
        { confirm: false },
        { capabilities: {}, prepare: () => undefined },
        { capabilities: { elicitation: { url: {} } }, prepare: () => undefined }
      ]
      for (const options of without) {
        const { blob, call, questions } = yield* asked(() => ({ action: "decline" }), options)
        assert.isTrue((yield* call("oci_delete", blob))["deleted"])
        assert.deepStrictEqual(questions, [])
      }
    }))

  it.live("is no longer asked when the call is cancelled", () =>
    Effect.gen(function*() {
      const withdrawn = Promise.withResolvers<void>()
      const shown = Promise.withResolvers<void>()
      let times = 0
      const { blob, call, client, fails } = yield* asked(() => agree, {
        prepare: (client) =>
          client.setRequestHandler(ElicitRequestSchema, (_request, { signal }): Promise<ElicitResult> => {
            // The SDK's client hears nothing of the cancellation of a request with the id 0.
            if (times++ === 0) return Promise.resolve({ action: "decline" })
            shown.resolve()
            signal.addEventListener("abort", () => withdrawn.resolve())
            return withdrawn.promise.then(() => agree)
          })
      })
      assert.match(yield* fails("oci_delete", blob), /declined/u)
      const stop = new AbortController()
      const calling = client.callTool({ name: "oci_delete", arguments: blob }, undefined, { signal: stop.signal })
      yield* Effect.promise(() => shown.promise)
      stop.abort()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => calling))))
      yield* Effect.promise(() => withdrawn.promise)
      assert.strictEqual((yield* call("oci_resolve", { ref: blob.ref }))["kind"], "blob")
    }), 20_000)
})
