/** blob get, push, stat, mount, delete. */
import { Effect, Option, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { field } from "../../oci/field.ts"
import { Referenced } from "../../oci/OciError.ts"
import { findContent } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { type Answer, answer, bytes, report } from "../output.ts"
import { atPoint, locateRef, locateRepository, type Target } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import { addressed, deleted, dryRun } from "./manifest.ts"

/** The blob that a reference names by a digest, which may be shortened. */
const find = Effect.fnUntraced(function*(target: Target & { readonly name: string }) {
  const { descriptor, kind, repository } = yield* findContent(target, target.name, "blob")
  if (kind === "manifest" || repository === undefined) {
    const message = `${target.name} is a manifest; ocilayout manifest get prints it, and by its digest it is a blob`
    return yield* Effect.fail(new Mistake(message))
  }
  return { repository, descriptor }
})

/** Counts the bytes that pass by. */
const counting = (name: string, total: number | undefined) => <E, R>(content: Stream.Stream<Uint8Array, E, R>) =>
  Stream.unwrap(Effect.map(progressOf(name), (show) => {
    let bytes = 0
    return Stream.tap(content, ({ length }) => {
      bytes += length
      return show({ bytes, total })
    })
  }))

const get = Command.make("get", {
  reference: f.blob,
  offset: f.count("offset", "BYTES", "Where to begin"),
  length: f.count("length", "BYTES", "How much; to the end by default"),
  noVerify: f.off("no-verify", "Do not hash along: damaged content is printed as it is"),
  where: f.where
}, ({ length, noVerify, offset, reference, where }) =>
  bytes(Stream.unwrap(
    Effect.gen(function*() {
      const target = yield* locateRef(where, reference)
      const { descriptor, repository } = yield* find(target)
      const from = Option.getOrElse(offset, () => 0)
      const end = Option.match(length, { onNone: () => undefined, onSome: (length) => from + length })
      const options = { verify: !noVerify, passing: true }
      const { stream } = from === 0 && end === undefined
        ? yield* target.registry.getBlob(repository, descriptor.digest, options)
        : yield* target.registry.getBlobRange(repository, descriptor.digest, { offset: from, end }, options)
      return end === undefined ? counting("reading", descriptor.size - from)(stream) : stream
    }).pipe(
      // What there is to do about it is told to those who upload.
      Effect.catchTag("RangeInvalid", ({ message }) => Effect.fail(new Mistake(message)))
    )
  ))).pipe(
    described(
      "Print a blob",
      "Byte for byte, and hashed on the way: the command fails where the content is damaged.",
      [
        ["blob get ./images/example/app@sha256:... > layer.tar.gz", "Into a file"],
        ["blob get ./images/example/app@4f53cda18c2b --offset 512 --length 512", "A part, by a shortened digest"]
      ]
    )
  )

export const BlobPushed = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  existed: Schema.Boolean
})

const pushed: Answer<typeof BlobPushed.Type> = { schema: BlobPushed, show: ({ digest }) => digest }

const push = Command.make("push", {
  repository: f.repository,
  file: f.file,
  digest: f.text("digest", "DIGEST", "What it has to hash to; by default it is stored under its SHA-256"),
  mediaType: f.text("media-type", "TYPE", "Only repeated in the answer, for a manifest"),
  where: f.writing,
  wanted: f.wanted
}, ({ digest, file, mediaType, repository, wanted, where }) =>
  report(
    pushed,
    wanted,
    Effect.gen(function*() {
      const { registry, repository: name } = yield* locateRepository(where, repository)
      const { content, size } = yield* open(file)
      const expected = {
        ...field("digest", digest),
        ...field("mediaType", mediaType)
      }
      const { descriptor, existed } = yield* registry.pushBlob(name, counting("pushing", size)(content), expected)
      return {
        repository: name,
        digest: descriptor.digest,
        media_type: descriptor.mediaType,
        size: descriptor.size,
        existed
      }
    })
  )).pipe(
    described("Push a blob", "Prints its digest. Nothing is stored unless all of it is right.", [
      ["blob push ./images/example/app layer.tar.gz", "From a file"],
      ["blob push ./images/example/app - --digest sha256:... < layer.tar.gz", "From standard input, checked"]
    ])
  )

export const BlobStat = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  size: Schema.Natural,
  /** The file that holds it. */
  path: Schema.optionalKey(Schema.String)
})

const stat = Command.make("stat", {
  reference: f.blob,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, reference, wanted, where }) =>
  answer(
    { schema: BlobStat, show: ({ digest, path = "", size }) => [digest, String(size), path].join("  ").trimEnd() },
    wanted,
    Effect.gen(function*() {
      const target = yield* atPoint(yield* locateRef(where, reference), at)
      const { descriptor: { digest, size }, repository } = yield* find(target)
      const path = yield* target.registry.blobPath(repository, digest)
      return {
        repository,
        digest,
        size,
        ...field("path", path)
      }
    })
  )).pipe(
    described("Say whether a blob is there", "Prints its digest, its size in bytes, and the file that holds it.", [
      ["blob stat ./images/example/app@sha256:...", "Exit code 3 where it is not there"]
    ])
  )

export const Mounted = Schema.Struct({ repository: Schema.String, digest: Schema.String, size: Schema.Natural })

const mount = Command.make("mount", {
  reference: f.addressed,
  to: f.argument("to", "The repository that is to have it as well: its name alone, in the same layout"),
  where: f.writing,
  wanted: f.wanted
}, ({ reference, to, wanted, where }) =>
  report(
    { schema: Mounted, show: ({ digest }) => digest },
    wanted,
    Effect.gen(function*() {
      const { digest, registry, repository } = yield* addressed(where, reference)
      const { size } = yield* registry.mountBlob(repository, to, digest)
      return { repository: to, digest, size }
    })
  )).pipe(
    described("Make a blob readable in another repository", "Without copying it.", [
      ["blob mount ./images/example/app@sha256:... example/other", "From example/app to example/other"]
    ])
  )

const remove = Command.make("delete", {
  reference: f.addressed,
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, reference, wanted, where }) =>
  report(
    deleted,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const { digest, registry, repository } = yield* addressed(where, reference)
      const forecast = yield* registry.forecast(repository, "blob", digest)
      // A dry run is refused as the deletion would be.
      if (dryRun && forecast.neededBy.length > 0) return yield* new Referenced({ digest, by: forecast.neededBy })
      if (!dryRun) yield* registry.deleteBlob(repository, digest)
      return {
        kind: "blob" as const,
        repository,
        digest,
        deleted: !dryRun,
        tags_removed: [],
        needed_by: forecast.neededBy,
        referrers: [],
        reclaimable_bytes: 0
      }
    })
  )).pipe(
    described(
      "Delete a blob",
      "By its full digest, and for good. Refused while a manifest needs it; ocilayout gc is what frees space.",
      [["blob delete ./images/example/app@sha256:... --dry-run", "Whether it would be refused, and who needs it"]]
    )
  )

export const blob = Command.make("blob").pipe(
  Command.withDescription("Print, push, look for, mount and delete blobs"),
  Command.withSubcommands([get, push, stat, mount, remove])
)
