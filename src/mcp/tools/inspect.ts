/** Explains a container image in one call. */
import { Effect, Result, Schema, Stream } from "effect"
import { fieldOf, isJsonObject, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import { shortDigest } from "../../oci/Digest.ts"
import { parseJson } from "../../oci/Json.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { ManifestInvalid, Unsupported } from "../../oci/OciError.ts"
import { images } from "../../oci/Platform.ts"
import { findManifest, type Source } from "../../ops/find.ts"
import { layoutAt } from "../at.ts"
import { Allowance, clean, cleanEntries } from "../display.ts"
import * as p from "../parameters.ts"
import { choosePlatform, type Chosen, readManifest, shownPlatform } from "../platform.ts"
import { blobBytes, sourceFields } from "../reference.ts"
import type { ToolError } from "../SurfaceError.ts"
import { defineTool } from "../Tool.ts"

const Config = Schema.Struct({
  entrypoint: p.optional(p.strings),
  cmd: p.optional(p.strings),
  env: p.optional(p.strings),
  user: p.optional(Schema.String),
  workdir: p.optional(Schema.String),
  ports: p.optional(p.strings),
  volumes: p.optional(p.strings),
  labels: p.optional(p.stringMap)
})

export const inspectImage = defineTool({
  name: "oci_inspect_image",
  toolset: "inspect",
  title: "Inspect an image",
  description:
    "Explains a container image in one call: digest, platform, creation time, entrypoint, command, environment, user, working directory, ports, volumes, labels, layers with their sizes and the instruction that made them, total size, and attached artifacts (signatures, SBOMs) by type. For a multi-platform index without platform, lists the platforms instead.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.ref,
    at: p.at,
    platform: p.platform,
    history: p.flag("Add the build instruction of every layer")
  }),
  output: Schema.Struct({
    ...p.source,
    digest: Schema.String,
    mediaType: Schema.String,
    platform: p.optional(Schema.String),
    platforms: p.optional(Schema.Array(Schema.Struct({
      platform: Schema.String,
      digest: Schema.String,
      size: Schema.Natural
    }))),
    created: p.optional(Schema.String),
    config: p.optional(Config),
    layers: p.optional(Schema.Array(Schema.Struct({
      digest: Schema.String,
      size: Schema.Natural,
      created_by: p.optional(Schema.String)
    }))),
    total_size: p.optional(Schema.Natural),
    referrers: p.optional(Schema.Record(Schema.String, Schema.Natural)),
    truncated: p.optional(p.strings)
  }),
  run: Effect.fn("oci_inspect_image")(function*({ at, history, platform, ref }, call) {
    const layout = yield* layoutAt(call.layout, at, ref)
    const found = yield* findManifest(layout, ref)
    const chosen = platform === undefined
      ? yield* onlyImage(found, yield* readManifest(found, found.descriptor))
      : yield* choosePlatform(found, found.descriptor, platform)
    const parts = new Parts()
    const details = chosen.manifest.kind === "index"
      ? { platforms: parts.take("platforms", platformsOf(chosen.manifest)) }
      : yield* imageOf(found, chosen, parts, history)
    const referrers = yield* referrersOf(found, chosen, parts)
    return {
      ...sourceFields(found),
      digest: chosen.descriptor.digest,
      mediaType: chosen.descriptor.mediaType,
      ...details,
      ...(Object.keys(referrers).length === 0 ? {} : { referrers }),
      ...(parts.truncated.length === 0 ? {} : { truncated: parts.truncated })
    }
  })
})

/** An index of one image, with or without its attestations, stands for that image. */
const onlyImage = (source: Source, chosen: Chosen): Effect.Effect<Chosen, ToolError> => {
  const [only, ...others] = chosen.manifest.kind === "index" ? images(chosen.manifest) : []
  if (only === undefined || others.length > 0) return Effect.succeed(chosen)
  const platform = shownPlatform(only)
  return Effect.map(readManifest(source, only), (image) => platform === undefined ? image : { ...image, platform })
}

/** What fits into the result, and the names of what did not. */
class Parts {
  readonly truncated: Array<string> = []
  readonly #allowance = new Allowance()

  take<A>(name: string, items: ReadonlyArray<A>): ReadonlyArray<A> {
    const taken = this.#allowance.take(items)
    if (taken.length < items.length) this.truncated.push(name)
    return taken
  }

  /** Clean texts, when there are any. */
  texts(name: string, items: ReadonlyArray<string>): ReadonlyArray<string> | undefined {
    return items.length === 0 ? undefined : this.take(name, items.map((item) => clean(item)))
  }

