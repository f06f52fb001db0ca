/** What each operation of a registry can fail with. */
import type { Refusal } from "../../layout/Command.ts"
import type { ContentFault, ManifestFault, ReadFault, WriteFault } from "../../oci/faults.ts"
import type {
  AlgorithmUnsupported,
  BlobUnknown,
  BlobUploadUnknown,
  DigestInvalid,
  FileExists,
  FileUnknown,
  LayerInvalid,
  LayerUnsupported,
  LayoutNotFound,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  MediaTypeUnsupported,
  NameInvalid,
  NameUnknown,
  PathDenied,
  PlanExpired,
  PlatformUnknown,
  RangeInvalid,
  ReferenceInvalid,
  SizeInvalid,
  StorageError,
  SymlinkRefused,
  TagInvalid,
  Unsupported,
  UploadBusy
} from "../../oci/OciError.ts"

/** Of `resolveBlob`. */
export type ResolveBlobError = NameInvalid | DigestInvalid | AlgorithmUnsupported | BlobUnknown | ReadFault
/** Of `getBlob`. */
export type GetBlobError = ResolveBlobError | ContentFault
/** Of `getBlobRange`. */
export type GetBlobRangeError = GetBlobError | RangeInvalid
/** Of `resolveManifest`. */
export type ResolveManifestError = NameInvalid | NameUnknown | DigestInvalid | ManifestUnknown | ReadFault
/** Of `resolveTag` and `choices`. */
export type ResolveTagError = NameInvalid | NameUnknown | TagInvalid | ManifestUnknown | ReadFault
/** Of `getManifest`. */
export type GetManifestError = ResolveManifestError | ManifestFault
/** Of `getTag`. */
export type GetTagError = ResolveTagError | ManifestFault
/** Of `resolve`. */
export type ResolveError = ResolveManifestError | ResolveTagError
/** Of `get`. */
export type GetError = GetManifestError | GetTagError
/** Of `describe`. */
export type DescribeError = NameInvalid | ManifestFault
/** Of `tags` and `untagged`. */
export type ListTagsError = NameInvalid | NameUnknown | ReadFault
/** Of `digests`. */
export type ListDigestsError = NameInvalid | ReadFault
/** Of `referrers`, `attached`, `tagsOf` and `expandDigest`. */
export type ByDigestError = NameInvalid | DigestInvalid | ReadFault
/** Of `resolveName`. */
export type ResolveNameError = DigestInvalid | ManifestUnknown | ReadFault
/** Of `getNamed`. */
export type GetNamedError = ResolveNameError | ManifestFault

/** Of `pushBlob`. */
export type PushBlobError = NameInvalid | DigestInvalid | AlgorithmUnsupported | SizeInvalid | WriteFault
/** Of what begins, continues and looks for upload sessions. */
export type UploadError = NameInvalid | BlobUploadUnknown | DigestInvalid | RangeInvalid | SizeInvalid | WriteFault
/** Of what is done with an upload session. */
export type UploadSessionError =
  | AlgorithmUnsupported
  | BlobUploadUnknown
  | DigestInvalid
  | RangeInvalid
  | SizeInvalid
  | UploadBusy
  | WriteFault
/** Of `mountBlob`. */
export type MountBlobError =
  | AlgorithmUnsupported
  | BlobUnknown
  | DigestInvalid
  | NameInvalid
  | SizeInvalid
  | WriteFault
/** Of `tagManifest`. */
export type TagManifestError = NameInvalid | NameUnknown | TagInvalid | DigestInvalid | Refusal | WriteFault
/** Of `pushManifest`. */
export type PushManifestError =
  | AlgorithmUnsupported
  | DigestInvalid
  | ManifestInvalid
  | ManifestTooLarge
  | MediaTypeUnsupported
  | NameInvalid
  | Refusal
  | SizeInvalid
  | TagInvalid
  | WriteFault
/** Of `batch`. */
export type BatchError = PushManifestError | NameUnknown | Unsupported
/** Of `deleteBlob`. */
export type DeleteBlobError = NameInvalid | DigestInvalid | AlgorithmUnsupported | Refusal | WriteFault
/** Of `deleteManifest`. */
export type DeleteManifestError = NameInvalid | DigestInvalid | SizeInvalid | Refusal | WriteFault
/** Of `deleteTag`. */
export type DeleteTagError = NameInvalid | TagInvalid | DigestInvalid | Refusal | WriteFault
/** Of `deleteName`. */
export type DeleteNameError = DigestInvalid | Refusal | Unsupported | WriteFault
/** Of `moveName`. */
export type MoveNameError = DeleteNameError | NameInvalid | NameUnknown
/** Of `forecast`. */
export type ForecastError =
  | AlgorithmUnsupported
  | BlobUnknown
  | DigestInvalid
  | ManifestUnknown
  | NameInvalid
  | NameUnknown
  | ReadFault
/** Of what is about one layout as a whole, which a tree has several of. */
export type ReadLayoutError = NameInvalid | Unsupported | ReadFault
/** Of changes of one layout as a whole. */
export type WriteLayoutError = NameInvalid | Unsupported | WriteFault
/** Of `history`, `watch` and `startWatch`. */
export type HistoryError = ReadLayoutError | TagInvalid
/** Of `revert` and `restore`. */
export type RestoreError = WriteLayoutError | DigestInvalid | TagInvalid | Refusal
/** Of `plannedGarbage`. */
export type PlannedGarbageError = ReadLayoutError | PlanExpired
/** Of `collectGarbage`. */
export type CollectGarbageError = WriteLayoutError | PlanExpired | Refusal
/** Of `pin`. */
export type PinError = NameInvalid | DigestInvalid | AlgorithmUnsupported | BlobUnknown | WriteFault
/** Of `verify`. */
export type VerifyError =
  | ReadLayoutError
  | DigestInvalid
  | ReferenceInvalid
  | ManifestUnknown
  | NameUnknown
  | TagInvalid
/** Of what opens a layout, or a tree of them. */
export type OpenError = NameInvalid | LayoutNotFound | Unsupported | ReadFault
/** Of reading a manifest, and what it needs, where it is copied from or explained. */
export type SourceError = GetError | GetNamedError | GetBlobError | ByDigestError
/** Of `inspect`. */
export type InspectError = SourceError | PlatformUnknown
/** Of `copyManifest` and `copyManifests`. */
export type CopyError = InspectError | BatchError | PushBlobError | MountBlobError
/** Of opening an image and looking into it. */
export type LookError = InspectError | GetBlobRangeError | LayerInvalid | LayerUnsupported
/** Of `repair`. */
export type RepairError = VerifyError | CopyError
/** Of reading a file outside of layouts, and of what is read of it. */
export type ReadFileError = FileUnknown | PathDenied | RangeInvalid | StorageError | SymlinkRefused
/** Of writing such a file. */
export type CreateFileError = FileExists | FileUnknown | PathDenied | StorageError | SymlinkRefused
