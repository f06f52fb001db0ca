/** Errors by what they mean for the caller, and which of them may be gone at the next try. */
import { type RegistryError, RemoteError, StorageError } from "./OciError.ts"

const groups = {
  AlgorithmUnsupported: "Refused",
  ArchiveInvalid: "Damaged",
  BlobUnknown: "NotFound",
  BlobUploadUnknown: "NotFound",
  BundleBaseUnknown: "Refused",
  Conflict: "Refused",
  ContentMismatch: "Damaged",
  Denied: "Refused",
  DigestAmbiguous: "Refused",
  DigestInvalid: "Refused",
  FileExists: "Refused",
  FileUnknown: "NotFound",
  FormatUnsupported: "Damaged",
  HistoryInvalid: "Damaged",
  ImageUnsuitable: "Refused",
  IndexInvalid: "Damaged",
  IndexTooLarge: "Refused",
  InputUnsuitable: "Refused",
  LayerInvalid: "Damaged",
  LayerUnsupported: "Refused",
  LayoutInvalid: "Damaged",
  LayoutLocked: "Busy",
  LayoutNotFound: "NotFound",
  LayoutVersionUnsupported: "Damaged",
  LimitExceeded: "Refused",
  ManifestBlobUnknown: "Refused",
  ManifestInvalid: "Refused",
  ManifestTooLarge: "Refused",
  ManifestUnknown: "NotFound",
  MediaTypeUnsupported: "Refused",
  NameInvalid: "Refused",
  NameUnknown: "NotFound",
  OutcomeUnknown: "Medium",
  PathDenied: "Refused",
  PathUnknown: "NotFound",
  PlaceAmbiguous: "Refused",
  PlanExpired: "NotFound",
  PlatformUnknown: "NotFound",
  RangeInvalid: "Refused",
  Referenced: "Refused",
  ReferenceInvalid: "Refused",
  RegistriesConfInvalid: "Refused",
  RegistryBlocked: "Refused",
  RemoteError: "Medium",
  RevisionUnknown: "NotFound",
  SizeInvalid: "Refused",
  StorageError: "Medium",
  SymlinkRefused: "Medium",
  TagExists: "Refused",
  TagInvalid: "Refused",
  Unauthorized: "Refused",
  Unsupported: "Refused",
  UploadBusy: "Busy"
} as const satisfies Record<RegistryError["_tag"], string>

/**
 * `NotFound`: what was asked for is not there. `Refused`: the request is not in order, or its conditions do not hold.
 * `Damaged`: the layout or its content is broken, or of a version that is not known. `Busy`: another writer is at work.
 * `Medium`: the file system or the network fails, or refuses.
 */
export type ErrorGroup = (typeof groups)[RegistryError["_tag"]]

/** The errors of a union that belong to a group. */
export type InGroup<E, G extends ErrorGroup> = Extract<
  E,
  { readonly _tag: { [T in keyof typeof groups]: (typeof groups)[T] extends G ? T : never }[keyof typeof groups] }
>

/** What was asked for is not there. */
export type NotFound = InGroup<RegistryError, "NotFound">
/** The request is not in order, or its conditions do not hold. */
export type Refused = InGroup<RegistryError, "Refused">
/** The layout or its content is broken, or of a version that is not known. */
export type Damaged = InGroup<RegistryError, "Damaged">
/** Another writer is at work. */
export type Busy = InGroup<RegistryError, "Busy">
/** The file system or the network fails, or refuses. */
export type Medium = InGroup<RegistryError, "Medium">

/** The group of an error. */
export const groupOf = ({ _tag }: Pick<RegistryError, "_tag">): ErrorGroup => groups[_tag]

/** Tells the errors of a group from all others, whatever those are; for `Effect.catchIf` and `Stream.catchIf`. */
export const isInGroup = <G extends ErrorGroup>(group: G) => <E>(error: E): error is InGroup<E, G> =>
  typeof error === "object" && error !== null && "_tag" in error && isKnown(error._tag) && groups[error._tag] === group

const isKnown = (tag: unknown): tag is keyof typeof groups => typeof tag === "string" && Object.hasOwn(groups, tag)

/**
 * Whether the same call may succeed a moment later though nothing is done about it: another writer is at work
 * (`LayoutLocked`, `UploadBusy`), the device or the number of open files is the matter (`StorageError`), or a registry on
 * the network was not to be reached or busy (`RemoteError`). For `Effect.retry({ while: isRetryable, … })`.
 */
export const isRetryable = (error: unknown): boolean => isInGroup("Busy")(error) || isPassing(error)

const isPassing = (error: unknown): boolean =>
  error instanceof StorageError
    ? error.kind === "device" || error.kind === "tooManyFiles"
    : error instanceof RemoteError && error.passing
