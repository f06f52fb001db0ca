/** copy: an image with everything below it, to another repository or another layout. */
import { Effect, Option, Schema, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import { fits } from "../../oci/glob.ts"
import { several } from "../../oci/quoted.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import type { CopyOptions } from "../../ops/api/Copy.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest, meantBy } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import { field } from "../fields.ts"
import * as f from "../flags.ts"
import { Others, othersOf, shownOthers } from "../others.ts"
import { type Answer, report } from "../output.ts"
import { atPoint, locateDestination, locateNew, locateRef, type Named } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import { counted, shortOf, sizeOf } from "../terminal/units.ts"
import { condition, requests } from "./manifest.ts"

export const Copied = Schema.Struct({
  repository: Schema.String,
  /** Absent for --all-tags. */
  digest: Schema.optionalKey(Schema.String),
  tags: Schema.Array(Schema.String),
  manifests: Schema.Natural,
  blobs_copied: Schema.Natural,
  blobs_present: Schema.Natural,
  bytes_copied: Schema.Natural,
  /** What else the tag of the source names, for other platforms: it was not copied. */
  others: Schema.optionalKey(Others),
  /** Absent where all of it was there. */
  revision: Schema.optionalKey(Schema.Natural)
})

const copied: Answer<typeof Copied.Type> = {
  schema: Copied,
  show: ({ blobs_copied, blobs_present, bytes_copied, digest, manifests, others, repository, tags }) => {
    const names = tags.length === 0
      ? [`${repository}${digest === undefined ? "" : `@${shortOf(digest)}`}`]
      : tags.map((tag) => `${repository}:${tag}`)
    const here = blobs_present === 0 ? "" : `, ${counted(blobs_present, "blob")} there already`
    const sent = `${counted(manifests, "manifest")}, ${counted(blobs_copied, "blob")}, ${sizeOf(bytes_copied)}${here}`
    return digest === undefined
      ? `${counted(tags.length, "tag")} of ${repository} (${sent})`
      : `${names.join(" ")} is ${shortOf(digest)} (${sent})${
        others === undefined ? "" : `\nnot copied, of the same name: ${shownOthers(others)}; --platform chooses`
      }`
  }
}

/** One tag after the other: what is copied already stays, and the next attempt goes on from it. */
const copyTags = Effect.fnUntraced(function*(
  source: Named,
  { registry, repository }: { readonly registry: LayoutRegistry; readonly repository: string },
  { condition, copying, fitting }: {
    readonly fitting: (tag: string) => boolean
    readonly condition: Parameters<typeof requests>[1]
    readonly copying: CopyOptions
  }
) {
  const all = (yield* Stream.runCollect(source.registry.tags(source.name))).filter(fitting)
  const sum = { manifests: 0, blobs_copied: 0, blobs_present: 0, bytes_copied: 0 }
  let revision: number | undefined
  for (const tag of all) {
    const found = yield* findManifest(source, `${source.name}:${tag}`)
    const tags = yield* Effect.fromResult(requests([tag], condition))
    const from = yield* sourceFor(found, copying.platform)
    const done = yield* copyManifest(from, { registry, repository, tags }, copying)
    sum.manifests += done.manifests
    sum.blobs_copied += done.blobsCopied
    sum.blobs_present += done.blobsPresent
    sum.bytes_copied += done.bytesCopied
    revision = Option.getOrElse(done.revision, () => revision)
  }
  return { repository, tags: all, ...sum, ...field("revision", revision) }
})

