/** Tools that make content: artifacts, images, indexes; each is one commit. */
import { Effect, Option, Schema, Stream } from "effect"
import { attachArtifact } from "../../make/artifacts/pushArtifact.ts"
import type { Made } from "../../make/content/Made.ts"
import { parsePlatform } from "../../make/documents/platform.ts"
import { flattenImage } from "../../make/images/flattenImage.ts"
import { buildImage, type ImageEdit } from "../../make/images/makeImage.ts"
import { mutateImage } from "../../make/images/mutateImage.ts"
import { changeIndex, makeIndex } from "../../make/indexes/changeIndex.ts"
import { type LayerInput, madeBy } from "../../make/layers/pushLayer.ts"
import { type RegistryError, Unsupported } from "../../oci/OciError.ts"
import { sourceFor, sourceOf } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { bare, contentOf } from "../tool/content.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { type Making, movesFiles } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { type Call, defineTool } from "../tool/Tool.ts"

const Result = Schema.Struct({
  repository: Schema.String,
  ...p.descriptor,
  tags: p.strings,
  existed: Schema.Boolean
})

const answerOf = (
  repository: string,
  { descriptor, existed }: Pick<Made, "descriptor" | "existed">,
  tags: ReadonlyArray<{ readonly tag: string }>
): typeof Result.Type => ({ repository, ...bare(descriptor), tags: tags.map(({ tag }) => tag), existed })

const atMost = (description: string) =>
  Schema.Array(Schema.String).check(Schema.isMaxLength(limits.tagsPerCall)).annotate({ description })

// Without the grammar of tags, which would cost each tool 30 tokens: the answer to a wrong one states it.
const newTags = p.optional(atMost("Tags to create"))

const replace = p.flag("Move the tag of ref to the result, unless it moved meanwhile")

const map = (description: string) => p.optional(p.stringMap.annotate({ description }))

const common = { toolset: "make", needs: "making", hints: p.adding, output: Result } as const

/** Where the result goes, and under which tags. */
const targetOf = Effect.fnUntraced(function*(
  { layout }: Call,
  ref: string,
  { replace = false, tags = [] }: { readonly replace?: boolean; readonly tags?: ReadonlyArray<string> | undefined }
) {
  const found = yield* findManifest(layout, ref)
  const repository = found.repository ?? Option.getOrUndefined(yield* layout.registry.defaultRepository)
  if (repository === undefined) return yield* invalidArgument("ref: name it as repository:tag")
  const created = tags.map((tag) => ({ tag, ifAbsent: true }))
  const tag = /:([^:/@]+)$/u.exec(ref)?.[1]
  if (replace && (tag === undefined || ref.includes("@"))) {
    return yield* invalidArgument("replace: ref has to be repository:tag, written out")
  }
  const own = replace && tag !== undefined ? [{ tag, ifDigest: found.descriptor.digest }] : []
  return { found, target: { registry: layout.registry, repository, tags: [...created, ...own] } }
})

export const attach = defineTool({
  ...common,
  name: "oci_attach",
  needs: "writing",
  title: "Attach a file to a manifest",
  description: (served) =>
    `Stores content (an SBOM, a signature, a report) as an artifact whose subject is ref, in one commit; copies bring it along with referrers. oci_list_referrers lists it. Give one of ${
      movesFiles(served) ? "path, text and base64" : "text and base64"
    }, or none for an artifact of annotations only.`,
  input: Schema.Struct({
    ref: p.ref,
    type: p.text("Artifact type: a media type, or spdx, cyclonedx, in-toto, openvex, sigstore, notation, cosign"),
    title: p.optional(p.text("File name")),
    path: p.optional(p.path("File to read")),
    text: p.inlineText,
    base64: p.inlineBase64,
    media_type: p.optional(p.text("Of the file")),
    annotations: map("Of the manifest"),
    tags: newTags
  }),
  fileArguments: ["path"],
  run: Effect.fn("oci_attach")(
    function*({ annotations, media_type, ref, tags, title, type, ...given }, call) {
      const { found, target } = yield* targetOf(call, ref, { tags })
      const isEmpty = given.path === undefined && given.text === undefined && given.base64 === undefined
      const name = title ?? given.path?.replace(/^.*[/\\]/u, "") ?? "file"
      const files = isEmpty
        ? []
        : [{ title: name, mediaType: media_type, content: kept((yield* contentOf(call, given)).content) }]
      const made = yield* attachArtifact({ ...target, subject: found.descriptor.digest }, files, { type, annotations })
      return answerOf(target.repository, made, target.tags)
    },
    Effect.scoped
  )
})

