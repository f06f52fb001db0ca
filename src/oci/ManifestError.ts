/** What can be wrong with a manifest, or with the search for one. */
import { Schema } from "effect"
import { named, sentence, several } from "./quoted.ts"

/** A manifest names content that is not there; `path` says where it does (`layers[0]`, `config`, `manifests[2]`). */
export class ManifestBlobUnknown extends Schema.TaggedError<ManifestBlobUnknown>()("ManifestBlobUnknown", {
  code: Schema.tag("MANIFEST_BLOB_UNKNOWN"),
  missing: Schema.Array(Schema.Struct({ path: Schema.String, digest: Schema.String }))
}) {
  override get message(): string {
    const missing = several(this.missing.map(({ digest, path }) => `${path} ${digest}`))
    return `the manifest needs content that is not in the layout: ${missing}; push it first`
  }
}

/**
 * A manifest or index breaks a rule of the image-spec; `path` is the place in its JSON, like `layers[0].size`. With
 * `digest` it is one that is stored.
 */
export class ManifestInvalid extends Schema.TaggedError<ManifestInvalid>()("ManifestInvalid", {
  code: Schema.tag("MANIFEST_INVALID"),
  reason: Schema.String,
  path: Schema.optionalKey(Schema.String),
  digest: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const which = this.digest === undefined ? "manifest" : `manifest ${named(this.digest)}`
    return `${which} is invalid: ${this.path === undefined ? "it" : sentence(this.path)} ${sentence(this.reason)}`
  }
}

/** A manifest has more bytes than the limit of 4 MiB. */
export class ManifestTooLarge extends Schema.TaggedError<ManifestTooLarge>()("ManifestTooLarge", {
  code: Schema.tag("MANIFEST_INVALID"),
  size: Schema.Number,
  limit: Schema.Number
}) {
  override get message(): string {
    return `manifest has ${this.size} bytes, more than the limit of ${this.limit}`
  }
}

/** With `candidates`: references that could be meant instead. */
export class ManifestUnknown extends Schema.TaggedError<ManifestUnknown>()("ManifestUnknown", {
  code: Schema.tag("MANIFEST_UNKNOWN"),
  repository: Schema.String,
  reference: Schema.String,
  candidates: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The digest of an index that names it: then a layout may be without it. */
  neededBy: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    if (this.neededBy !== undefined) {
      return `${named(this.reference)} is in the index ${named(this.neededBy)}, its manifest is not in this layout`
    }
    const there = this.candidates === undefined ? "" : `; there is: ${several(this.candidates)}`
    return `no manifest ${named(this.reference)} in repository ${named(this.repository)}${there}`
  }
}
