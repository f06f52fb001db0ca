/** Explains a container image in one call. */
import { Effect, Schema } from "effect"
import { fieldOf } from "../../oci/Descriptor.ts"
import { isDigest, shortDigest } from "../../oci/Digest.ts"
import type { ContainerSettings } from "../../oci/ImageConfig.ts"
import { Unsupported } from "../../oci/OciError.ts"
import { isAttestation } from "../../oci/Platform.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { candidatesOf, findManifest, type Found } from "../../ops/refs/find.ts"
import { contentSize, type Inspected, inspectFound, type Weighed, weighImages } from "../../ops/refs/inspect.ts"
import { placeAt } from "../../ops/refs/placeAt.ts"
import { Allowance, clean, cleanEntries } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { shownPlatform } from "../tool/platform.ts"
import { sourceFields } from "../tool/reference.ts"
import { defineTool } from "../tool/Tool.ts"

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
    "Explains a container image in one call: digest, platform, creation time, entrypoint, command, environment, user, working directory, ports, volumes, labels, layers with their sizes and the instruction that made them, total size, and attached artifacts (signatures, SBOMs) by type. For a multi-platform index without platform, lists its platforms and attestations instead; state says what is missing.",
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
      size: Schema.Natural,
      mediaType: p.optional(Schema.String),
      artifact_type: p.optional(Schema.String),
      os_version: p.optional(Schema.String),
      annotations: p.optional(p.stringMap),
      state: p.optional(Schema.String)
    }))),
    attestations: p.optional(Schema.Array(Schema.Struct({ digest: Schema.String, of: p.optional(Schema.String) }))),
    predicate_types: p.optional(p.strings),
    created: p.optional(Schema.String),
    config_digest: p.optional(Schema.String),
    config: p.optional(Config),
    layers: p.optional(Schema.Array(Schema.Struct({
      digest: Schema.String,
      size: Schema.Natural,
      state: p.optional(Schema.String),
      created_by: p.optional(Schema.String)
    }))),
    total_size: p.optional(Schema.Natural),
    referrers: p.optional(Schema.Record(Schema.String, Schema.Natural)),
    truncated: p.optional(Schema.Record(Schema.String, Schema.Natural))
  }),
  run: Effect.fn("oci_inspect_image")(function*({ at, history, platform, ref }, call) {
    const layout = yield* placeAt(call.layout, at, ref)
    const found = yield* findManifest(layout, ref)
    const inspected = yield* inspectFound(found, platform)
    const parts = new Parts()
    const details = inspected.manifest.kind === "index"
      ? {
        platforms: parts.take("platforms", (yield* weighImages(sourceOf(found), inspected)).map(platformEntry)),
        ...attestationsOf(inspected, parts)
      }
      : { ...othersOf(found, platform, parts), ...(yield* imageOf(inspected, parts, history)) }
    const counts = Array.from(inspected.referrers, ([type, count]) => [clean(type) || "unknown", count] as const)
    const referrers = Object.fromEntries(parts.take("referrers", counts))
    return {
      ...sourceFields(found),
      digest: inspected.descriptor.digest,
      mediaType: inspected.descriptor.mediaType,
      ...details,
      ...(counts.length === 0 ? {} : { referrers }),
      ...(Object.keys(parts.truncated).length === 0 ? {} : { truncated: parts.truncated })
    }
  })
})

/** What fits into the result, and how much of what did not. */
class Parts {
  readonly truncated: Record<string, number> = {}
  readonly #allowance = new Allowance()

  take<A>(name: string, items: ReadonlyArray<A>): ReadonlyArray<A> {
    const taken = this.#allowance.take(items)
    if (taken.length < items.length) this.truncated[name] = items.length - taken.length
    return taken
  }

  /** A field of clean texts, where there are any. */
  texts<Name extends string>(name: Name, items: ReadonlyArray<string> | undefined) {
    const fields: { [Key in Name]?: ReadonlyArray<string> } = {}
    if (items !== undefined) fields[name] = this.take(name, items.map((item) => clean(item)))
    return fields
  }

