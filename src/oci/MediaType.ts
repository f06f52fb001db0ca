/** The media types this library acts on by name, and what any media type looks like (image-spec, media-types.md). */
import { Schema } from "effect"

/** An image manifest, or an artifact in its form. */
export const imageManifest = "application/vnd.oci.image.manifest.v1+json"
/** An image index: several manifests, one for each platform. */
export const imageIndex = "application/vnd.oci.image.index.v1+json"
/** The config of an image. */
export const imageConfig = "application/vnd.oci.image.config.v1+json"
/** The artifact manifest of the image-spec's release candidates for 1.1: its content is in `blobs`, and it has no config. */
export const artifactManifest = "application/vnd.oci.artifact.manifest.v1+json"
/** The content `{}`, for a config or layer that says nothing. */
export const emptyJson = "application/vnd.oci.empty.v1+json"
/** Content of which nothing is known. */
export const octetStream = "application/octet-stream"

/** A layer as a tar archive. */
export const layerTar = "application/vnd.oci.image.layer.v1.tar"
/** A layer as a tar archive, compressed by gzip. */
export const layerTarGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
/** A layer as a tar archive, compressed by zstd. */
export const layerTarZstd = "application/vnd.oci.image.layer.v1.tar+zstd"

/** Deprecated by the image-spec, and still found (layer.md, "Non-Distributable Layers"). */
export const nondistributableLayerTar = "application/vnd.oci.image.layer.nondistributable.v1.tar"
/** As `nondistributableLayerTar`, compressed by gzip. */
export const nondistributableLayerTarGzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
/** As `nondistributableLayerTar`, compressed by zstd. */
export const nondistributableLayerTarZstd = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"

/** Docker's image manifest, schema 2. */
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
/** Docker's manifest list, schema 2: its image index. */
export const dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
/** Schema 1, which is refused. */
export const dockerManifestV1 = "application/vnd.docker.distribution.manifest.v1+json"
/** Schema 1 with signatures, which is refused. */
export const dockerManifestV1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
/** Docker's config of an image. */
export const dockerConfig = "application/vnd.docker.container.image.v1+json"
/** Docker's layer as a tar archive. */
export const dockerLayerTar = "application/vnd.docker.image.rootfs.diff.tar"
/** Docker's layer as a tar archive, compressed by gzip. */
export const dockerLayerTarGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
/** Docker's layer that is fetched from elsewhere, as a tar archive. */
export const dockerForeignLayerTar = "application/vnd.docker.image.rootfs.foreign.diff.tar"
/** As `dockerForeignLayerTar`, compressed by gzip. */
export const dockerForeignLayerTarGzip = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

/** RFC 6838, section 4.2: a type and a subtype of at most 127 characters each; no parameters (descriptor.md). */
const form = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/u

/** A media type as a schema: RFC 6838, without parameters. */
export const MediaType = Schema.String.check(
  Schema.isPattern(form, { expected: "an RFC 6838 media type" })
)

/** Whether a text is a media type: RFC 6838, without parameters, at most 255 characters. */
export const isMediaType = (input: string): boolean => input.length <= 255 && form.test(input)

/** What kind of document a media type announces; Docker schema 2 counts as its OCI equal (media-types.md). */
export const kindOf = (mediaType: string): "manifest" | "index" | "other" => {
  switch (mediaType) {
    case imageManifest:
    case dockerManifest:
    case artifactManifest:
      return "manifest"
    case imageIndex:
    case dockerManifestList:
      return "index"
    default:
      return "other"
  }
}

const nondistributable: ReadonlySet<string> = new Set([
  nondistributableLayerTar,
  nondistributableLayerTarGzip,
  nondistributableLayerTarZstd,
  dockerForeignLayerTar,
  dockerForeignLayerTarGzip
])

/** Layers of these types may be absent: they are not meant to be uploaded (layer.md). */
export const isNondistributable = (mediaType: string): boolean => nondistributable.has(mediaType)
