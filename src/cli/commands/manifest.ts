/** manifest get, push, delete. */
import { Effect, Option, Result, Schema } from "effect"
import { Command } from "effect/cli"
import { parseDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { statedMediaType } from "../../oci/Manifest.ts"
import { type DigestInvalid, Referenced } from "../../oci/OciError.ts"
import { named } from "../../oci/quoted.ts"
import { parseLayoutReference } from "../../oci/Reference.ts"
import * as limits from "../../ops/limits.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { entryNamed, findManifest, requireDigest } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { type Answer, report } from "../output.ts"
import { locateNew, locateRef, type Named } from "../target.ts"
import { counted, sizeOf } from "../terminal/units.ts"
import { printManifest } from "./printManifest.ts"

const get = Command.make("get", {
  reference: f.reference,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the manifest of the image for this platform"),
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, printManifest).pipe(
  described("Print a manifest", "Byte for byte as it was pushed.", [
    ["manifest get ./images/example/app:latest", "To standard output"],
    ["manifest get ./images/example/app:latest | sha256sum", "Its digest, once more"]
  ])
)

export const ManifestPushed = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  existed: Schema.Boolean,
  subject: Schema.optionalKey(Schema.String),
  /** Tags that were created or moved. */
  tags: Schema.Array(Schema.Struct({ tag: Schema.String, from: Schema.optionalKey(Schema.String) })),
  revision: Schema.optionalKey(Schema.Natural)
})

const pushed: Answer<typeof ManifestPushed.Type> = { schema: ManifestPushed, show: ({ digest }) => digest }

export const condition = {
  move: f.off("move", "Allow moving tags that exist"),
  ifDigest: f.text("if-digest", "DIGEST", "Only where every tag points at this digest now"),
  ifAbsent: f.off("if-absent", "Only where the tags do not exist; the default without --move and --if-digest")
}

/** Each tag with the condition it is set under. */
export const requests = (
  named: ReadonlyArray<string>,
  { ifAbsent, ifDigest, move }: {
    readonly move: boolean
    readonly ifDigest: Option.Option<string>
    readonly ifAbsent: boolean
  }
): Result.Result<
  ReadonlyArray<{ readonly tag: string; readonly ifDigest?: string; readonly ifAbsent?: boolean }>,
  DigestInvalid | Mistake
> => {
  if ([ifAbsent, move, Option.isSome(ifDigest)].filter(Boolean).length > 1) {
    return Result.fail(new Mistake("--move, --if-digest and --if-absent exclude each other"))
  }
  const tags = Array.from(new Set(named))
  return Option.match(ifDigest, {
    onNone: () => Result.succeed(tags.map((tag) => move ? { tag } : { tag, ifAbsent: true })),
    onSome: (digest) => Result.map(parseDigest(digest), (ifDigest) => tags.map((tag) => ({ tag, ifDigest })))
  })
}

const push = Command.make("push", {
  reference: f.pushed,
  file: f.file,
  mediaType: f.text("media-type", "TYPE", "By default what the manifest says of itself"),
  tags: f.several("tag", "TAG", "A further tag; repeat for several"),
  fallbackTag: f.off("fallback-tag", "Also list it under the tag sha256-... of its subject, where older tools look"),
  condition,
  where: f.writing,
  wanted: f.wanted
}, ({ condition, fallbackTag, file, mediaType, reference, tags, wanted, where }) =>
  report(
    pushed,
    wanted,
    Effect.gen(function*() {
      const { name, registry } = yield* locateNew(where, reference)
      const { digest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(name))
      const all = yield* Effect.fromResult(requests([...(tag === undefined ? [] : [tag]), ...tags], condition))
      const { content } = yield* open(file)
      const document = yield* collectBytes(content, (size) =>
        size > limits.manifestBytes
          ? Effect.fail(new Mistake(`${file} has more than the ${sizeOf(limits.manifestBytes)} a manifest may have`))
          : Effect.void)
      const type = Option.getOrUndefined(mediaType) ?? (yield* Effect.fromResult(statedMediaType(document)))
      if (type === undefined) {
        return yield* Effect.fail(new Mistake("the manifest does not name its mediaType; say it with --media-type"))
      }
      const { descriptor, existed, moved, revision, subject } = yield* registry.pushManifest(
        repository,
        document,
        type,
        {
          tags: all,
          fallbackTag,
          ...field("digest", digest)
        }
      )
      return {
        repository,
        digest: descriptor.digest,
        media_type: descriptor.mediaType,
        size: descriptor.size,
        existed,
        tags: moved,
        ...field("subject", subject),
        ...field("revision", revision)
      }
    })
  )).pipe(
    described(
      "Push a manifest",
      "Everything it names must have been pushed before, except its subject. A tag that points elsewhere already is " +
        "refused unless --move or --if-digest is given; then nothing is stored.",
      [
        ["manifest push ./images/example/app:1.0 manifest.json", "Push and tag"],
        ["manifest push ./images/example/app manifest.json", "Without a tag"],
        ["manifest push ./images/example/app:latest - --move < manifest.json", "From standard input, moving the tag"]
      ]
    )
  )

