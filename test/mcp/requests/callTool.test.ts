import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js"
import { Deferred, Effect, Exit, Logger, Schema, Scope, Stream } from "effect"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../../src/mcp/requests/callTool.ts"
import { makeServer } from "../../../src/mcp/sdk/sdkServer.ts"
import type { ServerConfig } from "../../../src/mcp/tool/ServerConfig.ts"
import { defineTool } from "../../../src/mcp/tool/Tool.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { FileUnknown } from "../../../src/oci/OciError.ts"
import { bytesOf, digestOf, pushImage } from "../support/images.ts"
import { memoryFiles } from "../support/memoryFiles.ts"
import { session } from "../support/session.ts"

const protocolError = (promise: () => Promise<unknown>) =>
  Effect.map(
    Effect.flip(Effect.tryPromise(promise)),
    ({ cause }) => cause instanceof Error ? cause.message : String(cause)
  )

const served = Effect.map(Effect.orDie(makeMemory()), (registry): ServerConfig => ({
  layouts: [{ id: "main", path: "/layouts/main", registry, perRepository: false }],
  mode: "delete",
  files: memoryFiles(["/files"])
}))

/** A catalogue of one tool of the test's own. */
const catalogueOf = (run: Effect.Effect<{ readonly text: string }>) =>
  Effect.map(served, (served) => {
    const tool = defineTool({
      name: "oci_test",
      toolset: "read",
      title: "Test",
      description: "Runs what the test gives it.",
      hints: { readOnly: true, destructive: false, idempotent: true },
      needs: "nothing",
      input: Schema.Struct({}),
      output: Schema.Struct({ text: Schema.String }),
      run: () => run
    })(served)
    return { served, tools: new Map([["oci_test", tool]]), withheld: new Map() }
  })

describe("arguments", () => {
  it.live("may be null where they are optional", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* session()
      assert.deepStrictEqual(
        yield* call("oci_list_repositories", { prefix: null, start_after: null, limit: null }),
        { repositories: [] }
      )
      assert.match(yield* fails("oci_resolve", { ref: null, kind: null }), /^INVALID_ARGUMENT: ref: /u)
    }))

  it.live("that are unknown, missing or wrong are named, all of them at once", () =>
    Effect.gen(function*() {
      const { fails } = yield* session()
      assert.strictEqual(
        yield* fails("oci_read_blob", { bogus: 1, "e\u202evil": 2, length: 1e9, offset: "0", layout: "main" }),
        "INVALID_ARGUMENT: bogus: no such argument; \"e\\u202evil\": no such argument; layout: no such argument; ref: required; " +
          "offset: expected number; length: expected a value between 1 and 32768; " +
          "its arguments are ref, offset, length, encoding\nHint: Correct the arguments and call again."
      )
      assert.match(yield* fails("oci_list_layouts", { x: 1 }), /this tool takes no arguments/u)
    }))

  it.live("choose the layout, the first one when they do not", () =>
    Effect.gen(function*() {
      const other = yield* Effect.orDie(makeMemory())
      const { call, fails, registry } = yield* session({ others: { other } })
      yield* pushImage(registry, { tags: ["here"] })
      yield* pushImage(other, { tags: ["there"], repository: "app" })
      const tags = (args: object) =>
        Effect.map(call("oci_list_tags", { repository: "app", ...args }), ({ tags }) => tags)
      assert.deepStrictEqual(yield* tags({}), ["here"])
      assert.deepStrictEqual(yield* tags({ layout: null }), ["here"])
      assert.deepStrictEqual(yield* tags({ layout: "other" }), ["there"])
      assert.match(
        yield* fails("oci_list_tags", { repository: "app", layout: "none" }),
        /layout: expected "main" \| "other"/u
      )
      assert.match(yield* fails("oci_resolve", { ref: "app:x", layout: "other" }), /Tags of app: there/u)
    }))
})

describe("a tool", () => {
  it.live("that does not exist is an error of the protocol", () =>
    Effect.gen(function*() {
      const { client } = yield* session()
      assert.strictEqual(
        yield* protocolError(() => client.callTool({ name: "oci_nope", arguments: {} })),
        "MCP error -32602: Unknown tool: oci_nope"
      )
    }))

  it.live("that the mode forbids is refused with the reason", () =>
    Effect.gen(function*() {
      const { fails, client } = yield* session({ mode: "read", allowed: [] })
      assert.match(yield* fails("oci_push_blob", { repository: "app", text: "x" }), /^DENIED: .*--read-only/u)
      // What a server lacks is not what it was started without.
      assert.match(yield* fails("oci_list_files", { ref: "app:v1" }), /^DENIED: .*cannot decompress layers/u)
      const writing = yield* session({ mode: "write", allowed: [] })
      assert.match(yield* writing.fails("oci_export_blob", { ref: "app:1", path: "/x" }), /^DENIED: .*--allowed-dir/u)
      assert.match(
        yield* writing.fails("oci_push_blob", { repository: "app", path: "/x" }),
        /^PATH_DENIED: .*\nHint: .*--allowed-dir/u
      )
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.isTrue(tools.every(({ annotations }) => annotations?.readOnlyHint))
    }))

  it.effect("that fails unexpectedly tells the log, and not the model", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const catalogue = yield* catalogueOf(Effect.die(new Error("secret")))
      const result = yield* callTool(catalogue, { name: "oci_test", args: {} }).pipe(
        Effect.provide(Logger.layer([Logger.make(({ cause, message }) => logged.push(message, cause))]))
      )
      assert.deepStrictEqual(result.content, [
        { type: "text", text: "INTERNAL: oci_test failed unexpectedly; details are in the server's log" }
      ])
      assert.include(String(logged), "secret")
    }))

  it.effect("never answers more than hosts take", () =>
    Effect.gen(function*() {
      const catalogue = yield* catalogueOf(Effect.succeed({ text: "x".repeat(30_000) }))
      const result = yield* callTool(catalogue, { name: "oci_test", args: {} })
      assert.match(result.content[0]?.text ?? "", /^CONTENT_TOO_LARGE: the answer has 300\d\d characters/u)
    }))

  it.live("finds the names of a tree of layouts too", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const { call, fails } = yield* session({ registry, perRepository: true })
      const { digest } = yield* pushImage(registry, { repository: "team/app", tags: ["1"] })
      assert.strictEqual((yield* call("oci_resolve", { ref: "team/app:1" }))["digest"], digest)
      assert.match(
        yield* fails("oci_resolve", { ref: "team/ap:1" }),
        /^NAME_UNKNOWN: .*\nHint: Repositories: team\/app\.$/u
      )
      assert.match(yield* fails("oci_push_blob", { repository: "team/blobs", text: "x" }), /^NAME_INVALID: .*\nHint: /u)
    }))
})

