/**
 * Lets other machines have their turn. The one that won knows the head and need not look, so that it would win again and
 * again, and never learn that others try.
 */
import { Clock, Effect } from "effect"

/** How many groups one machine commits in a row while others try, and while it knows of no other. */
const mostInARow = { contended: 4, alone: 32 }
/** For how long others are believed to try, once this machine lost a race: milliseconds. */
const contendedMillis = 10_000
/** A pause is so many times as long as a commit: others look, decide and create a record within it. */
const pauseTimes = 2

export interface Turns {
  /** Waits, where it is the turn of others. */
  readonly take: Effect.Effect<void>
  /** A commit was made, which began at `began`. */
  readonly won: (began: number) => Effect.Effect<void>
  /** Another machine was first. */
  readonly lost: Effect.Effect<void>
}

export const makeTurns = (): Turns => {
  let inARow = 0
  let millis = 0
  let lastLost = Number.NEGATIVE_INFINITY
  return {
    take: Effect.gen(function*() {
      const isAlone = (yield* Clock.currentTimeMillis) - lastLost > contendedMillis
      if (inARow < (isAlone ? mostInARow.alone : mostInARow.contended)) return
      inARow = 0
      yield* Effect.sleep(pauseTimes * millis)
    }),
    won: (began) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        inARow++
        millis = now - began
      }),
    lost: Effect.map(Clock.currentTimeMillis, (now) => {
      inARow = 0
      lastLost = now
    })
  }
}