/** Files give pieces that take the place of each other; what makes content holds on to them. */
const kept = <E>(content: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.map(content, (bytes) => new Uint8Array(bytes))

const words = p.optional(p.strings.annotate({ description: "Words" }))

/** Named as in a config, whose fields models know. */
const settings = {
  entrypoint: words,
  cmd: words,
  env: map("Variables"),
  labels: map("Labels"),
  annotations: map("Annotations"),
  user: p.optional(p.text("User")),
  workdir: p.optional(p.text("Folder")),
  created: p.optional(p.text("RFC 3339"))
}

interface Settings {
  readonly entrypoint?: ReadonlyArray<string>
  readonly cmd?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly user?: string
  readonly workdir?: string
  readonly created?: string
}

const edits = (given: Readonly<Record<string, string>> | undefined) =>
  given === undefined
    ? undefined
    : Object.fromEntries(Object.entries(given).map(([key, value]) => [key, value === "" ? null : value] as const))

const listOf = (given: ReadonlyArray<string> | undefined) => given?.length === 0 ? null : given

const textOf = (given: string | undefined) => given === "" ? null : given

const editOf = (given: Settings): Omit<ImageEdit, "layers"> => ({
  entrypoint: listOf(given.entrypoint),
  cmd: listOf(given.cmd),
  env: edits(given.env),
  labels: edits(given.labels),
  annotations: edits(given.annotations),
  user: textOf(given.user),
  workdir: textOf(given.workdir),
  created: textOf(given.created)
})

const makingOf = ({ served: { making } }: Call): Effect.Effect<Making, ToolError> =>
  making === undefined
    ? Effect.fail(new Unsupported({ operation: "making images", reason: "this server cannot compress" }))
    : Effect.succeed(making)

const layers = p.optional(atMost("Absolute paths of folders and tars, one layer each"))

/** Folders and tars as layers; what they are is looked at inside of the allowed directories only. */
const layersOf = Effect.fnUntraced(function*(call: Call, paths: ReadonlyArray<string>, created: string | undefined) {
  const { folderTar } = yield* makingOf(call)
  const files = yield* call.files
  const latest = Math.floor(Date.parse(created ?? "") / 1000)
  return yield* Effect.forEach(
    paths,
    Effect.fnUntraced(function*(path) {
      const folder = yield* files.folder(path)
      const content: Stream.Stream<Uint8Array, RegistryError> = Option.isSome(folder)
        ? folderTar(folder.value, { resolved: true, ...(Number.isNaN(latest) ? {} : { latest }) })
        : kept((yield* files.read(path)).content)
      const createdBy = Option.isSome(folder) ? madeBy.folder() : madeBy.tar
      return { name: path, content, createdBy } satisfies LayerInput<RegistryError>
    })
  )
})

const platformOf = Effect.fnUntraced(function*(text: string | undefined) {
  if (text === undefined) return undefined
  return parsePlatform(text) ?? (yield* invalidArgument("platform: write os/arch[/variant]"))
})

export const buildImageTool = defineTool({
  ...common,
  name: "oci_build_image",
  title: "Build an image",
  description:
    "Builds an image of folders and tars, on a base or on nothing, and tags it in one commit. The same input gives the same digest; what a base says stays where nothing else is asked. New tags are created; one that points elsewhere is refused.",
  input: Schema.Struct({
    repository: p.repository,
    tags: newTags,
    layers,
    base: p.optional(p.text("repository:tag of the image below")),
    platform: p.optional(p.text("os/arch[/variant], linux/amd64 by default; of a base, which one")),
    ...settings
  }),
  fileArguments: ["layers"],
  run: Effect.fn("oci_build_image")(
    function*({ base, layers = [], platform, repository, tags = [], ...given }, call) {
      const { maker } = yield* makingOf(call)
      const target = {
        registry: call.layout.registry,
        repository,
        tags: tags.map((tag) => ({ tag, ifAbsent: true }))
      }
      const own = yield* platformOf(platform)
      const inputs = yield* layersOf(call, layers, given.created)
      const edit = { ...editOf(given), layers: inputs, ...(base === undefined ? { platform: own } : {}) }
      const below = base === undefined
        ? {}
        : {
          base: yield* sourceFor(yield* findManifest(call.layout, base), platform),
          basePlatform: platform
        }
      return answerOf(repository, yield* buildImage(target, maker, below, edit), target.tags)
    },
    Effect.scoped
  )
})

export const editImage = defineTool({
  ...common,
  name: "oci_edit_image",
  title: "Edit an image",
  description:
    "Makes another image of ref, or of an index one with each image changed: settings, layers on top, media types; flatten puts all layers in one. What is not asked stays; empty values remove. ref stays: tags names the result.",
  hints: p.removing,
  input: Schema.Struct({
    ref: p.ref,
    platform: p.optional(p.text("os/arch[/variant]: of an index, this image alone")),
    tags: newTags,
    replace,
    layers,
    flatten: p.flag("Needs platform for an index"),
    media_types: p.optional(Schema.Literals(["oci", "docker"]).annotate({ description: "Convert" })),
    ...settings
  }),
  fileArguments: ["layers"],
  run: Effect.fn("oci_edit_image")(
    function*({ flatten, layers = [], media_types, platform, ref, replace, tags, ...given }, call) {
      const { maker } = yield* makingOf(call)
      if (flatten && layers.length > 0) return yield* invalidArgument("flatten: does not go with layers")
      const { found, target } = yield* targetOf(call, ref, { tags, replace })
      const source = yield* sourceFor(found, platform)
      const edit = { ...editOf(given), mediaTypes: media_types }
      const made = flatten
        ? yield* flattenImage(source, target, maker, edit, platform)
        : yield* mutateImage(
          source,
          target,
          maker,
          { ...edit, layers: yield* layersOf(call, layers, given.created) },
          { platform }
        )
      return answerOf(target.repository, made, target.tags)
    },
    Effect.scoped
  )
})

export const makeIndexTool = defineTool({
  ...common,
  name: "oci_make_index",
  needs: "writing",
  title: "Make an index",
  description:
    "Makes an index of images (refs; platforms are read from their configs), or another one of ref: with refs added, with remove taken out, or with only some platforms. Attestations go with their images; a pruned index notes the digest of ref.",
  hints: p.removing,
  input: Schema.Struct({
    repository: p.optional(p.text("Where a new index goes, without ref")),
    ref: p.optional(p.text("An index to change: repository:tag or repository@digest")),
    refs: p.optional(p.several("Images to name")),
    remove: p.optional(p.several("Digests or platforms")),
    platforms: p.optional(p.several("Only these stay")),
    annotations: map("Of the index"),
    referrers: p.flag("Also make what refers to ref anew, but for signatures"),
    tags: newTags,
    replace
  }),
  run: Effect.fn("oci_make_index")(
    function*({ annotations, platforms, ref, referrers, refs = [], remove, replace, repository, tags = [] }, call) {
      const images = yield* Effect.forEach(
        refs,
        (one) => Effect.map(findManifest(call.layout, one), (found) => ({ source: sourceOf(found) }))
      )
      const options = { annotations: edits(annotations), referrers }
      if (ref !== undefined) {
        const { found, target } = yield* targetOf(call, ref, { tags, replace })
        const change = { add: images, remove, platforms }
        return answerOf(target.repository, yield* changeIndex(sourceOf(found), target, change, options), target.tags)
      }
      if (repository === undefined || images.length === 0) {
        return yield* invalidArgument("give repository and refs for a new index, or ref for another one of it")
      }
      const target = {
        registry: call.layout.registry,
        repository,
        tags: tags.map((tag) => ({ tag, ifAbsent: true }))
      }
      return answerOf(repository, yield* makeIndex(target, images, options), target.tags)
    },
    Effect.scoped
  )
})
