import { assert, describe, it } from "@effect/vitest"
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import {
  CallToolRequestSchema,
  ListResourcesRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  SUPPORTED_PROTOCOL_VERSIONS
} from "@modelcontextprotocol/sdk/types.js"
import { Deferred, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { makeToolCatalog } from "../../../../src/mcp/catalog/toolCatalog.ts"
import { asking } from "../../../../src/mcp/sdk/askClient.ts"
import { answer } from "../../../../src/mcp/sdk/modern/answer.ts"
import { makeConnections, makePeer } from "../../../../src/mcp/sdk/modern/peer.ts"
import { ProtocolError } from "../../../../src/mcp/sdk/modern/protocol.ts"
import { callText, makePending } from "../../../../src/mcp/sdk/modern/questions.ts"
import { makeServer } from "../../../../src/mcp/sdk/sdkServer.ts"
import * as limits from "../../../../src/mcp/tool/limits.ts"
import { makeMemory } from "../../../../src/memory/index.ts"
import { memoryFiles } from "../../support/memoryFiles.ts"
import { asking as askingServer, envelope, modern } from "./support.ts"

const catalogue = Effect.map(Effect.orDie(makeMemory({ defaultRepository: "app" })), (registry) =>
  makeToolCatalog({
    layouts: [{ id: "main", path: "/layouts/main", registry, perRepository: false }],
    mode: "write",
    files: memoryFiles(["/files"])
  }))

const serving = Effect.flatMap(catalogue, (catalogue) => makeConnections(makeServer(catalogue, "1.2.3")))

/** A server that asks a person before it deletes anything, and what was deleted. */
const guarded = Effect.gen(function*() {
  const deleted: Array<unknown> = []
  const connections = yield* makeConnections(Effect.sync(() => {
    const server = new Server({ name: "tested", version: "9" }, { capabilities: { tools: {} } })
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const ask = asking(server.getClientCapabilities(), extra)
      const agreed = ask === undefined
        ? "none"
        : await Effect.runPromise(ask(`Delete ${String(params.arguments?.["ref"])}?`))
      if (agreed === "agreed") deleted.push(params.arguments?.["ref"])
      return { content: [{ type: "text", text: agreed }] }
    })
    return { server }
  }))
  return { connections, deleted }
})

const serverInfo = { name: "ocilayout", title: "OCI image layouts", version: "1.2.3" }

