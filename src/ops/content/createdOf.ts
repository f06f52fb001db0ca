/** When images were created, as they say themselves. */
import { Effect, Option } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseImageConfig } from "../../oci/ImageConfig.ts"
import type { RegistryShape } from "../api/Registry.ts"
import * as limits from "../limits.ts"
import { collectBytes } from "../manifests/collectBytes.ts"

const annotation = "org.opencontainers.image.created"

/** Images of an index that are looked at. */
const most = 50

/**
 * The annotation of the manifest, else `created` of its config; of an index, of its newest image. Nothing where none of
 * them says a time, or cannot be read.
 */
export const createdOf = (
  registry: RegistryShape,
  repository: string,
  descriptor: Descriptor,
  depth = 0
): Effect.Effect<Option.Option<string>> =>
  Effect.gen(function*() {
    const facts = yield* registry.describe(repository, descriptor)
    const stated = timeIn(facts.annotations.get(annotation))
    if (Option.isSome(stated)) return stated
    if (facts.config !== undefined) return timeIn(yield* configured(registry, repository, facts.config))
    if (depth > 1) return Option.none()
    const each = yield* Effect.forEach(
      facts.manifests.slice(0, most),
      (child) => createdOf(registry, repository, child, depth + 1)
    )
    return Option.fromUndefinedOr(each.flatMap(Option.toArray).toSorted().at(-1))
  }).pipe(Effect.orElseSucceed(() => Option.none()))

const configured = (registry: RegistryShape, repository: string, config: Descriptor) =>
  Effect.scoped(Effect.gen(function*() {
    if (config.size > limits.manifestBytes) return undefined
    const { stream } = yield* registry.getBlob(repository, config.digest)
    const bytes = yield* collectBytes(stream, () => Effect.void)
    const parsed = parseImageConfig(bytes)
    return parsed._tag === "Success" ? parsed.success.created : undefined
  }))

const timeIn = (text: string | undefined): Option.Option<string> => {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? Option.none() : Option.some(new Date(time).toISOString())
}
