/**
 * Builds an image for several platforms, each from a directory, whose files become its only layer.
 *
 *     node buildImage.ts LAYOUT REPOSITORY TAG OS/ARCHITECTURE=DIRECTORY…
 */
import { Effect, Stream } from "effect"
import { spawn } from "node:child_process"
import { mediaTypes, Registry } from "ocilayout"
import { layerDisk } from "ocilayout/node"

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

class TarFailed extends Error {
  override readonly name = "TarFailed"
}

/** The files of a directory as `tar` packs them; the stream fails where `tar` does. */
const packed = (directory: string) =>
  Stream.fromAsyncIterable(
    (async function*() {
      const tar = spawn("tar", ["-cf", "-", "-C", directory, "."], { stdio: ["ignore", "pipe", "inherit"] })
      const ended = new Promise<number | null>((resolve) => tar.once("close", resolve))
      yield* tar.stdout as AsyncIterable<Uint8Array>
      if (await ended !== 0) throw new TarFailed(`tar could not pack ${directory}`)
    })(),
    (cause) => cause instanceof TarFailed ? cause : new TarFailed(String(cause))
  )

/** The image for one platform, as an index names it. */
const buildImage = Effect.fn("buildImage")(function*(repository: string, platform: string, directory: string) {
  const registry = yield* Registry
  const [os = "", architecture = ""] = platform.split("/")
  const layer = yield* registry.pushBlob(repository, packed(directory), { mediaType: mediaTypes.layerTar })
  const config = yield* registry.pushBlob(
    repository,
    Stream.succeed(json({
      architecture,
      os,
      rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] }
    })),
    { mediaType: mediaTypes.imageConfig }
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: config.descriptor,
    layers: [layer.descriptor]
  }
  const { descriptor } = yield* registry.pushManifest(repository, json(manifest), mediaTypes.imageManifest)
  return { ...descriptor, platform: { os, architecture } }
})

const build = Effect.fn("build")(function*(repository: string, tag: string, directories: ReadonlyArray<string>) {
  const registry = yield* Registry
  const manifests = yield* Effect.forEach(directories, (given) => {
    const [platform = "", directory = "."] = given.split("=")
    return buildImage(repository, platform, directory)
  })
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests }
  return yield* registry.pushManifest(repository, json(index), mediaTypes.imageIndex, { tags: [tag] })
})

const [layout = "images", repository = "example/site", tag = "latest", ...directories] = process.argv.slice(2)

const { descriptor, revision } = await Effect.runPromise(
  build(repository, tag, directories).pipe(Effect.provide(layerDisk({ directory: layout })))
)
console.log(`${repository}:${tag} is ${descriptor.digest}${revision._tag === "None" ? ", as before" : ""}`)
