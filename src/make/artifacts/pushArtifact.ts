/** Stores files as an artifact (image-spec, manifest.md, "Guidelines for Artifact Usage"), alone or attached to a manifest. */
import { Effect, type Stream } from "effect"
import { title as titleKey } from "../../oci/Annotations.ts"
import { type Descriptor, emptyDescriptor, type JsonObject } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { jsonBytes } from "../../oci/Json.ts"
import { emptyJson, imageManifest, isMediaType } from "../../oci/MediaType.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"
import type { ManifestPushed } from "../../ops/api/Done.ts"
import type { PushBlobError, PushManifestError, ResolveError } from "../../ops/api/errors.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import type { MakeTarget, MakeWrites } from "../content/Made.ts"
import { pushDocument, pushMade } from "../content/pushDocument.ts"
import { artifactKindOf, mediaTypeOfFile, unknownArtifact } from "../documents/artifactKinds.ts"

/** A file of an artifact. */
export interface ArtifactFile<E = never> {
  /** The name that it is pulled under: parts with `/` between them, none of which is `.` or `..`. */
  readonly title: string
  /** By default that of the kind of the artifact, or else what the name says. */
  readonly mediaType?: string | undefined
  readonly content: Stream.Stream<Uint8Array, E>
}

/** What an artifact is. */
export interface ArtifactOptions {
  /** A media type, or the short name of a kind such as `spdx`; `application/vnd.unknown.artifact.v1` by default. */
  readonly type?: string | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  /** What describes the artifact; nothing by default, but for kinds that need it. */
  readonly config?: { readonly mediaType?: string | undefined; readonly bytes: Uint8Array } | undefined
  /** Whether it is also listed under the tag `sha256-…` of its subject, for tools that look there. False by default. */
  readonly fallbackTag?: boolean | undefined
}

/** What storing an artifact did. */
export interface ArtifactPushed extends ManifestPushed {
  /** Its files, as the manifest names them. */
  readonly files: ReadonlyArray<Descriptor>
}

/** Of `pushArtifact`. */
export type PushArtifactError = PushBlobError | PushManifestError | InputUnsuitable

/**
 * Stores files and the manifest that names them; the same bytes for the same files, whenever they are pushed. Nothing
 * has a name before all of it is there. `InputUnsuitable` for a title or type that is none, and a config that is missing.
 */
export const pushArtifact = <E = never>(
  target: MakeTarget,
  files: ReadonlyArray<ArtifactFile<E>>,
  options: ArtifactOptions = {}
): Effect.Effect<ArtifactPushed, E | PushArtifactError> => store(target, files, options, undefined)

/** What an artifact can be attached to. */
export interface AttachTarget extends Omit<MakeTarget, "registry"> {
  readonly registry: MakeWrites & Pick<RegistryReads, "resolve">
  /** The manifest that it is attached to: a tag, or a digest. */
  readonly subject: string
}

/** As `pushArtifact`, of an artifact whose subject is a manifest of the repository. `ManifestUnknown`. */
export const attachArtifact = <E = never>(
  target: AttachTarget,
  files: ReadonlyArray<ArtifactFile<E>>,
  options: ArtifactOptions = {}
): Effect.Effect<ArtifactPushed, E | PushArtifactError | ResolveError> =>
  Effect.flatMap(
    target.registry.resolve(target.repository, target.subject),
    ({ digest, mediaType, size }) => store(target, files, options, { mediaType, digest, size })
  )

const store = Effect.fnUntraced(function*<E>(
  target: MakeTarget,
  files: ReadonlyArray<ArtifactFile<E>>,
  { annotations = {}, config, fallbackTag = false, type = unknownArtifact }: ArtifactOptions,
  subject: Descriptor | undefined
): Effect.fn.Return<ArtifactPushed, E | PushArtifactError> {
  const kind = artifactKindOf(type)
  if (kind === undefined) {
    return yield* new InputUnsuitable({ input: type, reason: "is no type of an artifact: give a media type" })
  }
  if (kind.config !== undefined && config === undefined) {
    return yield* new InputUnsuitable({ input: type, reason: `needs a config of type ${kind.config}` })
  }
  yield* checkFiles(files)
  const described = config === undefined
    ? yield* Effect.as(pushDocument(target, jsonBytes({}), emptyJson), emptyDescriptor)
    : yield* pushDocument(target, config.bytes, config.mediaType ?? kind.config ?? "application/json")
  const layers = yield* Effect.forEach(files, ({ content, mediaType, title }) => {
    const type = mediaType ?? (kind.file === "" ? mediaTypeOfFile(title) : kind.file)
    return Effect.map(
      target.registry.pushBlob(target.repository, content, { mediaType: type }),
      ({ descriptor }): Descriptor => ({ ...descriptor, annotations: { [titleKey]: title } })
    )
  })
  // A manifest without layers is not accepted everywhere (manifest.md, "Guidelines for Artifact Usage").
  if (layers.length === 0) yield* pushDocument(target, jsonBytes({}), emptyJson)
  const document: JsonObject = {
    schemaVersion: 2,
    mediaType: imageManifest,
    artifactType: kind.artifactType,
    config: described,
    layers: layers.length === 0 ? [emptyDescriptor] : layers,
    ...field("subject", subject),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations })
  }
  return { ...(yield* pushMade(target, document, imageManifest, { fallbackTag })), files: layers }
})

/** All of them, before anything is stored. */
const checkFiles = Effect.fnUntraced(function*(
  files: ReadonlyArray<Pick<ArtifactFile, "mediaType" | "title">>
): Effect.fn.Return<void, InputUnsuitable> {
  const titles = new Set<string>()
  for (const { mediaType, title } of files) {
    const wrong = titles.has(title) ? "is the name of two files" : wrongTitle(title)
    if (wrong !== undefined) return yield* new InputUnsuitable({ input: title, reason: wrong })
    titles.add(title)
    if (mediaType !== undefined && !isMediaType(mediaType)) {
      return yield* new InputUnsuitable({ input: mediaType, reason: "is no media type" })
    }
  }
})

/** Why a title is no name of a file below a folder. */
export const wrongTitle = (title: string): string | undefined => {
  if (title === "") return "is no name of a file"
  // oxlint-disable-next-line no-control-regex -- a zero ends a name for the system
  if (/[\0\\]/u.test(title)) return "has a character that names of files do not have everywhere"
  if (title.startsWith("/")) return "is an absolute path"
  const parts = title.split("/")
  return parts.some((part) => part === "" || part === "." || part === "..")
    ? "leads elsewhere than below a folder"
    : undefined
}
