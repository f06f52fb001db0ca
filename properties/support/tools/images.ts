/** The images that everybody pushes: each has a manifest and a layer of its own, and shares a layer and a config. */
import { digestOf } from "../contents.ts"

export interface Blob {
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface Image {
  readonly note: string
  readonly mediaType: string
  readonly manifest: Blob
  readonly config: Blob
  readonly layers: ReadonlyArray<Blob>
}

const blob = (text: string): Blob => {
  const bytes = Buffer.from(text)
  return { digest: digestOf(bytes), bytes }
}

const mediaType = "application/vnd.oci.image.manifest.v1+json"

const pointer = ({ bytes, digest }: Blob, kind: string) => ({
  mediaType: `application/vnd.oci.image.${kind}`,
  digest,
  size: bytes.length
})

const config = blob("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}")
const base = blob("the layer that all images have")

const made = new Map<string, Image>()

export const imageOf = (note: string): Image => {
  const known = made.get(note)
  if (known !== undefined) return known
  const layers = [base, blob(`the layer of ${note}`)]
  const manifest = blob(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: pointer(config, "config.v1+json"),
    layers: layers.map((layer) => pointer(layer, "layer.v1.tar")),
    annotations: { "example.note": note }
  }))
  const image = { note, mediaType, manifest, config, layers }
  made.set(note, image)
  return image
}

/** What a manifest needs to be whole, itself included. */
export const partsOf = ({ config, layers, manifest }: Image): ReadonlyArray<Blob> => [...layers, config, manifest]

/** The image with this digest, of those that were ever made. */
export const imageWith = (digest: string): Image | undefined =>
  Array.from(made.values()).find(({ manifest }) => manifest.digest === digest)
