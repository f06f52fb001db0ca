/** Images, artifacts and indexes as bytes, and how they come into a registry. */
import { Effect, Result, Stream } from "effect"
import { createHash } from "node:crypto"
import { EntryAdded } from "../../src/layout/Event.ts"
import { hasher } from "../../src/memory/hasher.ts"
import { memoryStores } from "../../src/memory/memoryStores.ts"
import type { Descriptor, JsonObject } from "../../src/oci/Descriptor.ts"
import { type ContentDigest, contentDigest } from "../../src/oci/Digest.ts"
import { imageConfig, imageIndex, imageManifest, layerTar } from "../../src/oci/MediaType.ts"
import type { RegistryShape } from "../../src/ops/api/Registry.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { repository } from "./entries.ts"

export const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")

export const digestOf = (bytes: Uint8Array): ContentDigest =>
  contentDigest("sha256", createHash("sha256").update(bytes).digest("hex"))

/** Bytes and what points at them. */
export interface Sample {
  readonly bytes: Uint8Array
  readonly descriptor: Descriptor & { readonly digest: ContentDigest }
}

export const sample = (content: string | JsonObject | Uint8Array, mediaType: string): Sample => {
  const bytes = content instanceof Uint8Array
    ? content
    : utf8(typeof content === "string" ? content : JSON.stringify(content))
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
}

export interface SampleImage extends Sample {
  readonly config: Sample
  readonly layers: ReadonlyArray<Sample>
}

/** An image that differs from others by its name; `fields` are further members of its manifest. */
export const image = (name: string, fields: JsonObject = {}, layerCount = 1): SampleImage => {
  const config = sample({ os: "linux", architecture: "amd64", comment: name }, imageConfig)
  const layers = Array.from({ length: layerCount }, (_, place) => sample(`layer ${place} of ${name}`, layerTar))
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...fields
  }
  return { ...sample(manifest, imageManifest), config, layers }
}

/** A manifest about another one, as signatures and the like are. */
export const referrerOf = (subject: Sample, name: string, fields: JsonObject = {}): SampleImage =>
  image(name, { artifactType: "application/vnd.example.signature", subject: subject.descriptor, ...fields })

export const index = (children: ReadonlyArray<Sample>, fields: JsonObject = {}): Sample =>
  sample({
    schemaVersion: 2,
    mediaType: imageIndex,
    manifests: children.map(({ descriptor }) => descriptor),
    ...fields
  }, imageIndex)

/** A descriptor that carries its content. */
export const embedded = ({ bytes, descriptor }: Sample): Sample["descriptor"] => ({
  ...descriptor,
  data: Buffer.from(bytes).toString("base64")
})

export const pushBlob = (registry: RegistryShape, name: string, { bytes, descriptor }: Sample) =>
  registry.pushBlob(name, Stream.succeed(bytes), { digest: descriptor.digest, size: bytes.length })

export const pushManifest = (
  registry: RegistryShape,
  name: string,
  { bytes, descriptor }: Sample,
  tags: ReadonlyArray<string> = []
) => registry.pushManifest(name, bytes, descriptor.mediaType, { tags })

/** Pushes an image with all it needs. */
export const pushImage = Effect.fnUntraced(function*(
  registry: RegistryShape,
  name: string,
  { config, layers, ...manifest }: SampleImage,
  tags: ReadonlyArray<string> = []
) {
  for (const blob of [config, ...layers]) yield* pushBlob(registry, name, blob)
  return yield* pushManifest(registry, name, manifest, tags)
})

/** A layout in memory that another tool has written to: entries and blobs come in past all checks. */
export const foreignLayout = (defaultRepository?: string) => {
  const stores = memoryStores(defaultRepository === undefined ? undefined : repository(defaultRepository))
  return {
    stores,
    registry: sharedRegistry(stores, hasher),
    add: (...entries: ReadonlyArray<EntryAdded["value"]>) =>
      stores.layout.transact({
        evidence: () => Effect.void,
        decide: () => Result.succeed(entries.map((value) => new EntryAdded({ value })))
      }),
    store: (...samples: ReadonlyArray<Sample>) =>
      Effect.forEach(samples, ({ bytes }) => stores.blobs.write(Stream.succeed(bytes), { algorithm: "sha256" }), {
        discard: true
      })
  }
}

/** The entry of a manifest under a name as it is written, or none. */
export const entryOf = ({ descriptor }: Sample, refName?: string): JsonObject => ({
  ...descriptor,
  ...(refName === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": refName } })
})

export const collect = Effect.fnUntraced(function*<E>(content: Stream.Stream<Uint8Array, E>) {
  return new Uint8Array(Buffer.concat(yield* Stream.runCollect(content)))
})
