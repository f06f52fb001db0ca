/** Tools that read manifests: resolving a reference, and the manifest itself. */
import { Effect, Option, Schema } from "effect"
import { title } from "../../oci/Annotations.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type Digest, shortDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { ManifestInvalid } from "../../oci/OciError.ts"
import { isAttestation } from "../../oci/Platform.ts"
import { blobRepository, findContent, findManifest, type Found } from "../../ops/refs/find.ts"
import { placeAt } from "../../ops/refs/placeAt.ts"
import { bare } from "../tool/content.ts"
import { Allowance, clean, cleanEntries } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { choosePlatform, readManifest, shownChoice, shownPlatform } from "../tool/platform.ts"
import { manifestBytes, sourceFields } from "../tool/reference.ts"
import { type ServedLayout, tellsPaths } from "../tool/ServerConfig.ts"
import { ContentTooLarge, invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { defineTool } from "../tool/Tool.ts"

export const resolve = defineTool({
  name: "oci_resolve",
  toolset: "read",
  title: "Resolve a reference",
  description: (served) =>
    `Turns a reference into its descriptor (media type, full digest, size) without reading content: test whether something exists, pin a tag to a digest, expand a shortened digest, or find which tags point at a digest. Works for manifests and, with kind blob, for layers and configs.${
      tellsPaths(served)
        ? " Also returns the file that holds the bytes, so that it can be read directly; it must not be changed."
        : ""
    }`,
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.ref,
    at: p.at,
    platform: p.optional(p.text("Of an index, the image for os/arch[/variant]")),
    kind: p.choice("What the digest names; auto tries manifest, then blob", ["auto", "manifest", "blob"], "auto")
  }),
  output: Schema.Struct({
    ...p.source,
    kind: Schema.Literals(["manifest", "blob"]),
    ...p.descriptor,
    tags: p.optional(p.strings),
    tags_omitted: p.optional(Schema.Natural),
    /** Of the same name, for other platforms. */
    others: p.optional(p.strings),
    path: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_resolve")(function*({ at, kind, platform, ref }, call) {
    const layout = yield* placeAt(call.layout, at, ref)
    const named = platform === undefined ? yield* findContent(layout, ref, kind) : yield* findManifest(layout, ref)
    if (platform !== undefined && kind === "blob") return yield* invalidArgument("platform: is for manifests")
    const found = platform === undefined
      ? named
      : { ...named, descriptor: (yield* choosePlatform(named, platform)).descriptor }
    const all = yield* tagsOf(found)
    const tags = new Allowance().take(all)
    return {
      ...sourceFields(found),
      kind: found.kind,
      ...bare(found.descriptor),
      ...(tags.length === 0 ? {} : { tags }),
      ...(tags.length < all.length ? { tags_omitted: all.length - tags.length } : {}),
      ...othersOf(named, platform),
      ...(yield* fileOf(layout, found, found.descriptor.digest))
    }
  })
})

/** What else a name leads to, where no platform has chosen. */
const othersOf = ({ others }: Pick<Found, "others">, platform: string | undefined) =>
  platform !== undefined || others === undefined ? {} : { others: others.map(shownChoice) }

const tagsOf = ({ descriptor, kind, layout, repository }: Found) =>
  kind === "blob" || repository === undefined
    ? Effect.succeed([])
    : layout.registry.tagsOf(repository, descriptor.digest)

/** The file that holds a blob's bytes, where blobs are files and the client can be told. */
export const fileOf = (
  layout: ServedLayout,
  found: Found,
  digest: Digest
): Effect.Effect<{ readonly path?: string }, ToolError> =>
  layout.path === undefined ? Effect.succeed({}) : Effect.map(
    found.layout.registry.blobPath(blobRepository(found), digest),
    Option.match({ onNone: () => ({}), onSome: (path) => ({ path }) })
  )

const Summary = Schema.Struct({
  kind: Schema.Literals(["image", "index", "artifact"]),
  artifact_type: p.optional(Schema.String),
  config: p.optional(Schema.String),
  layers: p.optional(Schema.Array(Schema.Struct({ ...p.descriptor, title: p.optional(Schema.String) }))),
  manifests: p.optional(Schema.Array(Schema.Struct({
    digest: Schema.String,
    platform: p.optional(Schema.String),
    size: Schema.Natural
  }))),
  subject: p.optional(Schema.String),
  annotations: p.optional(p.stringMap),
  omitted: p.optional(Schema.Natural)
})

