/** save and load: images into one file that other tools read, and out of such files. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { appendArchive, archivedImages, type Saved as Item } from "../../archive/index.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { openArchive, requireArchive, writeArchive } from "../archives.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { Others, shownLeft } from "../others.ts"
import { type Answer, report } from "../output.ts"
import { imageFrom, namesOf } from "../remote/endpoints.ts"
import { inLayout, makeRemotes, type RemoteFlags, remoteFlags } from "../remote/remotes.ts"
import { locateDestination, type Where } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import { counted, sizeOf } from "../terminal/units.ts"
import { Copied, toldOf } from "./copy.ts"
import { shownTransfers } from "./transfer.ts"

export const Saved = Schema.Struct({
  file: Schema.String,
  /** What the images are called in it; those that have no name are not among them. */
  images: Schema.Array(Schema.String),
  manifests: Schema.Natural,
  blobs: Schema.Natural,
  /** Bytes of the file. */
  size: Schema.Natural,
  /** Names of images that it held before, and holds still. */
  images_before: Schema.optionalKey(Schema.Array(Schema.String)),
  /** What else the names lead to, for other platforms: it was not saved. */
  others: Schema.optionalKey(Others)
})

const saved: Answer<typeof Saved.Type> = {
  schema: Saved,
  show: ({ blobs, file, images, images_before: before, manifests, others, size }) => {
    const named = images.length === 0 ? counted(manifests, "manifest") : images.join(" ")
    const counts = `${counted(manifests, "manifest")}${before === undefined ? "" : " more"}, ${counted(blobs, "blob")}`
    const had = before === undefined ? "" : `${before.length === 0 ? "all" : before.join(" ")} as before, and now `
    return `${file} has ${had}${named} (${counts}, ${sizeOf(size)})${shownLeft(others)}`
  }
}

/** What is saved, and how. */
export const savingFlags = {
  file: f.argument("file", "The new file, or - for standard output"),
  references: Argument.String("reference").pipe(
    Argument.withMetavar("reference"),
    Argument.withDescription("PATH/repository:tag, or docker://HOST/REPOSITORY:TAG"),
    Argument.atLeast(1)
  ),
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, only the image for this platform"),
  referrers: f.off("referrers", "Also what refers to it: signatures, SBOMs and the like"),
  at: f.at,
  where: f.where,
  remote: remoteFlags,
  wanted: f.wanted
}

interface Saving {
  readonly at: Option.Option<string>
  readonly platform: Option.Option<string>
  readonly remote: RemoteFlags
  readonly where: Where
}

/** The images that references name, what they are called, and what else their names lead to. */
export const itemsOf = Effect.fnUntraced(function*(
  references: ReadonlyArray<string>,
  { at, platform, remote, where }: Saving
) {
  const remotes = yield* makeRemotes(remote)
  const left: Array<Others[number]> = []
  const items = yield* Effect.forEach(
    references,
    Effect.fnUntraced(function*(text) {
      const { layout, others = [], source } = yield* imageFrom(where, remotes, text, {
        at,
        platform: Option.getOrUndefined(platform)
      })
      left.push(...others)
      return { source, names: yield* namesOf(text, source, layout?.name) } satisfies Item
    })
  )
  return { items, images: items.flatMap(({ names }) => names), left: left.length === 0 ? {} : { others: left } }
})

export const save = Command.make("save", {
  ...savingFlags,
  docker: f.off("docker", "Only what docker load reads, without a layout"),
  append: f.off("append", "Add to the archive that the file is, which keeps what it holds and is written anew")
}, ({ append, at, docker, file, platform, references, referrers, remote, wanted, where }) =>
  report(
    saved,
    // The bytes are the answer.
    { ...wanted, quiet: wanted.quiet || file === "-" },
    Effect.gen(function*() {
      if (append && (docker || file === "-")) {
        return yield* Effect.fail(
          new Mistake("--append writes a file with a layout: it goes with no - and no --docker")
        )
      }
      const { images, items, left } = yield* itemsOf(references, { at, platform, remote, where })
      if (append) {
        const options = { platform: Option.getOrUndefined(platform), referrers }
        const { kept, ...appended } = yield* Effect.scoped(appendArchive(file, items, options))
        return { ...appended, images, images_before: kept, ...left }
      }
      const { base: _, baseSize: __, ...written } = yield* writeArchive(file, items, {
        platform: Option.getOrUndefined(platform),
        referrers,
        format: docker ? "docker" : "oci"
      })
      return { ...written, images, ...left }
    })
  )).pipe(
    described(
      "Save images in one file",
      "A tar that is an OCI Image Layout and that docker load reads as well; the same bytes for the same images. The file " +
        "appears whole or not at all, and never in the place of another. With --append the new file has all " +
        "images of the archive, and takes its place: a plain tar that is a layout and that docker load reads.",
      [
        ["save images.tar ./images/team/app:1.0 ./images/team/web:2.1", "Two images"],
        ["save images.tar ./images/team/db:16 --append", "One more in the same file"],
        ["save - docker://registry.example.com/app:1.0 | podman load", "From a registry into another tool"]
      ]
    )
  )

export const Loaded = Schema.Struct({
  file: Schema.String,
  images: Schema.Array(Copied)
})

const loaded: Answer<typeof Loaded.Type> = { schema: Loaded, show: ({ images }) => shownTransfers(images) }

export const load = Command.make("load", {
  file: f.argument(
    "file",
    "An archive, or - for standard input; oci-archive:, docker-archive: and dir: say what it is"
  ),
  where: f.writing,
  wanted: f.wanted
}, ({ file, wanted, where }) =>
  report(
    loaded,
    wanted,
    Effect.gen(function*() {
      const place = yield* requireArchive(file)
      const { directory, registry: source } = yield* openArchive(place, where.defaultRepository)
      const onProgress = yield* progressOf("loading")
      const held = yield* archivedImages(source)
      const images = yield* Effect.forEach(
        held,
        Effect.fnUntraced(function*({ repository, source, tags }) {
          const { registry } = yield* locateDestination(inLayout(where), repository)
          return toldOf(yield* copyManifest(source, { registry, repository, tags }, { referrers: true, onProgress }))
        })
      )
      return { file: directory, images }
    })
  )).pipe(
    described(
      "Load the images of an archive",
      "All that is in it, into the layout, under the names that it has there; tags are moved. What docker save, podman " +
        "save, skopeo and others write is read.",
      [
        ["load images.tar --layout ./images", "A file"],
        ["docker save app:1.0 | ocilayout load - --layout ./images", "From another tool"]
      ]
    )
  )
