import { Effect, type Scope } from "effect"

/** Sets the umask of this process until the scope ends. */
export const withUmask = (mask: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => process.umask(mask)),
    (before) => Effect.sync(() => process.umask(before))
  ))
