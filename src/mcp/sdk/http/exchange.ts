/** One request and its response, on node's HTTP. */
import { Effect, Schema } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { field } from "../../../oci/field.ts"

/** A request, or the end of it, that is answered with an error before it reaches any server. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  status: Schema.Int,
  /** The number of the JSON-RPC error. */
  number: Schema.Int,
  message: Schema.String,
  /** The id of the request, when it has been read. */
  id: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
  data: Schema.optionalKey(Schema.Unknown)
}) {}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Errors without a number of their own: clients go by the status. */
export const unspecified = -32000

export const reject = ({ response }: Exchange, { data, id, message, number, status }: Rejected): void => {
  if (response.headersSent) {
    response.end()
    return
  }
  // The rest of a refused body is not read, so the connection has to be closed.
  const isUnread = status === 401 || status === 403 || status === 413
  const headers = { "content-type": "application/json", ...(isUnread ? { connection: "close" } : {}) }
  response.writeHead(status, headers).end(
    JSON.stringify({
      jsonrpc: "2.0",
      ...field("id", id),
      error: { code: number, message, ...field("data", data) }
    })
  )
}

/** The body as JSON, once all of it is here. */
export const jsonBody = ({ request }: Exchange, limit: number): Effect.Effect<unknown, Rejected> =>
  Effect.callback<Buffer, Rejected>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const tooLarge = (): void => {
      request.removeAllListeners("data")
      request.resume()
      resume(
        Effect.fail(
          new Rejected({ status: 413, number: unspecified, message: `The body has more than ${limit} bytes` })
        )
      )
    }
    if (Number(request.headers["content-length"] ?? 0) > limit) return tooLarge()
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) tooLarge()
      else chunks.push(chunk)
    })
    request.once("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
    request.once("error", () => resume(Effect.interrupt))
  }).pipe(
    Effect.flatMap((bytes) =>
      Effect.try({
        try: (): unknown => JSON.parse(bytes.toString("utf8")),
        catch: () => new Rejected({ status: 400, number: -32700, message: "Parse error: Invalid JSON" })
      })
    )
  )

/** When the response is written, or the client has closed the connection. */
export const closed = ({ response }: Exchange): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (response.closed) return resume(Effect.void)
    const end = (): void => resume(Effect.void)
    response.once("close", end)
    return Effect.sync(() => {
      response.off("close", end)
    })
  })
