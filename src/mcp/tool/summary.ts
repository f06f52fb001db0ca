/** What there is to say about a layout as a whole. */
import { Effect, Stream } from "effect"
import { field } from "../../oci/field.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { Mode, ServedLayout } from "./ServerConfig.ts"

/** A layout that cannot be opened is listed with what is wrong about it. */
export const summaryOf = ({ id, path, registry }: ServedLayout, mode: Mode) => {
  const which = { id, ...field("path", path) }
  return Effect.gen(function*() {
    yield* registry.check
    const repositories = yield* Stream.runCollect(registry.repositories())
    const tags = yield* Effect.forEach(repositories, (repository) => Stream.runCount(registry.tags(repository)))
    const usage = yield* registry.usage
    return {
      ...which,
      mode,
      repositories: repositories.length,
      tags: tags.reduce((sum, count) => sum + count, 0),
      ...usage
    }
  }).pipe(Effect.catch((error: RegistryError) =>
    Effect.succeed({
      ...which,
      mode,
      repositories: 0,
      tags: 0,
      blobs: 0,
      bytes: 0,
      problem: `${error.code}: ${error.message}`
    })
  ))
}
