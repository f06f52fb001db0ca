/** The images and artifacts of the world, byte for byte; everything the questions ask about is said here. */
import type { JsonObject } from "../../../src/oci/Descriptor.ts"
import { imageConfig, imageManifest, layerTar } from "../../../src/oci/MediaType.ts"
import { index, type Sample, sample, type SampleImage } from "../../support/images.ts"

/** A layer of as many bytes as are asked for; that it is no archive does not matter here. */
const layer = (name: string, size: number): Sample => sample(new Uint8Array(Buffer.alloc(size, `${name}\n`)), layerTar)

interface Built {
  readonly layers: ReadonlyArray<readonly [layer: Sample, instruction: string]>
  readonly created: string
  readonly architecture?: string
  readonly config?: JsonObject
}

/** An image of these layers, each with the instruction that made it. */
export const image = ({ architecture = "amd64", config = {}, created, layers }: Built): SampleImage => {
  const document = sample({
    created,
    os: "linux",
    architecture,
    config,
    rootfs: { type: "layers", diff_ids: layers.map(([{ descriptor: { digest } }]) => digest) },
    history: layers.map(([, created_by]) => ({ created, created_by }))
  }, imageConfig)
  const samples = layers.map(([sample]) => sample)
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifest,
    config: document.descriptor,
    layers: samples.map(({ descriptor }) => descriptor)
  }
  return { ...sample(manifest, imageManifest), config: document, layers: samples }
}

interface Artifact {
  readonly artifactType: string
  readonly subject?: Sample
  readonly config?: Sample
  readonly layers?: ReadonlyArray<Sample>
  readonly annotations?: JsonObject
}

const nothing = sample("{}", "application/vnd.oci.empty.v1+json")

const artifact = (
  { annotations = {}, artifactType, config = nothing, layers = [nothing], subject }: Artifact
): SampleImage => {
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifest,
    artifactType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(subject === undefined ? {} : { subject: subject.descriptor }),
    annotations
  }
  return { ...sample(manifest, imageManifest), config, layers }
}

const revisionLabel = "org.opencontainers.image.revision"

// --- base/runtime

const certificates = layer("ca-certificates", 2_200)
const roots = { "3.18": layer("root of 3.18", 29_000), "3.19": layer("root of 3.19", 31_000) }

/** The layer that is said to be vulnerable. */
export const root320 = layer("root of 3.20", 33_000)

const runtime = (root: Sample, version: string, created: string): SampleImage =>
  image({
    created,
    layers: [[root, `ADD alpine-${version}.tar / # buildkit`], [certificates, "RUN apk add ca-certificates"]]
  })

export const runtime318 = runtime(roots["3.18"], "3.18", "2024-01-08T08:00:00Z")
export const runtime319 = runtime(roots["3.19"], "3.19", "2024-01-08T08:30:00Z")
export const runtime320 = runtime(root320, "3.20", "2024-03-04T08:00:00Z")

// --- shop/api, one index for each version

interface Platform {
  readonly architecture: string
  readonly variant?: string
  readonly user: string
}

const apiBinary = (version: string, { architecture, variant = "" }: Platform): Sample =>
  layer(`api ${version} ${architecture}${variant}`, 8_000 + 100 * version.length + 10 * architecture.length)

const apiImage = (version: string, created: string, platform: Platform): SampleImage =>
  image({
    created,
    architecture: platform.architecture,
    config: { User: platform.user, Entrypoint: ["/usr/bin/api"], Env: ["PORT=8080"], ExposedPorts: { "8080/tcp": {} } },
    layers: [
      ...runtime320.layers.map((layer) => [layer, "FROM base/runtime"] as const),
      [apiBinary(version, platform), "COPY api /usr/bin/api # buildkit"]
    ]
  })

export interface MultiPlatform extends Sample {
  readonly images: ReadonlyArray<SampleImage & { readonly platform: Platform }>
}

const api = (version: string, created: string, platforms: ReadonlyArray<Platform>): MultiPlatform => {
  const images = platforms.map((platform) => ({ ...apiImage(version, created, platform), platform }))
  const children = images.map(({ bytes, descriptor, platform: { architecture, variant } }) => {
    const platform = { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) }
    return { bytes, descriptor: { ...descriptor, platform } }
  })
  return { ...index(children), images }
}

const amd64 = { architecture: "amd64", user: "app" }
const arm64 = { architecture: "arm64", user: "app" }

export const api100 = api("1.0.0", "2024-02-01T08:00:00Z", [amd64, arm64])
export const api110 = api("1.1.0", "2024-03-05T08:00:00Z", [amd64, arm64])
/** Its image for arm64 runs as root, by mistake. */
export const api120 = api("1.2.0", "2024-04-02T08:00:00Z", [
  amd64,
  { ...arm64, user: "root" },
  { architecture: "arm", variant: "v7", user: "app" }
])

// --- shop/web

interface Web {
  readonly version: string
  readonly base: SampleImage
  readonly revision: string
  readonly checkoutUrl?: string
}

