import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { raw, statusesOf } from "./support/raw.ts"
import { locationOf, send, serving } from "./support/serving.ts"

/** A server that is told to stop while a chunk is half there. */
const stoppedInBetween = Effect.fnUntraced(function*(graceMillis: number) {
  const scope = yield* Scope.make()
  const registry = yield* makeMemory()
  const served = yield* Scope.provide(serving(registry, { limits: { graceMillis } }), scope)
  const location = locationOf(yield* send(served, "/v2/app/blobs/uploads/", { method: "POST" }))
  const client = yield* raw(served.port)
  client.write(`PATCH ${location} HTTP/1.1\r\nHost: registry\r\nContent-Length: 10\r\n\r\n01234`)
  const begun = Effect.repeat(send(served, location), { until: ({ headers }) => headers.get("range") === "0-4" })
  yield* begun
  const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void))
  const id = location.split("/").at(-1) ?? ""
  return { registry, served, client, stopping, id }
})

describe("a server that is told to stop", () => {
  it.live("finishes what is under way, and takes nothing new", () =>
    Effect.gen(function*() {
      const { client, id, registry, served, stopping } = yield* stoppedInBetween(60_000)
      const refused = Effect.flip(Effect.tryPromise(() => fetch(`${served.url}/healthz`)))
      yield* Effect.eventually(refused)
      client.write("56789GET /v2/ HTTP/1.1\r\nHost: registry\r\n\r\n")
      assert.deepStrictEqual(statusesOf(yield* client.closed), [202, 503])
      yield* Fiber.join(stopping)
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", id)).size, 10)
    }))

  it.live("waits for no one for ever, and keeps what came", () =>
    Effect.gen(function*() {
      const { client, id, registry, stopping } = yield* stoppedInBetween(50)
      yield* Fiber.join(stopping)
      yield* client.closed
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", id)).size, 5)
    }))
})