export const getManifest = defineTool({
  name: "oci_get_manifest",
  toolset: "read",
  title: "Get a manifest",
  description:
    "Reads an image manifest, index or artifact manifest. summary (default) gives the parts an agent needs: config, layers or platforms, subject, annotations, with shortened digests. json gives the whole document. raw gives the exact bytes as text, which is what the digest is computed over; use it before signing or pushing a modified copy. To understand a container image, prefer oci_inspect_image.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    ref: p.ref,
    at: p.at,
    platform: p.platform,
    format: p.choice("How much to return", ["summary", "json", "raw"], "summary")
  }),
  output: Schema.Struct({
    ...p.source,
    ...p.descriptor,
    /** As `oci_resolve`. */
    others: p.optional(p.strings),
    summary: p.optional(Summary),
    manifest: p.optional(Schema.Record(Schema.String, Schema.Json)),
    raw: p.optional(Schema.String)
  }),
  run: Effect.fn("oci_get_manifest")(function*({ at, format, platform, ref }, call) {
    const layout = yield* placeAt(call.layout, at, ref)
    const found = yield* findManifest(layout, ref)
    if (format === "raw" && platform === undefined) {
      // Bytes are given as they are, even those that are no manifest at all.
      const bytes = yield* manifestBytes(found, found.descriptor)
      return {
        ...sourceFields(found),
        ...bare(found.descriptor),
        ...othersOf(found, platform),
        raw: yield* rawText(bytes)
      }
    }
    const { bytes, descriptor, manifest } = platform === undefined
      ? yield* readManifest(found, found.descriptor)
      : yield* choosePlatform(found, platform)
    const head = { ...sourceFields(found), ...bare(descriptor), ...othersOf(found, platform) }
    switch (format) {
      case "raw":
        return { ...head, raw: yield* rawText(bytes) }
      case "json":
        yield* requireShort(JSON.stringify(manifest.document))
        return { ...head, manifest: manifest.document }
      case "summary":
        return { ...head, summary: summaryOf(manifest) }
    }
  })
})

const rawText = Effect.fnUntraced(function*(bytes: Uint8Array): Effect.fn.Return<string, ToolError> {
  const text = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: () => new ManifestInvalid({ reason: "is not UTF-8, so there is no exact text; use oci_read_blob" })
  })
  yield* requireShort(JSON.stringify(text))
  return text
})

/** A document cannot be cut and stay itself. */
const requireShort = (json: string): Effect.Effect<void, ContentTooLarge> =>
  json.length <= limits.partCharacters ? Effect.void : Effect.fail(
    new ContentTooLarge({ what: "the manifest", size: json.length, limit: limits.partCharacters, unit: "characters" })
  )

const summaryOf = ({ annotations, artifactType, config, kind, layers, manifests, subject }: Manifest) => {
  const allowance = new Allowance()
  const shownLayers = allowance.take(layers.map(shortLayer))
  const shownManifests = allowance.take(manifests.map(shortChild))
  const { omitted, shown } = cleanEntries(annotations, allowance)
  const left = layers.length - shownLayers.length + manifests.length - shownManifests.length + omitted
  return {
    kind,
    ...(artifactType === undefined || kind === "image" ? {} : { artifact_type: clean(artifactType) }),
    ...(config === undefined ? {} : { config: shortDigest(config.digest) }),
    ...(kind === "index" ? { manifests: shownManifests } : { layers: shownLayers }),
    ...(subject === undefined ? {} : { subject: shortDigest(subject.digest) }),
    ...(annotations.size === 0 ? {} : { annotations: shown }),
    ...(left === 0 ? {} : { omitted: left })
  }
}

/** Of a file of an artifact, with the name that its annotation gives it. */
const shortLayer = ({ annotations = {}, digest, mediaType, size }: Descriptor) => ({
  digest: shortDigest(digest),
  mediaType: clean(mediaType),
  size,
  ...(annotations[title] === undefined ? {} : { title: clean(annotations[title]) })
})

const shortChild = (child: Descriptor) => {
  const platform = isAttestation(child) ? "attestation" : shownPlatform(child)
  return { digest: shortDigest(child.digest), ...field("platform", platform), size: child.size }
}
