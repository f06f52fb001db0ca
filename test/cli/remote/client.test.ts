/** The client of a server for agents: names that were not allowed lead into no private network, whatever they resolve to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { clientLayer } from "../../../src/cli/remote/client.ts"
import { answering } from "../../remote/support/remotes.ts"

const statusAt = (url: string, named: ReadonlyArray<string> | undefined) =>
  Effect.gen(function*() {
    const client = yield* HttpClient
    return (yield* client.get(url)).status
  }).pipe(
    Effect.provide(clientLayer({ insecure: [], ca: undefined, named })),
    Effect.orElseSucceed(() => "refused")
  )

describe("a client with names", () => {
  it.live("connects to private addresses only by these", () =>
    Effect.gen(function*() {
      let asked = 0
      const server = yield* answering((_, response) => {
        asked++
        response.writeHead(204).end()
      })
      const url = server.url.replace("127.0.0.1", "localhost")
      assert.strictEqual(yield* statusAt(url, undefined), 204)
      assert.strictEqual(yield* statusAt(url, ["localhost"]), 204)
      assert.strictEqual(yield* statusAt(url, ["registry.example.com"]), "refused")
      assert.strictEqual(asked, 2)
    }))
})
