/** Reads what is copied or inspected, from a repository or below an entry that only its written name reaches. */
import { Effect, type Scope, Stream } from "effect"
import { type Descriptor, embeddedData } from "../oci/Descriptor.ts"
import type { Manifest } from "../oci/Manifest.ts"
import { type BlobUnknown, LimitExceeded, ManifestTooLarge, ManifestUnknown } from "../oci/OciError.ts"
import { collect } from "./collect.ts"
import type { CopySource } from "./Copy.ts"
import type { Found } from "./find.ts"
import * as limits from "./limits.ts"
import { parseStored } from "./parseStored.ts"
import type { RegistryError } from "./ports.ts"
import type { ManifestContent } from "./Registry.ts"

export interface ReadManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly manifest: Manifest
}

export interface SourceReader {
  /** What a mount takes blobs from. */
  readonly repository: string
  readonly root: Effect.Effect<ReadManifest, RegistryError>
  /** A manifest as its parent names it. */
  readonly manifest: (descriptor: Descriptor) => Effect.Effect<ReadManifest, RegistryError>
  /** A small blob, whole and verified: a config. `BlobUnknown`, `LimitExceeded`. */
  readonly document: (descriptor: Descriptor) => Effect.Effect<Uint8Array, RegistryError>
  /** Content, unverified: whoever stores it hashes it. `BlobUnknown`. */
  readonly content: (
    descriptor: Descriptor
  ) => Effect.Effect<Stream.Stream<Uint8Array, RegistryError>, RegistryError, Scope.Scope>
  readonly referrers: (digest: string) => Effect.Effect<ReadonlyArray<Descriptor>, RegistryError>
}

/** What was found, as a source of its content. */
export const sourceOf = ({ descriptor, layout: { registry }, name = "", repository }: Found): CopySource =>
  repository === undefined ? { registry, refName: name } : { registry, repository, reference: descriptor.digest }

export const readSource = (source: CopySource): SourceReader => {
  const { registry } = source
  const blobs = "refName" in source ? anyRepository : source.repository

  const content: SourceReader["content"] = (descriptor) =>
    registry.getBlob(blobs, descriptor.digest, { verify: false }).pipe(
      Effect.map(({ stream }) => stream),
      Effect.catchTag("BlobUnknown", (unknown) => {
        const data = embeddedData(descriptor)
        return data._tag === "Some" ? Effect.succeed(Stream.succeed(data.value)) : Effect.fail(unknown)
      })
    )

  const manifestBytes = (descriptor: Descriptor): Effect.Effect<Uint8Array, RegistryError> =>
    "refName" in source
      ? smallBlob(descriptor, (size) => new ManifestTooLarge({ size, limit: limits.manifestBytes })).pipe(
        Effect.catchTag(
          "BlobUnknown",
          ({ digest }) => Effect.fail(new ManifestUnknown({ repository: "", reference: digest }))
        )
      )
      : Effect.map(registry.getManifest(source.repository, descriptor.digest), ({ bytes }) => bytes)

  const smallBlob = (
    descriptor: Descriptor,
    tooLarge: (size: number) => RegistryError
  ): Effect.Effect<Uint8Array, RegistryError> =>
    Effect.scoped(Effect.gen(function*() {
      const { stream } = yield* registry.getBlob(blobs, descriptor.digest)
      return yield* collect(
        stream,
        (size) => size > limits.manifestBytes ? Effect.fail(tooLarge(size)) : Effect.void
      )
    })).pipe(Effect.catchTag("BlobUnknown", (unknown: BlobUnknown) => {
      const data = embeddedData(descriptor)
      return data._tag === "Some" ? Effect.succeed(data.value) : Effect.fail(unknown)
    }))

  return {
    repository: blobs,
    root: Effect.flatMap(rootOf(source), ({ bytes, descriptor }) => parsed(descriptor, bytes)),
    manifest: (descriptor) => Effect.flatMap(manifestBytes(descriptor), (bytes) => parsed(descriptor, bytes)),
    document: (descriptor) =>
      smallBlob(
        descriptor,
        () => new LimitExceeded({ what: `blob ${descriptor.digest}`, limit: limits.manifestBytes })
      ),
    content,
    referrers: (digest) =>
      "refName" in source
        ? Effect.succeed([])
        : Stream.runCollect(registry.referrers(source.repository, digest, { verified: true }))
  }
}

/** In a shared layout, the only one with such entries, every valid name sees the blobs. */
const anyRepository = "raw"

const rootOf = (source: CopySource): Effect.Effect<ManifestContent, RegistryError> => {
  if ("refName" in source) return source.registry.getNamed(source.refName)
  const { reference, registry, repository } = source
  return reference.includes(":") ? registry.getManifest(repository, reference) : registry.getTag(repository, reference)
}

const parsed = (descriptor: Descriptor, bytes: Uint8Array): Effect.Effect<ReadManifest, RegistryError> =>
  Effect.map(
    Effect.fromResult(parseStored(bytes, descriptor)),
    (manifest) => ({ descriptor, bytes, manifest })
  )