  entries(
    name: string,
    entries: ReadonlyArray<readonly [string, string]>
  ): Readonly<Record<string, string>> | undefined {
    if (entries.length === 0) return undefined
    const { omitted, shown } = cleanEntries(entries, this.#allowance)
    if (omitted > 0) this.truncated.push(name)
    return shown
  }
}

const platformsOf = (manifest: Manifest) =>
  images(manifest).map((image) => ({
    platform: shownPlatform(image) ?? "unknown",
    digest: shortDigest(image.digest),
    size: image.size
  }))

const imageOf = Effect.fnUntraced(function*(
  source: Source,
  { descriptor, manifest, platform }: Chosen,
  parts: Parts,
  history: boolean
) {
  const { config, layers } = manifest
  if (manifest.kind !== "image" || config === undefined) {
    return yield* new Unsupported({
      operation: "inspecting this manifest",
      reason: `it is an artifact of type ${
        clean(manifest.artifactType ?? "unknown")
      }, not an image; use oci_get_manifest`
    })
  }
  const document = yield* configOf(source, config)
  const made = history ? instructions(document) : []
  const created = textOf(document, "created")
  const own = [textOf(document, "os"), textOf(document, "architecture"), textOf(document, "variant")]
    .filter((part) => part !== undefined)
  const stated = platform ?? shownPlatform(descriptor) ?? (own.length < 2 ? undefined : own.join("/"))
  const shown = parts.take(
    "layers",
    layers.map(({ digest, size }, index) => {
      const instruction = made[index]
      return { digest: shortDigest(digest), size, ...(instruction === undefined ? {} : { created_by: instruction }) }
    })
  )
  const settings = settingsOf(objectOf(document, "config"), parts)
  return {
    ...(stated === undefined ? {} : { platform: stated }),
    ...(created === undefined ? {} : { created }),
    ...(Object.keys(settings).length === 0 ? {} : { config: settings }),
    layers: shown,
    total_size: layers.reduce((sum, { size }) => sum + size, config.size)
  }
})

const configOf = Effect.fnUntraced(function*(
  source: Source,
  config: NonNullable<Manifest["config"]>
): Effect.fn.Return<JsonObject, ToolError> {
  const bytes = yield* blobBytes(source, config)
  const parsed = parseJson(bytes, { maxDepth: 64, duplicateKeys: "lastWins" })
  if (Result.isSuccess(parsed) && isJsonObject(parsed.success)) return parsed.success
  const reason = Result.isFailure(parsed) ? parsed.failure : "is not a JSON object"
  return yield* new ManifestInvalid({ path: `config ${shortDigest(config.digest)}`, reason })
})

/** The settings of a container (image-spec, config.md), each left out when it is empty. */
const settingsOf = (config: JsonObject, parts: Parts) => {
  const user = textOf(config, "User")
  const workdir = textOf(config, "WorkingDir")
  const settings = {
    entrypoint: parts.texts("entrypoint", stringsOf(config, "Entrypoint")),
    cmd: parts.texts("cmd", stringsOf(config, "Cmd")),
    env: parts.texts("env", stringsOf(config, "Env")),
    user: user === "" ? undefined : user,
    workdir: workdir === "" ? undefined : workdir,
    ports: parts.texts("ports", Object.keys(objectOf(config, "ExposedPorts"))),
    volumes: parts.texts("volumes", Object.keys(objectOf(config, "Volumes"))),
    labels: parts.entries(
      "labels",
      Object.entries(objectOf(config, "Labels")).flatMap(([key, value]) =>
        typeof value === "string" ? [[key, value] as const] : []
      )
    )
  }
  return withoutUndefined(settings)
}

type Defined<A> = { -readonly [Key in keyof A]?: Exclude<A[Key], undefined> }

/** Absent means absent: a field that is `undefined` has no place in JSON. */
const withoutUndefined = <A extends object>(record: A): Defined<A> => {
  const defined: Defined<A> = { ...record }
  for (const key in defined) {
    if (defined[key] === undefined) delete defined[key]
  }
  return defined
}

/** The instruction behind each layer: history entries that made no layer are passed over. */
const instructions = (document: JsonObject): ReadonlyArray<string | undefined> => {
  const history = fieldOf(document, "history")
  const entries = Array.isArray(history) ? history.filter(isJsonObject) : []
  return entries.filter((entry) => fieldOf(entry, "empty_layer") !== true).map((entry) => textOf(entry, "created_by"))
}

/** How many artifacts of each type are attached. */
const referrersOf = Effect.fnUntraced(function*(
  { layout, repository }: Source,
  { descriptor }: Chosen,
  parts: Parts
) {
  if (repository === undefined) return {}
  const counts = new Map<string, number>()
  yield* Stream.runForEach(
    layout.registry.referrers(repository, descriptor.digest),
    ({ artifactType }) =>
      Effect.sync(() => {
        const type = clean(artifactType ?? "unknown")
        counts.set(type, (counts.get(type) ?? 0) + 1)
      })
  )
  return Object.fromEntries(parts.take("referrers", Array.from(counts)))
})

const textOf = (object: JsonObject, key: string): string | undefined => {
  const value = fieldOf(object, key)
  return typeof value === "string" ? clean(value) : undefined
}

const objectOf = (object: JsonObject, key: string): JsonObject => {
  const value = fieldOf(object, key)
  return isJsonObject(value) ? value : {}
}

const isText = (value: Json): value is string => typeof value === "string"

const stringsOf = (object: JsonObject, key: string): ReadonlyArray<string> => {
  const value: Json | undefined = fieldOf(object, key)
  return Array.isArray(value) ? value.filter(isText) : []
}
