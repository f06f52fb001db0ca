/** Makes an index of another one whose images are changed. */
import { Effect } from "effect"
import { type Descriptor, fieldOf, isJsonObject, isList, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import { jsonBytes } from "../../oci/Json.ts"
import { ImageUnsuitable, InputUnsuitable } from "../../oci/OciError.ts"
import { isAttestation } from "../../oci/Platform.ts"
import type { ReadManifest, SourceReader } from "../../ops/refs/copySource.ts"
import { bring } from "../content/bring.ts"
import { documentOf } from "../content/documentOf.ts"
import type { Made, MakeTarget } from "../content/Made.ts"
import { type Anew, pushAnew } from "../content/pushAnew.ts"
import { pushDocument } from "../content/pushDocument.ts"
import { withEdits, without } from "../documents/edits.ts"
import { attested } from "../documents/indexEntries.ts"
import { mediaTypeAs } from "../documents/mediaTypes.ts"
import type { LayerMaker } from "../ports/LayerMaker.ts"
import { partsOf } from "./ImageParts.ts"
import { addedLayers, changedImage, type ImageEdit, type MakeImageError } from "./makeImage.ts"

/** Which images are changed, and what goes with them. */
export interface MutateOptions {
  /** Of an index, which of its images alone; by default the index is made anew, with all of its images changed. */
  readonly platform?: string | undefined
  /** Whether annotations are changed of the images of a whole index as well as of the index; false by default. */
  readonly annotateImages?: boolean | undefined
  /** Whether what refers to an image, or to a whole index and its images, is made anew for the new ones; false by default. */
  readonly referrers?: boolean | undefined
}

/** A commit of the index alone: its images are there by their digests. */
export const mutateIndex = Effect.fnUntraced(function*<E>(
  reader: SourceReader,
  root: ReadManifest,
  target: MakeTarget,
  maker: LayerMaker,
  edit: ImageEdit<E>,
  { annotateImages = false, referrers = false }: Pick<MutateOptions, "annotateImages" | "referrers">
): Effect.fn.Return<Made, E | MakeImageError> {
  const { bytes, descriptor, manifest: { manifests } } = root
  const document = yield* documentOf(root)
  const { annotations, layers: _, mediaTypes, platform, ...each } = edit
  if (platform !== undefined) {
    const reason = "cannot be what all images of an index are for; say which image is meant by its platform"
    return yield* new InputUnsuitable({ input: `${platform.os}/${platform.architecture}`, reason })
  }
  const children = yield* Effect.forEach(manifests, (child) => childOf(reader, child))
  const added = yield* addedLayers(target, maker, edit)
  const own = { ...each, mediaTypes, ...(annotateImages ? { annotations } : {}) }
  const made = new Map<string, Descriptor>()
  for (const { isImage, read } of children) {
    const { digest } = read.descriptor
    if (!isImage || made.has(digest)) continue
    const parts = yield* partsOf(reader, read)
    const changed = yield* changedImage(target, maker, parts, own, added)
    made.set(digest, yield* pushDocument(target, changed.bytes, changed.mediaType))
  }
  const written = fieldOf(document, "manifests")
  const entries = yield* Effect.forEach(children, ({ isImage, read }, at) =>
    Effect.map(
      isImage ? Effect.succeed(made.get(read.descriptor.digest)) : others(reader, read, target, made),
      (anew = read.descriptor) => entryOf(isList(written) ? written[at] : undefined, read.descriptor, anew, made)
    ))
  const isConverted = mediaTypes !== undefined
  const mediaType = isConverted ? mediaTypeAs(descriptor.mediaType, mediaTypes) : descriptor.mediaType
  const changed = withEdits(
    { ...document, ...(Object.hasOwn(document, "mediaType") ? { mediaType } : {}), manifests: entries },
    "annotations",
    annotations ?? {}
  )
  const isSame = JSON.stringify(changed) === JSON.stringify(document)
  const below = children.flatMap(({ read: { descriptor: from } }): ReadonlyArray<Anew> => {
    const to = made.get(from.digest)
    return to === undefined || to.digest === from.digest ? [] : [{ from, to }]
  })
  return yield* pushAnew(
    reader,
    target,
    root,
    { bytes: isSame ? bytes : jsonBytes(changed), mediaType },
    { referrers, below }
  )
})

interface Child {
  readonly read: ReadManifest
  /** Whether it is what is changed: an image, and no attestation of one. */
  readonly isImage: boolean
}

const childOf = Effect.fnUntraced(function*(
  reader: SourceReader,
  entry: Descriptor
): Effect.fn.Return<Child, MakeImageError> {
  const read = yield* reader.manifest(entry)
  if (read.manifest.kind === "index") {
    const reason = "is an index in an index, and is not changed as a whole; change one of its images"
    return yield* new ImageUnsuitable({ digest: entry.digest, reason })
  }
  return { read, isImage: read.manifest.kind === "image" && !isAttestation(entry) }
})

/** What is no image stays as it is; where it names a changed image as its subject, it then names the new one. */
const others = Effect.fnUntraced(function*(
  reader: SourceReader,
  read: ReadManifest,
  target: MakeTarget,
  made: ReadonlyMap<string, Descriptor>
): Effect.fn.Return<Descriptor, MakeImageError> {
  yield* bring(reader, read, target)
  const { descriptor, manifest: { subject } } = read
  const to = subject === undefined ? undefined : made.get(subject.digest)
  if (to === undefined || to.digest === subject?.digest) return descriptor
  const { digest, mediaType, size } = to
  const document: JsonObject = { ...(yield* documentOf(read)), subject: { mediaType, digest, size } }
  return yield* pushDocument(target, jsonBytes(document), descriptor.mediaType)
})

/** The entry as it is written, of other content; an attestation is of the image that was made of the one that it was of. */
const entryOf = (
  written: Json | undefined,
  { annotations, digest: before }: Descriptor,
  { digest, mediaType, size }: Descriptor,
  made: ReadonlyMap<string, Descriptor>
): JsonObject => {
  const entry = isJsonObject(written) ? written : {}
  const of = made.get(annotations?.[attested] ?? "")
  return {
    ...(digest === before ? entry : without(entry, "data")),
    mediaType,
    digest,
    size,
    ...(of === undefined ? {} : { annotations: { ...annotations, [attested]: of.digest } })
  }
}
