/** Sends signed requests to a bucket, and reads what the store answers. */
import { Clock, Effect, Schedule, type Scope } from "effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { RemoteError, Unauthorized } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { bodyOf, isPassing, stalled, transportError } from "../../remote/wire/problems.ts"
import type { Access } from "./credentials.ts"
import type { Encryption } from "./encryption.ts"
import { awsHost } from "./keys/settings.ts"
import type { Changed, Dated, StoreFault } from "./ObjectStore.ts"
import { encodePart, sign } from "./sign.ts"
import { elementsOf, textOf } from "./xml.ts"

/** Which bucket, and how it is spoken to. */
export interface BucketOptions extends Access {
  readonly bucket: string
  /** What all keys begin with, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
  /**
   * Whether the bucket is named in the path instead of the host: by default with an endpoint of one's own, and where the
   * bucket has a dot in its name, which no certificate covers.
   */
  readonly pathStyle?: boolean | undefined
  /** How objects are encrypted at rest; by default as the bucket does. */
  readonly encryption?: Encryption | undefined
}

/** How long it is waited for the first byte of an answer, and for the next. */
const answerMillis = 60_000
/** How often a read is asked again. */
const retries = 4
/** How much an explanation has at most: bytes. */
const problemBytes = 64 * 1024
/** How much an answer that is kept whole has at most: bytes. */
const wholeBytes = 256 * 1024 * 1024

type Method = "GET" | "HEAD" | "PUT" | "POST" | "DELETE"

export interface Sent {
  readonly method: Method
  /** Relative to the prefix; none for the bucket itself. */
  readonly key: string | undefined
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly relies?: number | undefined
  readonly operation: string
}

const nothing = new Uint8Array()

/** What only reads is asked again. */
export const reading = <A, R>(effect: Effect.Effect<A, StoreFault, R>): Effect.Effect<A, StoreFault, R> =>
  Effect.retry(effect, {
    while: (fault) => fault._tag === "RemoteError" && fault.passing,
    schedule: Schedule.exponential(100).pipe(Schedule.jittered, Schedule.upTo({ times: retries }))
  })

