import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { envelope, modern } from "../modern/support.ts"
import { authorized, begin, eventually, modernCall, send, type Served, serving, textOf, until } from "./support.ts"

const headersFor = (method: string, more: Record<string, string> = {}) => ({
  ...authorized,
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": method,
  ...more
})

const ask = (served: Served, method: string, params: Record<string, unknown> = {}, more: Record<string, string> = {}) =>
  send(served, { headers: headersFor(method, more), body: modern(1, method, params) })

const isOf = (body: string, part: Record<string, unknown>) =>
  assert.nestedPropertyVal(
    { body: JSON.parse(body) as unknown },
    `body.${Object.keys(part)[0]}`,
    Object.values(part)[0]
  )

describe("revision 2026-07-28 over HTTP", () => {
  it.live("answers with JSON, or with a stream where work takes a while, and opens no session", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { sessions: 0 } })
      const discovered = yield* ask(served, "server/discover")
      assert.deepStrictEqual([discovered.status, discovered.headers["content-type"]], [200, "application/json"])
      isOf(discovered.body, { "result.resultType": "complete" })
      assert.include((yield* ask(served, "tools/list")).body, "oci_resolve")
      const called = yield* send(served, modernCall)
      assert.deepStrictEqual([called.status, called.headers["content-type"]], [200, "text/event-stream"])
      assert.include(called.body, "inline_limit")
      for (const { headers } of [discovered, called]) assert.isUndefined(headers["mcp-session-id"])
      const noted = yield* send(served, {
        headers: headersFor("notifications/x"),
        body: { jsonrpc: "2.0", method: "notifications/x" }
      })
      assert.deepStrictEqual([noted.status, noted.body], [202, ""])
    }))

  it.live("tells by its status what is wrong with a request", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const unknown = yield* ask(served, "nonsense")
      assert.strictEqual(unknown.status, 404)
      isOf(unknown.body, { "error.code": -32601 })
      const version = yield* send(served, {
        headers: { ...headersFor("tools/list"), "mcp-protocol-version": "2099-01-01" },
        body: modern(1, "tools/list", {}, envelope({}, "2099-01-01"))
      })
      assert.strictEqual(version.status, 400)
      isOf(version.body, { "error.code": -32022 })
      const bare = yield* send(served, {
        headers: headersFor("tools/list"),
        body: { jsonrpc: "2.0", id: 1, method: "tools/list" }
      })
      assert.strictEqual(bare.status, 400)
      isOf(bare.body, { "error.code": -32602 })
      const nonesuch = yield* ask(served, "tools/call", { name: "nonesuch" }, { "mcp-name": "nonesuch" })
      isOf(nonesuch.body, { "error.code": -32602 })
      for (const body of [[modern(1, "tools/list")], { jsonrpc: "2.0" }, {}]) {
        assert.strictEqual((yield* send(served, { headers: headersFor("tools/list"), body })).status, 400)
      }
      assert.strictEqual(
        (yield* send(served, { ...modernCall, headers: { ...modernCall.headers, accept: "application/json" } })).status,
        406
      )
    }))

  it.live("takes no request whose headers say something else than its body", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const { headers } = modernCall
      const { "mcp-method": _method, ...noMethod } = headers
      const { "mcp-name": _name, ...noName } = headers
      const { "mcp-protocol-version": _version, ...noVersion } = headers
      const encoded = (name: string) => ({
        ...headers,
        "mcp-name": `=?base64?${Buffer.from(name).toString("base64")}?=`
      })
      const wrong = [
        noMethod,
        noName,
        noVersion,
        { ...headers, "mcp-method": "tools/list" },
        { ...headers, "mcp-name": "oci_resolve" },
        { ...headers, "mcp-protocol-version": "2025-11-25" },
        encoded("oci_resolve")
      ]
      for (const headers of wrong) {
        const { body, status } = yield* send(served, { ...modernCall, headers })
        assert.strictEqual(status, 400, JSON.stringify(headers))
        isOf(body, { "error.code": -32020 })
        isOf(body, { id: 2 })
      }
      assert.strictEqual(served.calls.begun, 0)
      assert.strictEqual((yield* send(served, { ...modernCall, headers: encoded("oci_list_layouts") })).status, 200)
    }))

  it.live("cancels calls whose answer is not waited for, and refuses too many at once", () =>
    Effect.gen(function*() {
      const served = yield* serving({ waiting: true, limits: { requests: 1 } })
      const waiting = yield* Effect.forkChild(Effect.exit(begin(served, modernCall)))
      yield* eventually(() => served.calls.begun === 1)
      assert.strictEqual((yield* ask(served, "tools/list")).status, 503)
      yield* Fiber.interrupt(waiting)
      yield* eventually(() => served.calls.interrupted === 1)
      yield* Effect.repeat(ask(served, "tools/list"), { until: ({ status }) => status === 200 })
    }))

  it.live("answers what runs, and what listens, when the server stops", () =>
    Effect.gen(function*() {
      for (const graceMillis of [60_000, 50]) {
        const served = yield* serving({ waiting: true, limits: { graceMillis } })
        const listening = yield* begin(served, {
          headers: headersFor("subscriptions/listen"),
          body: modern("s", "subscriptions/listen", { notifications: { toolsListChanged: true } })
        })
        const told = yield* until(listening, "acknowledged")
        assert.include(told, `"io.modelcontextprotocol/subscriptionId":"s"`)
        const call = yield* Effect.forkChild(send(served, modernCall))
        yield* eventually(() => served.calls.begun === 1)
        if (graceMillis > 50) setTimeout(served.goOn, 100)
        const [end] = yield* Effect.all([textOf(listening), served.stop], { concurrency: "unbounded" })
        assert.include(end, `"id":"s","result":{"resultType":"complete"`)
        assert.include(
          (yield* Fiber.join(call)).body,
          graceMillis > 50 ? "inline_limit" : "CANCELLED: the server stopped before oci_list_layouts finished"
        )
      }
    }))
})
