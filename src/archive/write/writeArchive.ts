/** Writes images into one tar that is an OCI Image Layout, and that `docker load` reads as well. */
import { Effect, Result, type Scope, Stream } from "effect"
import { runningHash } from "../../node/files/hasher.ts"
import { containerdName, refName } from "../../oci/Annotations.ts"
import type { Descriptor, Json, JsonObject } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest, parseContentDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { jsonBytes } from "../../oci/Json.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import { imageIndex } from "../../oci/MediaType.ts"
import { ContentMismatch, type RegistryError, Unsupported } from "../../oci/OciError.ts"
import { images, platformOf } from "../../oci/Platform.ts"
import { formatReference, parseRelative } from "../../oci/Reference.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import { walkCopy } from "../../ops/copy/copyWalk.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { type ReadManifest, readSource, type SourceReader } from "../../ops/refs/copySource.ts"
import { bundleFile, writeBundleFile } from "../files/bundleFile.ts"
import { tarEnd, tarHeader, tarPadding } from "./tarHeader.ts"

/** An image, and what it is to be called in the archive. */
export interface Saved {
  readonly source: CopySource
  /** `repository:tag`, or `repository` alone; without any, the image is there by its digest. */
  readonly names: ReadonlyArray<string>
}

/** How images are saved. */
export interface SaveOptions {
  /** Of an index only the image for this platform; `PlatformUnknown`. */
  readonly platform?: string | undefined
  /** Also what refers to the images; false by default. */
  readonly referrers?: boolean | undefined
  /**
   * `oci`: a layout that `docker load` reads as well; the default. `docker`: only what `docker load` needs, without `index.json`.
   */
  readonly format?: "oci" | "docker" | undefined
  /**
   * Digests of content that is where the archive is taken to: configs and layers among them are left out. Then it is a
   * bundle, which tells in itself what it builds on; `docker load` does not read it.
   */
  readonly have?: ReadonlySet<string> | undefined
  /** What comes first in the archive, as it is: what another one held. */
  readonly onto?: Held | undefined
}

/** What an archive holds that is written anew. */
export interface Held {
  /** The entries of its index. */
  readonly entries: ReadonlyArray<Json>
  readonly content: ReadonlyArray<{
    readonly digest: ContentDigest
    readonly size: number
    readonly content: Stream.Stream<Uint8Array, RegistryError>
  }>
  readonly images: ReadonlyArray<Saved>
}

/** An archive that can be written: what is in it, and its bytes. */
export interface ArchiveContent {
  readonly manifests: number
  readonly blobs: number
  /** Digests of the content that a bundle leaves out, in lexical order; none of other archives. */
  readonly base: ReadonlyArray<ContentDigest>
  /** Bytes of that content. */
  readonly baseSize: number
  /** Bytes of the archive. */
  readonly size: number
  /** The same bytes for the same images, whenever and wherever they are saved. `ContentMismatch`, `BlobUnknown`. */
  readonly content: Stream.Stream<Uint8Array, RegistryError>
}

interface Piece {
  readonly descriptor: Descriptor
  readonly digest: ContentDigest
  readonly content: Effect.Effect<Stream.Stream<Uint8Array, RegistryError>, RegistryError, Scope.Scope>
}

/**
 * Looks at all that is to be saved, and answers what the archive will hold; nothing is written yet. Content that a source
 * does not have fails it, but for layers that may be elsewhere.
 */
export const saveImages = Effect.fn("saveImages")(function*(
  saved: ReadonlyArray<Saved>,
  { format = "oci", have, onto, platform, referrers = false }: SaveOptions = {}
): Effect.fn.Return<ArchiveContent, RegistryError> {
  if (have !== undefined && format === "docker") {
    return yield* new Unsupported({ operation: "a bundle for docker load", reason: "it reads whole images only" })
  }
  const pieces = new Map<string, Piece>()
  const left = new Map<ContentDigest, number>()
  const entries: Array<Json> = Array.from(onto?.entries ?? [])
  const docker: Array<JsonObject> = []
  for (const { content, digest, size } of onto?.content ?? []) {
    const descriptor: Descriptor = { mediaType: "application/octet-stream", digest, size }
    pieces.set(digest, { descriptor, digest, content: Effect.succeed(content) })
  }
  for (const { names, source } of onto?.images ?? []) {
    const reader = readSource(source)
    const image = yield* dockerImage(reader, yield* reader.root)
    if (image !== undefined) docker.push(dockerEntry(image.manifest, names))
  }
  let manifests = 0
  for (const { names, source } of saved) {
    const reader = readSource(source)
    const asked = yield* reader.root
    const root = platform === undefined
      ? asked
      : (yield* chooseImage(reader, yield* reader.candidates, platform)).manifest
    const walked = yield* walkCopy(reader, root, { referrers, sparse: false })
    manifests += walked.manifests
    for (const [at, { annotations, bytes, descriptor, tags }] of walked.entries.entries()) {
      yield* add(pieces, descriptor, Effect.succeed(Stream.succeed(bytes)))
      // What a tag says to what it belongs has that tag in the repository of the image.
      const called = at === 0 ? names : tags.map((tag) => `${repositoryOf(names)}:${tag}`)
      entries.push(...entriesOf(descriptor, called, annotations))
    }
    for (const { descriptor, isManifest, optional } of walked.parts) {
      const { digest, size } = descriptor
      // What a reader needs to find out the rest stays in it.
      const isReading = isManifest || walked.documents.has(digest)
      if (!isReading && have?.has(digest) === true && isContentDigest(digest)) {
        left.set(digest, size)
        continue
      }
      if (optional && !(yield* isThere(reader, descriptor))) continue
      yield* add(pieces, descriptor, reader.content(descriptor))
    }
    const image = have === undefined ? yield* dockerImage(reader, root) : undefined
    if (image !== undefined) docker.push(dockerEntry(image.manifest, names))
  }
  const sorted = Array.from(pieces.values()).toSorted((a, b) => a.digest < b.digest ? -1 : 1)
  const base = Array.from(left.keys()).toSorted()
  const files: ReadonlyArray<readonly [string, Uint8Array]> = [
    ...(format === "docker" ? [] : [
      ["oci-layout", jsonBytes({ imageLayoutVersion: "1.0.0" })] as const,
      ["index.json", jsonBytes({ schemaVersion: 2, mediaType: imageIndex, manifests: entries })] as const
    ]),
    have === undefined ? ["manifest.json", jsonBytes(docker)] : [bundleFile, writeBundleFile(base)]
  ]
  const sizes = [...files.map(([, { length }]) => length), ...sorted.map(({ descriptor }) => descriptor.size)]
  return {
    manifests,
    blobs: sorted.length,
    base,
    baseSize: Array.from(left.values()).reduce((sum, size) => sum + size, 0),
    size: sizes.reduce((sum, size) => sum + 512 + size + tarPadding(size).length, tarEnd().length),
    content: Stream.fromIterable(files).pipe(
      Stream.flatMap(([name, bytes]) => Stream.make(tarHeader(name, bytes.length), bytes, tarPadding(bytes.length))),
      Stream.concat(Stream.flatMap(Stream.fromIterable(sorted), pieceOf)),
      Stream.concat(Stream.sync(tarEnd)),
      Stream.filter(({ length }) => length > 0)
    )
  }
})

