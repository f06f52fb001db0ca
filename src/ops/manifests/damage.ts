/** Tells damage, which a verification reports, from a medium that fails, which says nothing about what lies on it. */
import { Effect, Result } from "effect"
import type { RegistryError, StorageError } from "../../oci/OciError.ts"

/** A file that may not be read is damage as well: it will not be readable another time. */
export const isDamage = (error: RegistryError): boolean =>
  error._tag !== "StorageError" || error.kind === "other" || error.kind === "denied"

/** Damage as a result. */
export const damaged = <A, E extends RegistryError, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Result.Result<A, E>, StorageError, R> =>
  Effect.flatMap(Effect.result(effect), (result) => {
    const failure: RegistryError | undefined = Result.isFailure(result) ? result.failure : undefined
    return failure?._tag === "StorageError" && !isDamage(failure) ? Effect.fail(failure) : Effect.succeed(result)
  })
