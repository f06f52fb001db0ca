/**
 * Builds an image for several platforms, each from a directory, whose files become its only layer. The same files give
 * the same digest.
 *
 *     node buildImage.ts LAYOUT REPOSITORY TAG OS/ARCHITECTURE=DIRECTORY…
 */
import { Effect } from "effect"
import { Image, Index, Registry } from "ocilayout"
import { folderTar, layerDisk, layerMaker } from "ocilayout/node"

/** The image for one platform. */
const buildImage = Effect.fn("buildImage")(function*(repository: string, platform: string, directory: string) {
  const registry = yield* Registry
  const [os = "", architecture = ""] = platform.split("/")
  const { descriptor } = yield* Image.build({ registry, repository }, layerMaker, {}, {
    platform: { os, architecture },
    layers: [{ content: folderTar(directory), name: directory }]
  })
  return { source: { registry, repository, reference: descriptor.digest } }
})

const build = Effect.fn("build")(function*(repository: string, tag: string, directories: ReadonlyArray<string>) {
  const registry = yield* Registry
  const images = yield* Effect.forEach(directories, (given) => {
    const [platform = "", directory = "."] = given.split("=")
    return buildImage(repository, platform, directory)
  })
  return yield* Index.make({ registry, repository, tags: [tag] }, images)
})

const [layout = "images", repository = "example/site", tag = "latest", ...directories] = process.argv.slice(2)

const { descriptor, revision } = await Effect.runPromise(
  build(repository, tag, directories).pipe(Effect.provide(layerDisk({ directory: layout })))
)
console.log(`${repository}:${tag} is ${descriptor.digest}${revision._tag === "None" ? ", as before" : ""}`)
