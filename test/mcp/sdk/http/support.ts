/** A server over HTTP on a registry in memory, whose `oci_list_layouts` takes as long as a test likes. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { Effect, Exit, Scope } from "effect"
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http"
import { makeToolCatalog } from "../../../../src/mcp/catalog/toolCatalog.ts"
import type { HttpLimits } from "../../../../src/mcp/sdk/http/limits.ts"
import { serveHttp } from "../../../../src/mcp/sdk/http/serveHttp.ts"
import { makeMemory } from "../../../../src/memory/index.ts"
import { initialize, toolCall } from "../../../cli/support/server.ts"
import { memoryFiles } from "../../support/memoryFiles.ts"
import { envelope } from "../modern/support.ts"

export const token = "0123456789abcdef"

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Served {
  readonly url: URL
  /** Lets every call that waits go on. */
  readonly goOn: () => void
  /** How many calls have begun, and how many of them were interrupted. */
  readonly calls: { begun: number; interrupted: number }
  /** Ends the server. */
  readonly stop: Effect.Effect<void>
}

export interface Setting {
  readonly limits?: Partial<HttpLimits>
  readonly origins?: ReadonlyArray<string>
  readonly hosts?: ReadonlyArray<string>
  /** Whether `oci_list_layouts` waits until it is told to go on. */
  readonly waiting?: boolean
}

export const serving = Effect.fnUntraced(function*(
  { hosts = [], limits = {}, origins = [], waiting = false }: Setting = {}
): Effect.fn.Return<Served, never, Scope.Scope> {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const calls = { begun: 0, interrupted: 0 }
  let goOn = (): void => undefined
  const told = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const registry = yield* Effect.orDie(makeMemory({ defaultRepository: "app" }))
  const check = Effect.suspend(() => {
    calls.begun++
    return waiting ? Effect.promise(() => told) : Effect.void
  }).pipe(Effect.onInterrupt(() => Effect.sync(() => calls.interrupted++)))
  const catalogue = makeToolCatalog({
    layouts: [{ id: "main", registry: { ...registry, check }, perRepository: false }],
    mode: "write",
    files: memoryFiles([])
  })
  const options = { host: "127.0.0.1", port: 0, token, hosts, origins, limits }
  const url = yield* Scope.provide(Effect.orDie(serveHttp(catalogue, "0.0.0", options)), scope)
  return { url: new URL(url), goOn, calls, stop: Scope.close(scope, Exit.void) }
})

export const authorized = {
  authorization: `Bearer ${token}`,
  accept: "application/json, text/event-stream",
  "content-type": "application/json"
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | object
}

/** The beginning of the answer; what follows is left to the caller. */
export const begin = ({ url }: Served, { body, headers = authorized, method = "POST", path = url.pathname }: Sent) =>
  Effect.callback<IncomingMessage>((resume, signal) => {
    const sent = request({ host: url.hostname, port: url.port, method, path, headers, signal }, (response) => {
      // Tests break connections on purpose.
      response.on("error", () => undefined)
      resume(Effect.succeed(response))
    })
    sent.once("error", (error) => resume(Effect.die(error)))
    sent.end(typeof body === "object" ? JSON.stringify(body) : body)
  })

export const textOf = (response: IncomingMessage): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let text = ""
    response.on("data", (chunk) => text += String(chunk))
    response.once("close", () => resume(Effect.succeed(text)))
  })

/** What has come so far, once it includes this. */
export const until = (response: IncomingMessage, part: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let text = ""
    response.on("data", (chunk) => {
      text += String(chunk)
      if (text.includes(part)) resume(Effect.succeed(text))
    })
  })

export const send = (served: Served, sent: Sent): Effect.Effect<Answer> =>
  Effect.flatMap(
    begin(served, sent),
    (response) =>
      Effect.map(textOf(response), (body) => ({ status: response.statusCode ?? 0, headers: response.headers, body }))
  )

/** The headers of a session that is open. */
export const openSession = Effect.fnUntraced(function*(served: Served) {
  const { headers } = yield* send(served, { body: initialize })
  const session = {
    ...authorized,
    "mcp-session-id": String(headers["mcp-session-id"]),
    "mcp-protocol-version": "2025-11-25"
  }
  yield* send(served, { headers: session, body: { jsonrpc: "2.0", method: "notifications/initialized" } })
  return session
})

export const listLayouts = toolCall(2, "oci_list_layouts", {})

/** The same call in the manner of the newer revision. */
export const modernCall = {
  headers: {
    ...authorized,
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "oci_list_layouts"
  },
  body: {
    ...listLayouts,
    params: { ...listLayouts.params, _meta: envelope() }
  }
}

export const connect = Effect.fnUntraced(function*({ url }: Served): Effect.fn.Return<Client, never, Scope.Scope> {
  const client = new Client({ name: "test", version: "0" })
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { authorization: `Bearer ${token}` } }
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  return client
})

export const eventually = (holds: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.sleep("10 millis"), { until: holds }))
