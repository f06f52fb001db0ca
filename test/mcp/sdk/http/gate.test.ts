import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect as connectSocket } from "node:net"
import { initialize } from "../../../cli/support/server.ts"
import { authorized, send, type Served, serving, token } from "./support.ts"

const status = (served: Served, headers: Record<string, string>, method = "POST", path = "/mcp") =>
  Effect.map(send(served, { method, path, headers, body: method === "POST" ? initialize : "" }), ({ status }) => status)

const { authorization: _, ...nameless } = authorized

describe("the way in", () => {
  it.live("takes the right token and no other", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      assert.strictEqual(yield* status(served, authorized), 200)
      const wrong = ["", token, `Bearer`, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token.slice(1)}`, "Bearer x"]
      for (const authorization of wrong) {
        const { body, headers, status } = yield* send(served, {
          headers: { ...authorized, authorization },
          body: initialize
        })
        assert.strictEqual(status, 401, authorization)
        assert.match(String(headers["www-authenticate"]), /^Bearer realm="ocilayout"/u, authorization)
        assert.notInclude(body, token)
      }
      for (const [method, path] of [["POST", "/mcp"], ["GET", "/mcp"], ["DELETE", "/mcp"], ["PUT", "/mcp"]] as const) {
        assert.strictEqual(yield* status(served, nameless, method, path), 401, `${method} ${path}`)
      }
    }))

  it.live("takes no host but its own, even with the right token", () =>
    Effect.gen(function*() {
      const served = yield* serving({ hosts: ["registry.example"] })
      for (
        const host of ["localhost", "127.0.0.1:1", "[::1]:9", "LocalHost", "registry.example", "registry.example:443"]
      ) {
        assert.strictEqual(yield* status(served, { ...authorized, host }), 200, host)
      }
      for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]", "10.0.0.1"]) {
        assert.strictEqual(yield* status(served, { ...authorized, host }), 403, host)
      }
    }))

  it.live("takes no page of another site, and lets those of an allowed one read the answers", () =>
    Effect.gen(function*() {
      const origin = "https://app.example"
      const served = yield* serving({ origins: [origin] })
      const others = [
        "https://evil.example",
        "null",
        "http://app.example",
        `${origin}.evil.example`,
        "http://localhost:1"
      ]
      for (const other of others) {
        const { headers, status } = yield* send(served, { headers: { ...authorized, origin: other }, body: initialize })
        assert.deepStrictEqual([status, headers["access-control-allow-origin"]], [403, undefined], other)
      }
      assert.strictEqual(yield* status(served, { ...authorized, origin: `http://127.0.0.1:${served.url.port}` }), 200)
      const { headers, status: ok } = yield* send(served, { headers: { ...authorized, origin }, body: initialize })
      assert.deepStrictEqual([ok, headers["access-control-allow-origin"]], [200, origin])
      assert.strictEqual(headers["access-control-expose-headers"], "mcp-session-id")
      const preflight = yield* send(served, { method: "OPTIONS", headers: { origin } })
      assert.strictEqual(preflight.status, 204)
      assert.include(preflight.headers["access-control-allow-headers"], "authorization")
      assert.strictEqual(
        (yield* send(served, { method: "OPTIONS", headers: { origin: "https://evil.example" } })).status,
        403
      )
    }))

  it.live("has one path and three methods", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      for (const path of ["/", "/mcp/", "/mcp/x", "/MCP", "//mcp"]) {
        assert.strictEqual(yield* status(served, authorized, "POST", path), 404, path)
      }
      assert.strictEqual(yield* status(served, authorized, "POST", "/mcp?x=1"), 200)
      const { headers, status: refused } = yield* send(served, { method: "PUT", body: "{}" })
      assert.deepStrictEqual([refused, headers.allow], [405, "GET, POST, DELETE"])
    }))
})

describe("what comes in", () => {
  it.live("has a body of a limited size, of JSON", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { bodyBytes: 1000 } })
      const bodies: ReadonlyArray<readonly [string, number]> = [
        ["x".repeat(1001), 413],
        ["x".repeat(100_000), 413],
        ["x".repeat(1000), 400],
        ["", 400],
        ["{", 400],
        ["[".repeat(1000), 400],
        ["[]", 400],
        ["null", 400],
        ["{}", 400]
      ]
      for (const [body, expected] of bodies) {
        for (const length of [{ "transfer-encoding": "chunked" }, { "content-length": String(body.length) }]) {
          assert.strictEqual(
            (yield* send(served, { headers: { ...authorized, ...length }, body })).status,
            expected,
            body.slice(0, 9)
          )
        }
      }
      for (const type of ["text/plain", "application/jsonx", "application/x-www-form-urlencoded"]) {
        assert.strictEqual(yield* status(served, { ...authorized, "content-type": type }), 415, type)
      }
      assert.strictEqual(
        yield* status(served, { ...authorized, "content-type": "application/json; charset=utf-8" }),
        200
      )
      assert.strictEqual(yield* status(served, { ...authorized, accept: "application/json" }), 406)
    }))

  it.live("comes in time, be it the headers or the body", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { headersMillis: 200 } })
      const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
      for (const begun of [head, `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`]) {
        const received = yield* Effect.callback<string>((resume) => {
          let text = ""
          const socket = connectSocket(Number(served.url.port), "127.0.0.1", () => socket.write(begun))
          socket.on("data", (chunk) => text += String(chunk))
          socket.on("error", () => undefined)
          socket.on("close", () => resume(Effect.succeed(text)))
        })
        assert.include(received, "408")
      }
    }))
})
