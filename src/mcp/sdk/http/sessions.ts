/** Clients that shake hands: each has a session, with a server, a transport and a log of events of its own. */
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit, FiberMap, FiberSet, Scope } from "effect"
import { randomUUID } from "node:crypto"
import type { Running } from "../sdkServer.ts"
import { turn } from "../turn.ts"
import { nameAccepted } from "./accept.ts"
import { EventLog } from "./EventLog.ts"
import { closed, type Exchange, Rejected, unspecified } from "./exchange.ts"
import type { HttpLimits } from "./limits.ts"
import { withoutNullId } from "./withoutNullId.ts"

interface Session {
  readonly transport: StreamableHTTPServerTransport
  readonly events: EventLog
  /** Waits until no call is running. */
  readonly idle: Effect.Effect<void>
  readonly scope: Scope.Closeable
  /** Exchanges that are open; a stream is one. */
  open: number
  /** When the last exchange ended, as a number that only grows. */
  left: number
}

export interface Sessions {
  /** @param body the parsed body, of a POST only */
  readonly handle: (exchange: Exchange, body?: unknown) => Effect.Effect<void, Rejected>
  readonly idle: Effect.Effect<void>
}

export const makeSessions = Effect.fnUntraced(function*(
  makeServer: Effect.Effect<Running, never, Scope.Scope>,
  limits: HttpLimits
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  // One of their own: sessions begin late, and would else be ended before what was added to the scope earlier.
  const parent = yield* Effect.acquireRelease(Scope.make("parallel"), (scope) => Scope.close(scope, Exit.void))
  const sessions = new Map<string, Session>()
  const expiry = yield* FiberMap.make<string, void, never>()
  const run = yield* FiberSet.makeRuntimePromise()
  let exchanges = 0

  const end = (id: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const session = sessions.get(id)
      sessions.delete(id)
      return session === undefined ? Effect.void : Scope.close(session.scope, Exit.void)
    })

  /** A session is in use while an exchange is open or a call is running; after that its time begins. */
  const using = (id: string, session: Session, exchange: Exchange, body: unknown) =>
    Effect.gen(function*() {
      session.open++
      yield* FiberMap.remove(expiry, id)
      nameAccepted(exchange.request)
      withoutNullId(exchange.response)
      yield* Effect.promise(() => session.transport.handleRequest(exchange.request, exchange.response, body))
      yield* closed(exchange)
    }).pipe(Effect.ensuring(Effect.suspend(() => {
      session.open--
      session.left = ++exchanges
      if (session.open > 0 || !sessions.has(id)) return Effect.void
      const expire = Effect.sleep(limits.idleMillis).pipe(Effect.andThen(session.idle), Effect.andThen(end(id)))
      return FiberMap.run(expiry, id, expire)
    })))

  const open = Effect.fnUntraced(function*(id: string) {
    const events = new EventLog(limits.replayBytes)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      eventStore: events,
      retryInterval: 1000,
      onsessionclosed: () => run(end(id))
    })
    const log = yield* FiberSet.makeRuntime()
    // Added first, so that it is closed last: what was interrupted is still answered.
    yield* Effect.addFinalizer(() => Effect.andThen(turn, Effect.promise(() => transport.close())))
    const { idle, server } = yield* makeServer
    // The SDK's server emits no events: it calls this one.
    Object.assign(server, {
      onerror: ({ message }: Error) => log(Effect.logDebug(`session ${id}: ${message.slice(0, 200)}`))
    })
    yield* Effect.promise(() => server.connect(transport))
    return { transport, events, idle }
  })

  /** Ends the session that has been unused for the longest; its client, if there is one, begins another. */
  const makeRoom = Effect.gen(function*() {
    for (const [id, { idle, open }] of Array.from(sessions).toSorted(([, a], [, b]) => a.left - b.left)) {
      if (open > 0) continue
      const isIdle = yield* Effect.raceFirst(Effect.as(idle, true), Effect.as(Effect.yieldNow, false))
      if (!isIdle || !sessions.has(id)) continue
      yield* FiberMap.remove(expiry, id)
      return yield* end(id)
    }
    return yield* tooMany
  })

  const begin = Effect.fnUntraced(function*(exchange: Exchange, body: unknown) {
    if (sessions.size >= limits.sessions) yield* makeRoom
    // It cannot be guessed, and the token is needed as well.
    const id = randomUUID()
    const scope = yield* Scope.fork(parent)
    const session = { ...(yield* Scope.provide(open(id), scope)), scope, open: 0, left: ++exchanges }
    sessions.set(id, session)
    yield* using(id, session, exchange, body)
    // The transport has refused to begin one.
    if (session.transport.sessionId === undefined) yield* end(id)
  })

  return {
    handle: Effect.fnUntraced(function*(exchange, body) {
      const { headers, method } = exchange.request
      const id = headers["mcp-session-id"]
      if (id === undefined) {
        if (method === "POST" && isInitializeRequest(body)) return yield* begin(exchange, body)
        return yield* new Rejected({
          status: 400,
          number: unspecified,
          message: "Bad Request: Mcp-Session-Id header is required"
        })
      }
      const session = typeof id === "string" ? sessions.get(id) : undefined
      if (typeof id !== "string" || session === undefined) return yield* notFound
      const last = headers["last-event-id"]
      if (method === "GET" && typeof last === "string" && !session.events.has(last)) return yield* forgotten
      yield* using(id, session, exchange, body)
    }),
    idle: Effect.suspend(() => Effect.forEach(Array.from(sessions.values()), ({ idle }) => idle, { discard: true }))
  }
})

const notFound = new Rejected({ status: 404, number: -32001, message: "Session not found" })

const forgotten = new Rejected({ status: 400, number: unspecified, message: "Nothing is known of this Last-Event-ID" })

const tooMany = new Rejected({
  status: 503,
  number: unspecified,
  message: "Too many sessions, and all of them are in use; close one, or come back later"
})