const add = Effect.fnUntraced(function*(
  pieces: Map<string, Piece>,
  descriptor: Descriptor,
  content: Piece["content"]
): Effect.fn.Return<void, RegistryError> {
  const digest = yield* Effect.fromResult(parseContentDigest(descriptor.digest))
  if (!pieces.has(digest)) pieces.set(digest, { descriptor, digest, content })
})

/** What may be missing is left out where it is. */
const isThere = (reader: SourceReader, descriptor: Descriptor): Effect.Effect<boolean, RegistryError> =>
  Effect.scoped(reader.content(descriptor)).pipe(
    Effect.as(true),
    Effect.catchTags({
      BlobUnknown: () => Effect.succeed(false),
      AlgorithmUnsupported: () => Effect.succeed(false)
    })
  )

/** A blob in the tar, checked on its way: a header cannot be taken back. */
const pieceOf = ({ content, descriptor: { size }, digest }: Piece): Stream.Stream<Uint8Array, RegistryError> => {
  const name = `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`
  const checked = Stream.unwrap(Effect.map(content, (stream) =>
    Stream.suspend(() => {
      const hash = runningHash(algorithmOf(digest))
      let count = 0
      const mismatch = (actual: string) =>
        new ContentMismatch({ digest, actual, reason: "the source has other bytes than those of its name" })
      return stream.pipe(
        Stream.mapEffect((piece) =>
          Effect.suspend(() => {
            count += piece.length
            hash.update(piece)
            return count > size ? Effect.fail(mismatch("something longer")) : Effect.succeed(piece)
          })
        ),
        Stream.concat(Stream.suspend(() =>
          count === size && hash.digest() === digest ? Stream.empty : Stream.fail(mismatch(hash.digest()))
        ))
      )
    })))
  return Stream.succeed(tarHeader(name, size)).pipe(
    Stream.concat(checked),
    Stream.concat(Stream.sync(() => tarPadding(size)))
  )
}

const repositoryOf = ([first = "saved"]: ReadonlyArray<string>): string => first.replace(/:[^/]*$/u, "")

/** Every name as our layouts write it, and as containerd reads it. */
const entriesOf = (
  descriptor: Descriptor,
  names: ReadonlyArray<string>,
  annotations: Readonly<Record<string, string>> | undefined
): ReadonlyArray<JsonObject> => {
  const { digest, mediaType, size } = descriptor
  const bare = { mediaType, digest, size }
  if (names.length === 0) return [{ ...bare, ...field("annotations", annotations) }]
  return names.map((name) => {
    const full = Result.map(parseRelative(name), formatReference)
    return {
      ...bare,
      annotations: {
        ...annotations,
        [refName]: name,
        ...(Result.isSuccess(full) ? { [containerdName]: full.success } : {})
      }
    }
  })
}

/** The image that `docker load` takes of an index that it does not know: that for linux/amd64, or else the first. */
const dockerImage = Effect.fnUntraced(function*(
  reader: SourceReader,
  root: ReadManifest
): Effect.fn.Return<ReadManifest | undefined, RegistryError> {
  if (root.manifest.kind === "image") return root
  if (root.manifest.kind !== "index") return undefined
  const all = images(root.manifest)
  const chosen = all.find((one) => platformOf(one) === "linux/amd64") ?? all[0]
  if (chosen === undefined) return undefined
  const found = yield* reader.manifest(chosen)
  return found.manifest.kind === "image" ? found : undefined
})

const pathOf = ({ digest }: Descriptor): string => `blobs/${digest.replace(":", "/")}`

const dockerEntry = ({ config, layers }: Manifest, names: ReadonlyArray<string>): JsonObject => ({
  Config: config === undefined ? "" : pathOf(config),
  RepoTags: names.filter((name) => name.includes(":")),
  Layers: layers.map(pathOf)
})
