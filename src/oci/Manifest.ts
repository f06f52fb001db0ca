/** What a manifest or an image index names (image-spec, manifest.md and image-index.md). */
import { Option, Result } from "effect"
import { type Descriptor, fieldOf, isJsonObject, isList, type Json, type JsonObject } from "./Descriptor.ts"
import { artifactType, descriptorAt, type Mode, stringEntries, stringsIn } from "./descriptorAt.ts"
import { digestsIn } from "./digestsIn.ts"
import { field } from "./field.ts"
import { decodeText, elementOf, findDuplicateKey, jsonDepth, parseJson, readJson } from "./Json.ts"
import {
  artifactManifest,
  dockerConfig,
  dockerManifestV1,
  dockerManifestV1Signed,
  imageConfig,
  isNondistributable,
  kindOf
} from "./MediaType.ts"
import { ManifestInvalid, MediaTypeUnsupported } from "./OciError.ts"
import { quoted } from "./quoted.ts"

/** For reading only: the bytes are the manifest, and are stored and answered as they came. */
export interface Manifest {
  /** `image`: a manifest with an image config, OCI or Docker; `artifact`: a manifest with any other config. */
  readonly kind: "image" | "index" | "artifact"
  /** As the descriptor of the manifest declares it, not as its body says. */
  readonly mediaType: string
  /** As a referrers answer shows it: the manifest's own, else its config's media type, else none. */
  readonly artifactType?: string
  /** Absent in an index and in an artifact manifest. */
  readonly config?: Descriptor
  /** In stack order, base first; the `blobs` of an artifact manifest; empty in an index. */
  readonly layers: ReadonlyArray<Descriptor>
  /** Empty in what is no index. */
  readonly manifests: ReadonlyArray<Descriptor>
  /** A weak link: what it names need not exist. */
  readonly subject?: Descriptor
  readonly annotations: ReadonlyMap<string, string>
  /**
   * Of a document that has a key twice: digests in it that nothing of the above names. The last of two keys counts here,
   * as for most tools; another tool may go by the first.
   */
  readonly shadowed?: ReadonlyArray<string>
  /** The whole document, fields unknown here included. */
  readonly document: JsonObject
}

/** What a manifest names; its document is not kept, since a layout may hold many. */
export type Facts = Omit<Manifest, "document"> & { readonly bytes: number }

/** What a manifest needs to be complete. */
export interface Child {
  /** `config`, `layers[0]`, `blobs[0]`, `manifests[2]`. */
  readonly path: string
  readonly descriptor: Descriptor
  readonly role: "config" | "layer" | "manifest"
  /** The content may be absent: a nondistributable layer, or one that says where else to get it. */
  readonly optional: boolean
}

/** The media type that a document says it has, where it says one; or why it is no JSON. */
export const statedMediaType = (bytes: Uint8Array): Result.Result<string | undefined, ManifestInvalid> =>
  Result.mapBoth(readJson(bytes), {
    onFailure: (reason) => new ManifestInvalid({ reason }),
    onSuccess: (document) => {
      const mediaType = isJsonObject(document) ? fieldOf(document, "mediaType") : undefined
      return typeof mediaType === "string" ? mediaType : undefined
    }
  })

const maxDepth = jsonDepth

/**
 * Reads a manifest of the media type its descriptor, or the client, declares.
 *
 * `push` enforces what the image-spec demands of a document; artifact, config and layer types that are unknown are no
 * fault. `read` is for what is stored already: the version, the body's own media type, duplicate keys, annotations that
 * are no strings and an unusable subject are let pass, and lists that are null or absent are empty. In both, a document
 * that could be taken for a manifest and for an index is refused, and so is Docker schema 1.
 *
 * Sizes are not limited here. Fails with `MediaTypeUnsupported` when the declared type is no manifest's or index's.
 */
export const parseManifest = (
  bytes: Uint8Array,
  declaredMediaType: string,
  mode: "push" | "read"
): Result.Result<Manifest, ManifestInvalid | MediaTypeUnsupported> =>
  Result.gen(function*() {
    const kind = yield* kindOfDeclared(declaredMediaType)
    const duplicateKeys = mode === "push" ? "refuse" : "lastWins"
    const document = yield* Result.mapError(parseJson(bytes, { maxDepth, duplicateKeys }), invalid)
    if (!isJsonObject(document)) return yield* fail("is not a JSON object")
    yield* unambiguous(document, kind)
    if (mode === "push") yield* pushable(document, declaredMediaType)
    const subject = yield* subjectOf(document, mode)
    const manifest = kind === "index"
      ? yield* readIndex(document, declaredMediaType, subject, mode)
      : declaredMediaType === artifactManifest
      ? yield* readArtifact(document, subject, mode)
      : yield* readManifest(document, declaredMediaType, subject, mode)
    if (mode === "push") return manifest
    const shadowed = shadowedIn(bytes, manifest)
    return shadowed === undefined ? manifest : { ...manifest, shadowed }
  })

