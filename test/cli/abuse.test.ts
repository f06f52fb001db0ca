/** What `ocilayout mcp` makes of input that no client should send, on standard input. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { envelope, modern } from "../mcp/sdk/modern/support.ts"
import { initialize, spawnServer, temporaryDirectory, toolCall } from "./support/server.ts"

const list = toolCall(2, "oci_list_layouts", {})

describe("abuse of standard input", () => {
  it.live("of every form is survived, and what follows is answered", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      const nonsense: ReadonlyArray<object | string> = [
        "null",
        "1",
        "[]",
        "{}",
        "\u{0}",
        "\u{feff}{}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":7}",
        "[".repeat(100_000),
        `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
        "{\"a\":".repeat(100_000),
        { jsonrpc: "2.0", id: 99, result: {} },
        { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: {} } },
        { jsonrpc: "2.0", method: "notifications/cancelled" },
        { jsonrpc: "2.0", method: "notifications/unheard-of" },
        { jsonrpc: "2.0", method: "tools/call", params: { _meta: envelope() } },
        "{\"__proto__\":{\"polluted\":true},\"jsonrpc\":\"2.0\",\"method\":\"x\"}"
      ]
      yield* server.send(...nonsense, initialize, list, modern("m", "tools/list"))
      const answers = yield* server.answers(5)
      assert.sameMembers(Array.from(answers.keys()), [undefined, 7, 1, 2, "m"])
      // Each line that is no message is answered, with the id where one can be read.
      const faults = server.stdout().split("\n").filter((line) => /"code":-32(?:600|700)/u.test(line))
      assert.lengthOf(faults.filter((line) => line.includes("-32700")), 4)
      assert.lengthOf(faults.filter((line) => line.includes("-32600")), 9)
      assert.lengthOf(faults.filter((line) => line.includes(`"id":7`)), 1)
      assert.isTrue(faults.every((line) => !line.includes(`"id":null`)))
      assert.include(JSON.stringify(answers.get(2)), "inline_limit")
    }))

  it.live("by a line of megabytes is answered, and by one that does not end, ends the server", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      const text = "x".repeat(9 * 1024 * 1024)
      yield* server.send(initialize, toolCall(3, "oci_push_blob", { repository: "app", text }), list)
      const answers = yield* server.answers(3)
      assert.include(JSON.stringify(answers.get(3)), "CONTENT_TOO_LARGE")
      assert.include(JSON.stringify(answers.get(2)), "inline_limit")
      server.child.stdin.write("x".repeat(11 * 1024 * 1024))
      assert.strictEqual(yield* server.exit, 0)
      assert.include(server.stderr(), "exceeded maximum size")
    }))

  it.live("by arguments of every shape is answered with what is wrong about them, in both eras", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      const shapes = [[], "x", 1, null, { ref: { deep: [[[]]] } }, { ref: "x".repeat(100_000) }]
      const calls = shapes.flatMap((args, index) => [
        { jsonrpc: "2.0", id: `old ${index}`, method: "tools/call", params: { name: "oci_resolve", arguments: args } },
        modern(`new ${index}`, "tools/call", { name: "oci_resolve", arguments: args })
      ])
      yield* server.send(initialize, ...calls)
      const answers = yield* server.answers(1 + calls.length)
      for (const { id } of calls) {
        const answer = JSON.stringify(answers.get(id))
        assert.match(answer, /"error":|"isError":true/u, id.toString())
        assert.isBelow(answer.length, 5000, id.toString())
      }
      assert.strictEqual(new Set(Array.from(answers.values(), ({ id }) => id)).size, 1 + calls.length)
    }))

  it.live("by many requests at once, and cancellations of what was never asked, loses no answer", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      const count = 300
      const requests = Array.from({ length: count }, (_, id) =>
        id % 2 === 0
          ? toolCall(100 + id, "oci_list_repositories", {})
          : modern(100 + id, "tools/call", { name: "oci_list_repositories", arguments: {} }))
      const cancel = (requestId: number) => ({
        jsonrpc: "2.0",
        method: "notifications/cancelled",
        params: { requestId }
      })
      yield* server.send(initialize, ...requests, cancel(2), cancel(100_000))
      const answers = yield* server.answers(1 + count)
      for (const { id } of requests) assert.include(JSON.stringify(answers.get(id)), "\"repositories\":[]")
    }))
})

describe("the newer revision on standard input", () => {
  it.live("has its calls cancelled by the client, and answered when the server is told to stop", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      mkdirSync(join(root, "work"))
      writeFileSync(join(root, "work", "huge"), "")
      truncateSync(join(root, "work", "huge"), 64 * 1024 ** 3)
      const server = yield* spawnServer(["mcp", "--create", join(root, "layout"), "--allowed-dir", join(root, "work")])
      const push = (id: number) =>
        modern(id, "tools/call", {
          name: "oci_push_blob",
          arguments: { repository: "app", path: join(root, "work", "huge") }
        }, { ...envelope(), progressToken: `of ${id}` })
      const isTold = (id: number) =>
        Effect.repeat(
          Effect.andThen(
            Effect.sleep("20 millis"),
            Effect.sync(() => server.stdout().includes(`"progressToken":"of ${id}"`))
          ),
          { until: (told) => told }
        )
      yield* server.send(push(2))
      yield* isTold(2)
      yield* server.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 2 } }, push(3))
      yield* isTold(3)
      server.child.kill("SIGTERM")
      assert.strictEqual(yield* server.exit, 0)
      assert.notInclude(server.stdout(), `"id":2`)
      assert.include(server.stdout(), "CANCELLED: the server stopped before oci_push_blob finished")
    }))

  it.live("is answered what it has asked before the input ended", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      const args = { repository: "app", text: "hello" }
      yield* server.send(
        modern(1, "tools/call", { name: "oci_push_blob", arguments: args }),
        modern("s", "subscriptions/listen", { notifications: {} })
      )
      server.child.stdin.end()
      assert.strictEqual(yield* server.exit, 0)
      assert.include(server.stdout(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
      assert.include(server.stdout(), `"id":"s","result":{"resultType":"complete"`)
    }))

  it.live("is spoken by two servers on one layout at once", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const servers = yield* Effect.all([
        spawnServer(["mcp", "--create", directory]),
        spawnServer(["mcp", "--create", directory])
      ])
      const manifest = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }
      const push = (tag: string) =>
        modern(tag, "tools/call", {
          name: "oci_push_manifest",
          arguments: { repository: "app", manifest, tags: [tag] }
        })
      const tags = ["a", "b"].map((name) => Array.from({ length: 10 }, (_, index) => `${name}${index}`))
      for (const [index, server] of servers.entries()) yield* server.send(...(tags[index] ?? []).map(push))
      for (const server of servers) yield* server.answers(10)
      const [first] = servers
      yield* first.send(modern("end", "tools/call", { name: "oci_list_tags", arguments: { repository: "app" } }))
      const listed = JSON.stringify((yield* first.answers(11)).get("end"))
      for (const tag of tags.flat()) assert.include(listed, `"${tag}"`)
    }))
})
