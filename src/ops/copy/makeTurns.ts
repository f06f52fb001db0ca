/** Work on the same thing, one after the other, while other work goes on. */
import { Effect } from "effect"
import { makeUnsafe, type Semaphore } from "effect/Semaphore"
import type { CopyTurns } from "../api/Copy.ts"

interface Turn {
  readonly semaphore: Semaphore
  users: number
}

/** Turns for copies to one target at the same time: what one of them is sending, the others wait for and then find. */
export const makeTurns = (): CopyTurns => {
  const turns = new Map<string, Turn>()
  return (digest, work) =>
    Effect.suspend(() => {
      const turn = turns.get(digest) ?? { semaphore: makeUnsafe(1), users: 0 }
      turns.set(digest, turn)
      turn.users++
      return Effect.ensuring(
        turn.semaphore.withPermits(1)(work),
        Effect.sync(() => {
          if (--turn.users === 0) turns.delete(digest)
        })
      )
    })
}
