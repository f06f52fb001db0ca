import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { connect as connectSocket } from "node:net"
import { initialize } from "../../../cli/support/server.ts"
import {
  authorized,
  begin,
  connect,
  eventually,
  listLayouts,
  openSession,
  send,
  serving,
  textOf,
  until
} from "./support.ts"

describe("sessions", () => {
  it.live("serve the official client", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const [first, second] = yield* Effect.all([connect(served), connect(served)])
      assert.include(JSON.stringify(yield* Effect.promise(() => first.listTools())), "oci_resolve")
      assert.strictEqual(second.getServerVersion()?.name, "ocilayout")
      const answer = yield* Effect.promise(() => second.callTool({ name: "oci_list_layouts", arguments: {} }))
      assert.include(JSON.stringify(answer), "inline_limit")
    }))

  it.live("that are not used make room for others, the one unused for longest first", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { sessions: 3 } })
      const ping = { jsonrpc: "2.0", id: 9, method: "ping" }
      const statusOf = (headers: Readonly<Record<string, string>>) =>
        Effect.map(send(served, { headers, body: ping }), ({ status }) => status)
      const [first, second, third] = [
        yield* openSession(served),
        yield* openSession(served),
        yield* openSession(served)
      ]
      const stream = yield* begin(served, { method: "GET", headers: first })
      assert.strictEqual(yield* statusOf(second), 200)
      const fourth = yield* openSession(served)
      assert.deepStrictEqual(yield* Effect.all([first, second, third, fourth].map(statusOf)), [200, 200, 404, 200])
      for (let times = 0; times < 10; times++) yield* openSession(served)
      assert.deepStrictEqual(yield* Effect.all([first, second, fourth].map(statusOf)), [200, 404, 404])
      stream.destroy()
    }))

  it.live("are a limited number, and closing one that is in use makes room", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { sessions: 2 } })
      const listening = Effect.tap(openSession(served), (headers) => begin(served, { method: "GET", headers }))
      const first = yield* listening
      const second = yield* listening
      const refused = yield* send(served, { body: initialize })
      assert.deepStrictEqual([refused.status, refused.headers["mcp-session-id"]], [503, undefined])
      assert.strictEqual((yield* send(served, { method: "DELETE", headers: first })).status, 200)
      assert.strictEqual((yield* send(served, { headers: first, body: listLayouts })).status, 404)
      yield* listening
      // An opening that is none takes no room.
      assert.strictEqual((yield* send(served, { method: "DELETE", headers: second })).status, 200)
      for (let times = 0; times < 3; times++) {
        const { status } = yield* send(served, { headers: { ...authorized, accept: "text/plain" }, body: initialize })
        assert.strictEqual(status, 406)
      }
      yield* listening
      assert.strictEqual((yield* send(served, { body: initialize })).status, 503)
    }))

  it.live("are found by their id and by nothing else", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const session = yield* openSession(served)
      const unknown = { ...session, "mcp-session-id": "00000000-0000-4000-8000-000000000000" }
      for (const method of ["GET", "DELETE", "POST"]) {
        const body = method === "POST" ? listLayouts : ""
        assert.strictEqual((yield* send(served, { method, headers: unknown, body })).status, 404, method)
        assert.strictEqual((yield* send(served, { method, headers: authorized, body })).status, 400, method)
      }
      const { "mcp-session-id": _, ...without } = session
      assert.strictEqual((yield* send(served, { headers: without, body: listLayouts })).status, 400)
      assert.include((yield* send(served, { headers: session, body: listLayouts })).body, "inline_limit")
      assert.strictEqual((yield* send(served, { headers: session, body: initialize })).status, 400)
    }))

  it.live("end when they are not used, not while a client listens or a call runs", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { idleMillis: 100 }, waiting: true })
      const [listening, calling, left] = yield* Effect.all([
        openSession(served),
        openSession(served),
        openSession(served)
      ])
      const stream = yield* begin(served, { method: "GET", headers: listening })
      const call = yield* begin(served, { headers: calling, body: listLayouts })
      const ping = { jsonrpc: "2.0", id: 9, method: "ping" }
      const answered = (headers: typeof left) =>
        Effect.map(send(served, { headers, body: ping }), ({ status }) => status)
      // Asking uses it, so that it has to be left alone for more than its time before it is asked again.
      const gone = (headers: typeof left) =>
        Effect.repeat(Effect.andThen(Effect.sleep("400 millis"), answered(headers)), { until: (code) => code === 404 })
      yield* eventually(() => served.calls.begun === 1)
      call.destroy()
      yield* gone(left)
      assert.strictEqual(yield* answered(listening), 200)
      assert.strictEqual(yield* answered(calling), 200)
      assert.strictEqual(served.calls.interrupted, 0)
      served.goOn()
      stream.destroy()
      yield* Effect.all([gone(listening), gone(calling)], { concurrency: "unbounded" })
    }))

  it.live("give a client whose connection broke what it has missed, and no one else", () =>
    Effect.gen(function*() {
      const served = yield* serving({ waiting: true })
      const [session, other] = yield* Effect.all([openSession(served), openSession(served)])
      const broken = yield* begin(served, { headers: session, body: listLayouts })
      const last = /^id: (.+)$/mu.exec(yield* until(broken, "\n\n"))?.[1] ?? ""
      assert.notStrictEqual(last, "")
      yield* eventually(() => served.calls.begun === 1)
      broken.destroy()
      yield* send(served, { headers: session, body: { jsonrpc: "2.0", id: "another", method: "ping" } })
      served.goOn()
      const resumed = yield* begin(served, { method: "GET", headers: { ...session, "last-event-id": last } })
      assert.strictEqual(resumed.statusCode, 200)
      const missed = yield* until(resumed, "inline_limit")
      assert.include(missed, `"id":2`)
      assert.notInclude(missed, last)
      assert.notInclude(missed, "another")
      for (const [headers, id] of [[other, last], [session, "nonsense"], [session, `${last}0`]] as const) {
        const refused = yield* send(served, { method: "GET", headers: { ...headers, "last-event-id": id } })
        assert.strictEqual(refused.status, 400)
        assert.notInclude(refused.body, "inline_limit")
      }
    }))

  it.live("keep a limited amount of what was missed", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { replayBytes: 300 } })
      const session = yield* openSession(served)
      const first = yield* send(served, { headers: session, body: listLayouts })
      const ids = Array.from(first.body.matchAll(/^id: (.+)$/gmu), ([, id = ""]) => id)
      yield* send(served, { headers: session, body: listLayouts })
      assert.lengthOf(ids, 2)
      for (const id of ids) {
        const headers = { ...session, "last-event-id": id }
        assert.strictEqual((yield* send(served, { method: "GET", headers })).status, 400)
      }
    }))

  it.live("have their calls answered when the server stops: those that finish soon, and those that do not", () =>
    Effect.gen(function*() {
      for (const graceMillis of [60_000, 50]) {
        const served = yield* serving({ waiting: true, limits: { graceMillis } })
        const session = yield* openSession(served)
        const call = yield* begin(served, { headers: session, body: listLayouts })
        const stream = yield* begin(served, { method: "GET", headers: session })
        yield* eventually(() => served.calls.begun === 1)
        if (graceMillis > 50) setTimeout(served.goOn, 100)
        const [text] = yield* Effect.all([textOf(call), textOf(stream), served.stop], { concurrency: "unbounded" })
        assert.include(
          text,
          graceMillis > 50 ? "inline_limit" : "CANCELLED: the server stopped before oci_list_layouts"
        )
        assert.strictEqual(served.calls.interrupted, graceMillis > 50 ? 0 : 1)
        assert.strictEqual((yield* Effect.exit(send(served, { body: initialize })))._tag, "Failure")
      }
    }))

  it.live("begin no more once the server stops, over a connection that is open either", () =>
    Effect.gen(function*() {
      const served = yield* serving({ waiting: true })
      const session = yield* openSession(served)
      const request = (headers: Readonly<Record<string, string>>, body: object) => {
        const text = JSON.stringify(body)
        const lines = Object.entries({ host: served.url.host, "content-length": String(text.length), ...headers })
        return `POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${text}`
      }
      const socket = connectSocket(Number(served.url.port), "127.0.0.1")
      const received = yield* Effect.forkChild(Effect.callback<string>((resume) => {
        let text = ""
        socket.on("data", (chunk) => text += String(chunk)).on("close", () => resume(Effect.succeed(text)))
      }))
      socket.write(request(session, listLayouts))
      yield* eventually(() => served.calls.begun === 1)
      const stopped = yield* Effect.forkChild(served.stop)
      yield* Effect.flip(Effect.sandbox(send(served, { body: initialize }))).pipe(Effect.eventually)
      socket.write(request(authorized, initialize))
      yield* Effect.sleep("50 millis")
      served.goOn()
      yield* Fiber.join(stopped)
      const text = yield* Fiber.join(received)
      assert.include(text, "inline_limit")
      assert.include(text, "HTTP/1.1 503")
    }))
})
