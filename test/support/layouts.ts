/** Layouts of our own to work on. */
import { Effect, Stream } from "effect"
import { join } from "node:path"
import { type DiskOptions, makeDisk } from "../../src/node/index.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf, type Image, pushImage } from "../mcp/support/images.ts"
import { makeOld, temporaryFolder } from "./folders.ts"

/** The blob that is `{}`, and what a manifest says of it. */
export const emptyConfig = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
  size: 2
}

/** The bytes of a manifest that needs nothing but `{}`; the fields given are its own. */
export const smallManifest = (fields: object = {}): Uint8Array =>
  bytesOf({ schemaVersion: 2, mediaType: imageManifest, config: emptyConfig, layers: [], ...fields })

interface OwnLayout {
  readonly directory: string
  readonly registry: LayoutRegistry
  /** `app:v1`: a config and one layer. */
  readonly image: Image
}

/** A layout with one image, `app:v1`, and the blob `{}`; not synced, since no test here cuts the power. */
export const ownLayout = Effect.fnUntraced(function*(options: Omit<DiskOptions, "directory"> = {}) {
  const directory = join(yield* temporaryFolder, "layout")
  const registry = yield* makeDisk({ directory, durability: "none", ...options })
  const image = yield* pushImage(registry, { repository: "app", tags: ["v1"] })
  yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
  makeOld(directory)
  const layout: OwnLayout = { directory, registry, image }
  return layout
})