describe("long work", () => {
  const big = Buffer.alloc(8 * 1024 * 1024, 7)

  it.live("reports how far it has got", () =>
    Effect.gen(function*() {
      const { client, files } = yield* session()
      files.contents.set("/files/big", big)
      const steps: Array<{ readonly progress: number; readonly total?: number | undefined }> = []
      const onprogress = (step: { readonly progress: number; readonly total?: number | undefined }) =>
        void steps.push(step)
      yield* Effect.promise(() =>
        client.callTool(
          { name: "oci_push_blob", arguments: { repository: "app", path: "/files/big" } },
          CallToolResultSchema,
          { onprogress }
        )
      )
      assert.isAtLeast(steps.length, 1)
      assert.isTrue(steps.every(({ total }) => total === big.length))
      const reached = steps.map(({ progress }) => progress)
      assert.deepStrictEqual(reached, Array.from(new Set(reached)).toSorted((a, b) => a - b))
    }))

  it.live("is interrupted by the client, and cleans up before anything else is heard of it", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const started = yield* Deferred.make<void>()
      const cleaned = yield* Deferred.make<void>()
      const { client, call } = yield* session({
        registry: {
          ...registry,
          pushBlob: () =>
            Deferred.succeed(started, undefined).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(cleaned, undefined))
            )
        }
      })
      const controller = new AbortController()
      const pushing = protocolError(() =>
        client.callTool(
          { name: "oci_push_blob", arguments: { repository: "app", text: "x" } },
          CallToolResultSchema,
          { signal: controller.signal }
        )
      )
      yield* Effect.all([
        pushing,
        Effect.andThen(Deferred.await(started), Effect.sync(() => controller.abort()))
      ], { concurrency: 2 })
      yield* Deferred.await(cleaned)
      assert.deepStrictEqual(yield* call("oci_list_repositories"), { repositories: [] })
    }))

  it.live("leaves no blob behind when its file breaks off", () =>
    Effect.gen(function*() {
      const { call, fails, files, registry } = yield* session()
      const broken = Stream.concat(
        Stream.succeed(bytesOf("half")),
        Stream.fail(new FileUnknown({ path: "/files/x", reason: "went away" }))
      )
      const catalogue = makeToolCatalog({
        layouts: [{ id: "main", path: "/", registry, perRepository: false }],
        mode: "write",
        files: { ...files, read: () => Effect.succeed({ size: 9, content: broken }) }
      })
      const result = yield* callTool(catalogue, {
        name: "oci_push_blob",
        args: { repository: "app", path: "/files/x" }
      })
      assert.match(result.content[0]?.text ?? "", /^FILE_UNKNOWN: .*went away/u)
      assert.match(yield* fails("oci_resolve", { ref: `app@${digestOf(bytesOf("half"))}` }), /^BLOB_UNKNOWN/u)
      assert.include(JSON.stringify(yield* call("oci_list_layouts")), `"blobs":0`)
    }))

  it.live("is interrupted and answered CANCELLED when the server ends", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const catalogue = yield* catalogueOf(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
      const scope = yield* Scope.make()
      const { server } = yield* Effect.provideService(makeServer(catalogue, "0.0.0"), Scope.Scope, scope)
      const client = new Client({ name: "test", version: "0.0.0" })
      const [near, far] = InMemoryTransport.createLinkedPair()
      yield* Effect.promise(() => Promise.all([server.connect(far), client.connect(near)]))
      const [answer] = yield* Effect.all([
        Effect.promise(() => client.callTool({ name: "oci_test", arguments: {} })),
        Effect.andThen(Deferred.await(started), Scope.close(scope, Exit.void))
      ], { concurrency: 2 })
      assert.isTrue(answer.isError)
      assert.match(JSON.stringify(answer.content), /CANCELLED: the server stopped before oci_test finished/u)
      yield* Effect.promise(() => client.close())
    }))
})