/** Keys under which content is named. */
const naming = ["config", "layers", "manifests", "blobs"].map((key) => `"${key}"`)

const shadowedIn = (bytes: Uint8Array, manifest: Manifest): ReadonlyArray<string> | undefined => {
  const text = Result.getOrElse(decodeText(bytes), () => "")
  // Nearly all documents have each of them once, as it is spelled here.
  const mayHaveTwice = text.includes("\\u") || naming.some((key) => text.indexOf(key) !== text.lastIndexOf(key))
  if (!mayHaveTwice || Option.isNone(findDuplicateKey(text))) return undefined
  const named = new Set<string>(neededBy(manifest).map(({ digest }) => digest))
  if (manifest.subject !== undefined) named.add(manifest.subject.digest)
  return Array.from(new Set(digestsIn(text))).filter((digest) => !named.has(digest))
}

const invalid = (reason: string, path?: string): ManifestInvalid =>
  new ManifestInvalid(path === undefined ? { reason } : { reason, path })

const fail = (reason: string, path?: string): Result.Result<never, ManifestInvalid> =>
  Result.fail(invalid(reason, path))

const kindOfDeclared = (
  mediaType: string
): Result.Result<"manifest" | "index", ManifestInvalid | MediaTypeUnsupported> => {
  if (mediaType === dockerManifestV1 || mediaType === dockerManifestV1Signed) {
    return fail("is a Docker schema 1 manifest; push it as schema 2 or OCI")
  }
  const kind = kindOf(mediaType)
  return kind === "other" ? Result.fail(new MediaTypeUnsupported({ mediaType })) : Result.succeed(kind)
}

/** A body that another reader could take for the other kind would mean two things under one digest. */
const unambiguous = (document: JsonObject, kind: "manifest" | "index"): Result.Result<void, ManifestInvalid> => {
  const has = (key: string) => (fieldOf(document, key) ?? null) !== null
  const likeIndex = has("manifests")
  const likeManifest = has("config") || has("layers")
  if (likeIndex && likeManifest) return fail("has the fields of a manifest and of an index")
  if (kind === "index" && likeManifest) return fail("is declared an index and has the fields of a manifest")
  if (kind === "manifest" && likeIndex) return fail("is declared a manifest and has the fields of an index")
  return Result.void
}

/** The rules that only a pushed document is held to, apart from those of its descriptors and lists. */
const pushable = (document: JsonObject, declared: string): Result.Result<void, ManifestInvalid> => {
  const version = fieldOf(document, "schemaVersion")
  // An artifact manifest has none.
  const isFree = declared === artifactManifest && version === undefined
  if (version === 1) return fail("is 1, as in Docker schema 1; only 2 is supported", "schemaVersion")
  if (version !== 2 && !isFree) return fail("is not 2", "schemaVersion")
  const mediaType = fieldOf(document, "mediaType")
  if (mediaType !== undefined && mediaType !== declared) {
    const written = typeof mediaType === "string" ? quoted(mediaType) : "not a string"
    return fail(`is ${written}, and the manifest was declared as ${quoted(declared)}`, "mediaType")
  }
  return Result.andThen(stringsIn(fieldOf(document, "annotations"), "annotations"), artifactType(document, ""))
}

const subjectOf = (document: JsonObject, mode: Mode): Result.Result<Descriptor | undefined, ManifestInvalid> => {
  const value = fieldOf(document, "subject")
  if (value === undefined) return Result.succeed(undefined)
  const subject = descriptorAt(value, "subject", mode)
  return mode === "push" ? subject : Result.succeed(Result.getOrUndefined(subject))
}