export const makeS3Wire = Effect.fnUntraced(function*(options: BucketOptions) {
  const { keys, prefix, region } = options
  const client = HttpClient.withScope(yield* HttpClient.HttpClient)
  const base = baseOf(options)
  const { host } = base
  /** How much the store's clock is ahead of this one's: milliseconds. */
  let ahead = 0

  const urlOf = ({ key, query = {} }: Sent): URL => {
    const url = new URL(base)
    const path = key === undefined ? [] : [...(prefix === "" ? [] : prefix.split("/")), ...key.split("/")]
    url.pathname = [base.pathname.replace(/\/$/u, ""), ...path.map(encodePart)].join("/")
    url.search = Object.entries(query).map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`).join("&")
    return url
  }

  const once = Effect.fnUntraced(function*(sent: Sent): Effect.fn.Return<HttpClientResponse, StoreFault, Scope.Scope> {
    const { body = nothing, headers = {}, method, operation, relies } = sent
    const url = urlOf(sent)
    const date = relies ?? (yield* Clock.currentTimeMillis) + ahead
    const request = HttpClientRequest.make(method)(url, {
      headers: { ...sign({ method, url, headers, body, date }, yield* keys, region), "accept-encoding": "identity" },
      ...(method === "PUT" || method === "POST" ? { body: HttpBody.uint8Array(body) } : {})
    })
    const response = yield* client.execute(request).pipe(
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.mapError((error) => transportError(host, operation, error)),
      Effect.timeoutOrElse({
        duration: answerMillis,
        orElse: () => Effect.fail(stalled(host, operation, answerMillis))
      })
    )
    const told = dateOf(response)
    if (!Number.isNaN(told)) ahead = told - (yield* Clock.currentTimeMillis)
    return response
  })

  /** Sends it anew once where this machine's clock was too far off; who relies on older answers is not helped by that. */
  const send = Effect.fnUntraced(function*(sent: Sent): Effect.fn.Return<HttpClientResponse, StoreFault, Scope.Scope> {
    const before = ahead
    const response = yield* once(sent)
    const isOff = Math.abs(ahead - before) > 60_000 && response.status === 403 && sent.relies === undefined
    return isOff ? yield* once(sent) : response
  })

  const problemOf = Effect.fnUntraced(function*(operation: string, response: HttpClientResponse) {
    const bytes = yield* collectBytes(
      bodyOf(host, operation, response, answerMillis),
      (size) => size > problemBytes ? Effect.fail("too much") : Effect.void
    ).pipe(
      // What explains a failure and does not arrive explains nothing; the failure itself is told by its status.
      Effect.orElseSucceed(() => nothing)
    )
    return refusalOf(host, operation, response.status, Buffer.from(bytes).toString())
  })

  /** The failure that an answer tells of. */
  const refused = (operation: string, response: HttpClientResponse): Effect.Effect<never, StoreFault> =>
    Effect.flatMap(problemOf(operation, response), ({ fault }) => Effect.fail(fault))

  /** Fails where it is the bucket that is missing, and not only the key. */
  const requireBucket = Effect.fnUntraced(function*(
    operation: string,
    response: HttpClientResponse
  ): Effect.fn.Return<void, StoreFault> {
    const { code, fault } = yield* problemOf(operation, response)
    if (code === "NoSuchBucket") return yield* fault
  })

  const requireDate = (operation: string, response: HttpClientResponse): Effect.Effect<number, RemoteError> => {
    const date = dateOf(response)
    return Number.isNaN(date) ? Effect.fail(wrong(host, operation, "its answer has no Date")) : Effect.succeed(date)
  }

  const changing = Effect.fnUntraced(function*(
    sent: Sent,
    isGone: boolean
  ): Effect.fn.Return<Dated<Changed>, StoreFault, Scope.Scope> {
    const { operation } = sent
    const response = yield* send(sent)
    const { status } = response
    if (status === 412 || status === 404) {
      const date = yield* requireDate(operation, response)
      if (status === 404) yield* requireBucket(operation, response)
      return { date, value: status === 404 && isGone ? { _tag: "Done", etag: "" } : { _tag: "Conflict" } }
    }
    if (status < 200 || status > 299) {
      const { code, fault } = yield* problemOf(operation, response)
      if (code !== "RequestTimeTooSkewed") return yield* fault
      return { date: yield* requireDate(operation, response), value: { _tag: "Expired" } }
    }
    const date = yield* requireDate(operation, response)
    const body = sent.method === "POST" ? yield* wholeOf(operation, response) : ""
    // An upload in parts may fail after its answer has begun.
    if (elementsOf(body, "Error").length > 0) {
      const { code, fault } = refusalOf(host, operation, 500, body)
      if (code !== "PreconditionFailed") return yield* fault
      return { date, value: { _tag: "Conflict" } }
    }
    return { date, value: { _tag: "Done", etag: response.headers["etag"] ?? textOf(body, "ETag") ?? "" } }
  })

  const wholeOf = (operation: string, response: HttpClientResponse) =>
    Effect.map(bytesOf(operation, response), (bytes) => Buffer.from(bytes).toString())

  const bytesOf = (operation: string, response: HttpClientResponse): Effect.Effect<Uint8Array, StoreFault> =>
    collectBytes(
      bodyOf(host, operation, response, answerMillis),
      (size) => size > wholeBytes ? Effect.fail(wrong(host, operation, "its answer is too large")) : Effect.void
    )

  return {
    host,
    send,
    changing,
    bytesOf,
    wholeOf,
    requireDate,
    requireBucket,
    refused,
    bodyOf: (operation: string, response: HttpClientResponse) => bodyOf(host, operation, response, answerMillis)
  }
})

const baseOf = ({ bucket, endpoint, pathStyle, region }: BucketOptions): URL => {
  const url = new URL(endpoint ?? `https://${awsHost("s3", region)}`)
  if (pathStyle ?? (endpoint !== undefined || bucket.includes("."))) {
    url.pathname = `${url.pathname.replace(/\/$/u, "")}/${bucket}`
  } else url.hostname = `${bucket}.${url.hostname}`
  return url
}

const dateOf = ({ headers }: HttpClientResponse): number => Date.parse(headers["date"] ?? "")

export const wrong = (host: string, operation: string, reason: string): RemoteError =>
  new RemoteError({ host, operation, passing: false, reason })

/**
 * Another request for the same key was under way. Gateways over a file system say the last one where a folder was removed
 * with its last object meanwhile.
 */
const passingCodes = new Set(["ConditionalRequestConflict", "OperationAborted", "ExistingObjectIsDirectory"])

/** What a store says to a request that it does not do, in words that hold no secret. */
const refusalOf = (
  host: string,
  operation: string,
  status: number,
  xml: string
): { readonly code: string; readonly fault: StoreFault } => {
  const code = textOf(xml, "Code") ?? ""
  if ((status === 401 || status === 403) && code !== "RequestTimeTooSkewed") {
    return { code, fault: new Unauthorized({ host, store: true, reason: code === "" ? "access is denied" : code }) }
  }
  const passing = isPassing(status) || passingCodes.has(code)
  const reason = code === "" ? "the store refused" : `the store refused with ${code}`
  return { code, fault: new RemoteError({ host, operation, status, passing, reason }) }
}
