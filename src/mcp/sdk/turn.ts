import { Effect } from "effect"

/** One turn of the event loop: what was read before is handed to its handlers, what was answered is written. */
export const turn: Effect.Effect<void> = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
