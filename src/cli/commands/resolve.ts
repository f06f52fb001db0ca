/** Commands about what one reference names: resolve, referrers. */
import { Effect, Option, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { field } from "../../oci/field.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import { named } from "../../oci/quoted.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { readSource, sourceOf } from "../../ops/refs/copySource.ts"
import { candidatesOf, findContent, findManifest } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { Others, othersOf } from "../others.ts"
import { type Answer, answer } from "../output.ts"
import { atPoint, locateRef, type Named } from "../target.ts"
import { styled } from "../terminal/style.ts"
import { type Branch, tree } from "../terminal/table.ts"
import { shortOf, sizeOf } from "../terminal/units.ts"

export const Resolved = Schema.Struct({
  kind: Schema.Literals(["manifest", "blob"]),
  repository: Schema.optionalKey(Schema.String),
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  /** What a name without a tag was read as. */
  read_as: Schema.optionalKey(Schema.String),
  /** What else the same tag names, for other platforms. */
  others: Schema.optionalKey(Others),
  /** All tags of the repository that name it. */
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The file that holds the bytes. */
  path: Schema.optionalKey(Schema.String)
})

const resolved: Answer<typeof Resolved.Type> = { schema: Resolved, show: ({ digest }) => digest }

/** The image for a platform that a reference names. */
const imageFor = Effect.fnUntraced(function*(target: Named, platform: string) {
  const found = yield* findManifest(target, target.name)
  const { manifest } = yield* chooseImage(readSource(sourceOf(found)), candidatesOf(found), platform)
  return { ...found, descriptor: manifest.descriptor }
})

export const resolve = Command.make("resolve", {
  reference: f.reference,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform"),
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, platform, reference, wanted, where }) =>
  answer(
    resolved,
    wanted,
    Effect.gen(function*() {
      const target = yield* atPoint(yield* locateRef(where, reference), at)
      const found = yield* Option.match(platform, {
        onNone: () => findContent(target, target.name, "auto"),
        onSome: (wanted) => imageFor(target, wanted)
      })
      const { descriptor: { digest, mediaType, size }, kind, readAs, repository } = found
      const { registry } = target
      const path = yield* registry.blobPath(repository ?? "raw", digest)
      const tags = kind === "manifest" && repository !== undefined
        ? yield* registry.tagsOf(repository, digest)
        : undefined
      return {
        kind,
        ...field("repository", repository),
        digest,
        media_type: mediaType,
        size,
        ...field("read_as", readAs),
        ...field("others", othersOf(found, Option.getOrUndefined(platform))),
        ...field("tags", tags),
        ...field("path", path)
      }
    })
  )).pipe(
    described(
      "Print the digest of a reference",
      "With --json also media type, size, all tags that name it, and the file that holds it.",
      [
        ["resolve ./images/example/app:latest", "The digest of a tag"],
        ["resolve ./images/example/app:latest --at=-1", "What it pointed at before it was moved for the last time"]
      ]
    )
  )

const Referrer = Schema.Struct({
  /** What it refers to. */
  subject: Schema.String,
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  artifact_type: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** What says that it refers to it: its own subject, a tag, an annotation, or the kinds of a saved image. */
  by: Schema.Literals(["subject", "tag", "kind", "annotation"]),
  tag: Schema.optionalKey(Schema.String),
  /** The repositories that name it; none where only an index leads to it, or nothing does. */
  repositories: Schema.Array(Schema.String)
})
type Referrer = typeof Referrer.Type

export const Referrers = Schema.Struct({
  repository: Schema.String,
  subject: Schema.String,
  /** Each after what it refers to. */
  referrers: Schema.Array(Referrer)
})

const referring = ({ annotations = {}, artifact_type, by, digest, repositories, size, tag }: Referrer): string => {
  const way = by === "subject" ? "" : tag === undefined ? `, by ${by}` : `, by tag ${named(tag)}`
  const where = repositories.length === 0 ? ", without an entry" : ""
  const lines = Object.entries(annotations).map(([key, value]) => `  ${named(key)}: ${named(value)}`)
  return [`${shortOf(digest)}  ${named(artifact_type ?? "unknown")}  ${sizeOf(size)}${way}${where}`, ...lines].join(
    "\n"
  )
}

const shownReferrers: Answer<typeof Referrers.Type> = {
  schema: Referrers,
  show: ({ referrers, repository, subject }, screen) => {
    const below = (of: string): ReadonlyArray<Branch> =>
      referrers.filter((one) => one.subject === of).map((one) => ({ text: referring(one), below: below(one.digest) }))
    const top = styled(screen, "bold", `${repository}@${shortOf(subject)}`)
    return referrers.length === 0 ? `${top}\nnothing refers to it` : tree({ text: top, below: below(subject) })
  }
}

/** Those of a digest, and those of each of them, each digest once. */
const below = Effect.fnUntraced(
  function*(
    registry: LayoutRegistry,
    repository: string,
    subject: string,
    artifactType: string | undefined
  ): Effect.fn.Return<ReadonlyArray<Referrer>, RegistryError> {
    const met = new Set([subject])
    const found: Array<Referrer> = []
    for (const of of met) {
      const options = of === subject ? { artifactType } : {}
      const each = yield* Stream.runCollect(registry.attached(repository, of, options))
      for (const { by, descriptor, isList, repositories, tag } of each) {
        const { annotations, artifactType, digest, mediaType, size } = descriptor
        if (isList === true || met.has(digest)) continue
        met.add(digest)
        found.push({
          subject: of,
          digest,
          media_type: mediaType,
          size,
          ...field("artifact_type", artifactType),
          ...field("annotations", annotations),
          by,
          ...field("tag", tag),
          repositories
        })
      }
    }
    return found
  }
)

export const referrers = Command.make("referrers", {
  reference: f.reference,
  artifactType: f.text("artifact-type", "TYPE", "Only these, such as application/spdx+json"),
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ artifactType, at, reference, wanted, where }) =>
  answer(
    shownReferrers,
    wanted,
    Effect.gen(function*() {
      const target = yield* atPoint(yield* locateRef(where, reference), at)
      const ref = yield* Effect.fromResult(target.ref)
      const { repository } = ref
      // The subject of referrers need not exist (distribution-spec, "Listing Referrers").
      const subject = ref.by._tag === "Digest"
        ? ref.by.digest
        : (yield* findManifest(target, target.name)).descriptor.digest
      const type = Option.getOrUndefined(artifactType)
      return { repository, subject, referrers: yield* below(target.registry, repository, subject, type) }
    })
  )).pipe(
    described(
      "Show what refers to a manifest",
      "Signatures, SBOMs and other artifacts, and what refers to them in turn, as a tree.",
      [
        ["referrers ./images/example/app:latest", "All of them"],
        ["referrers ./images/example/app:latest --artifact-type application/spdx+json", "SBOMs alone"]
      ]
    )
  )
