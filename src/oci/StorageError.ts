/** What can go wrong with the medium that a layout lies on. */
import { Schema } from "effect"
import { errnoInWords } from "./errno.ts"
import { quoted, sentence } from "./quoted.ts"

/** The medium failed; `path` is relative to the layout at `root`, where there is one. */
export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", {
  code: Schema.tag("STORAGE_ERROR"),
  operation: Schema.String,
  path: Schema.String,
  kind: Schema.Literals(["full", "readOnly", "denied", "tooManyFiles", "device", "other"]),
  /** The layout; not part of the message, which may be read elsewhere. */
  root: Schema.optionalKey(Schema.String),
  /** The system's name of what went wrong, such as ENOTDIR. */
  errno: Schema.optionalKey(Schema.String),
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.messageAt(this.path)
  }

  /** The message with a path of the reader's choice. */
  messageAt(path: string): string {
    const reason = this.kind !== "other"
      ? advice[this.kind]
      : this.operation === "lock"
      ? noLocks
      : errnoInWords(this.errno)
    return `cannot ${sentence(this.operation)} ${quoted(path)}: ${reason}`
  }
}

const noLocks =
  "the file system has no locks, without which writers lose each other's work; put the layout on another one"

const advice = {
  full: "the disk or quota is full; free some space and try again",
  readOnly: "the file system is read-only",
  denied: "permission denied; check owner and mode",
  tooManyFiles: "too many open files; raise the limit or do less at once",
  device: "the device reported an error; check the disk"
}

/** A symbolic link where the layout's own files belong, refused by default. */
export class SymlinkRefused extends Schema.TaggedError<SymlinkRefused>()("SymlinkRefused", {
  code: Schema.tag("SYMLINK_REFUSED"),
  path: Schema.String
}) {
  override get message(): string {
    const path = quoted(this.path)
    return `${path} is or passes through a symbolic link; replace it by the file, or allow links for this layout`
  }
}
