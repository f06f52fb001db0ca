/** artifact push, pull, attach, list: files that are no image, or that belong to one. */
import { Effect, Option, Schema, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import { existsSync } from "node:fs"
import { basename, isAbsolute, normalize, resolve, sep } from "node:path"
import {
  type ArtifactFile,
  type ArtifactOptions,
  attachArtifact,
  pushArtifact
} from "../../make/artifacts/pushArtifact.ts"
import { artifactKinds } from "../../make/documents/artifactKinds.ts"
import { pullArtifact } from "../../node/index.ts"
import { title as titleKey } from "../../oci/Annotations.ts"
import { field } from "../../oci/field.ts"
import { named } from "../../oci/quoted.ts"
import * as limits from "../../ops/limits.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { condition } from "../commands/manifest.ts"
import { described } from "../described.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { type Answer, answer, report } from "../output.ts"
import { atPoint, locateNew, locateRef } from "../target.ts"
import { table } from "../terminal/table.ts"
import { counted, shortOf, sizeOf } from "../terminal/units.ts"
import { changing, Made, madeOf, newTarget, pairsOf, shownMade } from "./made.ts"

const ArtifactPart = Schema.Struct({
  title: Schema.String,
  digest: Schema.String,
  media_type: Schema.optionalKey(Schema.String),
  size: Schema.Natural
})

export const ArtifactMade = Schema.Struct({
  ...Made.fields,
  /** The files of the artifact. */
  artifact_files: Schema.Array(ArtifactPart)
})

const pushed: Answer<typeof ArtifactMade.Type> = { schema: ArtifactMade, show: shownMade }

const files = Argument.String("file").pipe(
  Argument.withMetavar("file"),
  Argument.withDescription("A file, or FILE:MEDIA_TYPE; - is standard input, by default of the title stdin"),
  Argument.variadic({ min: 0 })
)

const shared = {
  type: f.text("type", "TYPE", `A media type, or one of ${Object.keys(artifactKinds).join(", ")}`),
  annotations: f.several("annotation", "KEY=VALUE", "An annotation of the manifest; repeat for several"),
  config: f.text("config", "FILE[:MEDIA_TYPE]", "What describes the artifact; by default nothing does"),
  fallbackTag: f.off("fallback-tag", "Also list it under the tag sha256-... of its subject, where older tools look")
}

/** A media type has a slash, and comes after the last colon; a file of just this name is that file. */
const typed = (text: string): { readonly path: string; readonly mediaType?: string } => {
  const [, path, mediaType] = /^(.+):([^:/]+\/[^:/]+)$/su.exec(text) ?? []
  return path === undefined || mediaType === undefined || existsSync(text) ? { path: text } : { path, mediaType }
}

/** The path as it was given, where it leads below this folder, and otherwise the name alone. */
const titleOf = (path: string): string => {
  if (path === "-") return "stdin"
  const plain = normalize(path).split(sep).join("/")
  return isAbsolute(path) || plain.startsWith("../") ? basename(path) : plain
}

const filesOf = (texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => {
    const { mediaType, path } = typed(text)
    return Effect.map(open(path), ({ content }): ArtifactFile<Failure> => ({
      title: titleOf(path),
      mediaType,
      content
    }))
  })

const optionsOf = Effect.fnUntraced(function*(given: {
  readonly type: Option.Option<string>
  readonly annotations: ReadonlyArray<string>
  readonly config: Option.Option<string>
  readonly fallbackTag: boolean
}) {
  const config = Option.isNone(given.config) ? undefined : typed(given.config.value)
  const options: ArtifactOptions = {
    type: Option.getOrUndefined(given.type),
    annotations: yield* pairsOf("--annotation", given.annotations),
    fallbackTag: given.fallbackTag,
    ...(config === undefined ? {} : {
      config: {
        mediaType: config.mediaType,
        bytes: yield* collectBytes((yield* open(config.path)).content, (size) =>
          size > limits.manifestBytes
            ? Effect.fail(new Mistake(`${config.path} has more than the ${sizeOf(limits.manifestBytes)} of a config`))
            : Effect.void)
      }
    })
  }
  return options
})

const answerOf = (
  repository: string,
  made: Effect.Success<ReturnType<typeof pushArtifact>>
): typeof ArtifactMade.Type => ({
  ...madeOf(repository, made),
  artifact_files: made.files.map(({ annotations = {}, digest, mediaType, size }) => ({
    title: annotations[titleKey] ?? "",
    digest,
    media_type: mediaType,
    size
  }))
})

const push = Command.make("push", {
  reference: f.argument("reference", "PATH/repository[:tag]"),
  files,
  ...shared,
  tags: f.several("tag", "TAG", "A further tag; repeat for several"),
  condition,
  where: f.writing,
  wanted: f.wanted
}, ({ condition, files, reference, tags, wanted, where, ...given }) =>
  report(
    pushed,
    wanted,
    Effect.gen(function*() {
      const target = yield* newTarget(where, reference, { tags, condition })
      const options = yield* optionsOf(given)
      return answerOf(target.repository, yield* pushArtifact(target, yield* filesOf(files), options))
    })
  )).pipe(
    described(
      "Push files as an artifact",
      "Each file has its path as its title. Same files, same digest: nothing says when they were pushed, unless an " +
        "annotation does.",
      [
        ["artifact push ./images/example/config:1 app.toml --type application/vnd.example.config", "A file"],
        ["artifact push ./images/example/sbom:1 sbom.spdx.json --type spdx", "A known kind"]
      ]
    )
  )

const attach = Command.make("attach", {
  reference: f.argument("reference", "PATH/repository:tag or PATH/repository@digest: what it belongs to"),
  files,
  ...shared,
  tags: f.several("tag", "TAG", "A tag of the artifact; by default it has none"),
  condition,
  where: f.writing,
  wanted: f.wanted
}, ({ condition, files, reference, tags, wanted, where, ...given }) =>
  report(
    pushed,
    wanted,
    Effect.gen(function*() {
      const found = yield* changing(yield* locateRef(where, reference), { tags, condition, replace: false })
      const options = yield* optionsOf(given)
      const { repository } = found
      const target = { registry: found.target.registry, repository, tags: found.tags }
      const subject = found.found.descriptor.digest
      return answerOf(repository, yield* attachArtifact({ ...target, subject }, yield* filesOf(files), options))
    })
  )).pipe(
    described(
      "Attach files to a manifest",
      "As an artifact whose subject it is: ocilayout referrers lists it, and copies bring it along with --referrers.",
      [
        ["artifact attach ./images/example/app:1.0 sbom.spdx.json --type spdx", "An SBOM"],
        ["artifact attach ./images/example/app:1.0 --type application/vnd.example.mark --annotation ok=yes", "No file"]
      ]
    )
  )

export const ArtifactPulled = Schema.Struct({
  digest: Schema.String,
  artifact_type: Schema.optionalKey(Schema.String),
  directory: Schema.String,
  artifact_files: Schema.Array(ArtifactPart),
  /** Digests of content that has no title, and was not written. */
  untitled: Schema.Array(Schema.String)
})

const shownPulled: Answer<typeof ArtifactPulled.Type> = {
  schema: ArtifactPulled,
  show: ({ artifact_files, untitled }) =>
    [
      ...artifact_files.map(({ size, title }) => `${named(title)} (${sizeOf(size)})`),
      ...(untitled.length === 0 ? [] : [`without a title, and not written: ${counted(untitled.length, "blob")}`])
    ].join("\n")
}

const pull = Command.make("pull", {
  reference: f.reference,
  directory: f.argument("directory", "The folder to write into; it is made where it is missing"),
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, directory, reference, wanted, where }) =>
  report(
    shownPulled,
    wanted,
    Effect.gen(function*() {
      const target = yield* atPoint(yield* locateRef(where, reference), at)
      const source = sourceOf(yield* findManifest(target, target.name))
      const folder = resolve(directory)
      const { artifactType, digest, files, untitled } = yield* pullArtifact(source, folder)
      return { digest, ...field("artifact_type", artifactType), directory: folder, artifact_files: files, untitled }
    })
  )).pipe(
    described(
      "Write the files of an artifact into a folder",
      "Each under its title. Nothing is written outside of the folder, nothing that is there is replaced, and no file " +
        "has its name before all are checked.",
      [
        ["artifact pull ./images/example/config:1 ./out", "All files"]
      ]
    )
  )

