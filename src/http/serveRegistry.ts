/** Serves a registry over HTTP or HTTPS on Node. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Schema, type Scope } from "effect"
import { createServer, type Server, type ServerOptions } from "node:http"
import { createServer as createSecureServer, type Server as SecureServer } from "node:https"
import type { Registry } from "../ops/api/Registry.ts"
import { type AppOptions, makeApp } from "./app.ts"
import { checkMillis, defaultLimits, type HttpLimits, idleCheckMillis } from "./limits.ts"
import { closeStalled } from "./stalled.ts"

/** A certificate with its chain, and its key, both as PEM. */
interface TlsFiles {
  readonly cert: string
  readonly key: string
}

export interface ServeOptions extends AppOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  readonly tls?: TlsFiles | undefined
}

/** What may be replaced while it listens. */
interface Renewed extends Pick<AppOptions, "credentials" | "rules"> {
  readonly tls: TlsFiles | undefined
}

interface Serving {
  /** Like `http://127.0.0.1:5000`. */
  readonly url: string
  /** What is measured inside of it is told at /metrics. */
  readonly measure: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** What this server alone tells at /metrics; nothing where nothing is counted. */
  readonly metrics: Effect.Effect<string>
  /**
   * From now on new connections see this certificate, and these are who may come in and what they may; requests under way go on. Whether
   * there is TLS at all stays as it was.
   */
  readonly renew: (renewed: Renewed) => Effect.Effect<void, TlsError>
}

/** The address cannot be listened on. */
class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot listen on ${this.host}:${this.port}: ${this.reason}`
  }
}

/** Certificate and key cannot be used. */
class TlsError extends Schema.TaggedError<TlsError>()("TlsError", { reason: Schema.String }) {
  override get message(): string {
    return `certificate and key cannot be used: ${this.reason}`
  }
}

/**
 * Listens until the scope closes. Then nothing new is accepted, requests under way get a moment to finish, and those
 * that have not are broken off as if their clients had gone.
 */
export const serveRegistry = Effect.fn("serveRegistry")(function*(
  options: ServeOptions
): Effect.fn.Return<Serving, ListenError | TlsError, Registry | Scope.Scope> {
  const limits = { ...defaultLimits, ...options.limits }
  const app = yield* makeApp(options)
  const server = yield* Effect.try({
    try: () => makeServer(limits, options.tls),
    catch: (error) => new TlsError({ reason: reasonOf(error) })
  })
  server.maxConnections = limits.connections
  const stalled = closeStalled(server, limits.stalledMillis, Math.min(checkMillis, limits.stalledMillis))
  yield* Effect.addFinalizer(() => Effect.sync(stalled.stop))
  const { host, port } = options
  const http = yield* NodeHttpServer.make(() => server, { host, port }).pipe(
    Effect.mapError(({ cause }) => new ListenError({ host, port, reason: reasonOf(cause) }))
  )
  yield* http.serve(app.handle)
  yield* Effect.addFinalizer(() => Effect.andThen(app.stop, drain(server, limits.graceMillis)))
  const address = server.address()
  const bound = address !== null && typeof address === "object" ? address.port : port
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    measure: app.measure,
    metrics: app.metrics,
    renew: ({ credentials, rules, tls }) =>
      Effect.andThen(
        Effect.try({
          try: () => {
            if (tls !== undefined && "setSecureContext" in server) server.setSecureContext(tls)
          },
          catch: (error) => new TlsError({ reason: reasonOf(error) })
        }),
        app.renew(credentials, rules)
      )
  }
})

/**
 * Accepts nothing new, lets requests under way finish, and then drops the connections that are left. Effect's server
 * would wait for them for ever: its grace cannot be cut short while a scope closes.
 */
const drain = (server: Server | SecureServer, millis: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const idle = setInterval(() => server.closeIdleConnections(), idleCheckMillis)
    const grace = setTimeout(() => server.closeAllConnections(), millis)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(grace)
      resume(Effect.void)
    })
  })

const makeServer = (limits: HttpLimits, tls: TlsFiles | undefined): Server | SecureServer => {
  const options: ServerOptions = {
    headersTimeout: limits.headersMillis,
    connectionsCheckingInterval: Math.min(checkMillis, limits.headersMillis),
    // How long an upload takes is up to its size; a client that brings nothing is another matter.
    requestTimeout: 0,
    maxHeaderSize: limits.headerBytes
  }
  return tls === undefined ? createServer(options) : createSecureServer({ ...options, ...tls, minVersion: "TLSv1.2" })
}

const reasonOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
