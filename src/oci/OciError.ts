/** Every way an operation can fail, each with its distribution-spec code where the spec has one ("Error Codes"). */
import { Schema } from "effect"
import { LayerInvalid, LayerUnsupported, PathUnknown } from "./ImageError.ts"
import {
  Conflict,
  ContentMismatch,
  FileExists,
  FileUnknown,
  FormatUnsupported,
  HistoryInvalid,
  IndexInvalid,
  IndexTooLarge,
  LayoutInvalid,
  LayoutLocked,
  LayoutNotFound,
  LayoutVersionUnsupported,
  OutcomeUnknown,
  PlanExpired,
  PlatformUnknown,
  Referenced,
  RevisionUnknown,
  TagExists,
  UploadBusy
} from "./LayoutError.ts"
import { ImageUnsuitable, InputUnsuitable } from "./MakingError.ts"
import { ManifestBlobUnknown, ManifestInvalid, ManifestTooLarge, ManifestUnknown } from "./ManifestError.ts"
import {
  ArchiveInvalid,
  BundleBaseUnknown,
  PlaceAmbiguous,
  RegistriesConfInvalid,
  RegistryBlocked,
  RemoteError,
  Unauthorized
} from "./PlaceError.ts"
import { named, quoted, sentence, several } from "./quoted.ts"
import { StorageError, SymlinkRefused } from "./StorageError.ts"

export * from "./ImageError.ts"
export * from "./LayoutError.ts"
export * from "./MakingError.ts"
export * from "./ManifestError.ts"
export * from "./PlaceError.ts"
export * from "./StorageError.ts"

/** A well-formed digest of an algorithm that is not implemented (descriptor.md, "Registered algorithms"). */
export class AlgorithmUnsupported extends Schema.TaggedError<AlgorithmUnsupported>()("AlgorithmUnsupported", {
  code: Schema.tag("DIGEST_INVALID"),
  digest: Schema.String,
  algorithm: Schema.String
}) {
  override get message(): string {
    return `algorithm ${named(this.algorithm)} of ${named(this.digest)} is not supported; use sha256 or sha512`
  }
}

/** The layout has no content of this digest. */
export class BlobUnknown extends Schema.TaggedError<BlobUnknown>()("BlobUnknown", {
  code: Schema.tag("BLOB_UNKNOWN"),
  digest: Schema.String,
  /** The digest of a manifest that names it: then a layout may be without it. */
  neededBy: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const needed = this.neededBy === undefined ? "" : `; manifest ${named(this.neededBy)} needs it`
    return `blob ${named(this.digest)} is not in the layout${needed}`
  }
}

/** There is no such upload session: it is unknown, over or expired, or belongs to another repository. */
export class BlobUploadUnknown extends Schema.TaggedError<BlobUploadUnknown>()("BlobUploadUnknown", {
  code: Schema.tag("BLOB_UPLOAD_UNKNOWN"),
  upload: Schema.String
}) {
  override get message(): string {
    return `no upload session ${named(this.upload)} is open; start a new upload`
  }
}

/** The operation is understood and not allowed. */
export class Denied extends Schema.TaggedError<Denied>()("Denied", {
  code: Schema.tag("DENIED"),
  operation: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${sentence(this.operation)} is denied: ${sentence(this.reason)}`
  }
}

/** A shortened digest fits more than one. */
export class DigestAmbiguous extends Schema.TaggedError<DigestAmbiguous>()("DigestAmbiguous", {
  code: Schema.tag("DIGEST_AMBIGUOUS"),
  prefix: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${named(this.prefix)} could be ${several(this.candidates)}; give more characters`
  }
}

/** With `actual`: the content hashes to something else. Without: the text is no digest, because of `reason`. */
export class DigestInvalid extends Schema.TaggedError<DigestInvalid>()("DigestInvalid", {
  code: Schema.tag("DIGEST_INVALID"),
  digest: Schema.String,
  actual: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    if (this.actual !== undefined) return `content hashes to ${named(this.actual)}, not ${named(this.digest)}`
    return `${quoted(this.digest)} is not a digest: ${sentence(this.reason ?? "it does not fit algorithm:encoded")}`
  }
}

/** A walk or a document went over a limit: `what` is counted, with its unit ("bytes of a manifest"). */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  code: Schema.tag("LIMIT_EXCEEDED"),
  what: Schema.String,
  limit: Schema.Number
}) {
  override get message(): string {
    return `too many ${sentence(this.what)}: the limit is ${this.limit}`
  }
}

/** A manifest of this media type is not stored. */
export class MediaTypeUnsupported extends Schema.TaggedError<MediaTypeUnsupported>()("MediaTypeUnsupported", {
  code: Schema.tag("UNSUPPORTED"),
  mediaType: Schema.String
}) {
  override get message(): string {
    return `media type ${quoted(this.mediaType)} is neither a manifest nor an image index`
  }
}

