/** A server of the SDK with whatever a test wants it to do, asked in the manner of revision 2026-07-28. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import type { JSONRPCNotification, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Effect, type Scope } from "effect"
import { answer } from "../../../../src/mcp/sdk/modern/answer.ts"
import type { Connections } from "../../../../src/mcp/sdk/modern/inner.ts"
import { makeConnections } from "../../../../src/mcp/sdk/modern/peer.ts"
import type { Reply } from "../../../../src/mcp/sdk/modern/protocol.ts"

export const envelope = (capabilities: object = {}, version = "2026-07-28") => ({
  "io.modelcontextprotocol/protocolVersion": version,
  "io.modelcontextprotocol/clientInfo": { name: "modern", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": capabilities
})

/** With an id of its own, which is what ties an answer to it. */
export const modern = (
  id: number | string,
  method: string,
  params: Record<string, unknown> = {},
  meta: Record<string, unknown> = envelope()
): JSONRPCRequest => ({ jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } })

export interface Asked {
  readonly reply: (request: JSONRPCRequest) => Effect.Effect<Reply>
  readonly notifications: Array<JSONRPCNotification>
  readonly connections: Connections
}

export const asking = Effect.fnUntraced(function*(
  setUp: (server: Server) => void,
  capabilities: ConstructorParameters<typeof Server>[1] = { capabilities: { tools: {} } }
): Effect.fn.Return<Asked, never, Scope.Scope> {
  const notifications: Array<JSONRPCNotification> = []
  const connections = yield* makeConnections(Effect.sync(() => {
    const server = new Server({ name: "tested", version: "9" }, capabilities)
    setUp(server)
    return { server }
  }))
  const reply = (request: JSONRPCRequest) =>
    answer(connections, request, (notification) => void notifications.push(notification))
  return { connections, notifications, reply }
})
