/** Bodies of requests: how long they say they are, and how long they may be. */
import { ByteSize, Effect, Stream } from "effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { Refused } from "./Refused.ts"

/** What the headers say, in bytes; none for a body that is sent in pieces. */
export const statedLength = ({ headers }: HttpServerRequest): number | undefined =>
  headers["content-length"] === undefined ? undefined : Number(headers["content-length"])

export const hasBody = (request: HttpServerRequest): boolean =>
  request.headers["transfer-encoding"] !== undefined || (statedLength(request) ?? 0) > 0

const tooLarge = (limit: number): Refused =>
  new Refused({ status: 413, code: "SIZE_INVALID", message: `the body has more than ${limit} bytes` })

/** All of a body that is small. */
export const bytesOf = (
  request: HttpServerRequest,
  limit: number
): Effect.Effect<Uint8Array, HttpServerError | Refused> =>
  (statedLength(request) ?? 0) > limit
    ? Effect.fail(tooLarge(limit))
    : Effect.map(request.arrayBuffer, (buffer) => new Uint8Array(buffer)).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(limit)),
      Effect.catch((error): Effect.Effect<never, HttpServerError | Refused> =>
        Effect.fail(
          error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge" ? tooLarge(limit) : error
        )
      )
    )

/** The body as it comes; it fails where it goes on beyond the limit. */
export const streamOf = (
  request: HttpServerRequest,
  limit: number
): Stream.Stream<Uint8Array, HttpServerError | Refused> => {
  const stated = statedLength(request)
  if (stated !== undefined) return stated > limit ? Stream.fail(tooLarge(limit)) : request.stream
  return request.stream.pipe(
    Stream.mapAccumArrayEffect(() => 0, (before, pieces) => {
      const bytes = pieces.reduce((sum, { length }) => sum + length, before)
      return bytes > limit ? Effect.fail(tooLarge(limit)) : Effect.succeed([bytes, pieces] as const)
    })
  )
}
