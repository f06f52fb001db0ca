/** The load that the peer is under, for us: tagged manifests of one repository that share a config and a layer. */
import { Effect, type Scope, Stream } from "effect"
import { join } from "node:path"
import { type Durability, makeDisk } from "../../../src/node/index.ts"
import { imageConfig, imageManifest, layerTarGzip, octetStream } from "../../../src/oci/MediaType.ts"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { type Sample, sample } from "../../support/images.ts"
import { temporaryFolder } from "./folders.ts"

export const repository = "bench/app"

const config = sample("{}", octetStream)
const layer = sample("layer", octetStream)

export const tagOf = (number: number): string => `v${number}`

/**
 * The peer's manifest of this number. Of each thousand every tenth refers to the first, so that the one of the first
 * thousand has as many referrers as the peer's.
 */
export const manifestOf = (number: number): Sample => {
  const subject = number % 10 === 0 && number % 1000 > 0 ? manifestOf(number - number % 1000).descriptor : undefined
  return sample({
    schemaVersion: 2,
    mediaType: imageManifest,
    config: { ...config.descriptor, mediaType: imageConfig },
    layers: [{ ...layer.descriptor, mediaType: layerTarGzip }],
    ...(subject === undefined ? {} : { subject }),
    annotations: { "bench.sequence": String(number) }
  }, imageManifest)
}

/** The digests that tags point at, in the order of their numbers. */
export const digestsOf = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, number) => manifestOf(number).descriptor.digest)

/** What the manifests name. */
export const pushParts = (registry: LayoutRegistry) =>
  Effect.forEach([config, layer], ({ bytes }) => registry.pushBlob(repository, Stream.succeed(bytes)), {
    discard: true
  })

export const pushNumber = (registry: LayoutRegistry, number: number) =>
  registry.pushManifest(repository, manifestOf(number).bytes, imageManifest, { tags: [tagOf(number)] })

/** Opens a layout of the bench as a service does: once, for long. */
export const opened = (directory: string, durability: Durability = "none") =>
  Effect.orDie(makeDisk({ directory, durability }))

/** A layout with so many tagged manifests. */
export const makeLayout = Effect.fnUntraced(
  function*(count: number): Effect.fn.Return<string, RegistryError, Scope.Scope> {
    const directory = join(yield* temporaryFolder, "layout")
    yield* Effect.scoped(Effect.gen(function*() {
      const registry = yield* opened(directory)
      yield* pushParts(registry)
      yield* Effect.forEach(
        Array.from({ length: count }, (_, number) => number),
        (number) => pushNumber(registry, number),
        { concurrency: 500, discard: true }
      )
    }))
    return directory
  }
)
