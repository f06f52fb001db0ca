/** Layouts with small images, for commands that make content of them. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "../support/command.ts"

export interface Named {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Record<string, string>
  readonly platform?: Record<string, string>
}

interface Manifest {
  readonly schemaVersion?: number
  readonly mediaType?: string
  readonly artifactType?: string
  readonly config: Named
  readonly layers: ReadonlyArray<Named>
  readonly manifests?: ReadonlyArray<Named>
  readonly subject?: Named
  readonly annotations?: Record<string, string>
}

export const manifestType = "application/vnd.oci.image.manifest.v1+json"
export const indexType = "application/vnd.oci.image.index.v1+json"

export const world = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  const app = `${layout}/app`
  yield* ocl(["init", layout])
  const file = (name: string, content: string): string => {
    fs.writeFileSync(join(root, name), content)
    return join(root, name)
  }
  const manifest = (reference: string) =>
    Effect.map(ocl(["manifest", "get", reference]), ({ out }) => JSON.parse(out) as Manifest)
  const blob = (mediaType: string, content: string) =>
    Effect.map(json(["blob", "push", app, file("blob", content)]), ({ digest, size }): Named => ({
      mediaType,
      digest: String(digest),
      size: Number(size)
    }))
  const push = (to: string, document: object) =>
    Effect.map(
      json(["manifest", "push", to, file("manifest", JSON.stringify({ schemaVersion: 2, ...document }))]),
      ({ digest, media_type, size }): Named => ({
        mediaType: String(media_type),
        digest: String(digest),
        size: Number(size)
      })
    )
  /** An image of one layer, which is no tar. */
  const image = Effect.fnUntraced(function*(tag: string, platform: object = { os: "linux", architecture: tag }) {
    const config = { ...platform, rootfs: { type: "layers", diff_ids: [] }, config: { Env: ["A=1"] } }
    return yield* push(`${app}:${tag}`, {
      mediaType: manifestType,
      config: yield* blob("application/vnd.oci.image.config.v1+json", JSON.stringify(config)),
      layers: [yield* blob("application/vnd.oci.image.layer.v1.tar", `layer ${tag}`)]
    })
  })
  return { root, layout, app, file, manifest, blob, push, image }
})
