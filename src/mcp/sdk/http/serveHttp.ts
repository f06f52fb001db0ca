/** Serves clients of both eras over Streamable HTTP, at one address, each of which has to show a token. */
import { isJSONRPCRequest } from "@modelcontextprotocol/sdk/types.js"
import { Cause, Effect, FiberSet, Schema, type Scope } from "effect"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { ToolCatalog } from "../../catalog/toolCatalog.ts"
import { makeConnections } from "../modern/peer.ts"
import { allVersions, unsupported } from "../modern/protocol.ts"
import { makeServer } from "../sdkServer.ts"
import { accepts } from "./accept.ts"
import { limitConnections } from "./connections.ts"
import { type Exchange, jsonBody, reject, Rejected, unspecified } from "./exchange.ts"
import { type Access, crossOrigin, makeGate } from "./gate.ts"
import { checkMillis, defaultLimits, flushMillis, type HttpLimits } from "./limits.ts"
import { handleModern, isModernBody } from "./modernExchange.ts"
import { makeSessions } from "./sessions.ts"

/** The path of the endpoint. */
const endpoint = "/mcp"

export interface HttpOptions extends Access {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly limits?: Partial<HttpLimits>
}

/** The address cannot be listened on. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot listen on ${this.host}:${this.port}: ${this.reason}`
  }
}

/**
 * Listens until the scope closes, and gives the address of the endpoint. Then nothing new is accepted, calls that are
 * running get a moment to finish, after which they are interrupted, clean up, and are answered `CANCELLED`.
 */
export const serveHttp = Effect.fn("serveHttp")(function*(
  catalogue: ToolCatalog,
  version: string,
  options: HttpOptions
): Effect.fn.Return<string, ListenError, Scope.Scope> {
  const limits = { ...defaultLimits, ...options.limits }
  const gate = makeGate({ ...options, hosts: [...options.hosts, bracketed(options.host)] })
  const server = createServer({
    headersTimeout: limits.headersMillis,
    requestTimeout: 2 * limits.headersMillis,
    connectionsCheckingInterval: Math.min(checkMillis, limits.headersMillis)
  })
  const { know } = limitConnections(server, limits.connections)
  // Finalizers run from the last one up: accept nothing, let calls finish, end sessions, write answers, drop what is left.
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  const exchanges = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(exchanges)()
  yield* Effect.addFinalizer(() => Effect.timeoutOption(FiberSet.awaitEmpty(exchanges), flushMillis))
  const connections = yield* makeConnections(makeServer(catalogue, version))
  const sessions = yield* makeSessions(makeServer(catalogue, version), limits)
  let answering = 0
  let calling = 0
  let stopping = false
  const idle = Effect.repeat(Effect.sleep("20 millis"), { until: () => calling === 0 })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      stopping = true
      server.close()
    }).pipe(Effect.andThen(Effect.timeoutOption(Effect.andThen(sessions.idle, idle), limits.graceMillis)))
  )

  const modern = (exchange: Exchange, body: unknown) =>
    Effect.suspend(() => {
      const isCall =
        !(typeof body === "object" && body !== null && "method" in body && body.method === "subscriptions/listen")
      if (isCall) calling++
      return Effect.ensuring(
        handleModern(connections, exchange, body),
        Effect.sync(() => {
          if (isCall) calling--
        })
      )
    })

  const post = Effect.fnUntraced(function*(exchange: Exchange) {
    if (answering >= limits.requests) return yield* busy
    answering++
    yield* Effect.gen(function*() {
      if (!isJson(exchange.request.headers["content-type"])) return yield* notJson
      const { accept } = exchange.request.headers
      if (!accepts(accept, "application/json") || !accepts(accept, "text/event-stream")) return yield* notAcceptable
      const body = yield* jsonBody(exchange, limits.bodyBytes)
      const version = exchange.request.headers["mcp-protocol-version"]
      if (typeof version === "string" && !allVersions.includes(version)) {
        const { data, message, number } = unsupported(version)
        const id = isJSONRPCRequest(body) ? { id: body.id } : {}
        return yield* new Rejected({ status: 400, number, message, data, ...id })
      }
      yield* isModernBody(exchange, body) ? modern(exchange, body) : sessions.handle(exchange, body)
    }).pipe(Effect.ensuring(Effect.sync(() => {
      answering--
    })))
  })

  const handle = (exchange: Exchange): Effect.Effect<void, Rejected> => {
    const { request, response } = exchange
    const { headers, method = "" } = request
    const isEndpoint = request.url?.replace(/\?.*$/su, "") === endpoint
    const refusal = gate(method, headers, isEndpoint)
    for (const [name, value] of Object.entries({ ...crossOrigin(options.origins, headers), ...refusal?.headers })) {
      response.setHeader(name, value)
    }
    if (refusal !== undefined) return Effect.fail(new Rejected({ ...refusal, number: unspecified }))
    if (!isEndpoint) return Effect.fail(nothingHere)
    if (method !== "OPTIONS") know(request.socket)
    if (stopping) return Effect.fail(ending)
    switch (method) {
      case "OPTIONS":
        return Effect.sync(() => {
          response.writeHead(204).end()
        })
      case "POST":
        return post(exchange)
      case "GET":
      case "DELETE":
        return sessions.handle(exchange)
      default:
        response.setHeader("allow", "GET, POST, DELETE")
        return Effect.fail(notAllowed)
    }
  }

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const exchange = { request, response }
    // Without a listener, writing to a client that has gone would end the process.
    response.on("error", ({ message }) => run(Effect.logDebug(`a response was not read: ${message}`)))
    run(
      handle(exchange).pipe(
        Effect.catch((rejected) => Effect.sync(() => reject(exchange, rejected))),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.sync(() => void response.destroy())
            : Effect.andThen(
              Effect.logError("a request failed unexpectedly", cause),
              Effect.sync(() => reject(exchange, failed))
            )
        )
      )
    )
  })
  const port = yield* listen(server, options)
  return `http://${bracketed(options.host)}:${port}${endpoint}`
})

const listen = (server: Server, { host, port }: HttpOptions): Effect.Effect<number, ListenError> =>
  Effect.callback((resume) => {
    server.once("error", ({ message }) => resume(Effect.fail(new ListenError({ host, port, reason: message }))))
    server.listen(port, host, () => {
      const address = server.address()
      resume(Effect.succeed(address !== null && typeof address === "object" ? address.port : port))
    })
  })

/** As it stands in an address. */
const bracketed = (host: string): string => host.includes(":") ? `[${host}]` : host

const isJson = (type: string | undefined): boolean => /^application\/json *(?:;|$)/iu.test(type ?? "")

const rejected = (status: number, message: string): Rejected => new Rejected({ status, number: unspecified, message })

const busy = rejected(503, "Too many requests at once; come back later")
const ending = rejected(503, "The server is stopping")
const failed = new Rejected({ status: 500, number: -32603, message: "Internal error" })
const notAcceptable = rejected(
  406,
  "Not Acceptable: Client must accept both application/json and text/event-stream"
)
const notAllowed = rejected(405, "Method not allowed")
const notJson = rejected(415, "Unsupported Media Type: Content-Type must be application/json")
const nothingHere = rejected(404, `Not found; the endpoint is ${endpoint}`)
