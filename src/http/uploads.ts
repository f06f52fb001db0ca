/** Uploads of blobs (distribution-spec, "Pushing Blobs"): in one piece, in chunks, or mounted from elsewhere. */
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { field } from "../oci/field.ts"
import { RangeInvalid } from "../oci/OciError.ts"
import type { BlobWriter } from "../ops/api/BlobWriter.ts"
import { hasBody, statedLength, streamOf } from "./bodies.ts"
import { leastChunkBytes } from "./limits.ts"
import type { Route } from "./names.ts"
import { parseContentRange } from "./ranges.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Call, Surface } from "./Surface.ts"

type At = Extract<Route, { readonly _tag: "Upload" }>

/** Where a session goes on; a session without a byte cannot be told from one with a single byte. */
const progress = (status: 202 | 204, repository: string, id: string, size: number) =>
  HttpServerResponse.empty({ status, headers: progressHeaders(repository, id, size) })

const progressHeaders = (repository: string, id: string, size: number): Record<string, string> => ({
  location: `/v2/${repository}/blobs/uploads/${id}`,
  range: `0-${Math.max(0, size - 1)}`,
  "content-length": "0",
  "docker-upload-uuid": id,
  "oci-chunk-min-length": String(leastChunkBytes)
})

const created = (repository: string, digest: string) =>
  HttpServerResponse.empty({
    status: 201,
    headers: {
      location: `/v2/${repository}/blobs/${digest}`,
      "content-length": "0",
      "docker-content-digest": digest
    }
  })

export const startUpload = Effect.fnUntraced(function*(
  { limits, registry }: Surface,
  { may, query, request }: Call,
  { repository }: Extract<Route, { readonly _tag: "Uploads" }>
) {
  const mount = query.get("mount")
  const from = query.get("from") ?? undefined
  // A mount must not give a client content that it may not pull. Such a client has to upload the bytes instead.
  if (mount !== null && (from === undefined ? may.everywhere("pull") : may.in("pull", from))) {
    const mounted = yield* registry.mountBlob(from, repository, mount).pipe(
      Effect.map(({ digest }) => created(repository, digest)),
      // A blob that is not there to be mounted is uploaded instead.
      Effect.catchTag("BlobUnknown", () => Effect.undefined)
    )
    if (mounted !== undefined) return mounted
  }
  const digest = query.get("digest")
  if (digest !== null) {
    const size = statedLength(request)
    const expected = { digest, ...field("size", size) }
    const { descriptor } = yield* registry.pushBlob(repository, streamOf(request, limits.blobBytes), expected)
    return created(repository, descriptor.digest)
  }
  const { id } = yield* registry.pushBlobChunked(repository)
  return progress(202, repository, id, 0)
})

export const uploadStatus = ({ registry }: Surface, _call: Call, { id, repository }: At): Answer =>
  Effect.map(
    registry.pushBlobChunkedResume(repository, id),
    ({ size }) => progress(204, repository, id, size)
  )

export const appendChunk = Effect.fnUntraced(function*(surface: Surface, { request }: Call, { id, repository }: At) {
  const writer = yield* surface.registry.pushBlobChunkedResume(repository, id)
  const { content, offset } = yield* chunkOf(surface, request, writer)
  return progress(202, repository, id, yield* placed(writer, writer.append(offset, content)))
})

export const finishUpload = Effect.fnUntraced(function*(
  surface: Surface,
  { query, request }: Call,
  { id, repository }: At
) {
  const digest = query.get("digest")
  if (digest === null) return yield* noDigest
  const writer = yield* surface.registry.pushBlobChunkedResume(repository, id)
  if (!hasBody(request)) return created(repository, (yield* writer.commit(digest)).digest)
  const { content, offset } = yield* chunkOf(surface, request, writer)
  return created(repository, (yield* placed(writer, writer.finish(offset, content, digest))).digest)
})

export const cancelUpload = ({ registry }: Surface, _call: Call, { id, repository }: At): Answer =>
  Effect.flatMap(
    registry.pushBlobChunkedResume(repository, id),
    ({ cancel }) => Effect.as(cancel, HttpServerResponse.empty({ status: 204 }))
  )

/** The bytes of a request and where they go: without a `Content-Range`, where the session stands. */
const chunkOf = Effect.fnUntraced(function*({ limits }: Surface, request: HttpServerRequest, { size }: BlobWriter) {
  const header = request.headers["content-range"]
  const range = header === undefined ? undefined : parseContentRange(header)
  if (header !== undefined && range === undefined) return yield* notRange
  const stated = statedLength(request)
  if (range !== undefined && stated !== undefined && range.length !== stated) {
    return yield* new Refused({
      status: 400,
      code: "SIZE_INVALID",
      message: `the chunk has ${stated} bytes, and its range ${range.length}`
    })
  }
  return { offset: range?.offset ?? size, content: streamOf(request, Math.max(0, limits.blobBytes - size)) }
})

/** A chunk that goes elsewhere is refused with where the session stands. */
const placed = <A, E, R>({ id, repository }: BlobWriter, push: Effect.Effect<A, E | RangeInvalid, R>) =>
  Effect.catchIf(push, (failure): failure is RangeInvalid => failure instanceof RangeInvalid, (failure) =>
    Effect.fail(
      new Refused({
        status: 416,
        code: "BLOB_UPLOAD_INVALID",
        message: failure.message,
        headers: progressHeaders(repository, id, failure.size)
      })
    ))

const noDigest = new Refused({
  status: 400,
  code: "DIGEST_INVALID",
  message: "an upload ends with what it has to be: ?digest=sha256:…"
})

const notRange = new Refused({
  status: 416,
  code: "BLOB_UPLOAD_INVALID",
  message: "a chunk's range is written as in Content-Range: 0-1023"
})
