/** What is wrong with a request is said as clients expect it, in both eras. */
import { assert, describe, it } from "@effect/vitest"
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js"
import { Effect } from "effect"
import { initialize } from "../../../cli/support/server.ts"
import { envelope, modern } from "../modern/support.ts"
import { authorized, begin, listLayouts, modernCall, openSession, send, serving, token } from "./support.ts"

const versions = ["2026-07-28", ...SUPPORTED_PROTOCOL_VERSIONS]

const modernHeaders = (method: string, version = "2026-07-28") => ({
  ...authorized,
  "mcp-protocol-version": version,
  "mcp-method": method
})

describe("errors over HTTP", () => {
  it.live("have the id of their request, or none", () =>
    Effect.gen(function*() {
      const served = yield* serving({ limits: { sessions: 2 } })
      const session = yield* openSession(served)
      yield* begin(served, { method: "GET", headers: session })
      const { authorization: _, ...nameless } = authorized
      const refused = {
        "no token": yield* send(served, { headers: nameless, body: initialize }),
        "no such path": yield* send(served, { path: "/x", body: initialize }),
        "no such method": yield* send(served, { method: "PUT", body: "{}" }),
        "not JSON": yield* send(served, { body: "{" }),
        "no type": yield* send(served, { headers: { ...authorized, "content-type": "text/plain" }, body: "{}" }),
        "not acceptable": yield* send(served, { headers: { ...authorized, accept: "text/html" }, body: initialize }),
        "no session": yield* send(served, { body: listLayouts }),
        "other session": yield* send(served, { headers: { ...session, "mcp-session-id": "x" }, body: listLayouts }),
        "no message": yield* send(served, { headers: session, body: {} }),
        "second handshake": yield* send(served, { headers: session, body: initialize }),
        "second stream": yield* send(served, { method: "GET", headers: session }),
        "stream not acceptable": yield* send(served, { method: "GET", headers: { ...session, accept: "text/html" } }),
        "unknown event": yield* send(served, { method: "GET", headers: { ...session, "last-event-id": "x" } }),
        "no request": yield* send(served, { headers: modernHeaders("ping"), body: {} })
      }
      for (const [what, { body, status }] of Object.entries(refused)) {
        const error: unknown = JSON.parse(body)
        assert.isAtLeast(status, 400, what)
        assert.notProperty(error, "id", what)
        assert.nestedProperty(error, "error.code", what)
      }
      const method = yield* send(served, { headers: modernHeaders("x"), body: modern("mine", "x") })
      assert.deepInclude(JSON.parse(method.body), { id: "mine" })
    }))

  it.live("name every version that is served, in answer to any other one", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const session = yield* openSession(served)
      const other = "2099-01-01"
      const asked = [
        { headers: modernHeaders("tools/list", other), body: modern(1, "tools/list", {}, envelope({}, other)) },
        { headers: modernHeaders("tools/list"), body: modern(1, "tools/list", {}, envelope({}, other)) },
        { headers: modernHeaders("tools/list", other), body: { jsonrpc: "2.0", id: 1, method: "tools/list" } },
        { headers: { ...session, "mcp-protocol-version": other }, body: listLayouts }
      ]
      for (const one of asked.slice(0, 1).concat(asked.slice(2))) {
        const { body, status } = yield* send(served, one)
        assert.strictEqual(status, 400)
        assert.deepNestedInclude(JSON.parse(body), {
          "error.code": -32022,
          "error.data": { supported: versions, requested: other }
        })
      }
    }))

  it.live("are none for a client that accepts anything", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      for (
        const accept of ["*/*", "application/*, text/*", "text/html, */*;q=0.1", "Application/JSON,Text/Event-Stream"]
      ) {
        const opened = yield* send(served, { headers: { ...authorized, accept }, body: initialize })
        assert.strictEqual(opened.status, 200, accept)
        const session = { ...authorized, "mcp-session-id": String(opened.headers["mcp-session-id"]), accept }
        assert.include((yield* send(served, { headers: session, body: listLayouts })).body, "inline_limit", accept)
        assert.strictEqual((yield* begin(served, { method: "GET", headers: session })).statusCode, 200, accept)
        const called = yield* send(served, { ...modernCall, headers: { ...modernCall.headers, accept } })
        assert.include(called.body, "inline_limit", accept)
      }
      const { accept: _, ...silent } = authorized
      assert.strictEqual((yield* send(served, { headers: silent, body: initialize })).status, 200)
      for (const accept of ["application/json", "text/event-stream", "*/*;q=0", "text/*"]) {
        assert.strictEqual(
          (yield* send(served, { headers: { ...authorized, accept }, body: initialize })).status,
          406,
          accept
        )
        const called = yield* send(served, { ...modernCall, headers: { ...modernCall.headers, accept } })
        assert.strictEqual(called.status, 406, accept)
      }
    }))

  it.live("tell of a cursor that no list has given", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const session = yield* openSession(served)
      for (const method of ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]) {
        const params = { cursor: "made up" }
        const old = yield* send(served, { headers: session, body: { jsonrpc: "2.0", id: 1, method, params } })
        const now = yield* send(served, { headers: modernHeaders(method), body: modern(1, method, params) })
        for (const { body } of [old, now]) assert.match(body, /"code":-32602,"message":"[^"]*Invalid cursor/u, method)
      }
    }))
})

describe("a client without the token", () => {
  it.live("finds no authorization server, and is told what is missing", () =>
    Effect.gen(function*() {
      const served = yield* serving()
      const paths = [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/openid-configuration",
        "/register",
        "/authorize",
        "/token"
      ]
      for (const path of paths) {
        for (const method of ["GET", "POST"]) {
          const { headers, status } = yield* send(served, { method, path, headers: {} })
          assert.deepStrictEqual([status, headers["www-authenticate"]], [404, undefined], `${method} ${path}`)
        }
      }
      const { body, headers } = yield* send(served, { headers: {}, body: initialize })
      assert.strictEqual(headers["www-authenticate"], `Bearer realm="ocilayout"`)
      assert.include(body, "Authorization: Bearer")
      const wrong = yield* send(served, { headers: { authorization: "Bearer x" }, body: initialize })
      assert.match(String(wrong.headers["www-authenticate"]), /^Bearer realm="ocilayout", error="invalid_token", /u)
    }))

  it.live("starts no sign-in flow", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const started: Array<string> = []
      const provider: OAuthClientProvider = {
        redirectUrl: "http://127.0.0.1:1/callback",
        clientMetadata: { redirect_uris: ["http://127.0.0.1:1/callback"] },
        clientInformation: () => undefined,
        saveClientInformation: () => void started.push("registered"),
        tokens: () => undefined,
        saveTokens: () => void started.push("token"),
        redirectToAuthorization: () => void started.push("redirected"),
        saveCodeVerifier: () => void started.push("verifier"),
        codeVerifier: () => ""
      }
      const client = new Client({ name: "test", version: "0" })
      const transport = new StreamableHTTPClientTransport(url, { authProvider: provider })
      const refused = yield* Effect.flip(Effect.tryPromise(() => client.connect(transport)))
      assert.notInclude(String(refused), token)
      assert.deepStrictEqual(started, [])
    }))
})
