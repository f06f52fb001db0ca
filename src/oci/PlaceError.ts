/** What can go wrong with places beside a layout: registries on the network, archives, and what their names may mean. */
import { Schema } from "effect"
import { named, quoted, sentence, several } from "./quoted.ts"

/** A file that was to be an archive of images is none, or has something in it that no archive of images may have. */
export class ArchiveInvalid extends Schema.TaggedError<ArchiveInvalid>()("ArchiveInvalid", {
  code: Schema.tag("ARCHIVE_INVALID"),
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.path)} is not an archive of images: ${sentence(this.reason)}`
  }
}

/** A bundle leaves out content that is not there either, or not in its size, where it was to be applied. */
export class BundleBaseUnknown extends Schema.TaggedError<BundleBaseUnknown>()("BundleBaseUnknown", {
  code: Schema.tag("BUNDLE_BASE_UNKNOWN"),
  path: Schema.String,
  missing: Schema.Array(Schema.Struct({ digest: Schema.String, size: Schema.Natural }))
}) {
  override get message(): string {
    const bytes = this.missing.reduce((sum, { size }) => sum + size, 0)
    return `nothing was changed: ${quoted(this.path)} builds on content that is not there: ` +
      `${several(this.missing.map(({ digest }) => digest))} (${bytes} bytes)`
  }
}

/** A text that could name more than one place; `candidates` are ways to write each of them. */
export class PlaceAmbiguous extends Schema.TaggedError<PlaceAmbiguous>()("PlaceAmbiguous", {
  code: Schema.tag("PLACE_AMBIGUOUS"),
  input: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${quoted(this.input)} could mean several places; write ${this.candidates.map(quoted).join(" or ")}`
  }
}

/** A registries.conf is not as it has to be; `place` says where in it, and is empty for the file as a whole. */
export class RegistriesConfInvalid extends Schema.TaggedError<RegistriesConfInvalid>()("RegistriesConfInvalid", {
  code: Schema.tag("REGISTRIES_CONF_INVALID"),
  path: Schema.String,
  place: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    const place = this.place === "" ? "" : `${sentence(this.place)}: `
    return `${quoted(this.path)} cannot be used; nothing was asked of a registry: ${place}${sentence(this.reason)}`
  }
}

/** An entry of a registries.conf says that this registry or repository is not to be asked. */
export class RegistryBlocked extends Schema.TaggedError<RegistryBlocked>()("RegistryBlocked", {
  code: Schema.tag("REGISTRY_BLOCKED"),
  /** `HOST`, or `HOST/REPOSITORY`. */
  asked: Schema.String,
  /** The file. */
  path: Schema.String,
  /** The prefix of the entry. */
  entry: Schema.String
}) {
  override get message(): string {
    return `${named(this.asked)} is blocked by the entry ${named(this.entry)} in ${quoted(this.path)}`
  }
}

/**
 * A registry on the network did not answer, or answered what it may not: `status` is that of its answer, if there was
 * one. Neither the address of the request nor its headers are part of it, which may hold secrets.
 */
export class RemoteError extends Schema.TaggedError<RemoteError>()("RemoteError", {
  code: Schema.tag("REMOTE_ERROR"),
  host: Schema.String,
  operation: Schema.String,
  reason: Schema.String,
  status: Schema.optionalKey(Schema.Int),
  /** Whether the same may succeed a moment later. */
  passing: Schema.Boolean
}) {
  override get message(): string {
    const answered = this.status === undefined ? "" : ` (HTTP ${this.status})`
    return `${named(this.host)}, ${sentence(this.operation)}: ${sentence(this.reason)}${answered}`
  }
}

/** A registry on the network, or an object store, wants to know who asks, or does not let that one do it. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  code: Schema.tag("UNAUTHORIZED"),
  host: Schema.String,
  /** Whether it is an object store, which asks for keys. */
  store: Schema.optionalKey(Schema.Literal(true)),
  reason: Schema.String
}) {
  override get message(): string {
    return `${named(this.host)} refuses access: ${sentence(this.reason)}`
  }
}