const readIndex = (
  document: JsonObject,
  mediaType: string,
  subject: Descriptor | undefined,
  mode: Mode
): Result.Result<Manifest, ManifestInvalid> => {
  const value = fieldOf(document, "manifests")
  if (mode === "push" && !isList(value)) return fail("is not an array of descriptors", "manifests")
  return Result.map(descriptorsIn(value, "manifests", mode), (manifests) => ({
    kind: "index",
    mediaType,
    ...typed(ownType(document)),
    layers: [],
    manifests,
    ...field("subject", subject),
    annotations: annotationsOf(document),
    document
  }))
}

const readManifest = (
  document: JsonObject,
  mediaType: string,
  subject: Descriptor | undefined,
  mode: Mode
): Result.Result<Manifest, ManifestInvalid> =>
  Result.gen(function*() {
    const config = yield* descriptorAt(fieldOf(document, "config"), "config", mode)
    const value = fieldOf(document, "layers")
    if (mode === "push" && value === undefined) return yield* fail("is required", "layers")
    const layers = yield* descriptorsIn(value, "layers", mode)
    const image = config.mediaType === imageConfig || config.mediaType === dockerConfig
    return {
      kind: image ? "image" : "artifact",
      mediaType,
      ...typed(ownType(document) ?? config.mediaType),
      config,
      layers,
      manifests: [],
      ...field("subject", subject),
      annotations: annotationsOf(document),
      document
    }
  })

/** An artifact manifest as oras 0.15 to 1.0 wrote it. */
const readArtifact = (
  document: JsonObject,
  subject: Descriptor | undefined,
  mode: Mode
): Result.Result<Manifest, ManifestInvalid> =>
  Result.map(descriptorsIn(fieldOf(document, "blobs"), "blobs", mode), (layers) => ({
    kind: "artifact",
    mediaType: artifactManifest,
    ...typed(ownType(document)),
    layers,
    manifests: [],
    ...field("subject", subject),
    annotations: annotationsOf(document),
    document
  }))

const typed = (artifactType: string | undefined) => artifactType === undefined ? {} : { artifactType }

/** The document's own artifact type; an empty one says nothing, as in Go. */
const ownType = (document: JsonObject): string | undefined => {
  const type = fieldOf(document, "artifactType")
  return typeof type === "string" && type !== "" ? type : undefined
}

const annotationsOf = (document: JsonObject): ReadonlyMap<string, string> => {
  const annotations = fieldOf(document, "annotations")
  return new Map(isJsonObject(annotations) ? stringEntries(annotations) : [])
}

/** The elements of a list, which every tool reads as empty when it is null. */
const descriptorsIn = (
  value: Json | undefined,
  path: string,
  mode: Mode
): Result.Result<ReadonlyArray<Descriptor>, ManifestInvalid> => {
  if (value === undefined || value === null) return Result.succeed([])
  if (!isList(value)) return fail("is not an array of descriptors", path)
  const descriptors: Array<Descriptor> = []
  // A loop, so that a list of a million wrong elements costs one error.
  for (const [index, element] of value.entries()) {
    const descriptor = descriptorAt(element, elementOf(path, index), mode)
    if (Result.isFailure(descriptor)) return Result.fail(descriptor.failure)
    descriptors.push(descriptor.success)
  }
  return Result.succeed(descriptors)
}

/** The config, where there is one, and the layers. */
export const blobsOf = ({ config, layers }: Pick<Manifest, "config" | "layers">): ReadonlyArray<Descriptor> =>
  config === undefined ? layers : [config, ...layers]

/** Everything a manifest names but its subject, in document order. */
export const neededBy = (manifest: Pick<Manifest, "config" | "layers" | "manifests">): ReadonlyArray<Descriptor> => [
  ...blobsOf(manifest),
  ...manifest.manifests
]

/** The same, with its place and what it is for. */
export const children = (
  manifest: Pick<Manifest, "config" | "layers" | "manifests"> & Partial<Pick<Manifest, "mediaType">>
): ReadonlyArray<Child> => [
  ...(manifest.config === undefined
    ? []
    : [{ path: "config", descriptor: manifest.config, role: "config", optional: false } as const]),
  ...manifest.layers.map((descriptor, index): Child => ({
    path: elementOf(manifest.mediaType === artifactManifest ? "blobs" : "layers", index),
    descriptor,
    role: "layer",
    optional: isNondistributable(descriptor.mediaType) || (descriptor.urls ?? []).length > 0
  })),
  ...manifest.manifests.map((descriptor, index): Child => ({
    path: elementOf("manifests", index),
    descriptor,
    role: "manifest",
    optional: false
  }))
]