  entries(name: string, entries: Iterable<readonly [string, string]>): Readonly<Record<string, string>> {
    const { omitted, shown } = cleanEntries(entries, this.#allowance)
    if (omitted > 0) this.truncated[name] = omitted
    return shown
  }
}

/** What tells it from others for its platform, and what it is where it is for none. */
const platformEntry = ({ artifactType, descriptor, state }: Pick<Weighed, "artifactType" | "descriptor" | "state">) => {
  const { annotations = {}, digest, mediaType, platform = {}, size } = descriptor
  const version = fieldOf(platform, "os.version")
  const shown = shownPlatform(descriptor)
  const { shown: said } = cleanEntries(Object.entries(annotations), new Allowance(limits.referrerCharacters))
  return {
    platform: shown ?? "unknown",
    digest: shortDigest(digest),
    size,
    ...(shown === undefined ? { mediaType: clean(mediaType) } : {}),
    ...(artifactType === undefined ? {} : { artifact_type: clean(artifactType) }),
    ...(typeof version === "string" ? { os_version: clean(version) } : {}),
    ...(Object.keys(said).length === 0 ? {} : { annotations: said }),
    ...(state === "present" ? {} : { state })
  }
}

/** What a tag names that has an entry for each platform, as if an index had it. */
const othersOf = (found: Found, platform: string | undefined, parts: Parts) =>
  platform !== undefined || found.others === undefined ? {} : {
    platforms: parts.take(
      "platforms",
      candidatesOf(found).map((descriptor) => platformEntry({ descriptor, state: "present" }))
    )
  }

const attestationsOf = ({ manifest }: Inspected, parts: Parts) => {
  const all = manifest.manifests.filter(isAttestation).map(({ annotations = {}, digest }) => {
    const of = annotations["vnd.docker.reference.digest"]
    return {
      digest: shortDigest(digest),
      ...(of === undefined ? {} : { of: isDigest(of) ? shortDigest(of) : clean(of) })
    }
  })
  return all.length === 0 ? {} : { attestations: parts.take("attestations", all) }
}

const imageOf = Effect.fnUntraced(function*(
  { image, manifest, missing, platform, predicates }: Inspected,
  parts: Parts,
  history: boolean
) {
  if (image === undefined && predicates === undefined) {
    return yield* new Unsupported({
      operation: "inspecting this manifest",
      reason: `it is an artifact of type ${
        clean(manifest.artifactType ?? "unknown")
      }, not an image; use oci_get_manifest`
    })
  }
  const layers = parts.take(
    "layers",
    manifest.layers.map(({ digest, size }, index) => {
      const instruction = history ? image?.instructions[index] : undefined
      return {
        digest: shortDigest(digest),
        size,
        ...(missing.has(digest) ? { state: "missing" } : {}),
        ...(instruction === undefined ? {} : { created_by: clean(instruction) })
      }
    })
  )
  const config = image === undefined ? {} : settingsOf(image.settings, parts)
  return {
    ...(platform === undefined ? {} : { platform: clean(platform) }),
    ...parts.texts("predicate_types", predicates),
    ...(image?.created === undefined ? {} : { created: clean(image.created) }),
    ...(manifest.config === undefined ? {} : { config_digest: manifest.config.digest }),
    ...(Object.keys(config).length === 0 ? {} : { config }),
    layers,
    total_size: contentSize(manifest)
  }
})

const settingsOf = (
  { cmd, entrypoint, env, labels, ports, user, volumes, workdir }: ContainerSettings,
  parts: Parts
) => ({
  ...parts.texts("entrypoint", entrypoint),
  ...parts.texts("cmd", cmd),
  ...parts.texts("env", env),
  ...(user === undefined ? {} : { user: clean(user) }),
  ...(workdir === undefined ? {} : { workdir: clean(workdir) }),
  ...parts.texts("ports", ports),
  ...parts.texts("volumes", volumes),
  ...(labels === undefined ? {} : { labels: parts.entries("labels", labels) })
})
