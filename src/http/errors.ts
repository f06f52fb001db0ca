/** How failures are answered: the status, and the distribution-spec's body with its code ("Error Codes"). */
import type { HttpServerError } from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { field } from "../oci/field.ts"
import type { RegistryError } from "../oci/OciError.ts"
import { Refused } from "./Refused.ts"

/** Everything that handling a request fails with; the last is a body that broke off. */
export type Failure = RegistryError | Refused | HttpServerError

const statuses: Readonly<Record<RegistryError["_tag"], number>> = {
  AlgorithmUnsupported: 400,
  ArchiveInvalid: 500,
  BlobUnknown: 404,
  BlobUploadUnknown: 404,
  BundleBaseUnknown: 500,
  Conflict: 412,
  ContentMismatch: 500,
  Denied: 403,
  DigestAmbiguous: 400,
  DigestInvalid: 400,
  FileExists: 500,
  FileUnknown: 500,
  FormatUnsupported: 500,
  HistoryInvalid: 500,
  ImageUnsuitable: 500,
  IndexInvalid: 500,
  IndexTooLarge: 507,
  InputUnsuitable: 500,
  LayerInvalid: 422,
  LayerUnsupported: 422,
  LayoutInvalid: 500,
  LayoutLocked: 503,
  LayoutNotFound: 500,
  LayoutVersionUnsupported: 500,
  LimitExceeded: 422,
  ManifestBlobUnknown: 404,
  ManifestInvalid: 400,
  ManifestTooLarge: 413,
  ManifestUnknown: 404,
  MediaTypeUnsupported: 415,
  NameInvalid: 400,
  NameUnknown: 404,
  OutcomeUnknown: 500,
  PathDenied: 500,
  PathUnknown: 404,
  PlaceAmbiguous: 500,
  PlanExpired: 410,
  PlatformUnknown: 404,
  RangeInvalid: 416,
  Referenced: 409,
  ReferenceInvalid: 400,
  RegistriesConfInvalid: 500,
  RegistryBlocked: 502,
  RemoteError: 502,
  RevisionUnknown: 404,
  SizeInvalid: 400,
  StorageError: 500,
  SymlinkRefused: 500,
  TagExists: 412,
  TagInvalid: 400,
  Unauthorized: 502,
  Unsupported: 405,
  UploadBusy: 409
}

const statusOf = (failure: RegistryError): number => {
  // A manifest that is stored, and is none, is damage of the layout.
  if (failure._tag === "ManifestInvalid" && failure.digest !== undefined) return 500
  if (failure._tag === "StorageError" && failure.kind === "full") return 507
  if (failure._tag === "RemoteError" && failure.status === 429) return 429
  return statuses[failure._tag]
}

/** What a client may go on by, besides the message. */
const detailOf = (failure: RegistryError): Record<string, unknown> | undefined => {
  switch (failure._tag) {
    case "Conflict":
      return failure.actual === undefined ? undefined : { digest: failure.actual }
    case "TagExists":
    case "Referenced":
    case "BlobUnknown":
      return { digest: failure.digest }
    case "RangeInvalid":
      return { offset: failure.offset, size: failure.size }
    case "ManifestUnknown":
      return { name: failure.repository, reference: failure.reference }
    case "NameUnknown":
      return { name: failure.repository }
    default:
      return undefined
  }
}

interface OciErrorBody {
  readonly code: string
  readonly message: string
  readonly detail?: Record<string, unknown>
}

const errorsOf = (failure: RegistryError): ReadonlyArray<OciErrorBody> => {
  const { code, message } = failure
  if (failure._tag === "ManifestBlobUnknown") {
    return failure.missing.map(({ digest, path }) => ({ code, message, detail: { digest, path } }))
  }
  const detail = detailOf(failure)
  return [{ code, message, ...field("detail", detail) }]
}

const headersOf = (failure: RegistryError): Record<string, string> => {
  switch (failure._tag) {
    case "Conflict":
      return failure.actual === undefined ? {} : { etag: `"${failure.actual}"` }
    case "TagExists":
      return { etag: `"${failure.digest}"` }
    case "LayoutLocked":
    case "UploadBusy":
      return { "retry-after": "1" }
    case "RemoteError":
      return failure.status === 429 ? { "retry-after": "1" } : {}
    default:
      return {}
  }
}

const answer = (
  status: number,
  errors: ReadonlyArray<OciErrorBody>,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify({ errors }), { status, headers, contentType: "application/json" })

export const refused = ({ code, headers, message, status }: Refused): HttpServerResponse.HttpServerResponse =>
  answer(status, [{ code, message }], headers ?? {})

export const failed = (failure: Failure): HttpServerResponse.HttpServerResponse => {
  switch (failure._tag) {
    case "Refused":
      return refused(failure)
    case "HttpServerError":
      return refused(brokenOff)
    default:
      return answer(statusOf(failure), errorsOf(failure), headersOf(failure))
  }
}

/** The client has mostly ended the connection, so that it does not read this. */
const brokenOff = new Refused({
  status: 400,
  code: "SIZE_INVALID",
  message: "the body broke off, or is not what its headers say"
})

/** For what should not have happened; what it was is in the log. */
export const unexpected = new Refused({ status: 500, code: "UNKNOWN", message: "the server failed unexpectedly" })
