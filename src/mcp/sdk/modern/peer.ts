/** A client of revision 2026-07-28 on a channel that all of its requests share, as on stdio. */
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit, FiberMap, Option, Scope } from "effect"
import { answer } from "./answer.ts"
import type { Connections } from "./inner.ts"
import { isModern } from "./protocol.ts"
import { makePending } from "./questions.ts"

export interface Peer {
  /** Whether the message was for this peer, and is being dealt with. */
  readonly take: (message: JSONRPCMessage) => boolean
  /** Waits until no call is running; subscriptions go on. */
  readonly idle: Effect.Effect<void>
}

/** The connections that requests are answered over, until the scope closes: then what is running is answered `CANCELLED`. */
export const makeConnections = (
  makeServer: Connections["makeServer"]
): Effect.Effect<Connections, never, Scope.Scope> =>
  Effect.acquireRelease(Scope.make("parallel"), (scope) => Scope.close(scope, Exit.void)).pipe(
    Effect.map((connections) => ({ makeServer, connections, pending: makePending() }))
  )

/** A request is known by its id until it is answered, so that the client can cancel it. */
export const makePeer = Effect.fnUntraced(function*(
  makeServer: Connections["makeServer"],
  send: (message: JSONRPCMessage) => void
): Effect.fn.Return<Peer, never, Scope.Scope> {
  const calls = yield* FiberMap.make<unknown, void, never>()
  const subscriptions = yield* FiberMap.make<unknown, void, never>()
  const run = { calls: yield* FiberMap.runtime(calls)(), subscriptions: yield* FiberMap.runtime(subscriptions)() }
  yield* Effect.addFinalizer(() => Effect.andThen(FiberMap.awaitEmpty(calls), FiberMap.awaitEmpty(subscriptions)))
  // Made last, so that it is closed first: what is running above then gets its answer, and sends it.
  const connections = yield* makeConnections(makeServer)
  return {
    take: (message) => {
      if (isModern(message)) {
        const started = message.method === "subscriptions/listen" ? run.subscriptions : run.calls
        started(message.id, Effect.map(answer(connections, message, send), send))
        return true
      }
      if (!("method" in message) || message.method !== "notifications/cancelled") return false
      const running = [calls, subscriptions].flatMap((fibers) =>
        Option.toArray(FiberMap.getUnsafe(fibers, message.params?.["requestId"]))
      )
      for (const fiber of running) fiber.interruptUnsafe()
      return running.length > 0
    },
    idle: FiberMap.awaitEmpty(calls)
  }
})
