/** Times of a store on this machine's clock: only how long ago something was counts, never what a clock says. */
import { Clock, Effect } from "effect"

/** When something was, that the store says was at `time` in an answer of `date`: milliseconds since 1970. */
export const timeHere = (date: number, time: number): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (now) => now - (date - time))
