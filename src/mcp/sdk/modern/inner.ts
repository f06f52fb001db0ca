/**
 * The server as clients of the handshake see it, on a connection inside this process: what it can do is declared once,
 * and answered in both eras.
 */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import {
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest
} from "@modelcontextprotocol/sdk/types.js"
import { Deferred, Effect, Exit, Schema, Scope } from "effect"
import { field } from "../../../oci/field.ts"
import type { Running } from "../sdkServer.ts"
import { turn } from "../turn.ts"
import { type Asking, code, ProtocolError } from "./protocol.ts"
import type { Pending } from "./questions.ts"

/** The last version with a handshake. */
const innerVersion = "2025-11-25"

/** How the server introduces itself. */
const Introduction = Schema.Struct({
  capabilities: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)),
  serverInfo: Schema.Record(Schema.String, Schema.Unknown),
  instructions: Schema.optionalKey(Schema.String)
})

/** What the server says besides answers: notifications, and questions that it asks a client in the middle of a call. */
export interface Listener {
  readonly notified: (notification: JSONRPCNotification) => void
  /** The answer to a question, or nothing when there is none and the call cannot go on. */
  readonly asked: (question: JSONRPCRequest) => Readonly<Record<string, unknown>> | undefined
}

export interface Inner {
  readonly introduction: typeof Introduction.Type
  readonly request: (
    method: string,
    params: Record<string, unknown>
  ) => Effect.Effect<Record<string, unknown>, ProtocolError>
  /** Until the server ends. */
  readonly ended: Effect.Effect<void>
}

/** What a server may ask of a client that is handed on: a question ends a call, and is asked by its answer. */
const handedOn = new Set(["elicitation/create", "roots/list"])

type Answer = Deferred.Deferred<Record<string, unknown>, ProtocolError>

/** Lives as long as the scope it is opened in, or the one of all connections if that ends first. */
export const openInner = Effect.fnUntraced(function*(
  { connections, makeServer }: Connections,
  { client, elicitation, extensions, roots }: Asking,
  { asked, notified }: Listener
): Effect.fn.Return<Inner, ProtocolError, Scope.Scope> {
  const scope = yield* Effect.acquireRelease(Scope.fork(connections), (scope) => Scope.close(scope, Exit.void))
  const waiting = new Map<unknown, Answer>()
  const transport = new InProcess((message) => {
    if (isJSONRPCResultResponse(message)) {
      const answer = waiting.get(message.id)
      if (answer !== undefined) Deferred.doneUnsafe(answer, Effect.succeed(message.result))
    } else if (isJSONRPCErrorResponse(message)) {
      const answer = waiting.get(message.id)
      if (answer !== undefined) Deferred.doneUnsafe(answer, Effect.fail(errorFrom(message.error)))
    } else if (isJSONRPCRequest(message)) {
      const result = handedOn.has(message.method) ? asked(message) : undefined
      if (result !== undefined) transport.onmessage?.({ jsonrpc: "2.0", id: message.id, result })
    } else if ("method" in message) notified(message)
  })
  return yield* Effect.gen(function*() {
    const ended = yield* Deferred.make<void>()
    // Added first, so that it is closed last: what was interrupted is still answered.
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.andThen(turn, Effect.promise(() => transport.close())),
        Deferred.succeed(ended, undefined)
      )
    )
    const { server } = yield* makeServer
    yield* Effect.promise(() => server.connect(transport))
    const request: Inner["request"] = Effect.fnUntraced(function*(method, params) {
      const id = waiting.size + 1
      const answer: Answer = yield* Deferred.make<Record<string, unknown>, ProtocolError>()
      waiting.set(id, answer)
      transport.onmessage?.({ jsonrpc: "2.0", id, method, params })
      return yield* Deferred.await(answer)
    })
    const introduced = yield* request("initialize", {
      protocolVersion: innerVersion,
      clientInfo: client,
      capabilities: {
        ...field("elicitation", elicitation),
        ...(roots === undefined ? {} : { roots: {} }),
        ...field("extensions", extensions)
      }
    })
    transport.onmessage?.({ jsonrpc: "2.0", method: "notifications/initialized" })
    const introduction = yield* Effect.orDie(Schema.decodeUnknownEffect(Introduction)(introduced))
    return { introduction, request, ended: Deferred.await(ended) }
  }).pipe(Scope.provide(scope))
})

/** What every connection is made from. */
export interface Connections {
  readonly makeServer: Effect.Effect<Pick<Running, "server">, never, Scope.Scope>
  /** Its end is the server's: calls that are running are interrupted and answered `CANCELLED`. */
  readonly connections: Scope.Scope
  /** Questions that clients have not answered yet. */
  readonly pending: Pending
}

/** Resource not found has had a code of its own before. */
const errorFrom = ({ code: number, data, message }: { code: number; message: string; data?: unknown }): ProtocolError =>
  new ProtocolError({
    number: number === -32002 ? code.invalidParams : number,
    // The SDK puts the number before the message.
    message: message.replace(/^MCP error -?\d+: /u, ""),
    ...field("data", data)
  })

class InProcess implements Transport {
  onmessage?: Transport["onmessage"]
  onclose?: Transport["onclose"]
  readonly #receive: (message: JSONRPCMessage) => void

  constructor(receive: (message: JSONRPCMessage) => void) {
    this.#receive = receive
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  send(message: JSONRPCMessage): Promise<void> {
    this.#receive(message)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.onclose?.()
    return Promise.resolve()
  }
}