describe("revision 2026-07-28", () => {
  it.effect("is discovered with what the server can do", () =>
    Effect.gen(function*() {
      const reply = yield* answer(yield* serving, modern("a", "server/discover"), () => undefined)
      assert.nestedPropertyVal(reply, "id", "a")
      assert.nestedPropertyVal(reply, "result.resultType", "complete")
      assert.deepNestedPropertyVal(reply, "result.supportedVersions", ["2026-07-28"])
      assert.deepNestedPropertyVal(reply, "result.capabilities", {
        tools: {},
        resources: { subscribe: true },
        completions: {},
        prompts: {}
      })
      assert.nestedPropertyVal(reply, "result.cacheScope", "private")
      assert.nestedPropertyVal(reply, "result.ttlMs", 300_000)
      assert.include(JSON.stringify(reply), "Serves OCI image layouts")
      assert.deepStrictEqual("result" in reply ? reply.result._meta : {}, {
        "io.modelcontextprotocol/serverInfo": serverInfo
      })
    }))

  it.effect("lists and calls tools without a handshake, and keeps the caller's name on record", () =>
    Effect.gen(function*() {
      const connections = yield* serving
      const ask = (method: string, params = {}) =>
        Effect.map(answer(connections, modern(7, method, params), () => undefined), (reply) => JSON.stringify(reply))
      assert.include(yield* ask("tools/list"), `"name":"oci_resolve"`)
      const manifest = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }
      const pushed = yield* ask("tools/call", {
        name: "oci_push_manifest",
        arguments: { repository: "app", manifest, tags: ["v1"] }
      })
      assert.include(pushed, `"resultType":"complete"`)
      assert.include(yield* ask("tools/call", { name: "oci_history", arguments: {} }), "mcp:modern")
      const failed = yield* ask("tools/call", { name: "oci_resolve", arguments: { ref: "app:v2" } })
      assert.include(failed, "MANIFEST_UNKNOWN")
      assert.include(failed, `"dev.ocilayout/error":{"code":"MANIFEST_UNKNOWN"}`)
    }))

  it.effect("refuses what is malformed, of another version, or unknown", () =>
    Effect.gen(function*() {
      const connections = yield* serving
      const errorOf = (request: ReturnType<typeof modern>) =>
        Effect.map(answer(connections, request, () => undefined), (reply) => "error" in reply ? reply.error : undefined)
      const { "io.modelcontextprotocol/clientCapabilities": _, ...incomplete } = envelope()
      assert.strictEqual((yield* errorOf(modern(1, "tools/list", {}, incomplete)))?.code, -32602)
      assert.strictEqual((yield* errorOf(modern(1, "server/discover", {}, {})))?.code, -32602)
      assert.deepStrictEqual(yield* errorOf(modern(1, "tools/list", {}, envelope({}, "2099-01-01"))), {
        code: -32022,
        message: "Unsupported protocol version",
        data: { supported: ["2026-07-28", ...SUPPORTED_PROTOCOL_VERSIONS], requested: "2099-01-01" }
      })
      // What the revision has taken away is unknown, although the server inside knows it.
      for (const method of ["ping", "initialize", "logging/setLevel", "resources/subscribe", "nonsense"]) {
        assert.strictEqual((yield* errorOf(modern(1, method)))?.code, -32601, method)
      }
      assert.deepStrictEqual(yield* errorOf(modern(1, "tools/call", { name: "nonesuch" })), {
        code: -32602,
        message: "Unknown tool: nonesuch"
      })
      assert.strictEqual((yield* errorOf(modern(1, "tasks/list")))?.code, -32601)
    }))

  it.effect("tells progress under the client's token, and resources that are missing by the new number", () =>
    Effect.gen(function*() {
      const { notifications, reply } = yield* askingServer((server) => {
        server.setRequestHandler(CallToolRequestSchema, async ({ params }, { _meta, sendNotification }) => {
          const progressToken = _meta?.progressToken ?? "none"
          await sendNotification({ method: "notifications/progress", params: { progressToken, progress: 1 } })
          return { content: [{ type: "text", text: params.name }] }
        })
        server.setRequestHandler(ReadResourceRequestSchema, () => {
          throw Object.assign(new Error("not here"), { code: -32002 })
        })
      }, { capabilities: { tools: {}, resources: {} } })
      yield* reply(modern(1, "tools/call", { name: "x" }, { ...envelope(), progressToken: "p" }))
      assert.deepStrictEqual(notifications, [
        { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: "p", progress: 1 } }
      ])
      const missing = yield* reply(modern(2, "resources/read", { uri: "oci://x" }))
      assert.deepStrictEqual("error" in missing ? missing.error : undefined, { code: -32602, message: "not here" })
    }))

  it.effect("ends a call with its question, and goes on when the answer to that very question comes back", () =>
    Effect.gen(function*() {
      let target = "one"
      const asked: Array<unknown> = []
      const { reply } = yield* askingServer((server: Server) => {
        server.setRequestHandler(CallToolRequestSchema, async () => {
          for (const phrase of [target, "sure?"]) {
            const answered = await server.elicitInput({
              mode: "form",
              message: `Delete ${phrase}?`,
              requestedSchema: { type: "object", properties: { yes: { type: "boolean" } } }
            })
            asked.push([phrase, answered.content?.["yes"]])
          }
          return { content: [{ type: "text", text: "deleted" }] }
        })
      })
      const call = (extra: Record<string, unknown>) =>
        Effect.map(
          reply(modern(1, "tools/call", { name: "x", ...extra }, envelope({ elicitation: { form: {} } }))),
          (reply) => "result" in reply ? reply.result : { failed: reply.error }
        )
      const yes = { question: { action: "accept", content: { yes: true } } }
      const first = yield* call({})
      assert.strictEqual(first["resultType"], "input_required")
      assert.deepNestedPropertyVal(first, "inputRequests.question.params.message", "Delete one?")
      const second = yield* call({ inputResponses: yes, requestState: first["requestState"] })
      assert.deepNestedPropertyVal(second, "inputRequests.question.params.message", "Delete sure??")
      const done = yield* call({ inputResponses: yes, requestState: second["requestState"] })
      assert.deepNestedPropertyVal(done, "content", [{ type: "text", text: "deleted" }])
      assert.deepStrictEqual(asked.slice(-2), [["one", true], ["sure?", true]])
      // The answer was to another question.
      const { requestState } = yield* call({})
      target = "two"
      const again = yield* call({ inputResponses: yes, requestState })
      assert.deepNestedPropertyVal(again, "inputRequests.question.params.message", "Delete two?")
      // Nor is it asked of a client that cannot.
      const silent = yield* reply(modern(1, "tools/call", { name: "x" }))
      assert.isTrue("error" in silent)
    }))

  it.effect("takes no answer with a state that is made up, used, expired, or of another call", () =>
    Effect.gen(function*() {
      const { connections, deleted } = yield* guarded
      const yes = { action: "accept", content: { confirm: true } }
      const state = (question: unknown) => JSON.stringify([{ question: JSON.stringify(question), answer: yes }])
      const call = (extra: Record<string, unknown>, args: object = { ref: "app:v1" }, from = "modern") =>
        Effect.map(
          answer(
            connections,
            modern(1, "tools/call", { name: "oci_delete", arguments: args, ...extra }, {
              ...envelope({ elicitation: { form: {} } }),
              "io.modelcontextprotocol/clientInfo": { name: from, version: "1" }
            }),
            () => undefined
          ),
          (reply) => "result" in reply ? reply.result : { failed: reply.error.code }
        )
      const asks = Effect.map(call({}), (first) => {
        assert.strictEqual(first["resultType"], "input_required")
        return first
      })
      const inputResponses = { question: yes }
      const { inputRequests } = yield* asks
      const question = Schema.decodeUnknownSync(Schema.Struct({ question: Schema.Unknown }))(inputRequests).question
      const madeUp = [state(question), state({}), "{", "", 7, crypto.randomUUID(), { question }, [], null]
      for (const requestState of madeUp) {
        assert.deepStrictEqual(yield* call({ inputResponses, requestState }), { failed: -32602 })
      }
      assert.strictEqual((yield* call({ inputResponses }))["resultType"], "input_required", "an answer to no question")
      const others = [
        [{ ref: "app:v2" }, "modern"],
        [{ ref: "app:v1", dry_run: false }, "modern"],
        [{ ref: "app:v1" }, "another client"]
      ] as const
      for (const [args, from] of others) {
        const { requestState } = yield* asks
        assert.deepStrictEqual(yield* call({ inputResponses, requestState }, args, from), { failed: -32602 })
        assert.deepStrictEqual(yield* call({ inputResponses, requestState }), { failed: -32602 }, "and is used now")
      }
      const late = yield* asks
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* call({ inputResponses, requestState: late["requestState"] }), { failed: -32602 })
      assert.deepStrictEqual(deleted, [])
      const { requestState } = yield* asks
      yield* call({ inputResponses, requestState }, { ref: "app:v1" })
      assert.deepStrictEqual(deleted, ["app:v1"])
      assert.deepStrictEqual(yield* call({ inputResponses, requestState }), { failed: -32602 })
      assert.deepStrictEqual(deleted, ["app:v1"])
    }))

  it.effect("keeps as many questions as there is room for, and lets go of the oldest", () =>
    Effect.gen(function*() {
      const { keep, take } = makePending()
      const names = Array.from({ length: limits.questions + 1 }, (_, n) => keep(`${n}`, [], 0))
      assert.instanceOf(yield* Effect.flip(take(names[0], "0")), ProtocolError)
      assert.deepStrictEqual(yield* take(names[1], "1"), [])
      const long = "x".repeat(limits.questionCharacters / 2)
      const [first, second] = [keep(long, [], 0), keep(long, [], 0)]
      assert.instanceOf(yield* Effect.flip(take(first, long)), ProtocolError)
      assert.deepStrictEqual(yield* take(second, long), [])
      assert.strictEqual(callText({ a: 1, b: [{ c: 2, d: 3 }] }), callText({ b: [{ d: 3, c: 2 }], a: 1 }))
      assert.notStrictEqual(callText({ a: [1, 2] }), callText({ a: [2, 1] }))
    }))

  it.effect("listens: first what will be told, then only that, and an answer when the server ends", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const servers: Array<Server> = []
      const { notifications, reply } = yield* Scope.provide(
        askingServer((server) => {
          servers.push(server)
          server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [] }))
          server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
            if (params.uri === "oci://bad") throw new Error("no")
            await server.sendResourceUpdated({ uri: params.uri })
            return {}
          })
        }, { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } } }),
        scope
      )
      const listening = yield* Effect.forkChild(reply(modern("s", "subscriptions/listen", {
        notifications: {
          toolsListChanged: false,
          promptsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: ["oci://a", "oci://bad"]
        }
      })))
      yield* Effect.repeat(Effect.yieldNow, { until: () => notifications.length >= 2 })
      for (const server of servers) {
        yield* Effect.promise(() => server.sendToolListChanged())
        yield* Effect.promise(() => server.sendResourceListChanged())
      }
      yield* Scope.close(scope, Exit.void)
      const _meta = { "io.modelcontextprotocol/subscriptionId": "s" }
      assert.deepStrictEqual(notifications.map(({ method, params }) => [method, params]), [
        ["notifications/subscriptions/acknowledged", {
          notifications: { resourcesListChanged: true, resourceSubscriptions: ["oci://a"] },
          _meta
        }],
        ["notifications/resources/updated", { uri: "oci://a", _meta }],
        ["notifications/resources/list_changed", { _meta }]
      ])
      assert.deepStrictEqual(yield* Fiber.join(listening), {
        jsonrpc: "2.0",
        id: "s",
        result: { resultType: "complete", _meta }
      })
    }))
})

