/** Tells damage, which a verification reports, from a medium that fails, which says nothing about what lies on it. */
import { Effect, Result } from "effect"
import type { RegistryError } from "../../oci/OciError.ts"

/** A file that may not be read is damage as well: it will not be readable another time. */
export const isDamage = (error: RegistryError): boolean =>
  error._tag !== "StorageError" || error.kind === "other" || error.kind === "denied"

/** Damage as a result. */
export const damaged = <A, R>(
  effect: Effect.Effect<A, RegistryError, R>
): Effect.Effect<Result.Result<A, RegistryError>, RegistryError, R> =>
  Effect.flatMap(
    Effect.result(effect),
    (result) =>
      Result.isFailure(result) && !isDamage(result.failure) ? Effect.fail(result.failure) : Effect.succeed(result)
  )
