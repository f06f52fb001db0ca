/** Requests of revision 2026-07-28 over HTTP: no session, and what the body says is said in headers too. */
import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest
} from "@modelcontextprotocol/sdk/types.js"
import { Effect, Schedule } from "effect"
import { answer } from "../modern/answer.ts"
import type { Connections } from "../modern/inner.ts"
import { code, meta, modernVersions, type Reply } from "../modern/protocol.ts"
import { closed, type Exchange, Rejected } from "./exchange.ts"
import * as limits from "./limits.ts"

/** Whether a body is of this era, going by what it or its headers say. */
export const isModernBody = ({ request }: Exchange, body: unknown): boolean =>
  modernVersions.some((version) => version === request.headers["mcp-protocol-version"]) ||
  isJSONRPCRequest(body) && (body.method === "server/discover" || body.params?._meta?.[meta.version] !== undefined)

/** Requests that take a while, and may have something to tell in between. */
const streamed = new Set(["subscriptions/listen", "tools/call"])

/** Until the response is written. A client cancels by closing the connection. */
export const handleModern = Effect.fnUntraced(function*(
  connections: Connections,
  exchange: Exchange,
  body: unknown
): Effect.fn.Return<void, Rejected> {
  const { request, response } = exchange
  if (isJSONRPCNotification(body)) {
    response.writeHead(202).end()
    return
  }
  if (!isJSONRPCRequest(body)) {
    return yield* new Rejected({ status: 400, number: -32600, message: "Invalid Request: not one JSON-RPC request" })
  }
  yield* checkHeaders(request.headers, body)
  const work = streamed.has(body.method) ? stream(connections, exchange, body) : single(connections, exchange, body)
  yield* Effect.raceFirst(work, closed(exchange))
})

const single = Effect.fnUntraced(function*(connections: Connections, { response }: Exchange, request: JSONRPCRequest) {
  const reply = yield* answer(connections, request, () => undefined)
  response.writeHead(statusOf(reply), { "content-type": "application/json" }).end(JSON.stringify(reply))
})

const statusOf = (reply: Reply): number => {
  if (!("error" in reply)) return 200
  switch (reply.error.code) {
    case code.methodNotFound:
      return 404
    case code.internal:
      return 500
    default:
      return 400
  }
}

/**
 * What is wrong with a request can be told by its status only as long as nothing is sent, so the stream begins late.
 */
const stream = Effect.fnUntraced(function*(connections: Connections, { response }: Exchange, request: JSONRPCRequest) {
  const begin = (): void => {
    if (response.headersSent) return
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no"
    })
  }
  const send = (message: JSONRPCMessage): void => {
    begin()
    response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  }
  const alive = Effect.sync(() => {
    begin()
    response.write(": still here\n\n")
  }).pipe(Effect.delay(limits.keepAliveMillis), Effect.repeat(Schedule.forever), Effect.andThen(Effect.never))
  const reply = yield* Effect.raceFirst(
    answer(connections, request, (notification) => {
      // A slow reader misses some of the progress rather than filling the memory with it.
      if (response.writableLength < limits.unreadBytes) send(notification)
    }),
    alive
  )
  if (!response.headersSent && "error" in reply) {
    response.writeHead(statusOf(reply), { "content-type": "application/json" }).end(JSON.stringify(reply))
    return
  }
  send(reply)
  response.end()
})

/** Proxies decide by the headers, so that the body must say the same. */
const checkHeaders = Effect.fnUntraced(function*(
  headers: Exchange["request"]["headers"],
  { id, method, params }: JSONRPCRequest
) {
  const named = params?.["name"] ?? params?.["uri"]
  const expected = {
    "mcp-protocol-version": params?._meta?.[meta.version],
    "mcp-method": method,
    ...(["tools/call", "prompts/get", "resources/read"].includes(method) ? { "mcp-name": named } : {})
  }
  for (const [header, value] of Object.entries(expected)) {
    // The reader of the body says what is missing in it.
    if (value === undefined) continue
    const given = headers[header]
    if (typeof given !== "string" || decoded(given) !== value) {
      return yield* new Rejected({
        status: 400,
        number: code.headerMismatch,
        message: `Header mismatch: ${header} is ${given === undefined ? "missing" : "not what the body says"}`,
        id
      })
    }
  }
})

/** Values that do not fit into a header come as base64 in a frame. */
const decoded = (value: string): string => {
  const encoded = /^=\?base64\?(.*)\?=$/su.exec(value)?.[1]
  return encoded === undefined ? value : Buffer.from(encoded, "base64").toString("utf8")
}
