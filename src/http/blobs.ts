/** Blobs (distribution-spec, "Pulling blobs", "Deleting Blobs"). */
import { Effect } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Descriptor } from "../oci/Descriptor.ts"
import { octetStream } from "../oci/MediaType.ts"
import type { Content } from "../ops/api/Content.ts"
import { etagOf, isKnown } from "./etags.ts"
import type { Route } from "./names.ts"
import { parseRange } from "./ranges.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Call, Surface } from "./Surface.ts"

type At = Extract<Route, { readonly _tag: "Blob" }>

/** `Content-Type` says nothing: a blob has no media type of its own. */
const headersOf = ({ digest }: Descriptor): Record<string, string> => ({
  "docker-content-digest": digest,
  "accept-ranges": "bytes",
  etag: etagOf(digest)
})

const unchanged = (descriptor: Descriptor) => HttpServerResponse.empty({ status: 304, headers: headersOf(descriptor) })

export const headBlob = ({ registry }: Surface, { request }: Call, { digest, repository }: At): Answer =>
  Effect.map(registry.resolveBlob(repository, digest), (descriptor) =>
    isKnown(request.headers, descriptor.digest)
      ? unchanged(descriptor)
      : HttpServerResponse.empty({
        status: 200,
        headers: {
          ...headersOf(descriptor),
          "content-type": octetStream,
          "content-length": String(descriptor.size)
        }
      }))

export const getBlob = Effect.fnUntraced(function*(
  { registry }: Surface,
  { request }: Call,
  { digest, repository }: At
) {
  const { headers } = request
  const range = mayRange(headers["if-range"], digest) ? headers["range"] : undefined
  if (range === undefined && headers["if-none-match"] === undefined) {
    return whole(yield* content(registry, repository, digest))
  }
  const descriptor = yield* registry.resolveBlob(repository, digest)
  if (isKnown(headers, descriptor.digest)) return unchanged(descriptor)
  const asked = parseRange(range, descriptor.size)
  switch (asked._tag) {
    case "All":
      return whole(yield* content(registry, repository, digest))
    case "Unsatisfiable":
      return yield* unsatisfiable(descriptor.size)
    case "Part": {
      const { end, offset } = asked
      const { stream } = yield* registry.getBlobRange(repository, digest, { offset, end }, { passing: true })
      return HttpServerResponse.stream(stream, {
        status: 206,
        contentType: octetStream,
        contentLength: end - offset,
        headers: { ...headersOf(descriptor), "content-range": `bytes ${offset}-${end - 1}/${descriptor.size}` }
      })
    }
  }
})

export const deleteBlob = ({ registry }: Surface, _call: Call, { digest, repository }: At): Answer =>
  Effect.as(
    registry.deleteBlob(repository, digest),
    HttpServerResponse.empty({ status: 202, headers: { "content-length": "0" } })
  )

/**
 * A file whose bytes were hashed before is not hashed again while it is the same file: the client hashes it as well.
 * Any other file is hashed, and its end is held back until its bytes are right. Pieces pass: the server takes the next
 * one when the socket has taken the last.
 */
const content = Effect.fnUntraced(function*(registry: Surface["registry"], repository: string, digest: string) {
  const asItIs = yield* registry.getBlob(repository, digest, { verify: false, passing: true })
  return asItIs.verified ? asItIs : yield* registry.getBlob(repository, digest, { passing: true })
})

const whole = ({ descriptor, stream }: Content) =>
  HttpServerResponse.stream(stream, {
    contentType: octetStream,
    contentLength: descriptor.size,
    headers: headersOf(descriptor)
  })

/** A range of something else than the client has begun with is of no use to it. */
const mayRange = (header: string | undefined, digest: string): boolean =>
  header === undefined || header === etagOf(digest)

const unsatisfiable = (size: number) =>
  new Refused({
    status: 416,
    code: "RANGE_INVALID",
    message: `the blob has ${size} bytes, and none of them in this range`,
    headers: { "content-range": `bytes */${size}` }
  })
