/** Reads a layout the plain way, by the image-spec and with none of the code under test. */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"

export interface PlainDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly data?: string
}

export interface PlainDocument {
  readonly manifests?: ReadonlyArray<PlainDescriptor> | null
  readonly config?: PlainDescriptor
  readonly layers?: ReadonlyArray<PlainDescriptor> | null
}

const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json"
]
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json"
]

export const documentIn = (bytes: Uint8Array): PlainDocument =>
  JSON.parse(Buffer.from(bytes).toString("utf8")) as PlainDocument

export const entriesIn = (layout: string): ReadonlyArray<PlainDescriptor> =>
  documentIn(fs.readFileSync(join(layout, "index.json"))).manifests ?? []

export const refNameOf = ({ annotations }: PlainDescriptor): string | undefined =>
  annotations?.["org.opencontainers.image.ref.name"]

/** The bytes of a blob, if they are there and are what their name says. */
export const plainBlob = (layout: string, digest: string): Uint8Array | undefined => {
  const [algorithm = "", hex = ""] = digest.split(":")
  const path = join(layout, "blobs", algorithm, hex)
  if (!/^[0-9a-f]+$/u.test(hex) || !fs.existsSync(path)) return undefined
  const bytes = fs.readFileSync(path)
  return createHash(algorithm).update(bytes).digest("hex") === hex ? bytes : undefined
}

export interface Reached {
  readonly manifests: Map<string, PlainDescriptor>
  /** Configs and layers. */
  readonly blobs: Map<string, PlainDescriptor>
}

/** All that some entries lead to and that is there; what is no image manifest or index is a manifest without children. */
export const reachedFrom = (layout: string, entries: ReadonlyArray<PlainDescriptor>): Reached => {
  const reached: Reached = { manifests: new Map(), blobs: new Map() }
  const visit = (descriptor: PlainDescriptor): void => {
    const bytes = plainBlob(layout, descriptor.digest)
    if (bytes === undefined || reached.manifests.has(descriptor.digest)) return
    reached.manifests.set(descriptor.digest, descriptor)
    if (![...indexTypes, ...manifestTypes].includes(descriptor.mediaType)) return
    const { config, layers, manifests } = documentIn(bytes)
    for (const child of manifests ?? []) visit(child)
    for (const blob of [...config === undefined ? [] : [config], ...layers ?? []]) {
      if (plainBlob(layout, blob.digest) !== undefined) reached.blobs.set(blob.digest, blob)
    }
  }
  for (const entry of entries) visit(entry)
  return reached
}
