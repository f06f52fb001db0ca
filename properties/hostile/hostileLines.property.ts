/** The server on a pair of streams answers or ignores every line there may be, and says nothing but protocol. */
import { assert, describe, it } from "@effect/vitest"
import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit, Fiber, Logger, type Scope } from "effect"
import { PassThrough } from "node:stream"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { serveStdio } from "../../src/mcp/sdk/stdio.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { pushImage } from "../../test/mcp/support/images.ts"
import { memoryFiles } from "../../test/mcp/support/memoryFiles.ts"
import { figures } from "../support/figures.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { type Random, randomOf } from "../support/random.ts"
import { runs, seed } from "../support/share.ts"

const request = (id: number | string | undefined, method: string, params?: object): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...(id === undefined ? {} : { id }), method, params }))

const initialize = request(0, "initialize", {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "hostile", version: "1" }
})

/** What a client says, in any order and as often as it likes. */
const requests: ReadonlyArray<Buffer> = [
  initialize,
  request(undefined, "notifications/initialized"),
  request(1, "ping"),
  request(2, "tools/list"),
  request("three", "tools/call", { name: "oci_list_tags", arguments: { repository: "app" } }),
  request(4, "tools/call", { name: "oci_inspect_image", arguments: { ref: "app:v1" }, _meta: { progressToken: 1 } }),
  request(5, "tools/call", { name: "oci_push_blob", arguments: { repository: "app", text: "x" } }),
  request(6, "tools/call", { name: "oci_upload_start", arguments: { repository: "app" } }),
  request(7, "resources/list"),
  request(undefined, "notifications/cancelled", { requestId: 4, reason: "x" }),
  request(undefined, "notifications/progress", { progressToken: 1, progress: 1 }),
  Buffer.from(`{"jsonrpc":"2.0","id":9,"result":{}}`),
  Buffer.from(`{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"x"}}`)
]

const mutated = jsonMutator(requests)

/** Lines that are no message, and those that are nearly one. */
const line = (random: Random): Buffer => {
  if (!random.once(8)) return mutated(random)
  const deep = random.pick([70, 5000, 100_000])
  return random.pick([
    Buffer.alloc(random.below(100), random.below(256)),
    Buffer.from(`[${requests.join(",")}]`),
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${"[".repeat(deep)}${"]".repeat(deep)}}`),
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${"{\"a\":".repeat(deep)}1${"}".repeat(deep)}}`),
    Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "a".repeat(200_000) } })),
    Buffer.from(`${requests.join("\r\n")}\r`)
  ])
}

interface Server {
  readonly say: (bytes: Uint8Array) => void
  readonly heard: () => ReadonlyArray<string>
  /** Whether the answer to this id has come. */
  readonly answered: (id: string) => Promise<void>
  readonly hangUp: () => void
  readonly ended: Effect.Effect<Exit.Exit<void>>
}

const server: Effect.Effect<Server, never, Scope.Scope> = Effect.gen(function*() {
  const registry = yield* Effect.orDie(makeMemory())
  yield* pushImage(registry, { tags: ["v1"] })
  const catalogue = makeToolCatalog({
    layouts: [{ id: "main", path: "/layouts/main", registry, perRepository: false }],
    mode: "delete",
    files: memoryFiles(["/files"])
  })
  const [input, output] = [new PassThrough(), new PassThrough()]
  const lines: Array<string> = []
  let rest = ""
  output.setEncoding("utf8").on("data", (text: string) => {
    const parts = `${rest}${text}`.split("\n")
    rest = parts.pop() ?? ""
    lines.push(...parts)
  })
  const fiber = yield* Effect.forkScoped(
    Effect.provide(serveStdio(catalogue, "0.0.0", { input, output }), Logger.layer([]))
  )
  return {
    say: (bytes) => void input.write(bytes),
    heard: () => lines,
    answered: async (id) => {
      // A turn of the loop each, so that no clock decides; a server that is gone never answers.
      for (let turns = 0; !lines.some((text) => text.includes(`"id":"${id}"`)); turns++) {
        if (turns > 100_000) throw new Error(`no answer to ${id} after ${lines.length} lines`)
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    },
    hangUp: () => void input.end(),
    ended: Fiber.await(fiber)
  }
})

/** Lines said to one server before another takes over. */
const perServer = 500

const converse = async (first: number, kinds: Map<string, number>): Promise<void> => {
  const check = Effect.gen(function*() {
    const { answered, ended, hangUp, heard, say } = yield* server
    say(Buffer.concat([initialize, Buffer.from("\n")]))
    for (let at = first; at < first + perServer; at++) {
      const bytes = line(randomOf(seed + at))
      say(Buffer.concat([bytes, Buffer.from("\n")]))
      if (at % 20 === 0) {
        const id = `ping ${at}`
        say(Buffer.concat([request(id, "ping"), Buffer.from("\n")]))
        yield* Effect.promise(() => answered(id))
      }
    }
    hangUp()
    assert.isTrue(Exit.isSuccess(yield* ended))
    for (const text of heard()) {
      // JSON-RPC 2.0, section 5, has ids that the schema does not know: none, where none could be read, and any number.
      const message = JSONRPCMessageSchema.parse(JSON.parse(text.replace(/"id":(?:null|-?\d[\d.e+-]*)/iu, "\"id\":0")))
      assert.notInclude(text, "failed unexpectedly")
      const kind = "result" in message ? "answer" : "error" in message ? "error" : "notification"
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
  })
  await Effect.runPromise(Effect.scoped(check))
}

describe("a server", () => {
  it("answers or ignores every line, goes on answering, and says nothing but protocol", async () => {
    const kinds = new Map<string, number>()
    const inputs = Math.ceil((50 * runs) / perServer) * perServer
    for (let first = 0; first < inputs; first += perServer) await converse(first, kinds)
    figures("lines", { inputs, ...Object.fromEntries(kinds) })
    assert.includeMembers(Array.from(kinds.keys()), ["answer", "error"])
  })
  it("ends, and keeps nothing, when a line is longer than any message", async () => {
    const check = Effect.gen(function*() {
      const { answered, ended, heard, say } = yield* server
      say(Buffer.concat([request("first", "ping"), Buffer.from("\n")]))
      yield* Effect.promise(() => answered("first"))
      for (let mebibytes = 0; mebibytes < 11; mebibytes++) say(Buffer.alloc(1024 * 1024, "a"))
      assert.isTrue(Exit.isSuccess(yield* ended))
      assert.lengthOf(heard(), 1)
    })
    await Effect.runPromise(Effect.scoped(check))
  })
})
