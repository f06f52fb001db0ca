/** Sends requests: over redirects, within deadlines, and again where that is allowed. */
import { Duration, Effect, Schedule, type Scope } from "effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { field } from "../../oci/field.ts"
import type { RemoteError } from "../../oci/OciError.ts"
import * as limits from "./limits.ts"
import {
  bodyOf,
  type Failed,
  isPassing,
  retryAfterOf,
  stalled,
  statusError,
  toldBy,
  transportError,
  wrongAnswer
} from "./problems.ts"
import type { Reach } from "./reach.ts"
import type { RemoteTiming } from "./RemoteTiming.ts"

export interface Sent {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Only for the host of `url`. */
  readonly authorization?: string | undefined
  readonly body?: Uint8Array | undefined
  /** What it is for, as failures tell of it. */
  readonly operation: string
  /** Whether it may be sent again though it may have arrived. */
  readonly repeatable: boolean
}

export interface Wire {
  readonly host: string
  readonly timing: RemoteTiming
  /** The answer, whatever its status is, once there is one that is not to be tried again. */
  readonly send: (sent: Sent) => Effect.Effect<HttpClientResponse, RemoteError, Scope.Scope>
  readonly body: (operation: string, response: HttpClientResponse) => ReturnType<typeof bodyOf>
}

export const makeWire = (client: HttpClient.HttpClient, host: string, timing: RemoteTiming, reach: Reach): Wire => {
  const scoped = HttpClient.withScope(client)

  /** One request, and no redirect followed. */
  const once = Effect.fnUntraced(function*(
    { body, headers, method, operation }: Sent,
    url: URL,
    authorization: string | undefined
  ): Effect.fn.Return<HttpClientResponse, RemoteError, Scope.Scope> {
    yield* reach(url)
    const request = HttpClientRequest.make(method)(url, {
      headers: { ...headers, "accept-encoding": "identity", ...field("authorization", authorization) },
      ...(body === undefined ? {} : { body: HttpBody.uint8Array(body, headers["content-type"]) })
    })
    return yield* scoped.execute(request).pipe(
      // Addresses of storage have signatures in them, which belong into no span.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.mapError((error) => transportError(host, operation, error)),
      Effect.timeoutOrElse({
        duration: timing.answerMillis,
        orElse: () => Effect.fail(stalled(host, operation, timing.answerMillis))
      })
    )
  })

  const followed = Effect.fnUntraced(function*(
    sent: Sent
  ): Effect.fn.Return<HttpClientResponse, RemoteError, Scope.Scope> {
    let { authorization, url } = sent
    for (let hops = 0; hops <= limits.redirects; hops++) {
      const response = yield* once(sent, url, authorization)
      const location = response.headers["location"]
      if (response.status < 301 || response.status > 308 || response.status === 304 || location === undefined) {
        return response
      }
      const next = nextOf(url, location)
      const why = sent.method !== "GET" && sent.method !== "HEAD"
        ? "it sends a change elsewhere, which is not followed"
        : next === undefined
        ? "it redirects to what is no address on the web"
        : url.protocol === "https:" && next.protocol !== "https:"
        ? "it redirects from HTTPS to plain HTTP"
        : undefined
      if (why !== undefined || next === undefined) return yield* wrongAnswer(host, sent.operation, why ?? "")
      // What opens one host is not shown to another, and once it is withheld it stays so.
      if (next.origin !== url.origin) authorization = undefined
      url = next
    }
    return yield* wrongAnswer(host, sent.operation, `it redirects more than ${limits.redirects} times`)
  })

  const attempt = Effect.fnUntraced(function*(sent: Sent): Effect.fn.Return<HttpClientResponse, Failed, Scope.Scope> {
    const response = yield* Effect.mapError(followed(sent), (error): Failed => ({ error }))
    if (!sent.repeatable || !isPassing(response.status)) return response
    const after = retryAfterOf(response)
    const error = statusError(host, sent.operation, response, yield* toldBy(response))
    return yield* Effect.fail<Failed>({ error, ...field("retryAfter", after) })
  })

  return {
    host,
    timing,
    send: (sent) =>
      attempt(sent).pipe(
        Effect.retry({
          while: (failed) =>
            sent.repeatable && failed.error.passing &&
            (failed.retryAfter ?? 0) <= limits.retryAfterMillis,
          schedule: patience(timing)
        }),
        Effect.mapError(({ error }) => error)
      ),
    body: (operation, response) => bodyOf(host, operation, response, timing.idleMillis)
  }
}

/** Twice as long each time, not in step with others, and at least as long as the server asked for. */
const patience = ({ retries, retryMillis }: RemoteTiming) =>
  Schedule.exponential(retryMillis).pipe(
    Schedule.jittered,
    Schedule.setInputType<Failed>(),
    Schedule.modifyDelay(({ duration, input }) =>
      Effect.succeed(
        Duration.max(duration, Duration.millis(input.retryAfter ?? 0))
      )
    ),
    Schedule.upTo({ times: retries })
  )

/** An address on the web without a user in it, or nothing. */
const nextOf = (from: URL, location: string): URL | undefined => {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  return next !== undefined && /^https?:$/u.test(next.protocol) && next.username === "" && next.password === ""
    ? next
    : undefined
}
