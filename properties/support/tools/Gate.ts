/** Lets one tool work while no other does, for what the rules leave to quiet times. */
import { Effect } from "effect"

export class Gate {
  #inside = 0
  #isClosed = false

  /** Waits while another tool wants to be alone. */
  within<A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const enter = this.#until(() => !this.#isClosed, () => void this.#inside++)
    return Effect.andThen(enter, Effect.ensuring(work, Effect.sync(() => void this.#inside--)))
  }

  /** Waits until no tool is at work, and keeps all others waiting. */
  alone<A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const close = this.#until(() => !this.#isClosed && this.#inside === 0, () => void (this.#isClosed = true))
    return Effect.andThen(close, Effect.ensuring(work, Effect.sync(() => void (this.#isClosed = false))))
  }

  #until(holds: () => boolean, then: () => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!holds()) return Effect.andThen(Effect.yieldNow, this.#until(holds, then))
      then()
      return Effect.void
    })
  }
}
