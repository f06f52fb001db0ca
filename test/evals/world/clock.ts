/** A clock that stands still, so that a history has the times it is told. */
import { Clock, type Duration, Effect } from "effect"

export const stoppedAt = (iso: string) => {
  const millis = Date.parse(iso)
  const nanos = BigInt(millis) * 1_000_000n
  return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.Clock, (real) =>
      Effect.provideService(self, Clock.Clock, {
        currentTimeMillisUnsafe: () => millis,
        currentTimeMillis: Effect.succeed(millis),
        currentTimeNanosUnsafe: () => nanos,
        currentTimeNanos: Effect.succeed(nanos),
        monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: real.monotonicTimeNanos,
        // A wait for another process takes real time.
        sleep: (duration: Duration.Duration) => real.sleep(duration)
      }))
}
