/** What the state of a layout forbids, and what can be wrong with it. */
import { Schema } from "effect"
import { named, quoted, sentence, several } from "./quoted.ts"

/**
 * A condition of the request did not hold: of one tag, where no `actual` means that it does not exist, or of all
 * `names` that a commit to be reverted has changed.
 */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  code: Schema.tag("CONFLICT"),
  reason: Schema.String,
  repository: Schema.optionalKey(Schema.String),
  tag: Schema.optionalKey(Schema.String),
  expected: Schema.optionalKey(Schema.String),
  actual: Schema.optionalKey(Schema.String),
  names: Schema.optionalKey(Schema.Array(Schema.String))
}) {
  override get message(): string {
    if (this.names !== undefined) {
      return `nothing was changed: of what is to be taken back, ${sentence(this.reason)}: ${several(this.names)}`
    }
    const tag = [this.repository ?? "", this.tag ?? ""].filter((part) => part !== "").map(named).join(":")
    const wanted = this.expected === undefined ? "" : `, wanted ${named(this.expected)}`
    const found = this.actual === undefined ? "the tag does not exist" : `it is at ${named(this.actual)}`
    return `${tag} is not as required: ${sentence(this.reason)} (${found}${wanted})`
  }
}

/** Stored bytes do not match the name they are stored under. */
export class ContentMismatch extends Schema.TaggedError<ContentMismatch>()("ContentMismatch", {
  code: Schema.tag("CONTENT_MISMATCH"),
  digest: Schema.String,
  actual: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    const what = `content stored as ${named(this.digest)} is ${named(this.actual)}`
    return `${what}: ${sentence(this.reason)}; push the blob again to replace it`
  }
}

/** A file was to be created where one is already; files outside of layouts are never overwritten. */
export class FileExists extends Schema.TaggedError<FileExists>()("FileExists", {
  code: Schema.tag("FILE_EXISTS"),
  path: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.path)} exists already; choose another path`
  }
}

/** A file outside of layouts is not there, or is nothing that can be read. */
export class FileUnknown extends Schema.TaggedError<FileUnknown>()("FileUnknown", {
  code: Schema.tag("FILE_UNKNOWN"),
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.path)} ${sentence(this.reason)}`
  }
}

/** The journal has been edited, or cut by another program; what is newer than that place is right. */
export class HistoryInvalid extends Schema.TaggedError<HistoryInvalid>()("HistoryInvalid", {
  code: Schema.tag("HISTORY_INVALID"),
  /** The oldest revision that can be told of; none when nothing can. */
  from: Schema.optionalKey(Schema.Number),
  reason: Schema.String
}) {
  override get message(): string {
    const known = this.from === undefined ? "" : `; from revision ${this.from} on it is whole`
    return `the history of the layout ${sentence(this.reason)}${known}`
  }
}

/** `index.json` is there and is no image index, or is missing where it may not be (image-layout.md). */
export class IndexInvalid extends Schema.TaggedError<IndexInvalid>()("IndexInvalid", {
  code: Schema.tag("INDEX_INVALID"),
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `index ${quoted(this.path)} ${sentence(this.reason)}; verify and repair the layout`
  }
}

/** The index is over, or would grow over, one of its limits. */
export class IndexTooLarge extends Schema.TaggedError<IndexTooLarge>()("IndexTooLarge", {
  code: Schema.tag("INDEX_TOO_LARGE"),
  what: Schema.Literals(["entries", "bytes"]),
  actual: Schema.Number,
  limit: Schema.Number
}) {
  override get message(): string {
    const excess = `${this.actual} ${this.what}, more than the limit of ${this.limit}`
    return `the index would hold ${excess}; put some repositories into another layout`
  }
}

