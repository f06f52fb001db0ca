/** Digests, descriptors and index entries that are short to write and easy to tell apart. */
import type { Schema } from "effect"
import type { Descriptor } from "../../src/oci/Descriptor.ts"
import { type ContentDigest, contentDigest } from "../../src/oci/Digest.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import { Repository, Tag } from "../../src/oci/Reference.ts"

export const refNameKey = "org.opencontainers.image.ref.name"
export const containerdKey = "io.containerd.image.name"

export const repository = (name: string): Repository => Repository.make(name)
export const tag = (name: string): Tag => Tag.make(name)

/** The digest whose hexadecimal digits are all this one. */
export const digest = (digit: string): ContentDigest => contentDigest("sha256", digit.repeat(64))

export interface SampleDescriptor extends Descriptor {
  readonly digest: ContentDigest
}

export const descriptor = (digit: string, fields: Schema.JsonObject = {}): SampleDescriptor => ({
  mediaType: imageManifest,
  digest: digest(digit),
  size: 100,
  ...fields
})

/** An entry of `index.json`; further annotations stand before the name, as they do in what we write. */
export const entry = (
  digit: string,
  refName?: string,
  annotations: Schema.JsonObject = {},
  fields: Schema.JsonObject = {}
): Schema.JsonObject => {
  const all = refName === undefined ? annotations : { ...annotations, [refNameKey]: refName }
  return { ...descriptor(digit, fields), ...(Object.keys(all).length === 0 ? {} : { annotations: all }) }
}

/** The name of an entry without a tag, as we write it. */
export const at = (name: string, digit: string): string => `${name}@${digest(digit)}`
