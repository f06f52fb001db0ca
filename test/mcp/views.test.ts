/** Pictures of results (MCP Apps, 2026-01-26), for clients that say they show them, and for no others. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { Effect, type Scope } from "effect"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { answer } from "../../src/mcp/sdk/modern/answer.ts"
import { makeConnections } from "../../src/mcp/sdk/modern/peer.ts"
import { makeServer } from "../../src/mcp/sdk/sdkServer.ts"
import { envelope, modern } from "./sdk/modern/support.ts"
import { catalogueOf, longest } from "./support/catalogues.ts"

const showing = { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } }

const uri = "ui://ocilayout/result"
const pictured = ["oci_diff", "oci_gc", "oci_history", "oci_inspect_image"]

const catalogue = (view?: () => string) =>
  Effect.map(catalogueOf(longest), ({ served }) => makeToolCatalog({ ...served, view }))

const connected = (capabilities: object, view?: () => string): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { server } = yield* makeServer(yield* catalogue(view), "0.0.0")
    const client = new Client({ name: "test", version: "0.0.0" }, { capabilities })
    const [near, far] = InMemoryTransport.createLinkedPair()
    yield* Effect.acquireRelease(
      Effect.promise(() => Promise.all([server.connect(far), client.connect(near)])),
      () => Effect.promise(() => client.close())
    )
    return client
  })

const toolsOf = (client: Client) => Effect.map(Effect.promise(() => client.listTools()), ({ tools }) => tools)

describe("the view of results", () => {
  it.live("is named by the tools that have one, to clients that show such", () =>
    Effect.gen(function*() {
      const client = yield* connected(showing, () => "<!doctype html>")
      const tools = yield* toolsOf(client)
      const named = tools.filter(({ _meta }) => _meta !== undefined)
      assert.deepStrictEqual(named.map(({ name }) => name).toSorted(), pictured)
      for (const { _meta } of named) assert.deepStrictEqual(_meta, { ui: { resourceUri: uri } })
      const { contents } = yield* Effect.promise(() => client.readResource({ uri }))
      assert.deepStrictEqual(contents, [{
        uri,
        mimeType: "text/html;profile=mcp-app",
        text: "<!doctype html>",
        _meta: { ui: { csp: {}, prefersBorder: true } }
      }])
    }))

  it.live("costs others nothing, and is nothing where none was built", () =>
    Effect.gen(function*() {
      const plain = yield* toolsOf(yield* connected({}))
      for (
        const capabilities of [
          {},
          { extensions: {} },
          { extensions: { "io.modelcontextprotocol/ui": {} } },
          { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html"] } } }
        ]
      ) {
        assert.deepStrictEqual(yield* toolsOf(yield* connected(capabilities, () => "")), plain)
      }
      const without = yield* connected(showing)
      assert.deepStrictEqual(yield* toolsOf(without), plain)
      yield* Effect.flip(Effect.tryPromise(() => without.readResource({ uri })))
      const { resources } = yield* Effect.promise(() => without.listResources())
      assert.notInclude(resources.map((resource) => resource.uri), uri)
    }))

  it.live("is named without a handshake as well", () =>
    Effect.gen(function*() {
      const connections = yield* makeConnections(makeServer(yield* catalogue(() => ""), "0.0.0"))
      const named = (capabilities: object) =>
        Effect.map(
          answer(connections, modern(1, "tools/list", {}, envelope(capabilities)), () => undefined),
          (reply) => JSON.stringify(reply).split(uri).length - 1
        )
      assert.strictEqual(yield* named({}), 0)
      assert.strictEqual(yield* named(showing), pictured.length)
    }))
})