describe("a channel that all requests share", () => {
  it.effect("cancels by id, answers nothing then, and answers what the end of the server cuts short", () =>
    Effect.gen(function*() {
      const sent: Array<unknown> = []
      const stopped: Array<string> = []
      const running = new Map(["1", "2"].map((id) => [id, Deferred.makeUnsafe<void>()]))
      const { connections } = yield* askingServer((server) => {
        server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) => {
          const started = running.get(params.name)
          if (started !== undefined) Deferred.doneUnsafe(started, Effect.void)
          return new Promise(() => signal.addEventListener("abort", () => stopped.push(params.name)))
        })
      })
      const scope = yield* Scope.make()
      const peer = yield* Scope.provide(makePeer(connections.makeServer, (message) => sent.push(message)), scope)
      assert.isFalse(peer.take({ jsonrpc: "2.0", id: 1, method: "tools/list" }))
      const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } } as const
      assert.isFalse(peer.take(cancelled))
      assert.isTrue(peer.take(modern(1, "tools/call", { name: "1" })))
      yield* Deferred.await(running.get("1") ?? (yield* Deferred.make<void>()))
      assert.isTrue(peer.take(cancelled))
      yield* peer.idle
      assert.deepStrictEqual([stopped, sent], [["1"], []])
      yield* Scope.close(scope, Exit.void)
    }))
})