export const copy = Command.make(
  "copy",
  {
    from: f.reference,
    to: Argument.String("to").pipe(
      Argument.withMetavar("to"),
      Argument.withDescription(
        "PATH/repository[:tag], or DIR:tag; a layout that is not there is made. With --to-layout, repository[:tag]"
      )
    ),
    allTags: f.off("all-tags", "All tags of a repository, to the same tags of another; each is a change of its own"),
    match: f.text("match", "GLOB", "With --all-tags: only those that fit, such as 'v1.*'"),
    tags: f.several("tag", "TAG", "Also this tag of the destination; repeat for several"),
    condition,
    platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, only the image for this platform"),
    referrers: f.off("referrers", "Also what refers to it: signatures, SBOMs and the like"),
    sparse: f.off("sparse", "Copy what is there of it, and all manifests as they are"),
    at: f.at,
    toLayout: f.text("to-layout", "DIR", "The layout of the destination, where it is another than --layout"),
    toPerRepository: f.off("to-per-repository", "The destination is a tree of layouts, one per repository"),
    where: f.writing,
    wanted: f.wanted
  },
  (
    {
      allTags,
      at,
      condition,
      from,
      match,
      platform,
      referrers,
      sparse,
      tags,
      to,
      toLayout,
      toPerRepository,
      wanted,
      where
    }
  ) =>
    report(
      copied,
      wanted,
      Effect.gen(function*() {
        const destination = Option.isSome(toLayout)
          ? { ...where, layout: toLayout, perRepository: toPerRepository }
          : where
        if (Option.isSome(match) && !allTags) return yield* Effect.fail(new Mistake("--match is for --all-tags"))
        if (allTags) {
          const opened = yield* locateNew(where, from)
          const source = yield* atPoint(opened, at)
          const other = yield* locateDestination(destination, to)
          const { registry } = other.directory === opened.directory ? opened : other
          return yield* copyTags(source, { registry, repository: other.name }, {
            fitting: Option.match(match, { onNone: () => () => true, onSome: fits }),
            condition,
            copying: {
              platform: Option.getOrUndefined(platform),
              referrers,
              sparse,
              onProgress: yield* progressOf("copying")
            }
          })
        }
        const opened = yield* locateRef(where, from)
        const source = yield* atPoint(opened, at)
        const found = yield* findManifest(source, source.name)
        if (found.readAs !== undefined && found.readAs.includes(":") && !found.readAs.includes("@")) {
          const names = (yield* meantBy(source, source.name)).map(({ name }) => name)
          const could = `it could mean ${several(names)}`
          return yield* Effect.fail(new Mistake(`${from} says no tag; ${could}; name one of them`))
        }
        const other = yield* locateDestination(destination, to)
        // One registry mounts what two would send.
        const { registry } = other.directory === opened.directory ? opened : other
        const { digest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(other.name))
        if (digest !== undefined) {
          return yield* Effect.fail(
            new Mistake(`${to} says a digest; a copy keeps the one it has, so name a tag or none`)
          )
        }
        const all = tag === undefined ? tags : [tag, ...tags]
        const done = yield* copyManifest(
          yield* sourceFor(found, Option.getOrUndefined(platform)),
          { registry, repository, tags: yield* Effect.fromResult(requests(all, condition)) },
          { platform: Option.getOrUndefined(platform), referrers, sparse, onProgress: yield* progressOf("copying") }
        )
        return {
          repository,
          digest: done.digest,
          tags: done.tags,
          manifests: done.manifests,
          blobs_copied: done.blobsCopied,
          blobs_present: done.blobsPresent,
          bytes_copied: done.bytesCopied,
          ...field("others", othersOf(found, Option.getOrUndefined(platform))),
          ...field("revision", done.revision)
        }
      })
    )
).pipe(
  described(
    "Copy an image",
    "With everything below it: all platforms of an index, configs and layers. Sends only what is not there, and sets " +
      "the tags last, all in one change. A copy that is cut short leaves no tag, and the next one goes on from it.",
    [
      ["copy ./images/example/app:latest ./mirror/example/app:latest", "To another layout"],
      ["copy ./images/example/app:latest ./images/release/app:1.0 --referrers", "Within one, with its signatures"],
      ["copy ./images/example/app ./mirror/example/app --all-tags --match 'v1.*'", "Several tags at once"],
      ["copy ./images/example/app:latest ./edge/app:latest --platform linux/arm64", "One platform"],
      ["copy ./images/example/app:latest ./images/example/app:rescued --at=-1", "What the tag was before"]
    ]
  )
)
