/** When images were created, by their own annotations and configs. */
import { Clock, Effect, Option } from "effect"
import { created } from "../../oci/Annotations.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseImageConfig } from "../../oci/ImageConfig.ts"
import type { Facts } from "../../oci/Manifest.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import type { Tag } from "../../oci/Reference.ts"
import type { RegistryReads } from "../api/Registry.ts"
import * as limits from "../limits.ts"
import { collectBytes } from "../manifests/collectBytes.ts"

/** Builds that can be repeated write a time from before there were any images, which says nothing about an age. */
const firstImages = Date.UTC(2013, 0, 1)

/** How manifests are read; nothing is what cannot be. */
export interface Reading<E> {
  readonly facts: (descriptor: Descriptor) => Effect.Effect<Option.Option<Facts>, E>
  /** A config, whole. */
  readonly config: (descriptor: Descriptor) => Effect.Effect<Option.Option<Uint8Array>, E>
  /** How many images of an index are looked at. */
  readonly most: number
}

export interface Created {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly source: "annotation" | "config"
}

/**
 * The annotation of the descriptor or the manifest, else `created` of the config; of an index that says nothing itself, of
 * its newest image. Nothing where none of them says a time at which there can have been an image.
 */
export const createdBy = Effect.fnUntraced(
  function*<E>(
    reading: Reading<E>,
    descriptor: Descriptor,
    now: number,
    depth = 0
  ): Effect.fn.Return<Option.Option<Created>, E> {
    const facts = yield* reading.facts(descriptor)
    const own = Option.isSome(facts) ? facts.value.annotations.get(created) : undefined
    const annotated = timeOf(descriptor.annotations?.[created], now) ?? timeOf(own, now)
    if (annotated !== undefined) return Option.some({ time: annotated, source: "annotation" as const })
    if (Option.isNone(facts)) return Option.none()
    const { config, manifests } = facts.value
    if (config !== undefined) {
      const bytes = yield* reading.config(config)
      const read = Option.flatMap(bytes, (content) => Option.getSuccess(parseImageConfig(content)))
      const time = Option.isSome(read) ? timeOf(read.value.created, now) : undefined
      return time === undefined ? Option.none() : Option.some({ time, source: "config" as const })
    }
    if (depth >= limits.walkDepth) return Option.none()
    let newest: Option.Option<Created> = Option.none()
    for (const child of manifests.slice(0, reading.most)) {
      const found = yield* createdBy(reading, child, now, depth + 1)
      if (Option.isSome(found) && (Option.isNone(newest) || found.value.time > newest.value.time)) newest = found
    }
    return newest
  }
)

const timeOf = (text: string | undefined, now: number): number | undefined => {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return time >= firstImages && time <= now ? time : undefined
}

/** Images of an index that are looked at for a list of names. */
const most = 50

/** As `createdBy` says of a manifest of a repository, as ISO 8601 has it. */
export const createdOf = Effect.fnUntraced(function*(
  registry: RegistryReads,
  repository: string,
  descriptor: Descriptor
): Effect.fn.Return<Option.Option<string>> {
  const found = yield* createdBy(
    {
      facts: (one) => Effect.option(registry.describe(repository, one)),
      config: (one) => Effect.option(configOf(registry, repository, one)),
      most
    },
    descriptor,
    yield* Clock.currentTimeMillis
  )
  return Option.map(found, ({ time }) => new Date(time).toISOString())
})

/**
 * Tags with the time at which their images were created, as `createdOf` says it, the newest first; of one time, or of
 * none, as they came.
 */
export const newestTags = Effect.fnUntraced(function*(
  registry: RegistryReads,
  repository: string,
  tags: ReadonlyArray<Tag>
): Effect.fn.Return<ReadonlyMap<Tag, Option.Option<string>>, RegistryError> {
  const dated = yield* Effect.forEach(tags, (tag) =>
    registry.resolveTag(repository, tag).pipe(
      Effect.flatMap((descriptor) => createdOf(registry, repository, descriptor)),
      // It has gone since it was listed.
      Effect.catchTags({ ManifestUnknown: () => Effect.succeedNone, NameUnknown: () => Effect.succeedNone }),
      Effect.map((created) => ({ tag, created, text: Option.getOrElse(created, () => "") }))
    ), { concurrency: 8 })
  const sorted = dated.toSorted((a, b) => (a.text > b.text ? -1 : a.text < b.text ? 1 : 0))
  return new Map(sorted.map(({ created, tag }) => [tag, created]))
})

const configOf = Effect.fnUntraced(function*(registry: RegistryReads, repository: string, config: Descriptor) {
  const { stream } = yield* registry.getBlob(repository, config.digest)
  // What its descriptor says of its size may be wrong.
  return yield* collectBytes(stream, (size) => size > limits.manifestBytes ? Effect.fail("too large") : Effect.void)
}, Effect.scoped)
