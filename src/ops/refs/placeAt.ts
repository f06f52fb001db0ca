/** Layouts as they were at a point in history that is written as text. */
import { Effect, Result } from "effect"
import type { ReferenceInvalid } from "../../oci/OciError.ts"
import { parseRef, type Place } from "./find.ts"
import { parsePoint } from "./parsePoint.ts"

/**
 * The same place at a point of its history, or as it is now where there is none.
 *
 * @param ref what `-N` goes back from, where that names a tag
 */
export const placeAt = <A extends Place>(
  place: A,
  at: string | undefined,
  ref?: string
): Effect.Effect<A, ReferenceInvalid> => {
  if (at === undefined) return Effect.succeed(place)
  const parsed = ref === undefined ? undefined : Result.getOrUndefined(parseRef(ref))
  const tag = parsed?.by._tag === "Tag" ? { repository: parsed.repository, tag: parsed.by.tag } : undefined
  return Effect.map(
    Effect.fromResult(parsePoint(at, tag)),
    (point) => ({ ...place, registry: place.registry.at(point) })
  )
}
