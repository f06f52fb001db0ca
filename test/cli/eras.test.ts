/** Clients of both eras, as the official client of the newer one has them, on the same command. */
import { assert, describe, it } from "@effect/vitest"
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { serving, token } from "../mcp/sdk/http/support.ts"
import { compiled, mainPath, temporaryDirectory } from "./support/server.ts"

const modes = [
  ["a handshake", "legacy", "legacy"],
  ["whatever is there", "auto", "modern"],
  ["2026-07-28 only", { pin: "2026-07-28" }, "modern"]
] as const

const used = Effect.fnUntraced(function*(
  mode: (typeof modes)[number][1],
  era: string,
  transport: Parameters<Client["connect"]>[0]
) {
  const client = new Client({ name: "eras", version: "0" }, { versionNegotiation: { mode } })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  assert.strictEqual(client.getProtocolEra(), era)
  const { tools } = yield* Effect.promise(() => client.listTools())
  assert.include(tools.map(({ name }) => name), "oci_resolve")
  const answer = yield* Effect.promise(() => client.callTool({ name: "oci_list_layouts", arguments: {} }))
  assert.containsAllKeys(answer.structuredContent, ["layouts", "inline_limit"])
  const failed = yield* Effect.promise(() => client.callTool({ name: "oci_resolve", arguments: { ref: "a:b" } }))
  assert.deepNestedPropertyVal(failed._meta, "dev\\.ocilayout/error.code", "NAME_UNKNOWN")
  const unknown = yield* Effect.flip(Effect.tryPromise(() => client.callTool({ name: "nonesuch", arguments: {} })))
  assert.nestedPropertyVal(unknown.cause, "code", -32602)
})

describe("a client that opens with", () => {
  it.live.each(modes)("%s is served over standard input and output", ([, mode, era]) =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const command = {
        command: process.execPath,
        args: [mainPath, "mcp", "--create", directory],
        env: compiled,
        stderr: "ignore" as const
      }
      yield* used(mode, era, new StdioClientTransport(command))
      // A client may start the server once only to see what it speaks.
      assert.deepStrictEqual(readdirSync(directory), [])
    }))

  it.live.each(modes)("%s is served over HTTP", ([, mode, era]) =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      yield* used(mode, era, new StreamableHTTPClientTransport(url, { requestInit }))
    }))
})
