/** Which blobs are layers of files, and how they are compressed. */
import * as types from "../../oci/MediaType.ts"
import type { Compression } from "../ports/LayerCodec.ts"

const layers: ReadonlySet<string> = new Set([
  types.layerTar,
  types.layerTarGzip,
  types.layerTarZstd,
  types.nondistributableLayerTar,
  types.nondistributableLayerTarGzip,
  types.nondistributableLayerTarZstd,
  types.dockerLayerTar,
  types.dockerLayerTarGzip,
  `${types.dockerLayerTar}.zstd`,
  types.dockerForeignLayerTar,
  types.dockerForeignLayerTarGzip
])

/** Whether a blob of this type is a tar, compressed or not. */
export const isLayer = (mediaType: string): boolean => layers.has(mediaType)

/** Bytes that tell the compression. */
export const magicBytes = 4

/**
 * How content that begins so is compressed. Runtimes go by this and not by the media type, which is at times another's:
 * no tar begins with these bytes, since no name does.
 */
export const compressionOf = (start: Uint8Array): Compression => {
  const [a, b, c, d] = start
  if (a === 0x1f && b === 0x8b) return "gzip"
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd"
  const isSkippable = a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18
  return isSkippable ? "zstd" : "none"
}