const web = ({ base, checkoutUrl = "https://pay.shop.example", revision, version }: Web): SampleImage =>
  image({
    created: "2024-02-20T08:00:00Z",
    config: {
      User: "nginx",
      Entrypoint: ["/docker-entrypoint.sh"],
      Cmd: ["nginx", "-g", "daemon off;"],
      Env: [`CHECKOUT_URL=${checkoutUrl}`, "LANG=C.UTF-8"],
      Labels: { [revisionLabel]: revision, "org.opencontainers.image.version": version }
    },
    layers: [
      ...base.layers.map((layer) => [layer, "FROM base/runtime"] as const),
      [layer("nginx 1.25", 12_000), "RUN apk add nginx"],
      [layer(`site ${version}`, 5_000), "COPY dist /usr/share/nginx/html # buildkit"]
    ]
  })

export const web20 = web({ version: "2.0", base: runtime319, revision: "51c0ffee20aa" })
export const web21 = web({ version: "2.1", base: runtime319, revision: "51c0ffee21bb" })
export const web22 = web({ version: "2.2", base: runtime320, revision: "51c0ffee22cc" })
export const candidateRevision = "51c0ffee22c1"
export const web22Candidate = web({ version: "2.2-rc1", base: runtime320, revision: candidateRevision })
/** What was put under the same version in the mirror. */
export const web21Mirrored = web({
  version: "2.1",
  base: runtime319,
  revision: "51c0ffee21bb",
  checkoutUrl: "https://pay.shop-example.test"
})

// --- shop/worker

const worker = (version: string, revision: string): SampleImage =>
  image({
    created: "2024-04-15T08:00:00Z",
    config: { Entrypoint: ["/usr/bin/worker"], Labels: { [revisionLabel]: revision } },
    layers: [
      ...runtime320.layers.map((layer) => [layer, "FROM base/runtime"] as const),
      [layer(`worker ${version} ${revision}`, 9_000), "COPY worker /usr/bin/worker # buildkit"]
    ]
  })

export const firstWorkerRevision = "d00df00d0901"
export const worker09First = worker("0.9", firstWorkerRevision)
export const worker09 = worker("0.9", "d00df00d0902")
export const worker010 = worker("0.10", "d00df00d1001")

// --- what is attached, and a chart

export const spdx = "application/spdx+json"
export const cosign = "application/vnd.dev.cosign.artifact.sig.v1+json"

/** The version of OpenSSL that each SBOM tells. */
export const openssl = { "2.1": "3.1.4", "2.2": "3.3.0" }

const sbom = (subject: Sample, version: keyof typeof openssl): SampleImage =>
  artifact({
    artifactType: spdx,
    subject,
    layers: [sample({
      spdxVersion: "SPDX-2.3",
      name: `shop/web ${version}`,
      packages: [
        { name: "busybox", versionInfo: "1.36.1" },
        { name: "nginx", versionInfo: "1.25.4" },
        { name: "openssl", versionInfo: openssl[version] },
        { name: "zlib", versionInfo: "1.3.1" }
      ]
    }, spdx)]
  })

const signature = (subject: Sample, by: string): SampleImage =>
  artifact({
    artifactType: cosign,
    subject,
    layers: [
      sample({ critical: { image: subject.descriptor.digest } }, "application/vnd.dev.cosign.simplesigning.v1+json")
    ],
    annotations: { "dev.sigstore.bundle.identity": by }
  })

export const attached = {
  web21: [sbom(web21, "2.1")],
  web22: [sbom(web22, "2.2"), signature(web22, "release@shop.example")],
  api110: [signature(api110, "release@shop.example")],
  api120: [signature(api120, "release@shop.example")]
}

const chart = (version: string, deploys: Sample): SampleImage =>
  artifact({
    artifactType: "application/vnd.cncf.helm.config.v1+json",
    config: sample({ apiVersion: "v2", name: "shop", version }, "application/vnd.cncf.helm.config.v1+json"),
    layers: [
      sample(
        `replicas: 3\nimage:\n  repository: shop/api\n  digest: ${deploys.descriptor.digest}\nservice:\n  port: 8080\n`,
        "application/yaml"
      )
    ]
  })

export const chart03 = chart("0.3.0", api110)
export const chart04 = chart("0.4.0", api120)

// --- the vendor's

const redis = (version: string, entrypoint: ReadonlyArray<string>): SampleImage =>
  image({
    created: "2024-03-20T08:00:00Z",
    config: { Entrypoint: entrypoint },
    layers: [[root320, "ADD alpine-3.20.tar /"], [layer(`redis ${version}`, 6_000), "RUN make install"]]
  })

export const redis72 = redis("7.2", ["redis-server"])
export const redis74 = redis("7.4", ["redis-server"])
export const proxyEntrypoint = ["envoy", "--config-path", "/etc/envoy.yaml"]
export const proxy = redis("proxy", proxyEntrypoint)
export const proxyName = "registry.vendor.example:5000/Proxy:1.0"
