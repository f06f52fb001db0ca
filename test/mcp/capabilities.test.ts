/** What a client is told it can ask for, by every kind of server: all of that is answered, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { EmptyResultSchema, ErrorCode } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit } from "effect"
import { makeServer } from "../../src/mcp/sdk/sdkServer.ts"
import { catalogueOf, type Kind, kinds, nameOf } from "./support/catalogues.ts"

const connected = Effect.fnUntraced(function*(kind: Kind) {
  const { server } = yield* makeServer(yield* catalogueOf(kind), "0.0.0")
  const client = new Client({ name: "test", version: "0.0.0" })
  const [near, far] = InMemoryTransport.createLinkedPair()
  yield* Effect.acquireRelease(
    Effect.promise(() => Promise.all([server.connect(far), client.connect(near)])),
    () => Effect.promise(() => client.close())
  )
  return client
})

describe("the capabilities of a server", () => {
  for (const kind of kinds) {
    it.live(`are what it does: ${nameOf(kind)}`, () =>
      Effect.gen(function*() {
        const client = yield* connected(kind)
        assert.deepStrictEqual(client.getServerCapabilities(), {
          tools: {},
          resources: { subscribe: true },
          prompts: {},
          completions: {}
        })
        const { tools } = yield* Effect.promise(() => client.listTools())
        const { prompts } = yield* Effect.promise(() => client.listPrompts())
        const { resources } = yield* Effect.promise(() => client.listResources())
        const { resourceTemplates } = yield* Effect.promise(() => client.listResourceTemplates())
        for (const list of [tools, prompts, resources, resourceTemplates]) assert.isNotEmpty(list)
        assert.lengthOf(resources, kind.layouts === "one" ? 1 : 2)
        for (const { description = "", uri } of resources) {
          yield* Effect.promise(() => client.readResource({ uri }))
          const subscribed = yield* Effect.exit(Effect.tryPromise(() => client.subscribeResource({ uri })))
          assert.strictEqual(description.includes("Can be subscribed to."), Exit.isSuccess(subscribed), uri)
        }
        yield* Effect.promise(() => client.ping())
      }))
  }

  it.live("do not include what is not done", () =>
    Effect.gen(function*() {
      const client = yield* connected({ mode: "delete", files: true, layouts: "one", perRepository: false })
      for (const method of ["tasks/list", "nothing/such"]) {
        const { cause } = yield* Effect.flip(Effect.tryPromise(() => client.request({ method }, EmptyResultSchema)))
        assert.deepInclude(cause, { code: ErrorCode.MethodNotFound }, method)
      }
    }))
})
