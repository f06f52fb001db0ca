/** How a command ends, in a number for scripts; one place for all of them. */
import type { RegistryError } from "../oci/OciError.ts"

export const exitCodes = {
  done: 0,
  /** Something that should not have happened: please report it. */
  unexpected: 1,
  /** The command line, a name or the content given is not valid. */
  invalid: 2,
  /** What was asked for is not there. */
  notFound: 3,
  /** It may not be done: a condition does not hold, something else needs it, or it is not allowed. */
  refused: 4,
  /** The layout, or content of it, is damaged. */
  damaged: 5,
  /** Another process holds what is needed; trying again may help. */
  locked: 6,
  /** The medium or the network failed; of a change it may not be known whether it was made. */
  medium: 7,
  /** The reader of the output has ended, as shells tell of SIGPIPE. */
  readerGone: 141
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const kinds: Readonly<Record<RegistryError["_tag"], keyof typeof exitCodes>> = {
  AlgorithmUnsupported: "invalid",
  ArchiveInvalid: "damaged",
  BlobUnknown: "notFound",
  BlobUploadUnknown: "notFound",
  BundleBaseUnknown: "refused",
  Conflict: "refused",
  ContentMismatch: "damaged",
  Denied: "refused",
  DigestAmbiguous: "invalid",
  DigestInvalid: "invalid",
  FileExists: "refused",
  FileUnknown: "notFound",
  HistoryInvalid: "damaged",
  ImageUnsuitable: "refused",
  IndexInvalid: "damaged",
  IndexTooLarge: "refused",
  InputUnsuitable: "invalid",
  LayerInvalid: "damaged",
  LayerUnsupported: "refused",
  LayoutInvalid: "damaged",
  LayoutLocked: "locked",
  LayoutNotFound: "notFound",
  FormatUnsupported: "damaged",
  LayoutVersionUnsupported: "damaged",
  LimitExceeded: "refused",
  ManifestBlobUnknown: "refused",
  ManifestInvalid: "invalid",
  ManifestTooLarge: "invalid",
  ManifestUnknown: "notFound",
  MediaTypeUnsupported: "invalid",
  NameInvalid: "invalid",
  NameUnknown: "notFound",
  OutcomeUnknown: "medium",
  PathDenied: "refused",
  PathUnknown: "notFound",
  PlaceAmbiguous: "invalid",
  PlanExpired: "notFound",
  PlatformUnknown: "notFound",
  RangeInvalid: "invalid",
  Referenced: "refused",
  ReferenceInvalid: "invalid",
  RegistriesConfInvalid: "invalid",
  RegistryBlocked: "refused",
  RemoteError: "medium",
  RevisionUnknown: "notFound",
  SizeInvalid: "invalid",
  StorageError: "medium",
  SymlinkRefused: "refused",
  TagExists: "refused",
  TagInvalid: "invalid",
  Unauthorized: "refused",
  Unsupported: "refused",
  UploadBusy: "locked"
}

/** A manifest that is stored, and is none, is damage of the layout; one that is given is a mistake. */
export const exitCodeOf = (error: RegistryError): ExitCode =>
  error._tag === "ManifestInvalid" && error.digest !== undefined ? exitCodes.damaged : exitCodes[kinds[error._tag]]
