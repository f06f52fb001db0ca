/** Work that is repeated for ever, and fails now and then. */
import { Effect } from "effect"

/**
 * A failure is a warning in the log, and the work goes on. One that comes again and again is told once, until the work
 * has succeeded or fails otherwise.
 *
 * @param what what cannot be done then, as the beginning of a sentence that the failure ends
 */
export const warnOnce = (
  what: string
): <E extends { readonly message: string }, R>(work: Effect.Effect<unknown, E, R>) => Effect.Effect<void, never, R> => {
  let lastWarning: string | undefined
  return (work) =>
    Effect.matchEffect(work, {
      onSuccess: () =>
        Effect.sync(() => {
          lastWarning = undefined
        }),
      onFailure: ({ message }) => {
        if (message === lastWarning) return Effect.void
        lastWarning = message
        return Effect.logWarning(`${what}: ${message}`)
      }
    })
}
