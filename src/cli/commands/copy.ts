/** copy: an image with everything below it, to another repository, another layout or a registry on the network. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { field } from "../../oci/field.ts"
import { fits } from "../../oci/glob.ts"
import type { Copied as Done, CopyOptions, CopyProgress } from "../../ops/api/Copy.ts"
import { copyCounts } from "../../ops/copy/copyCounts.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { makeTurns } from "../../ops/copy/makeTurns.ts"
import { type ArchivePlace, parsePlace } from "../../places/Place.ts"
import { writeArchive } from "../archives.ts"
import { described } from "../described.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { Others, othersAmong, shownLeft } from "../others.ts"
import { type Answer, report } from "../output.ts"
import {
  type From,
  imageFrom,
  imageTo,
  namesOf,
  repositoryFrom,
  repositoryTo,
  tagsOf,
  type To
} from "../remote/endpoints.ts"
import { makeRemotes, remoteFlags } from "../remote/remotes.ts"
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
  /** What else the tags of the source name, for other platforms: it was not copied. */
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
      ? `${counted(tags.length, "tag")} of ${repository} (${sent})${shownLeft(others)}`
      : `${names.join(" ")} is ${shortOf(digest)} (${sent})${shownLeft(others)}`
  }
}

/** What a copy did, as it is told. */
export const toldOf = (done: Done): typeof Copied.Type => ({
  repository: done.repository,
  digest: done.digest,
  tags: done.tags,
  ...copyCounts([done]),
  ...field("revision", done.revision)
})

/** Tags under way at once, and blobs of each: together as many as there are connections. */
const tagsAtOnce = 4
const blobsOfEach = 2

/** Several tags at a time, each a change of its own: what is copied already stays, and the next attempt goes on from it. */
const copyTags = Effect.fnUntraced(function*(
  source: From,
  { registry, repository }: To,
  { condition, copying, fitting }: {
    readonly fitting: (tag: string) => boolean
    readonly condition: Parameters<typeof requests>[1]
    readonly copying: CopyOptions
  }
) {
  const all = (yield* tagsOf(source)).filter(fitting)
  const progressed = sumOf(copying.onProgress)
  const turns = makeTurns()
  // A list of referrers that a registry lets be kept by its clients takes one writer at a time.
  const concurrency = copying.referrers === true && registry.manifestsApart === true ? 1 : tagsAtOnce
  const found = yield* Effect.forEach(
    all,
    Effect.fnUntraced(function*(tag) {
      // On the network, a tag names one thing.
      const choices = source.layout === undefined ? [] : yield* source.registry.choices(source.repository, tag)
      const tags = yield* Effect.fromResult(requests([tag], condition))
      const item = { registry: source.registry, repository: source.repository, reference: tag }
      const options = { ...copying, turns, concurrency: blobsOfEach, onProgress: progressed(tag) }
      const done = yield* copyManifest(item, { registry, repository, tags }, options)
      return { done, others: othersAmong(choices, copying.platform, tag) ?? [] }
    }),
    { concurrency }
  )
  const copies = found.map(({ done }) => done)
  const left = found.flatMap(({ others }) => others)
  const revisions = copies.flatMap(({ revision }) => Option.isSome(revision) ? [revision.value] : [])
  const revision = revisions.length === 0 ? undefined : Math.max(...revisions)
  const others = left.length === 0 ? undefined : left
  return { repository, tags: all, ...copyCounts(copies), ...field("revision", revision), ...field("others", others) }
})

/** How far several copies have got together. */
const sumOf = (tell: CopyOptions["onProgress"]) => {
  const steps = new Map<string, CopyProgress>()
  return (name: string) => (step: CopyProgress): Effect.Effect<void> =>
    Effect.suspend(() => {
      steps.set(name, step)
      let [bytes, total] = [0, 0]
      for (const one of steps.values()) {
        bytes += one.bytes
        total += one.total
      }
      return tell?.({ bytes, total }) ?? Effect.void
    })
}

/** The archive that is to be written; nothing where the destination is none. */
const archiveTo = Effect.fnUntraced(function*(text: string): Effect.fn.Return<ArchivePlace | undefined, Failure> {
  const place = text === "" ? undefined : yield* Effect.fromResult(parsePlace(text))
  if (place?._tag === "Directory") {
    return yield* Effect.fail(new Mistake("directories of skopeo's dir: are read, and not written"))
  }
  if (place?._tag !== "Archive") return undefined
  return place.file === "-"
    ? yield* Effect.fail(new Mistake("ocilayout save - writes an archive to standard output"))
    : place
})

export const copy = Command.make(
  "copy",
  {
    from: f.reference,
    to: Argument.String("to").pipe(
      Argument.withMetavar("to"),
      Argument.withDescription(
        "PATH/repository[:tag], DIR:tag or docker://HOST/REPOSITORY[:TAG]; a layout that is not there is made. With " +
          "--to-layout, repository[:tag]"
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
    remote: remoteFlags,
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
      remote,
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
        const remotes = yield* makeRemotes(remote)
        const copying = {
          platform: Option.getOrUndefined(platform),
          referrers,
          sparse,
          onProgress: yield* progressOf("copying")
        }
        if (allTags) {
          const source = yield* repositoryFrom(where, remotes, from, at)
          const target = yield* repositoryTo(destination, remotes, to, source.layout)
          return yield* copyTags(source, target, {
            fitting: Option.match(match, { onNone: () => () => true, onSome: fits }),
            condition,
            copying
          })
        }
        const { layout, others, source } = yield* imageFrom(where, remotes, from, { at, platform: copying.platform })
        const archive = yield* archiveTo(to)
        if (archive !== undefined) {
          const names = archive.name === undefined ? yield* namesOf(from, source, layout?.name) : [archive.name]
          const format = archive.format === "docker" ? "docker" as const : "oci" as const
          const { blobs, file, manifests, size } = yield* writeArchive(archive.file, [{ source, names }], {
            ...copying,
            format
          })
          return {
            repository: file,
            tags: names,
            manifests,
            blobs_copied: blobs,
            blobs_present: 0,
            bytes_copied: size,
            ...field("others", others)
          }
        }
        const { registry, repository, tag } = yield* imageTo(destination, remotes, to, layout)
        const all = tag === undefined ? tags : [tag, ...tags]
        const done = yield* copyManifest(
          source,
          { registry, repository, tags: yield* Effect.fromResult(requests(all, condition)) },
          copying
        )
        return { ...toldOf(done), ...field("others", others) }
      })
    )
).pipe(
  described(
    "Copy an image",
    "With everything below it: all platforms of an index, configs and layers. Sends only what is not there, and sets " +
      "the tags last, all in one change. A copy that is cut short leaves no tag, and the next one goes on from it.",
    [
      ["copy ./images/example/app:latest ./mirror/example/app:latest", "To another layout"],
      ["copy image.tar/app:1.0 ./images/example/app:1.0", "Out of an archive"],
      ["copy ./images/example/app:latest docker://registry.example.com/app:1.0", "To a registry on the network"],
      ["copy docker://registry.example.com/app:1.0 ./images/example/app:1.0", "From one"],
      ["copy ./images/example/app:latest ./images/release/app:1.0 --referrers", "Within one, with its signatures"],
      ["copy ./images/example/app ./mirror/example/app --all-tags --match 'v1.*'", "Several tags at once"],
      ["copy ./images/example/app:latest ./edge/app:latest --platform linux/arm64", "One platform"],
      ["copy ./images/example/app:latest ./images/example/app:rescued --at=-1", "What the tag was before"]
    ]
  )
)
