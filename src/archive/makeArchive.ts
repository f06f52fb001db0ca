/** Archives of images as registries that are read. */
import { Effect, Layer, type Scope, Stream } from "effect"
import { hasher } from "../node/files/hasher.ts"
import { derivedRepository } from "../node/sidecars/defaultRepository.ts"
import type { Json } from "../oci/Descriptor.ts"
import type { ContentDigest } from "../oci/Digest.ts"
import type { ArchiveInvalid, RegistryError } from "../oci/OciError.ts"
import { parseRepository } from "../oci/Reference.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../ops/api/Layout.ts"
import type { Registry } from "../ops/api/Registry.ts"
import { sharedRegistry } from "../ops/makeRegistry.ts"
import { readOnly } from "../ops/readOnly.ts"
import { archiveStores } from "./archiveStores.ts"
import { folderMembers } from "./files/folderMembers.ts"
import type { MemberError, Members } from "./files/Members.ts"
import { openTar } from "./files/openFile.ts"
import { tarMembers } from "./files/tarMembers.ts"
import { dockerImages, list } from "./images/dockerImages.ts"
import { folderImage } from "./images/folderImage.ts"
import { type Images, invalidIn, wholeOf } from "./images/Images.ts"
import { layoutsIn, ociImages } from "./images/ociImages.ts"

/** Which archive, and what it is taken for. */
export interface ArchiveOptions {
  /** A tar, which may be compressed by gzip or zstd; or, with the format `dir`, a directory. */
  readonly file: string
  /**
   * `oci`: a layout in a tar. `docker`: what `docker save` writes, by its `manifest.json`. `dir`: one image in a directory,
   * as skopeo's `dir:` has it. By default, a layout where there is one in it, and else what `docker save` writes.
   */
  readonly format?: "any" | "oci" | "docker" | "dir" | undefined
  /** The content in the place of that of the file, whose name is then only told: what comes on standard input. */
  readonly content?: Stream.Stream<Uint8Array, RegistryError> | undefined
  /** The repository that bare tags and nameless entries belong to; by default what the file is called, without its endings. */
  readonly defaultRepository?: string | undefined
}

/**
 * Opens an archive of images. It is a registry that can be read, and a layout without a history; every operation that
 * writes fails with `Denied`. A plain tar is read where it is, by its headers; a compressed one is unpacked once into a
 * file without a name. `ArchiveInvalid` for what is none, and for what leads out of it, is cut short or is too much;
 * `FileUnknown`, `NameInvalid` for the default repository.
 */
export const makeArchive = (options: ArchiveOptions): Effect.Effect<LayoutRegistry, RegistryError, Scope.Scope> =>
  Effect.map(openArchive(options), ({ registry }) => registry)

/** An archive, and what is told of it beside its images. */
export interface OpenArchive {
  readonly registry: LayoutRegistry
  /** Digests of all content that is in it. */
  readonly holds: ReadonlySet<ContentDigest>
  /** Of a bundle, digests of what was left out of it; of other archives, none. */
  readonly base: ReadonlySet<ContentDigest>
  /** The entries of its index as they are written. */
  readonly entries: ReadonlyArray<Json>
  /** All of its content, unverified. */
  readonly content: ReadonlyArray<ArchivedBlob>
}

/** Content of an archive. */
export interface ArchivedBlob {
  readonly digest: ContentDigest
  readonly size: number
  readonly content: Stream.Stream<Uint8Array, RegistryError>
}

/** As `makeArchive`, and tells what is in the archive and what it builds on. */
export const openArchive = Effect.fn("openArchive")(function*(
  { content, defaultRepository, file, format = "any" }: ArchiveOptions
): Effect.fn.Return<OpenArchive, RegistryError, Scope.Scope> {
  const repository = defaultRepository === undefined
    ? derivedRepository(file.replace(/(?:\.tar)?(?:\.(?:gz|zst|tgz))?$/iu, ""))
    : yield* Effect.fromResult(parseRepository(defaultRepository))
  const members = format === "dir" ? yield* folderMembers(file) : yield* tarMembers(yield* openTar(file, content))
  const images = yield* imagesIn(members, format)
  return {
    registry: readOnly(sharedRegistry(archiveStores(images, repository), hasher)),
    holds: new Set(images.blobs.keys()),
    base: images.base ?? new Set(),
    entries: images.entries,
    content: Array.from(images.blobs, ([digest, blob]) =>
      blob instanceof Uint8Array
        ? { digest, size: blob.length, content: Stream.succeed(blob) }
        : { digest, size: blob.size, content: wholeOf(blob) })
  }
})

const imagesIn = Effect.fnUntraced(function*(
  members: Members,
  format: "any" | "oci" | "docker" | "dir"
): Effect.fn.Return<Images, MemberError | ArchiveInvalid> {
  if (format === "dir") return yield* folderImage(members)
  const [only, other] = layoutsIn(members)
  if (other !== undefined && format !== "docker") {
    return yield* invalidIn(members, "it has more than one layout, and none of them stands above the others")
  }
  if (only !== undefined && format !== "docker") return yield* ociImages(members, only)
  if (members.find(list) !== undefined && format !== "oci") return yield* dockerImages(members)
  return yield* invalidIn(
    members,
    format === "oci" ? "it has no oci-layout" : format === "docker" ? `it has no ${list}` : "there are no images in it"
  )
})

/** `makeArchive` as a layer: the archive is open for as long as the layer is. */
export const layerArchive = (options: ArchiveOptions): Layer.Layer<Registry | Layout, RegistryError> =>
  Layer.effectContext(Effect.map(makeArchive(options), contextOf))
