/** Asks those who lend keys, within a short time. What they answer is in no failure. */
import { Effect, Schedule } from "effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { RemoteError, Unauthorized } from "../../../oci/OciError.ts"
import { collectBytes } from "../../../ops/manifests/collectBytes.ts"
import { bodyOf, isPassing, transportError, wrongAnswer } from "../../../remote/wire/problems.ts"
import type { StoreFault } from "../ObjectStore.ts"

export interface Question {
  readonly method?: "GET" | "PUT" | "POST"
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** A form. */
  readonly body?: string
  readonly operation: string
  /** For the whole answer: milliseconds. */
  readonly millis: number
  readonly tries: number
}

/** How much an answer has at most: bytes. */
const answerBytes = 1024 * 1024

/** What is said of an answer that is no success, beside its status. */
type Explained = (text: string) => string

/** The text of an answer with a status of 2xx; `Unauthorized` where the question was refused. */
export const ask = (
  { body, headers = {}, method = "GET", millis, operation, tries, url }: Question,
  explained: Explained = () => ""
): Effect.Effect<string, StoreFault, HttpClient.HttpClient> => {
  const { host } = url
  const once = Effect.scoped(Effect.gen(function*() {
    const client = HttpClient.withScope(yield* HttpClient.HttpClient)
    const response = yield* client.execute(
      HttpClientRequest.make(method)(url, {
        headers: { ...headers, "accept-encoding": "identity" },
        ...(body === undefined ? {} : { body: HttpBody.text(body, formType) })
      })
    ).pipe(
      // What opens a bucket is in the headers, and belongs into no span.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.mapError((error) => transportError(host, operation, error))
    )
    const bytes = yield* collectBytes(
      bodyOf(host, operation, response, millis),
      (size) => size > answerBytes ? Effect.fail(wrongAnswer(host, operation, "its answer is too large")) : Effect.void
    )
    const { status } = response
    const text = Buffer.from(bytes).toString()
    if (status >= 200 && status < 300) return text
    const told = explained(text)
    if (isPassing(status) || status < 400) {
      const reason = told === "" ? "it failed" : `it failed with ${told}`
      return yield* new RemoteError({ host, operation, status, passing: isPassing(status), reason })
    }
    return yield* new Unauthorized({
      host,
      store: true,
      reason: `${told === "" ? "it refused" : told} (HTTP ${status})`
    })
  }))
  return once.pipe(
    Effect.timeoutOrElse({
      duration: millis,
      orElse: () =>
        Effect.fail(new RemoteError({ host, operation, passing: true, reason: `no answer within ${millis / 1000} s` }))
    }),
    Effect.retry({
      while: (fault) => fault._tag === "RemoteError" && fault.passing,
      schedule: Schedule.exponential(100).pipe(Schedule.jittered, Schedule.upTo({ times: tries - 1 }))
    })
  )
}

export const formType = "application/x-www-form-urlencoded; charset=utf-8"