/** The text is no name of a repository, because of `reason`. */
export class NameInvalid extends Schema.TaggedError<NameInvalid>()("NameInvalid", {
  code: Schema.tag("NAME_INVALID"),
  repository: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.repository)} is not a repository name: it ${sentence(this.reason)}`
  }
}

/** The layout has no such repository. */
export class NameUnknown extends Schema.TaggedError<NameUnknown>()("NameUnknown", {
  code: Schema.tag("NAME_UNKNOWN"),
  repository: Schema.String
}) {
  override get message(): string {
    return `no repository ${named(this.repository)} in the layout`
  }
}

/** A path outside the directories that may be used. */
export class PathDenied extends Schema.TaggedError<PathDenied>()("PathDenied", {
  code: Schema.tag("PATH_DENIED"),
  path: Schema.String,
  allowed: Schema.Array(Schema.String),
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const allowed = this.allowed.length === 0 ? "none is" : `allowed: ${several(this.allowed.map(quoted))}`
    const why = this.reason === undefined ? "it is outside the allowed directories" : sentence(this.reason)
    return `path ${quoted(this.path)} may not be used: ${why} (${allowed})`
  }
}

/** `size` is the actual size in bytes, from which an upload may go on. */
export class RangeInvalid extends Schema.TaggedError<RangeInvalid>()("RangeInvalid", {
  code: Schema.tag("RANGE_INVALID"),
  offset: Schema.Number,
  size: Schema.Number,
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const why = this.reason === undefined ? "" : `: ${sentence(this.reason)}`
    return `offset ${this.offset} does not fit the ${this.size} bytes there are${why}`
  }
}

/** The text is no reference, because of `reason`. */
export class ReferenceInvalid extends Schema.TaggedError<ReferenceInvalid>()("ReferenceInvalid", {
  code: Schema.tag("REFERENCE_INVALID"),
  input: Schema.String,
  reason: Schema.String,
  /** What it was to be instead of a reference, such as a point in history. */
  expected: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${quoted(this.input)} is not ${this.expected ?? "a reference"}: it ${sentence(this.reason)}`
  }
}

/** Content has `actual` bytes, where `expected` were said. */
export class SizeInvalid extends Schema.TaggedError<SizeInvalid>()("SizeInvalid", {
  code: Schema.tag("SIZE_INVALID"),
  expected: Schema.Number,
  actual: Schema.Number
}) {
  override get message(): string {
    return `content has ${this.actual} bytes, not ${this.expected}`
  }
}

/** The text is no tag, because of `reason`. */
export class TagInvalid extends Schema.TaggedError<TagInvalid>()("TagInvalid", {
  code: Schema.tag("TAG_INVALID"),
  tag: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.tag)} is not a tag: it ${sentence(this.reason)}`
  }
}

/** The operation is not there for this layout or on this machine, because of `reason`. */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", {
  code: Schema.tag("UNSUPPORTED"),
  operation: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${sentence(this.operation)} is not supported: ${sentence(this.reason)}`
  }
}

/** All of them but `StorageError`: what a client can cause, or find. */
export const OciError = Schema.Union([
  AlgorithmUnsupported,
  ArchiveInvalid,
  BlobUnknown,
  BlobUploadUnknown,
  BundleBaseUnknown,
  Conflict,
  ContentMismatch,
  Denied,
  DigestAmbiguous,
  DigestInvalid,
  FileExists,
  FileUnknown,
  HistoryInvalid,
  ImageUnsuitable,
  IndexInvalid,
  IndexTooLarge,
  InputUnsuitable,
  LayerInvalid,
  LayerUnsupported,
  LayoutInvalid,
  LayoutLocked,
  LayoutNotFound,
  FormatUnsupported,
  LayoutVersionUnsupported,
  LimitExceeded,
  ManifestBlobUnknown,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  MediaTypeUnsupported,
  NameInvalid,
  NameUnknown,
  OutcomeUnknown,
  PathDenied,
  PathUnknown,
  PlaceAmbiguous,
  PlanExpired,
  PlatformUnknown,
  RangeInvalid,
  Referenced,
  ReferenceInvalid,
  RegistriesConfInvalid,
  RegistryBlocked,
  RemoteError,
  RevisionUnknown,
  SizeInvalid,
  SymlinkRefused,
  TagExists,
  TagInvalid,
  Unauthorized,
  Unsupported,
  UploadBusy
])
export type OciError = typeof OciError.Type

/** Everything an operation can fail with: an OCI error, or the medium. */
export const RegistryError = Schema.Union([...OciError.members, StorageError])
export type RegistryError = typeof RegistryError.Type
