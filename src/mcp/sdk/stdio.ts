/** Serves one client, of either era, over a pair of streams, which are usually the process's own. */
import { Deferred, Effect, FiberSet } from "effect"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import { Intake } from "./Intake.ts"
import { LineTransport } from "./LineTransport.ts"
import { EraSplit } from "./modern/EraSplit.ts"
import { makePeer } from "./modern/peer.ts"
import { makeServer } from "./sdkServer.ts"
import type { Streams } from "./Streams.ts"
import { turn } from "./turn.ts"

/** How long running calls may go on after the client has closed the connection. */
const grace = "1 second"

/**
 * Serves until the input ends or the output breaks. Calls that are running then get a moment to finish, after which
 * they are interrupted and clean up; the same happens at once when this effect is interrupted.
 */
export const serveStdio = Effect.fn("serveStdio")(
  function*(catalogue: ToolCatalog, version: string, streams: Streams) {
    // Acquired first, so that it is closed last: what was interrupted is still answered.
    const transport = yield* Effect.acquireRelease(
      Effect.sync(() => new Intake(new LineTransport(streams.input, streams.output), streams)),
      (transport) => Effect.andThen(turn, Effect.promise(() => transport.close()))
    )
    const { idle, server } = yield* makeServer(catalogue, version)
    const peer = yield* makePeer(makeServer(catalogue, version), (message) => {
      // Not awaited, like all that is sent: a slow reader must not hold up the work.
      void transport.send(message)
    })
    const log = yield* FiberSet.makeRuntime()
    const closed = yield* Deferred.make<void>()
    // The SDK's server emits no events: it calls these two.
    Object.assign(server, {
      onerror: ({ message }: Error) => log(Effect.logWarning(`message not understood: ${message.slice(0, 200)}`)),
      onclose: () => log(Deferred.succeed(closed, undefined))
    })
    yield* Effect.promise(() => server.connect(new EraSplit(transport, peer.take)))
    yield* Effect.raceFirst(ended(streams), Deferred.await(closed))
    yield* turn
    const begun = Effect.repeat(turn, { until: () => transport.load.waiting === 0 })
    yield* Effect.timeoutOption(Effect.andThen(begun, Effect.andThen(idle, peer.idle)), grace)
  },
  Effect.scoped
)

/** The SDK's transport does not notice the end of its input, nor a reader that has gone. */
const ended = ({ input, output }: Streams): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const end = (): void => resume(Effect.void)
    input.once("end", end)
    input.once("close", end)
    // Never taken off again: without a listener, a later write to a broken pipe would end the process.
    output.on("error", end)
    return Effect.sync(() => {
      input.off("end", end)
      input.off("close", end)
    })
  })
