/** What operations can fail with whatever they are asked: the layout's state, its medium, and other writers. */
import type {
  AlgorithmUnsupported,
  ArchiveInvalid,
  ContentMismatch,
  Denied,
  DigestInvalid,
  FormatUnsupported,
  HistoryInvalid,
  IndexInvalid,
  IndexTooLarge,
  LayoutInvalid,
  LayoutLocked,
  LayoutVersionUnsupported,
  LimitExceeded,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  MediaTypeUnsupported,
  OutcomeUnknown,
  RegistryBlocked,
  RemoteError,
  RevisionUnknown,
  StorageError,
  SymlinkRefused,
  Unauthorized,
  Unsupported
} from "./OciError.ts"

/**
 * What every read can fail with: the layout is damaged (`IndexInvalid`, `LayoutInvalid`), of a version that is not known
 * (`LayoutVersionUnsupported`, `FormatUnsupported`), or over a limit (`IndexTooLarge`, `LimitExceeded`); the medium fails
 * (`StorageError`, `SymlinkRefused`). Of a layout as it was, `RevisionUnknown` and `HistoryInvalid` as well; of an archive,
 * `ArchiveInvalid`; of a registry on the network, `RemoteError`, `Unauthorized`, `RegistryBlocked`, and `Unsupported` for what none answers.
 */
export type ReadFault =
  | ArchiveInvalid
  | FormatUnsupported
  | HistoryInvalid
  | IndexInvalid
  | IndexTooLarge
  | LayoutInvalid
  | LayoutVersionUnsupported
  | LimitExceeded
  | RegistryBlocked
  | RemoteError
  | RevisionUnknown
  | StorageError
  | SymlinkRefused
  | Unauthorized
  | Unsupported

/** As `ReadFault`, when the content itself is read: `ContentMismatch` where it is not that of its digest. */
export type ContentFault = ReadFault | ContentMismatch

/** What reading and understanding a manifest can fail with. */
export type ManifestFault =
  | AlgorithmUnsupported
  | ContentFault
  | DigestInvalid
  | ManifestInvalid
  | ManifestTooLarge
  | ManifestUnknown
  | MediaTypeUnsupported

/**
 * What every write can fail with: what a read can, `LayoutLocked` while others write, `OutcomeUnknown` where a change may
 * not survive a power cut, and `Denied` where the registry was opened for reading only.
 */
export type WriteFault = ContentFault | LayoutLocked | OutcomeUnknown | Denied
