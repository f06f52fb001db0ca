/** The second aggregate: one upload session, from its start to the blob it became. */
import { Result } from "effect"
import type { ContentDigest } from "../oci/Digest.ts"
import { BlobUploadUnknown, DigestInvalid, RangeInvalid, SizeInvalid } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"

/** 32 lower-case hexadecimal digits; nothing else ever reaches a path. */
export type UploadId = string & { readonly UploadId: unique symbol }

export const isUploadId = (input: string): input is UploadId => /^[0-9a-f]{32}$/u.test(input)

/** What an upload session is: absent, open with `size` bytes so far, or over. */
export type UploadState =
  | { readonly _tag: "Absent" }
  | {
    readonly _tag: "Open"
    readonly id: UploadId
    readonly repository: Repository
    /** Bytes acknowledged. */
    readonly size: number
    /** When something was last appended: milliseconds since 1970. */
    readonly touched: number
  }
  | {
    readonly _tag: "Committed"
    readonly repository: Repository
    readonly digest: ContentDigest
    readonly size: number
  }
  | { readonly _tag: "Cancelled"; readonly repository: Repository }

/** A session that has not ended. */
export type OpenUpload = Extract<UploadState, { readonly _tag: "Open" }>

/** What happened to an upload session. Lengths are in bytes, times in milliseconds since 1970. */
export type UploadEvent =
  | { readonly _tag: "UploadStarted"; readonly id: UploadId; readonly repository: Repository; readonly at: number }
  | { readonly _tag: "ChunkAppended"; readonly length: number; readonly at: number }
  | { readonly _tag: "UploadCommitted"; readonly digest: ContentDigest }
  | { readonly _tag: "UploadCancelled" }

/** Every command names the session as its caller does, so that a stranger's repository finds nothing. */
export interface UploadAddress {
  readonly id: UploadId
  readonly repository: Repository
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What is asked of an upload session. Offsets and lengths are in bytes. */
export type UploadCommand =
  | { readonly _tag: "StartUpload" } & UploadAddress
  /** Continue at `offset`, or at the end of the session. */
  | { readonly _tag: "ResumeUpload"; readonly offset?: number } & UploadAddress
  | { readonly _tag: "AppendChunk"; readonly offset: number; readonly length: number } & UploadAddress
  /** `actual` is evidence: what the bytes hash to. */
  | {
    readonly _tag: "CommitUpload"
    readonly expected: ContentDigest
    readonly actual: ContentDigest
    readonly size?: number
  }
    & UploadAddress
  | { readonly _tag: "CancelUpload" } & UploadAddress

/** Why a command is refused. */
export type UploadRefusal = BlobUploadUnknown | RangeInvalid | DigestInvalid | SizeInvalid

/** How long a session lives after its last append. */
export const uploadExpiryMillis = 24 * 60 * 60 * 1000

export const absent: UploadState = { _tag: "Absent" }

/** Refusals leave the session as it was: a commit with the wrong digest may be continued or cancelled. */
export const decideUpload = (
  state: UploadState,
  command: UploadCommand
): Result.Result<ReadonlyArray<UploadEvent>, UploadRefusal> => {
  if (command._tag === "StartUpload") {
    const { id, now, repository } = command
    return Result.succeed([{ _tag: "UploadStarted", id, repository, at: now }])
  }
  const answered = alreadyDone(state, command)
  if (answered !== undefined) return answered
  return Result.flatMap(openFor(state, command), (open) => decideOpen(open, command))
}

/** Committing again what was committed, and cancelling what is over, are answered with success. */
const alreadyDone = (state: UploadState, command: UploadCommand) => {
  if (state._tag === "Absent" || state.repository !== command.repository) {
    return command._tag === "CancelUpload" && state._tag === "Absent" ? Result.succeed([]) : undefined
  }
  const over = state._tag === "Committed" || state._tag === "Cancelled"
  if (command._tag === "CancelUpload" && over) return Result.succeed([])
  return command._tag === "CommitUpload" && state._tag === "Committed" && state.digest === command.expected
    ? Result.succeed([])
    : undefined
}

const openFor = (
  state: UploadState,
  { id, now, repository }: UploadAddress
): Result.Result<OpenUpload, BlobUploadUnknown> =>
  state._tag === "Open" && state.repository === repository && now - state.touched < uploadExpiryMillis
    ? Result.succeed(state)
    : Result.fail(new BlobUploadUnknown({ upload: id }))

const decideOpen = (
  { size }: OpenUpload,
  command: Exclude<UploadCommand, { readonly _tag: "StartUpload" }>
): Result.Result<ReadonlyArray<UploadEvent>, UploadRefusal> => {
  switch (command._tag) {
    case "ResumeUpload":
      return command.offset === undefined || command.offset === size
        ? Result.succeed([])
        : Result.fail(new RangeInvalid({ offset: command.offset, size }))
    case "AppendChunk":
      return command.offset === size
        ? Result.succeed(
          command.length === 0 ? [] : [{ _tag: "ChunkAppended", length: command.length, at: command.now }]
        )
        : Result.fail(new RangeInvalid({ offset: command.offset, size }))
    case "CommitUpload":
      if (command.size !== undefined && command.size !== size) {
        return Result.fail(new SizeInvalid({ expected: command.size, actual: size }))
      }
      return command.actual === command.expected
        ? Result.succeed([{ _tag: "UploadCommitted", digest: command.expected }])
        : Result.fail(new DigestInvalid({ digest: command.expected, actual: command.actual }))
    case "CancelUpload":
      return Result.succeed([{ _tag: "UploadCancelled" }])
  }
}

/** What a session is after something happened to it; events of a session that is over change nothing. */
export const evolveUpload = (state: UploadState, event: UploadEvent): UploadState => {
  if (event._tag === "UploadStarted") {
    return { _tag: "Open", id: event.id, repository: event.repository, size: 0, touched: event.at }
  }
  if (state._tag !== "Open") return state
  switch (event._tag) {
    case "ChunkAppended":
      return { ...state, size: state.size + event.length, touched: event.at }
    case "UploadCommitted":
      return { _tag: "Committed", repository: state.repository, digest: event.digest, size: state.size }
    case "UploadCancelled":
      return { _tag: "Cancelled", repository: state.repository }
  }
}
