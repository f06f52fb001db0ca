/** Keeps a layout as it was acknowledged, beside what a command does. */
import { Effect, type Scope } from "effect"
import type { HistoryWrites } from "../ops/api/History.ts"

/** As long as the scope lives; that it cannot be done is told, and hinders nothing else. */
export const keepTended = (
  { tend }: Pick<HistoryWrites, "tend">,
  options?: Parameters<HistoryWrites["tend"]>[0]
): Effect.Effect<unknown, never, Scope.Scope> =>
  Effect.forkScoped(
    tend(options).pipe(
      Effect.catch(({ message }) =>
        Effect.logWarning(`what other tools overwrite is put back by the next write alone: ${message}`)
      )
    )
  )
