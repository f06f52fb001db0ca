/** A layout as a tool writes it that makes no index of the images for several platforms. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { imageConfig, imageManifest } from "../../src/oci/MediaType.ts"
import { makeOld, temporaryFolder } from "./folders.ts"
import { pushBlob, pushManifest, sample } from "./images.ts"

const imageFor = (architecture: string) => {
  const config = sample({ os: "linux", architecture, rootfs: { type: "layers", diff_ids: [] } }, imageConfig)
  const manifest = sample(
    { schemaVersion: 2, mediaType: imageManifest, config: config.descriptor, layers: [] },
    imageManifest
  )
  return { architecture, config, manifest }
}

export const [amd64, arm64] = [imageFor("amd64"), imageFor("arm64")]
export const digestOf = ({ manifest: { descriptor } }: typeof amd64): string => descriptor.digest

/**
 * A layout in which a name has an entry for each of two platforms.
 *
 * @param states whether the entries state their platforms, or only the configs do
 */
export const written = Effect.fnUntraced(function*(states: boolean, name: string = "v1") {
  const directory = join(yield* temporaryFolder, "app")
  yield* Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, durability: "none" })
    for (const { config, manifest } of [amd64, arm64]) {
      yield* pushBlob(registry, "app", config)
      yield* pushManifest(registry, "app", manifest)
    }
  }))
  const manifests = [amd64, arm64].map(({ architecture, manifest: { descriptor } }) => ({
    ...descriptor,
    ...(states ? { platform: { os: "linux", architecture } } : {}),
    annotations: { "org.opencontainers.image.ref.name": name }
  }))
  fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
  fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  makeOld(directory)
  return directory
})
