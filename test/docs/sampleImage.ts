/** The image that the README inspects: large enough for its layers to be told apart, with an SBOM. */
import { Effect, type Scope, Stream } from "effect"
import { makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"

const repository = "example/app"
const utf8 = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const manifestType = "application/vnd.oci.image.manifest.v1+json"

const layers = [
  ["ADD file:1a2b3c4d in /", 30_000_000],
  ["COPY . /srv # buildkit", 4_000_000],
  ["RUN make install # buildkit", 120_000]
] as const

export const sampleImage = (directory: string): Effect.Effect<void, RegistryError, Scope.Scope> =>
  Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, durability: "none" })
    const push = (content: Uint8Array, mediaType: string) =>
      Effect.map(
        registry.pushBlob(repository, Stream.succeed(content)),
        ({ descriptor: { digest, size } }) => ({ mediaType, digest, size })
      )
    const config = {
      os: "linux",
      architecture: "amd64",
      config: { Entrypoint: ["/bin/app"], User: "1000", Env: ["PATH=/bin"] },
      history: layers.map(([created_by]) => ({ created_by })),
      rootfs: { type: "layers", diff_ids: [] }
    }
    const manifest = utf8({
      schemaVersion: 2,
      mediaType: manifestType,
      config: yield* push(utf8(config), "application/vnd.oci.image.config.v1+json"),
      layers: yield* Effect.forEach(
        layers,
        ([, size], index) => push(Buffer.alloc(size, index), "application/vnd.oci.image.layer.v1.tar")
      )
    })
    const { descriptor: { digest, size } } = yield* registry.pushManifest(repository, manifest, manifestType, {
      tags: ["1.0"]
    })
    const sbom = utf8({
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType: "application/spdx+json",
      config: yield* push(utf8({}), "application/vnd.oci.empty.v1+json"),
      layers: [],
      subject: { mediaType: manifestType, digest, size }
    })
    yield* registry.pushManifest(repository, sbom, manifestType)
  })
