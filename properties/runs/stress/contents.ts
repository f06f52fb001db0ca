/** What the processes push: every content follows from its name, so that any process can go on with what another began. */
import { createHash } from "node:crypto"
import { digestOf } from "../../support/contents.ts"

export const mediaType = "application/vnd.oci.image.manifest.v1+json"

const block = (name: string, at: number): Buffer => createHash("sha512").update(`${name}/${at}`).digest()

/** Bytes of an endless content from `offset` on. */
export const bytesFrom = (name: string, offset: number, length: number): Uint8Array => {
  const first = Math.floor(offset / 64)
  const last = Math.ceil((offset + length) / 64)
  const blocks = Array.from({ length: last - first }, (_, at) => block(name, first + at))
  return Buffer.concat(blocks).subarray(offset - first * 64, offset - first * 64 + length)
}

/** The size of a blob is in its name: `pushed 3/17 2048`. */
export const blobOf = (name: string): Uint8Array => bytesFrom(name, 0, Number(name.split(" ").at(-1)))

/** The layer of the manifest with this note. */
export const layerOf = (note: string): string => `layer of ${note} 700`

/** A manifest that needs one blob and carries the other along. */
export const manifestOf = (note: string): Uint8Array => {
  const layer = blobOf(layerOf(note))
  return Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: digestOf(Buffer.from("{}")),
      size: 2,
      data: "e30="
    },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(layer), size: layer.length }],
    annotations: { "example.note": note }
  }))
}

export const manifestDigest = (note: string): string => digestOf(manifestOf(note))
export const blobDigest = (name: string): string => digestOf(blobOf(name))
export const uploadDigest = (id: string, size: number): string => digestOf(bytesFrom(id, 0, size))
