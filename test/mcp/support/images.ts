/** Images to test with, pushed straight into a registry. */
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"

export const imageManifest = "application/vnd.oci.image.manifest.v1+json"
const imageIndex = "application/vnd.oci.image.index.v1+json"
export const imageConfig = "application/vnd.oci.image.config.v1+json"
export const layerType = "application/vnd.oci.image.layer.v1.tar"

export const bytesOf = (content: string | object): Uint8Array =>
  Buffer.from(typeof content === "string" ? content : JSON.stringify(content))

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

export interface Pushed {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** As summaries show it. */
export const short = (digest: string): string => digest.slice(0, 19)

export const pushBlob = (registry: LayoutRegistry, repository: string, content: string | Uint8Array | object) => {
  const bytes = content instanceof Uint8Array ? content : bytesOf(content)
  return Effect.map(
    Effect.orDie(registry.pushBlob(repository, Stream.succeed(bytes))),
    ({ descriptor }): Pushed => ({ mediaType: layerType, digest: descriptor.digest, size: descriptor.size })
  )
}

export interface ImageOptions {
  readonly repository?: string
  readonly tags?: ReadonlyArray<string>
  readonly config?: object
  readonly layers?: ReadonlyArray<string | Uint8Array>
  /** Fields of the manifest besides config and layers. */
  readonly manifest?: object
  readonly configType?: string
}

export interface Image extends Pushed {
  readonly config: Pushed
  readonly layers: ReadonlyArray<Pushed>
  readonly bytes: Uint8Array
}

export const pushImage = Effect.fnUntraced(function*(registry: LayoutRegistry, options: ImageOptions = {}) {
  const { repository = "app", tags = [], layers = ["layer one"] } = options
  const config = yield* pushBlob(registry, repository, options.config ?? { os: "linux", architecture: "amd64" })
  const pushed = yield* Effect.forEach(layers, (layer) => pushBlob(registry, repository, layer))
  const bytes = bytesOf({
    schemaVersion: 2,
    mediaType: imageManifest,
    config: { ...config, mediaType: options.configType ?? imageConfig },
    layers: pushed,
    ...options.manifest
  })
  const { descriptor } = yield* Effect.orDie(registry.pushManifest(repository, bytes, imageManifest, { tags }))
  const image: Image = {
    mediaType: imageManifest,
    digest: descriptor.digest,
    size: descriptor.size,
    config,
    layers: pushed,
    bytes
  }
  return image
})

export const pushIndex = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  children: ReadonlyArray<Pushed & { readonly platform?: object }>,
  tags: ReadonlyArray<string>
) {
  const manifests = children.map(({ digest, mediaType, platform, size }) => ({ mediaType, digest, size, platform }))
  const bytes = bytesOf({ schemaVersion: 2, mediaType: imageIndex, manifests })
  const { descriptor } = yield* Effect.orDie(registry.pushManifest("app", bytes, imageIndex, { tags }))
  return { mediaType: imageIndex, digest: descriptor.digest, size: descriptor.size, bytes }
})
