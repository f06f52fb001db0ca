/** Reads what is copied or inspected, from a repository or below an entry that only its written name reaches. */
import { Effect, Result, type Scope, Stream } from "effect"
import { type Descriptor, embeddedData } from "../../oci/Descriptor.ts"
import { isContentDigest } from "../../oci/Digest.ts"
import { digestsIn } from "../../oci/digestsIn.ts"
import { decodeText } from "../../oci/Json.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { kindOf } from "../../oci/MediaType.ts"
import { type BlobUnknown, LimitExceeded, ManifestTooLarge, ManifestUnknown } from "../../oci/OciError.ts"
import type { Attached } from "../api/Attached.ts"
import type { ManifestContent } from "../api/Content.ts"
import type { CopySource, ImageSource } from "../api/Copy.ts"
import type { InspectError, SourceError } from "../api/errors.ts"
import * as limits from "../limits.ts"
import { collectBytes } from "../manifests/collectBytes.ts"
import { parseStored } from "../manifests/parseStored.ts"
import { chooseImage } from "./chooseImage.ts"
import { anyRepository, candidatesOf, type Found } from "./find.ts"

export interface ReadManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly manifest: Manifest
}

export interface SourceReader {
  /** What a mount takes blobs from. */
  readonly repository: string
  readonly root: Effect.Effect<ReadManifest, SourceError>
  /** What the source names: the root, and what else its tag names. */
  readonly candidates: Effect.Effect<readonly [Descriptor, ...ReadonlyArray<Descriptor>], SourceError>
  /** A manifest as its parent names it. */
  readonly manifest: (descriptor: Descriptor) => Effect.Effect<ReadManifest, SourceError>
  /** A blob of at most `limits.documentBytes`, whole and verified: a config. `BlobUnknown`, `LimitExceeded`. */
  readonly document: (descriptor: Descriptor) => Effect.Effect<Uint8Array, SourceError>
  /** Content, unverified: the store that takes it hashes it. `BlobUnknown`. */
  readonly content: (
    descriptor: Descriptor
  ) => Effect.Effect<Stream.Stream<Uint8Array, SourceError>, SourceError, Scope.Scope>
  /** What a document of an unknown type names, as far as the source has it; nothing where it is no document. */
  readonly mentioned: (descriptor: Descriptor) => Effect.Effect<ReadonlyArray<Descriptor>, SourceError>
  readonly attached: (digest: string) => Effect.Effect<ReadonlyArray<Attached>, SourceError>
}

/** What was found, as a source of its content. */
export const sourceOf = ({ descriptor, layout: { registry }, name = "", repository }: Found): ImageSource =>
  repository === undefined
    ? { registry, refName: name, digest: descriptor.digest }
    : { registry, repository, reference: descriptor.digest }

/** As `sourceOf`, of what is for a platform among all that its tag names. */
export const sourceFor = (found: Found, platform: string | undefined): Effect.Effect<ImageSource, InspectError> => {
  const source = sourceOf(found)
  if (platform === undefined || found.others === undefined) return Effect.succeed(source)
  return Effect.map(
    chooseImage(readSource(source), candidatesOf(found), platform),
    ({ manifest: { descriptor } }) => sourceOf({ ...found, descriptor })
  )
}

