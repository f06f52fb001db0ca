/** Recovering from a group of errors. */
import { Effect, Function } from "effect"
import { type ErrorGroup, type InGroup, isInGroup } from "../../oci/groups.ts"

/**
 * Handles all errors of a group, and leaves the others:
 *
 * ```ts
 * registry.resolveTag("app", "v1").pipe(
 *   Effect.asSome,
 *   catchGroup("NotFound", () => Effect.succeedNone)
 * )
 * ```
 */
export const catchGroup: {
  <const G extends ErrorGroup, E, A2, E2, R2>(
    group: G,
    handler: (error: InGroup<NoInfer<E>, G>) => Effect.Effect<A2, E2, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exclude<E, InGroup<E, G>> | E2, R | R2>
  <A, E, R, const G extends ErrorGroup, A2, E2, R2>(
    self: Effect.Effect<A, E, R>,
    group: G,
    handler: (error: InGroup<E, G>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, Exclude<E, InGroup<E, G>> | E2, R | R2>
} = Function.dual(3, recover)

function recover<A, E, R, G extends ErrorGroup, A2, E2, R2>(
  self: Effect.Effect<A, E, R>,
  group: G,
  handler: (error: InGroup<E, G>) => Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, Exclude<E, InGroup<E, G>> | E2, R | R2>
function recover<A, R, A2, R2>(
  self: Effect.Effect<A, unknown, R>,
  group: ErrorGroup,
  handler: (error: never) => Effect.Effect<A2, unknown, R2>
): Effect.Effect<A | A2, unknown, R | R2> {
  return self.pipe(Effect.catch((error) => isInGroup(group)(error) ? handler(error) : Effect.fail(error)))
}
