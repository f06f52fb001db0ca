/** Work that is done once for all who want the same at the same time, and goes on when they leave. */
import { Deferred, Effect, type Scope } from "effect"
import { make as makeSemaphore } from "effect/Semaphore"
import { type RegistryError, RemoteError } from "../../oci/OciError.ts"

/** Joins the work of this name, or begins it; `RemoteError` where too many are under way or wait. */
export type Flights<A> = (name: string, work: Effect.Effect<A, RegistryError>) => Effect.Effect<A, RegistryError>

/** Under way at once; others wait. */
const atOnce = 16

/** Under way and waiting; more are refused. */
const most = 512

const tooMany = new RemoteError({
  host: "upstream",
  operation: "fetch",
  reason: `${most} downloads are under way or wait; try again`,
  status: 429,
  passing: true
})

/** Of what is done nothing is kept but its result, which those get who wait for it. */
export const makeFlights = <A>(): Effect.Effect<Flights<A>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const turns = yield* makeSemaphore(atOnce)
    const flying = new Map<string, Deferred.Deferred<A, RegistryError>>()
    return (name, work) =>
      Effect.suspend(() => {
        const known = flying.get(name)
        if (known !== undefined) return Deferred.await(known)
        if (flying.size >= most) {
          return Effect.fail(tooMany)
        }
        const done = Deferred.makeUnsafe<A, RegistryError>()
        const ended = turns.withPermits(1)(work).pipe(
          Effect.onExit((exit) =>
            Effect.suspend(() => {
              flying.delete(name)
              return Deferred.done(done, exit)
            })
          ),
          Effect.ignore
        )
        // What has its name there is begun, also where the one that wanted it leaves.
        return Effect.uninterruptibleMask((restore) =>
          Effect.suspend(() => {
            flying.set(name, done)
            return Effect.andThen(Effect.forkIn(ended, scope), restore(Deferred.await(done)))
          })
        )
      })
  })
