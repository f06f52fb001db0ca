/** Layouts as they were, for tools that read. */
import { Effect, Result } from "effect"
import type { ReferenceInvalid } from "../oci/OciError.ts"
import { parseRef } from "../ops/find.ts"
import { parsePoint } from "../ops/point.ts"
import type { ServedLayout } from "./Served.ts"

/**
 * The layout at a point of its history, or as it is now.
 *
 * @param ref the tag that `-N` goes back from
 */
export const layoutAt = (
  layout: ServedLayout,
  at: string | undefined,
  ref?: string
): Effect.Effect<ServedLayout, ReferenceInvalid> => {
  if (at === undefined) return Effect.succeed(layout)
  const parsed = ref === undefined ? undefined : Result.getOrUndefined(parseRef(ref))
  const tag = parsed?.by._tag === "Tag" ? { repository: parsed.repository, tag: parsed.by.tag } : undefined
  return Effect.map(
    Effect.fromResult(parsePoint(at, tag)),
    (point) => ({ ...layout, registry: layout.registry.at(point) })
  )
}