export const Artifacts = Schema.Struct({
  repository: Schema.String,
  artifacts: Schema.Array(Schema.Struct({
    digest: Schema.String,
    artifact_type: Schema.optionalKey(Schema.String),
    tags: Schema.Array(Schema.String),
    subject: Schema.optionalKey(Schema.String),
    artifact_files: Schema.Array(ArtifactPart)
  }))
})

const listed: Answer<typeof Artifacts.Type> = {
  schema: Artifacts,
  show: ({ artifacts, repository }, screen) =>
    artifacts.length === 0 ? `no artifact in ${repository}` : table(
      screen,
      [{ title: "DIGEST" }, { title: "TYPE" }, { title: "TAGS" }, { title: "FILES", cut: true }],
      artifacts.map(({ artifact_files, artifact_type, digest, tags }) => [
        shortOf(digest),
        named(artifact_type ?? ""),
        tags.map(named).join(" "),
        artifact_files.map(({ title }) => named(title)).join(" ")
      ])
    )
}

const list = Command.make("list", { repository: f.repository, at: f.at, where: f.where, wanted: f.wanted }, (
  { at, repository, wanted, where }
) =>
  answer(
    listed,
    wanted,
    Effect.gen(function*() {
      const { name, registry } = yield* atPoint(yield* locateNew(where, repository), at)
      const artifacts: Array<(typeof Artifacts.Type)["artifacts"][number]> = []
      for (const digest of yield* Stream.runCollect(registry.digests(name, "manifest"))) {
        const manifest = yield* registry.describe(name, yield* registry.resolveManifest(name, digest))
        if (manifest.kind !== "artifact") continue
        artifacts.push({
          digest,
          ...field("artifact_type", manifest.artifactType),
          tags: yield* registry.tagsOf(name, digest),
          ...field("subject", manifest.subject?.digest),
          artifact_files: manifest.layers.flatMap(({ annotations = {}, digest, mediaType, size }) => {
            const title = annotations[titleKey]
            return title === undefined ? [] : [{ title, digest, media_type: mediaType, size }]
          })
        })
      }
      return { repository: name, artifacts }
    })
  )).pipe(
    described(
      "List the artifacts of a repository",
      "Manifests that are no images, attached to others or not, with their files.",
      [
        ["artifact list ./images/example/app", "With their types, tags and files"]
      ]
    )
  )

export const artifact = Command.make("artifact").pipe(
  Command.withDescription("Push, pull, attach and list files that are no images"),
  Command.withSubcommands([push, pull, attach, list])
)
