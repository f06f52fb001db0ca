/** What went wrong with a request, in words that hold no secret: never an address with its query, never a header. */
import { Effect, Result, Stream } from "effect"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { fieldOf, isJsonObject, isList } from "../../oci/Descriptor.ts"
import { decodeText, readJson } from "../../oci/Json.ts"
import { InputUnsuitable, RemoteError } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import * as limits from "./limits.ts"

/** What may be answered differently a moment later. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504])

export const isPassing = (status: number): boolean => passing.has(status)

/** What the server says of a failure, by the distribution-spec's "Error Codes" or as plain text; of an empty answer nothing. */
export interface Told {
  readonly codes: ReadonlyArray<string>
  readonly text: string
}

export const toldBy = (response: HttpClientResponse): Effect.Effect<Told> =>
  collectBytes(response.stream, (size) => size > limits.problemBytes ? Effect.fail("too much") : Effect.void).pipe(
    Effect.map(read),
    // What explains a failure and does not arrive explains nothing; the failure itself is told by its status.
    Effect.orElseSucceed(() => ({ codes: [], text: "" }))
  )

const read = (bytes: Uint8Array): Told => {
  const json = Result.getOrUndefined(readJson(bytes))
  const errors = isJsonObject(json) ? fieldOf(json, "errors") : undefined
  if (!isList(errors)) {
    const text = Result.getOrElse(decodeText(bytes), () => "")
    return { codes: [], text: text.trimStart().startsWith("<") ? "" : text.trim().slice(0, 200) }
  }
  const all = errors.slice(0, 10).filter(isJsonObject)
  const texts = (key: string) => all.map((one) => fieldOf(one, key)).filter((text) => typeof text === "string")
  return { codes: texts("code"), text: texts("message").join("; ") }
}

/** A failure that may be tried again, with the time that the server asked for: milliseconds. */
export interface Failed {
  readonly error: RemoteError
  readonly retryAfter?: number
}

export const statusError = (
  host: string,
  operation: string,
  response: HttpClientResponse,
  { text }: Told
): RemoteError => {
  const { status } = response
  const after = retryAfterOf(response)
  const wait = after === undefined ? "" : `; it asks to come back in ${Math.ceil(after / 1000)} s`
  const reason = status === 429
    ? `too many requests${wait}`
    : status >= 500
    ? `the registry failed${wait}`
    : "the registry refused"
  return new RemoteError({
    host,
    operation,
    status,
    passing: isPassing(status),
    reason: text === "" ? reason : `${reason}: ${text}`
  })
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
export const retryAfterOf = ({ headers }: HttpClientResponse): number | undefined => {
  const text = headers["retry-after"]
  if (text === undefined) return undefined
  if (/^\d{1,9}$/u.test(text)) return Number(text) * 1000
  const until = Date.parse(text)
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now())
}

/**
 * What a connection failed with, by the names that systems give; the rest of it may hold the address. A file that the client
 * needed for it and could not use is named.
 */
export const transportError = (host: string, operation: string, error: HttpClientError): RemoteError => {
  const unsuitable = causesOf(error.reason).find((cause) => cause instanceof InputUnsuitable)
  if (unsuitable !== undefined) return wrongAnswer(host, operation, unsuitable.message)
  const code = codeIn(error.reason)
  return new RemoteError({
    host,
    operation,
    passing: !lasting.test(code),
    reason: code === "" ? "the connection failed" : `the connection failed with ${code}`
  })
}

/** Names that do not exist, and certificates that are not to be trusted, stay so. */
const lasting =
  /^(?:ENOTFOUND|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO|ERR_INVALID)/u

const codeIn = (reason: unknown): string => {
  for (const cause of causesOf(reason)) {
    if ("code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]+$/u.test(cause.code)) return cause.code
  }
  return ""
}

/** A failure, what caused it, and so on. */
const causesOf = (reason: unknown): ReadonlyArray<object> => {
  const causes: Array<object> = []
  for (let cause = reason; causes.length < 8 && typeof cause === "object" && cause !== null;) {
    causes.push(cause)
    cause = "cause" in cause ? cause.cause : undefined
  }
  return causes
}

/** Content that came too slowly. */
export const stalled = (host: string, operation: string, millis: number): RemoteError =>
  new RemoteError({ host, operation, passing: true, reason: `nothing came for ${Math.ceil(millis / 1000)} s` })

/** An answer that no honest registry gives, or that is not taken from one. */
export const wrongAnswer = (host: string, operation: string, reason: string): RemoteError =>
  new RemoteError({ host, operation, passing: false, reason })

/** The bytes of an answer, as a stream that fails when nothing comes any more. */
export const bodyOf = (
  host: string,
  operation: string,
  response: HttpClientResponse,
  idleMillis: number
): Stream.Stream<Uint8Array, RemoteError> =>
  response.stream.pipe(
    Stream.mapError((error) => transportError(host, operation, error)),
    Stream.timeoutOrElse({
      duration: idleMillis,
      orElse: () => Stream.fail(stalled(host, operation, idleMillis))
    })
  )
