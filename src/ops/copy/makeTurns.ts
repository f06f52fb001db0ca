/** Work on the same thing, one after the other, while other work goes on. */
import { Clock, Effect } from "effect"
import { makeUnsafe, type Semaphore } from "effect/Semaphore"
import type { CopyTurns } from "../api/Copy.ts"

interface Turn {
  readonly semaphore: Semaphore
  users: number
}

/** For how long content is taken to be there: milliseconds. A target keeps what was just brought for longer. */
const trustedMillis = 10 * 60 * 1000

/** Turns for copies to one target: what one of them has brought, or is sending, the others do not ask for. */
export const makeTurns = (): CopyTurns => {
  const turns = new Map<string, Turn>()
  const brought = new Map<string, number>()

  const unlessBrought: CopyTurns = (key, work) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const since = brought.get(key)
      if (since !== undefined && now - since < trustedMillis) return Effect.succeed(true)
      return Effect.map(work, (isThere) => {
        if (isThere) brought.set(key, now)
        return false
      })
    })

  return (key, work) =>
    Effect.suspend(() => {
      const turn = turns.get(key) ?? { semaphore: makeUnsafe(1), users: 0 }
      turns.set(key, turn)
      turn.users++
      return Effect.ensuring(
        turn.semaphore.withPermits(1)(unlessBrought(key, work)),
        Effect.sync(() => {
          if (--turn.users === 0) turns.delete(key)
        })
      )
    })
}
