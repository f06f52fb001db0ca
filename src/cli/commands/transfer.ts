/** pull and push: images of a registry on the network into a layout, and out of it, under the same names. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { field } from "../../oci/field.ts"
import { formatReference, Tag } from "../../oci/Reference.ts"
import type { CopyOptions } from "../../ops/api/Copy.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { othersOf, shownLeft } from "../others.ts"
import { type Answer, report } from "../output.ts"
import { inLayout, makeRemotes, referenceOf, remoteFlags, remoteShort } from "../remote/remotes.ts"
import { locateDestination, locateRef } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import { counted, shortOf, sizeOf } from "../terminal/units.ts"
import { Copied, toldOf } from "./copy.ts"

export const Transferred = Schema.Struct({
  /** One for each reference, in their order. */
  images: Schema.Array(Copied)
})

/** One line for each image. */
export const shownTransfers = (images: ReadonlyArray<typeof Copied.Type>): string =>
  images.map(({ blobs_copied, blobs_present, bytes_copied, digest = "", manifests, others, repository, tags }) => {
    const name = tags[0] === undefined ? repository : `${repository}:${tags[0]}`
    const here = blobs_present === 0 ? "" : `, ${counted(blobs_present, "blob")} there already`
    const sent = `${counted(manifests, "manifest")}, ${counted(blobs_copied, "blob")}, ${sizeOf(bytes_copied)}`
    return `${name} is ${shortOf(digest)} (${sent}${here})${shownLeft(others)}`
  }).join("\n")

const transferred: Answer<typeof Transferred.Type> = {
  schema: Transferred,
  show: ({ images }) => shownTransfers(images)
}

const references = Argument.String("reference").pipe(
  Argument.withMetavar("reference"),
  Argument.withDescription("HOST/REPOSITORY[:TAG][@DIGEST]; without a host, a name on Docker Hub"),
  Argument.atLeast(1)
)

const latest = Tag.make("latest")

const flags = {
  references,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, only the image for this platform"),
  referrers: f.off("referrers", "Also what refers to it: signatures, SBOMs and the like"),
  where: f.writing,
  remote: remoteFlags,
  wanted: f.wanted
}

const copyingOf = (
  { platform, referrers }: { readonly platform: Option.Option<string>; readonly referrers: boolean },
  name: string
) =>
  Effect.map(progressOf(name), (onProgress): CopyOptions => ({
    platform: Option.getOrUndefined(platform),
    referrers,
    onProgress
  }))

export const pull = Command.make("pull", flags, ({ references, remote, wanted, where, ...options }) =>
  report(
    transferred,
    wanted,
    Effect.gen(function*() {
      const remotes = yield* makeRemotes(remote)
      const copying = yield* copyingOf(options, "pulling")
      const images = yield* Effect.forEach(
        references,
        Effect.fnUntraced(function*(text) {
          const place = yield* remoteShort(text)
          const { registry } = yield* locateDestination(inLayout(where), place.repository)
          const { digest, repository } = place
          const tags = digest !== undefined && place.tag === undefined ? [] : [place.tag ?? latest]
          const source = {
            registry: yield* remotes.source(place.host, repository),
            repository,
            reference: referenceOf(place)
          }
          return toldOf(yield* copyManifest(source, { registry, repository, tags }, copying))
        })
      )
      return { images }
    })
  )).pipe(
    described(
      "Take images from registries on the network",
      "Into the layout, as the repository that they are there, and their tags are moved. It can be pushed by the same name.",
      [
        ["pull registry.example.com/team/app:1.0 --layout ./images", "As team/app:1.0"],
        ["pull alpine:3 --platform linux/arm64 --layout ./images", "From Docker Hub, as library/alpine:3"]
      ]
    )
  )

export const push = Command.make("push", flags, ({ references, remote, wanted, where, ...options }) =>
  report(
    transferred,
    wanted,
    Effect.gen(function*() {
      const remotes = yield* makeRemotes(remote)
      const copying = yield* copyingOf(options, "pushing")
      const images = yield* Effect.forEach(
        references,
        Effect.fnUntraced(function*(text) {
          const place = yield* remoteShort(text)
          const { digest, repository, tag } = place
          const name = formatReference({
            repository,
            ...(digest === undefined ? { tag: tag ?? latest } : { digest })
          })
          const found = yield* Effect.flatMap(locateRef(inLayout(where), name), (target) => findManifest(target, name))
          const tags = digest !== undefined && tag === undefined ? [] : [tag ?? latest]
          const registry = yield* remotes.open(place.host, repository)
          const source = yield* sourceFor(found, copying.platform)
          const done = yield* copyManifest(source, { registry, repository, tags }, copying)
          return { ...toldOf(done), ...field("others", othersOf(found, copying.platform)) }
        })
      )
      return { images }
    })
  )).pipe(
    described(
      "Send images to registries on the network",
      "From the layout, where they have the same name without the host. Sends only what is not there, and sets the tag last.",
      [
        ["push registry.example.com/team/app:1.0 --layout ./images", "What the layout has as team/app:1.0"],
        ["push registry.example.com/team/app:1.0 --referrers --layout ./images", "With its signatures"]
      ]
    )
  )
