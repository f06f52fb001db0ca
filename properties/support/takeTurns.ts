/** Effect fibers, run one step at a time in an order that follows from a number. */
import { Effect, type Scheduler } from "effect"
import { randomOf } from "./random.ts"

/** Who goes next: with 0 the fiber that has waited longest, otherwise any. */
class Turns implements Scheduler.Scheduler {
  readonly executionMode = "async"
  readonly #next: (waiting: number) => number
  readonly #waiting: Array<() => void> = []
  #isRunning = false

  constructor(order: number) {
    const random = randomOf(order)
    this.#next = order === 0 ? () => 0 : random.below
  }

  /** A fiber goes on until it says that others may go. */
  shouldYield(): boolean {
    return false
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return {
      scheduleTask: (task) => {
        this.#waiting.push(task)
        if (!this.#isRunning) void this.#run()
      },
      flush: () => {}
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      // What waits for a promise waits no longer than the others.
      await Promise.resolve()
      const [task] = this.#waiting.splice(this.#next(this.#waiting.length), 1)
      task?.()
    }
    this.#isRunning = false
  }
}

/** Runs `effect` to its end; `order` decides which fiber takes the next step, 0 for each in turn. */
export const takeTurns = <A, E>(order: number, effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(effect, { scheduler: new Turns(order) })
