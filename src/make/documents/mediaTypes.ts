/** The media types of Docker and those of OCI, which say the same (image-spec, media-types.md, "Compatibility Matrix"). */
import type { Descriptor } from "../../oci/Descriptor.ts"
import * as types from "../../oci/MediaType.ts"

/** Docker's media type, and OCI's. */
const pairs: ReadonlyArray<readonly [docker: string, oci: string]> = [
  [types.dockerManifest, types.imageManifest],
  [types.dockerManifestList, types.imageIndex],
  [types.dockerConfig, types.imageConfig],
  [types.dockerLayerTar, types.layerTar],
  [types.dockerLayerTarGzip, types.layerTarGzip],
  [`${types.dockerLayerTar}.zstd`, types.layerTarZstd],
  [types.dockerForeignLayerTar, types.nondistributableLayerTar],
  [types.dockerForeignLayerTarGzip, types.nondistributableLayerTarGzip]
]

const known = {
  oci: new Map(pairs),
  docker: new Map(pairs.map(([docker, oci]) => [oci, docker]))
}

/** The media type that says the same among those of OCI or of Docker; others stay as they are. */
export const mediaTypeAs = (mediaType: string, to: "oci" | "docker"): string => known[to].get(mediaType) ?? mediaType

export const descriptorAs = (descriptor: Descriptor, to: "oci" | "docker"): Descriptor => ({
  ...descriptor,
  mediaType: mediaTypeAs(descriptor.mediaType, to)
})

/** Whose media type it is. */
export const familyOf = (mediaType: string): "oci" | "docker" => known.oci.has(mediaType) ? "docker" : "oci"