/** The folder is no usable image layout (image-layout.md). */
export class LayoutInvalid extends Schema.TaggedError<LayoutInvalid>()("LayoutInvalid", {
  code: Schema.tag("LAYOUT_INVALID"),
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${quoted(this.path)} is not a valid image layout: it ${sentence(this.reason)}`
  }
}

/** Another process held the layout's lock for the whole time this one was ready to wait. */
export class LayoutLocked extends Schema.TaggedError<LayoutLocked>()("LayoutLocked", {
  code: Schema.tag("LAYOUT_LOCKED"),
  path: Schema.String,
  /** Milliseconds. */
  waitedMillis: Schema.Number,
  holder: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const holder = this.holder === undefined ? "another process" : quoted(this.holder)
    return `layout ${quoted(this.path)} is still locked by ${holder} after ${this.waitedMillis} ms; try again`
  }
}

/** There is no layout where one was asked for. */
export class LayoutNotFound extends Schema.TaggedError<LayoutNotFound>()("LayoutNotFound", {
  code: Schema.tag("LAYOUT_NOT_FOUND"),
  path: Schema.String,
  /** What is there instead, as "is a tar archive". */
  reason: Schema.optionalKey(Schema.String),
  /** How to come to a layout from there. */
  advice: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const reason = this.reason === undefined ? "" : `: it ${sentence(this.reason)}`
    const advice = this.advice === undefined ? "" : `; ${sentence(this.advice)}`
    return `no image layout at ${quoted(this.path)}${reason}${advice}`
  }
}

/** `oci-layout` names a version that is not "1.0.0" (image-layout.md, "oci-layout file"). */
export class LayoutVersionUnsupported
  extends Schema.TaggedError<LayoutVersionUnsupported>()("LayoutVersionUnsupported", {
    code: Schema.tag("LAYOUT_VERSION_UNSUPPORTED"),
    path: Schema.String,
    version: Schema.String
  })
{
  override get message(): string {
    return `layout ${quoted(this.path)} has version ${quoted(this.version)}; only "1.0.0" is supported`
  }
}

/** A later version of ocilayout has written this layout, in a way that this one does not know. */
export class FormatUnsupported extends Schema.TaggedError<FormatUnsupported>()("FormatUnsupported", {
  code: Schema.tag("FORMAT_UNSUPPORTED"),
  path: Schema.String,
  /** Of the journal's lines. */
  version: Schema.Natural
}) {
  override get message(): string {
    return `journal ${quoted(this.path)} has lines of format ${this.version}, which a later version of ocilayout ` +
      "has written; use that version; nothing was changed"
  }
}

/** A change was published, but whether it would survive a power cut is not known. */
export class OutcomeUnknown extends Schema.TaggedError<OutcomeUnknown>()("OutcomeUnknown", {
  code: Schema.tag("OUTCOME_UNKNOWN"),
  operation: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    const what = `${named(this.operation)} was published but is not known to be durable`
    return `${what}: ${sentence(this.reason)}; read the layout again to learn the outcome`
  }
}

/** A plan is carried out within an hour, or made anew: a layout does not stand still. */
export class PlanExpired extends Schema.TaggedError<PlanExpired>()("PlanExpired", {
  code: Schema.tag("PLAN_EXPIRED"),
  plan: Schema.String
}) {
  override get message(): string {
    return `there is no plan ${named(this.plan)}, or it is older than an hour; make another one`
  }
}

/**
 * There is no image for the platform. Without a reason, the index has none; `single`: the manifest is an image for
 * another; `absent`: the index names one, and its manifest is not in the layout; `several`: it has more than one, which
 * `available` describes.
 */
export class PlatformUnknown extends Schema.TaggedError<PlatformUnknown>()("PlatformUnknown", {
  code: Schema.tag("PLATFORM_UNKNOWN"),
  platform: Schema.String,
  available: Schema.Array(Schema.String),
  /** The digest of the image or index that was looked at. */
  digest: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.Literals(["single", "absent", "several", "unsaid"]))
}) {
  override get message(): string {
    const available = this.available.length === 0 ? "none" : this.available.slice(0, 50).map(sentence).join(", ")
    const platform = sentence(this.platform)
    const what = this.digest === undefined ? "it" : named(this.digest)
    switch (this.reason) {
      case "single":
        return `${what} is an image for ${available}, not ${platform}`
      case "absent":
        return `${platform} is in the index, and its manifest is not in this layout; there is: ${available}`
      case "unsaid":
        return `it is an index and not one image: say for which platform; it has: ${available}`
      case "several":
        return `several images are for ${platform}; name one by its digest: ${available}`
      default:
        return `the index has no image for ${platform}; it has: ${available}`
    }
  }
}

/** The content cannot go while the manifests in `by` need it. */
export class Referenced extends Schema.TaggedError<Referenced>()("Referenced", {
  code: Schema.tag("DENIED"),
  digest: Schema.String,
  by: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${named(this.digest)} is still needed by ${several(this.by)}, and stays as long as it is`
  }
}

/** There is no such point in the history: it has not come to it, or what was before `oldest` is kept no longer. */
export class RevisionUnknown extends Schema.TaggedError<RevisionUnknown>()("RevisionUnknown", {
  code: Schema.tag("REVISION_UNKNOWN"),
  /** A revision, a time, or how many values back. */
  asked: Schema.String,
  newest: Schema.Number,
  oldest: Schema.optionalKey(Schema.Number)
}) {
  override get message(): string {
    const range = this.oldest === undefined
      ? `the newest revision is ${this.newest}`
      : `it goes back to revision ${this.oldest}`
    return `there is no ${sentence(this.asked)} in the history; ${range}`
  }
}

/** `digest` is what the tag points to. */
export class TagExists extends Schema.TaggedError<TagExists>()("TagExists", {
  code: Schema.tag("TAG_EXISTS"),
  repository: Schema.String,
  tag: Schema.String,
  digest: Schema.String
}) {
  override get message(): string {
    return `${named(this.repository)}:${named(this.tag)} exists already and points to ${named(this.digest)}`
  }
}

/** Another writer is appending to the session. */
export class UploadBusy extends Schema.TaggedError<UploadBusy>()("UploadBusy", {
  code: Schema.tag("UPLOAD_BUSY"),
  upload: Schema.String
}) {
  override get message(): string {
    return `upload ${named(this.upload)} is being written by another client; try again when that is done`
  }
}