export const Deleted = Schema.Struct({
  kind: Schema.Literals(["tag", "manifest", "blob"]),
  repository: Schema.String,
  /** Absent where none of the tags was there. */
  digest: Schema.optionalKey(Schema.String),
  /** False for a dry run, and where there was nothing to delete. */
  deleted: Schema.Boolean,
  tags_removed: Schema.Array(Schema.String),
  /** Manifests that name it, as child or as subject. */
  needed_by: Schema.Array(Schema.String),
  /** Manifests whose subject it is. */
  referrers: Schema.Array(Schema.String),
  /** What a collection of garbage could free once it is gone. */
  reclaimable_bytes: Schema.Natural,
  revision: Schema.optionalKey(Schema.Natural)
})
export type Deleted = typeof Deleted.Type

export const deleted: Answer<Deleted> = {
  schema: Deleted,
  show: ({ deleted, digest, kind, needed_by, reclaimable_bytes, referrers, repository, revision, tags_removed }) => {
    if (digest === undefined) return "nothing to delete"
    const tags = tags_removed.map(named)
    const what = kind === "tag" ? `${repository}:${tags.join()}, at ${digest}` : `${repository}@${digest}`
    const others = kind === "tag" ? [] : tags
    return [
      `${deleted ? "deleted" : "would delete"} ${what}`,
      ...(others.length === 0 ? [] : [`  and ${counted(others.length, "tag")}: ${others.join(", ")}`]),
      ...(needed_by.length === 0 ? [] : [`  needed by ${needed_by.join(", ")}`]),
      ...(referrers.length === 0 ? [] : [`  left dangling: ${referrers.join(", ")}`]),
      ...(reclaimable_bytes === 0 ? [] : [`  ocilayout gc could then free ${sizeOf(reclaimable_bytes)}`]),
      ...(revision === undefined ? [] : [`  ocilayout revert ${revision} takes it back`])
    ].join("\n")
  }
}

export const dryRun = f.off("dry-run", "Only say what would happen")

/** What a reference names by a full digest: shortened ones are for reading. */
export const addressed = Effect.fnUntraced(function*(where: Parameters<typeof locateRef>[0], reference: string) {
  const target = yield* locateRef(where, reference)
  const ref = yield* Effect.fromResult(target.ref)
  return { ...target, repository: ref.repository, digest: yield* Effect.fromResult(requireDigest(ref)) }
})

const remove = Command.make("delete", {
  reference: f.addressed,
  force: f.off("force", "Even though other manifests name it; they are left dangling"),
  dryRun,
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, force, reference, wanted, where }) =>
  report(
    deleted,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      const target = yield* locateRef(where, reference)
      const { registry, written = target.name } = target
      const entry = Result.isFailure(target.ref) ? yield* entryNamed(target, written) : Option.none()
      if (Option.isSome(entry)) return yield* deleteEntry(target, entry.value.digest, dryRun)
      const ref = yield* Effect.fromResult(target.ref)
      const { repository } = ref
      const digest = yield* Effect.fromResult(requireDigest(ref))
      const forecast = yield* registry.forecast(repository, "manifest", digest)
      // A dry run is refused as the deletion would be.
      if (dryRun && !force && forecast.neededBy.length > 0) {
        return yield* new Referenced({ digest, by: forecast.neededBy })
      }
      const done = dryRun ? undefined : yield* registry.deleteManifest(repository, digest, { force })
      return {
        kind: "manifest" as const,
        repository,
        digest,
        deleted: !dryRun,
        tags_removed: done?.tags ?? forecast.tags,
        needed_by: forecast.neededBy,
        referrers: forecast.referrers,
        reclaimable_bytes: forecast.reclaimable,
        ...field("revision", done?.revision)
      }
    })
  )).pipe(
    described(
      "Delete a manifest",
      "By its full digest, with all of its tags; ocilayout revert takes it back. What it needs stays until ocilayout gc " +
        "collects it. Refused while another manifest names it, unless --force is given.",
      [
        ["manifest delete ./images/example/app@sha256:... --dry-run", "What would go, and what needs it"],
        ["manifest delete ./images/example/app@sha256:...", "Delete it"]
      ]
    )
  )

/** An entry that only its written name reaches. */
const deleteEntry = Effect.fnUntraced(function*(target: Named, digest: string, dryRun: boolean) {
  const { registry, written = target.name } = target
  const found = yield* findManifest(target, target.name)
  const done = dryRun ? undefined : yield* registry.deleteName(written, { keep: false })
  const repository = found.repository ?? Option.getOrElse(yield* registry.defaultRepository, () => "")
  const unneeded = { needed_by: [], referrers: [], reclaimable_bytes: 0, ...field("revision", done?.revision) }
  return { kind: "manifest" as const, repository, digest, deleted: !dryRun, tags_removed: [written], ...unneeded }
})

export const manifest = Command.make("manifest").pipe(
  Command.withDescription("Print, push and delete manifests"),
  Command.withSubcommands([get, push, remove])
)