export const readSource = (source: CopySource): SourceReader => {
  const { registry } = source
  const blobs = "refName" in source ? anyRepository : source.repository

  const content: SourceReader["content"] = (descriptor) =>
    registry.getBlob(blobs, descriptor.digest, { verify: false }).pipe(
      Effect.map(({ stream }) => stream),
      Effect.catchTag("BlobUnknown", (unknown) => {
        const data = embeddedData(descriptor)
        return data._tag === "Some"
          ? Effect.succeed(Stream.succeed(data.value))
          : kindOf(descriptor.mediaType) === "other" || "refName" in source
          ? Effect.fail(unknown)
          // Registries on the network keep manifests apart from blobs.
          : registry.getManifest(blobs, descriptor.digest).pipe(
            Effect.map(({ bytes }) => Stream.succeed(bytes)),
            Effect.catchTags({
              ManifestUnknown: () => Effect.fail(unknown),
              NameUnknown: () => Effect.fail(unknown)
            })
          )
      })
    )

  const manifestBytes = (descriptor: Descriptor): Effect.Effect<Uint8Array, SourceError> =>
    "refName" in source
      ? smallManifest(descriptor).pipe(
        Effect.catchTag(
          "BlobUnknown",
          ({ digest }) => Effect.fail(new ManifestUnknown({ repository: "", reference: digest }))
        )
      )
      : registry.getManifest(source.repository, descriptor.digest).pipe(
        Effect.map(({ bytes }) => bytes),
        // What belongs to a manifest may be of another repository, or of none.
        Effect.catchTags({
          ManifestUnknown: (error) => withoutEntry(descriptor, error),
          NameUnknown: (error) => withoutEntry(descriptor, error)
        })
      )

  const withoutEntry = (descriptor: Descriptor, error: SourceError): Effect.Effect<Uint8Array, SourceError> =>
    smallManifest(descriptor).pipe(Effect.catchTag("BlobUnknown", () => Effect.fail(error)))

  const smallManifest = (descriptor: Descriptor): Effect.Effect<Uint8Array, SourceError> =>
    smallBlob(
      descriptor,
      limits.manifestBytes,
      (size) => new ManifestTooLarge({ size, limit: limits.manifestBytes })
    )

  const smallBlob = (
    descriptor: Descriptor,
    limit: number,
    tooLarge: (size: number) => SourceError
  ): Effect.Effect<Uint8Array, SourceError> =>
    Effect.scoped(Effect.gen(function*() {
      const { stream } = yield* registry.getBlob(blobs, descriptor.digest)
      return yield* collectBytes(stream, (size) => size > limit ? Effect.fail(tooLarge(size)) : Effect.void)
    })).pipe(Effect.catchTag("BlobUnknown", (unknown: BlobUnknown) => {
      const data = embeddedData(descriptor)
      return data._tag === "Some" ? Effect.succeed(data.value) : Effect.fail(unknown)
    }))

  return {
    repository: blobs,
    candidates: candidatesIn(source),
    root: Effect.flatMap(rootOf(source), ({ bytes, descriptor }) => parsed(descriptor, bytes)),
    manifest: (descriptor) => Effect.flatMap(manifestBytes(descriptor), (bytes) => parsed(descriptor, bytes)),
    document: (descriptor) =>
      smallBlob(
        descriptor,
        limits.documentBytes,
        () => new LimitExceeded({ what: `bytes of blob ${descriptor.digest}`, limit: limits.documentBytes })
      ),
    content,
    mentioned: Effect.fnUntraced(
      function*(descriptor): Effect.fn.Return<ReadonlyArray<Descriptor>, SourceError> {
        if (descriptor.size > limits.manifestBytes) return []
        const text = decodeText(yield* smallManifest(descriptor))
        const named = Result.isSuccess(text) ? digestsIn(text.success).filter(isContentDigest) : []
        const found: Array<Descriptor> = []
        for (const digest of new Set(named)) {
          const blob = yield* registry.resolveBlob(blobs, digest).pipe(
            Effect.catchTag("BlobUnknown", () => Effect.undefined)
          )
          if (blob !== undefined) found.push(blob)
        }
        return found
      }
    ),
    attached: (digest) => Stream.runCollect(registry.attached(blobs, digest, { verified: true }))
  }
}

const rootOf = (source: CopySource): Effect.Effect<ManifestContent, SourceError> => {
  if ("refName" in source) return source.registry.getNamed(source.refName, source.digest)
  const { reference, registry, repository } = source
  return reference.includes(":") ? registry.getManifest(repository, reference) : registry.getTag(repository, reference)
}

const candidatesIn = Effect.fnUntraced(function*(
  source: CopySource
): Effect.fn.Return<readonly [Descriptor, ...ReadonlyArray<Descriptor>], SourceError> {
  if ("refName" in source) {
    const { digest, refName, registry } = source
    const all = yield* registry.nameChoices(refName)
    const [first, ...others] = digest === undefined ? all : all.filter((one) => one.digest === digest)
    return first === undefined
      ? yield* new ManifestUnknown({ repository: "", reference: digest ?? refName })
      : [first, ...others]
  }
  const { reference, registry, repository } = source
  if (reference.includes(":")) return [yield* registry.resolveManifest(repository, reference)]
  const [first, ...others] = yield* registry.choices(repository, reference)
  return first === undefined ? yield* new ManifestUnknown({ repository, reference }) : [first, ...others]
})

const parsed = (descriptor: Descriptor, bytes: Uint8Array): Effect.Effect<ReadManifest, SourceError> =>
  Effect.map(
    Effect.fromResult(parseStored(bytes, descriptor)),
    (manifest) => ({ descriptor, bytes, manifest })
  )
