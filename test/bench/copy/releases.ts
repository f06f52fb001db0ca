/** A repository as a build server leaves it: releases for two platforms, which share most of their layers. */
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"

export interface Releases {
  readonly layout: string
  readonly tags: ReadonlyArray<string>
  readonly mebibytes: number
}

const indexType = "application/vnd.oci.image.index.v1+json"
const manifestType = "application/vnd.oci.image.manifest.v1+json"
const configType = "application/vnd.oci.image.config.v1+json"
const layerType = "application/vnd.oci.image.layer.v1.tar"

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/**
 * @param images how many releases
 * @param layerBytes of each layer; each platform has three that all releases share, and each release one of its own
 */
export const makeReleases = (layout: string, images: number, layerBytes: number): Releases => {
  const blobs = join(layout, "blobs/sha256")
  fs.mkdirSync(blobs, { recursive: true })
  let bytes = 0
  const put = (content: Buffer, mediaType: string): Descriptor => {
    const hex = createHash("sha256").update(content).digest("hex")
    fs.writeFileSync(join(blobs, hex), content)
    bytes += content.length
    return { mediaType, digest: `sha256:${hex}`, size: content.length }
  }
  const json = (document: object, mediaType: string): Descriptor =>
    put(Buffer.from(JSON.stringify(document)), mediaType)
  const layer = (): Descriptor => put(randomBytes(layerBytes), layerType)
  const platforms = ["amd64", "arm64"].map((architecture) => ({ architecture, shared: [layer(), layer(), layer()] }))
  const tags = Array.from({ length: images }, (_, at) => `v${at}`)
  const manifests = tags.map((tag) => {
    const children = platforms.map(({ architecture, shared }) => {
      const layers = [...shared, layer()]
      const diffIds = layers.map(({ digest }) => digest)
      const config = json({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: diffIds } }, configType)
      const manifest = json({ schemaVersion: 2, mediaType: manifestType, config, layers }, manifestType)
      return { ...manifest, platform: { architecture, os: "linux" } }
    })
    const index = json({ schemaVersion: 2, mediaType: indexType, manifests: children }, indexType)
    return { ...index, annotations: { "org.opencontainers.image.ref.name": tag } }
  })
  fs.writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  fs.writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  return { layout, tags, mebibytes: bytes / 1024 / 1024 }
}
