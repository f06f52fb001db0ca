/** An MCP server on the same bridge as ours, whose only tool answers what it is told. */
import { Effect, Schema } from "effect"
import process from "node:process"
import { serveStdio } from "../../../src/mcp/index.ts"
import type { ServerConfig } from "../../../src/mcp/tool/ServerConfig.ts"
import { defineTool } from "../../../src/mcp/tool/Tool.ts"
import { localFiles, makeDisk } from "../../../src/node/index.ts"

const echo = defineTool({
  name: "echo",
  toolset: "read",
  title: "Echo",
  description: "Answers what it is told",
  hints: { readOnly: true, destructive: false, idempotent: true },
  needs: "nothing",
  input: Schema.Struct({ text: Schema.String }),
  output: Schema.Struct({ text: Schema.String }),
  run: ({ text }) => Effect.succeed({ text })
})

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* makeDisk({ directory: process.cwd() })
  const served: ServerConfig = {
    layouts: [{ id: "none", registry, perRepository: false }],
    mode: "read",
    files: localFiles([])
  }
  const catalogue = { served, tools: new Map([["echo", echo(served)]]), withheld: new Map<string, "writing">() }
  yield* serveStdio(catalogue, "1.0.0", { input: process.stdin, output: process.stdout })
})))
