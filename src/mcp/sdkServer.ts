/** Translates between the MCP SDK 1.x and the dispatch. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult
} from "@modelcontextprotocol/sdk/types.js"
import { Effect, FiberSet, type Scope } from "effect"
import type { Catalogue } from "./Catalogue.ts"
import { type CallResult, callTool, isKnownTool, listTools, stoppedResult } from "./Dispatch.ts"
import { instructionsFor } from "./instructions.ts"
import type { Progress, ToolDefinition } from "./Tool.ts"

export interface Running {
  /** One per connection: the SDK refuses a second transport on a connected one. */
  readonly server: Server
  /** Waits until no call is running. */
  readonly idle: Effect.Effect<void>
}

/**
 * A server for one connection. When the scope closes, the calls that are running are interrupted, clean up, and are
 * answered `CANCELLED`; the connection is not closed by it.
 *
 * The low-level `Server`, because `McpServer` accepts no schemas but zod's, and answers an unknown tool as a failed call.
 */
export const makeServer = Effect.fnUntraced(function*(
  catalogue: Catalogue,
  version: string
): Effect.fn.Return<Running, never, Scope.Scope> {
  const calls = yield* FiberSet.make<CallResult>()
  const run = yield* FiberSet.runtimePromise(calls)()

  // Capabilities are honest: the list never changes while the process lives, and there is nothing but tools.
  const server = new Server(
    { name: "ocilayout", title: "OCI image layouts", version },
    { capabilities: { tools: {} }, instructions: instructionsFor(catalogue) }
  )

  const list = { tools: listTools(catalogue).map(asTool) } satisfies ListToolsResult
  server.setRequestHandler(ListToolsRequestSchema, () => list)

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { _meta, sendNotification, signal }) => {
    const { arguments: args = {}, name } = params
    if (!isKnownTool(catalogue, name)) throw new UnknownTool(name)
    const progressToken = _meta?.progressToken
    const sendProgress = progressToken === undefined ? undefined : (step: Progress): void => {
      // Not awaited: on stdio, sending waits for the reader. What cannot be sent is nobody's loss.
      sendNotification({ method: "notifications/progress", params: { progressToken, ...step } }).catch(() => undefined)
    }
    try {
      const client = server.getClientVersion()?.name
      return asResult(await run(callTool(catalogue, { name, args, client, sendProgress }), { signal }))
    } catch (cause) {
      // The SDK answers nothing to a request that its client has cancelled; otherwise it is the server that ends.
      if (signal.aborted) throw cause
      return asResult(stoppedResult(name))
    }
  })

  return { server, idle: FiberSet.awaitEmpty(calls) }
})

/** A protocol error, as the specification asks for. */
class UnknownTool extends Error {
  readonly code = ErrorCode.InvalidParams

  constructor(name: string) {
    super(`Unknown tool: ${name.slice(0, 100)}`)
  }
}

/** The SDK's types know no `readonly` lists, although it changes none. */
const asTool = ({ inputSchema, outputSchema, ...tool }: ToolDefinition) => ({
  ...tool,
  inputSchema: asSchema(inputSchema),
  outputSchema: asSchema(outputSchema)
})

const asSchema = ({ required, ...schema }: ToolDefinition["inputSchema"]) =>
  required === undefined ? schema : { ...schema, required: Array.from(required) }

const asResult = ({ content, ...result }: CallResult) => ({ ...result, content: Array.from(content) })
