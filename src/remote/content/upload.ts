/** Sends blobs: mounted where the registry has them, small ones in one piece, others in chunks that are resumed. */
import { Effect, Stream } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { runningHash } from "../../node/files/hasher.ts"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { octetStream } from "../../oci/MediaType.ts"
import { BlobUnknown, DigestInvalid, type RemoteError, SizeInvalid } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { RegistryReads, RegistryWrites } from "../../ops/api/Registry.ts"
import { concatenated } from "../../ops/manifests/collectBytes.ts"
import type { CallError, Session } from "../auth/makeSession.ts"
import * as limits from "../wire/limits.ts"
import { wrongAnswer } from "../wire/problems.ts"
import { digested, locationOf, named, pull, push } from "./requests.ts"

/** Where the next bytes go, and how many have arrived. */
interface Place {
  readonly location: URL
  readonly offset: number
}

export type Uploads = Pick<RegistryWrites, "pushBlob" | "mountBlob">

export const makeUploads = (session: Session, resolveBlob: RegistryReads["resolveBlob"]): Uploads => {
  const { host, wire } = session
  const operation = "pushing a blob"

  const continued = (response: HttpClientResponse, from: string | URL): Effect.Effect<URL, RemoteError> => {
    const location = locationOf(session, response, from)
    return location === undefined
      ? Effect.fail(wrongAnswer(host, operation, "the upload goes on at no address of this registry"))
      : Effect.succeed(location)
  }

  /** A new session; it may be begun again, since one that is forgotten expires. */
  const begin = Effect.fnUntraced(function*(repository: Repository) {
    const path = `v2/${repository}/blobs/uploads/`
    const response = yield* session.call({
      method: "POST",
      path,
      headers: { "content-length": "0" },
      scopes: [push(repository)],
      operation,
      repeatable: true
    })
    if (response.status !== 202) return yield* session.failed(operation, response)
    const least = Number(response.headers["oci-chunk-min-length"] ?? 0)
    return {
      location: yield* continued(response, path),
      chunk: Math.min(Math.max(wire.timing.chunkBytes, Number.isSafeInteger(least) ? least : 0), limits.chunkBytes)
    }
  }, Effect.scoped)

  const commit = Effect.fnUntraced(
    function*(repository: Repository, { location }: Place, digest: ContentDigest, body?: Uint8Array) {
      const path = new URL(location)
      path.searchParams.append("digest", digest)
      const response = yield* session.call({
        method: "PUT",
        path,
        headers: { "content-type": octetStream, ...(body === undefined ? { "content-length": "0" } : {}) },
        ...field("body", body),
        scopes: [push(repository)],
        operation,
        // A session that was concluded is gone, so that the second answer would be another.
        repeatable: false
      })
      if (response.status !== 201 && response.status !== 204) return yield* session.failed(operation, response)
    },
    Effect.scoped
  )

  /** How far a session is, where its answer broke off. */
  const lookUp = Effect.fnUntraced(function*(repository: Repository, { location, offset }: Place) {
    const response = yield* session.call({ method: "GET", path: location, scopes: [push(repository)], operation })
    if (response.status !== 204 && response.status !== 202) return yield* session.failed(operation, response)
    const arrived = arrivedOf(response, offset)
    if (arrived === undefined) return yield* wrongAnswer(host, operation, "it does not say how far the upload is")
    const next = response.headers["location"] === undefined ? location : yield* continued(response, location)
    return { location: next, offset: arrived }
  }, Effect.scoped)

  const sendOnce = Effect.fnUntraced(function*(repository: Repository, { location, offset }: Place, bytes: Uint8Array) {
    const response = yield* session.call({
      method: "PATCH",
      path: location,
      headers: { "content-type": octetStream, "content-range": `${offset}-${offset + bytes.length - 1}` },
      body: bytes,
      scopes: [push(repository)],
      operation
    })
    if (response.status !== 202 && response.status !== 204) return yield* session.failed(operation, response)
    return {
      location: yield* continued(response, location),
      offset: arrivedOf(response, offset) ?? offset + bytes.length
    }
  }, Effect.scoped)

  /** Sends a chunk; where its answer is lost, what has arrived of it is asked for, and only the rest is sent again. */
  const sendChunk = Effect.fnUntraced(function*(
    repository: Repository,
    start: Place,
    bytes: Uint8Array
  ): Effect.fn.Return<Place, CallError> {
    const end = start.offset + bytes.length
    let place = start
    for (let tries = 0; place.offset < end;) {
      const before = place.offset
      const sent: Effect.Effect<Place, CallError> = sendOnce(repository, place, bytes.subarray(before - start.offset))
      const retried = tries
      const here = place
      place = yield* sent.pipe(Effect.catchTag("RemoteError", (error) => {
        const mayHaveArrived = error.passing || error.status === 416
        if (!mayHaveArrived || retried >= wire.timing.retries) return Effect.fail(error)
        return Effect.andThen(
          Effect.sleep(wire.timing.retryMillis * 2 ** retried),
          Effect.mapError(lookUp(repository, here), (second) => second._tag === "RemoteError" ? error : second)
        )
      }))
      if (place.offset < start.offset || place.offset > end) {
        return yield* wrongAnswer(host, operation, "it says that other bytes arrived than were sent")
      }
      tries = place.offset > before ? 0 : tries + 1
      if (tries > wire.timing.retries) return yield* wrongAnswer(host, operation, "none of the bytes arrive")
    }
    return place
  })

  /** Best effort: a session that stays expires. */
  const cancel = (repository: Repository, location: URL): Effect.Effect<void> =>
    session.call({ method: "DELETE", path: location, scopes: [push(repository)], operation, repeatable: false }).pipe(
      Effect.scoped,
      Effect.ignore
    )

  /** A blob in one request; as often as it may take, since the same blob twice is one. */
  const pushSmall = (
    repository: Repository,
    digest: ContentDigest,
    bytes: Uint8Array
  ): Effect.Effect<void, CallError> => {
    const attempt = (tries: number): Effect.Effect<void, CallError> =>
      Effect.flatMap(begin(repository), ({ location }) => commit(repository, { location, offset: 0 }, digest, bytes))
        .pipe(
          Effect.catchTag("RemoteError", (error) =>
            error.passing && tries < wire.timing.retries
              ? Effect.andThen(Effect.sleep(wire.timing.retryMillis * 2 ** tries), attempt(tries + 1))
              : Effect.fail(error))
        )
    return attempt(0)
  }

  /** The last answer may be lost though the blob is there: that is asked before it is told as failed. */
  const concluded = (
    repository: Repository,
    place: Place,
    digest: ContentDigest
  ): Effect.Effect<void, CallError> =>
    commit(repository, place, digest).pipe(
      Effect.catchTag("RemoteError", (error) =>
        error.passing
          ? resolveBlob(repository, digest).pipe(
            Effect.asVoid,
            Effect.mapError(() => error)
          )
          : Effect.fail(error))
    )

  return {
    pushBlob: Effect.fn("Registry.pushBlob")(function*<E, R>(
      input: string,
      content: Stream.Stream<Uint8Array, E, R>,
      expected: Parameters<Uploads["pushBlob"]>[2] = {}
    ) {
      const repository = yield* named(input)
      const wanted = expected.digest === undefined ? undefined : yield* digested(expected.digest)
      const hash = runningHash(wanted === undefined ? "sha256" : algorithmOf(wanted))
      let held: Array<Uint8Array> = []
      let heldBytes = 0
      let size = 0
      let place: Place | undefined
      let chunk = wire.timing.chunkBytes

      const flush = Effect.suspend(() => {
        const bytes = concatenated(held)
        held = []
        heldBytes = 0
        return Effect.gen(function*() {
          if (place === undefined) {
            const begun = yield* begin(repository)
            chunk = begun.chunk
            place = { location: begun.location, offset: 0 }
          }
          // The server may take chunks only that are longer than what was gathered before it said so.
          let at = 0
          for (; bytes.length - at >= chunk; at += chunk) {
            place = yield* sendChunk(repository, place, bytes.subarray(at, at + chunk))
          }
          held = [bytes.subarray(at)]
          heldBytes = bytes.length - at
        })
      })

      const whole = Effect.gen(function*() {
        yield* Stream.runForEach(
          content,
          (piece) =>
            Effect.suspend((): Effect.Effect<void, CallError | SizeInvalid> => {
              size += piece.length
              if (expected.size !== undefined && size > expected.size) {
                return Effect.fail(new SizeInvalid({ expected: expected.size, actual: size }))
              }
              hash.update(piece)
              held.push(piece.slice())
              heldBytes += piece.length
              return heldBytes >= chunk ? flush : Effect.void
            })
        )
        if (expected.size !== undefined && size !== expected.size) {
          return yield* new SizeInvalid({ expected: expected.size, actual: size })
        }
        const digest = hash.digest()
        if (wanted !== undefined && digest !== wanted) {
          return yield* new DigestInvalid({ digest: wanted, actual: digest })
        }
        const rest = concatenated(held)
        if (place === undefined) yield* pushSmall(repository, digest, rest)
        else {
          const last = rest.length === 0 ? place : yield* sendChunk(repository, place, rest)
          yield* concluded(repository, last, digest)
        }
        return {
          descriptor: { mediaType: expected.mediaType ?? octetStream, digest, size },
          existed: false
        }
      })
      return yield* Effect.onError(
        whole,
        () => Effect.suspend(() => place === undefined ? Effect.void : cancel(repository, place.location))
      )
    }),
    mountBlob: Effect.fn("Registry.mountBlob")(function*(from, to, input) {
      const repository = yield* named(to)
      const digest = yield* digested(input)
      if (from === undefined || from === to) return yield* resolveBlob(repository, digest)
      const source = yield* named(from)
      const mounting = "mounting a blob"
      const path = `v2/${repository}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(source)}`
      const response = yield* Effect.scoped(Effect.gen(function*() {
        const answer = yield* session.call({
          method: "POST",
          path,
          headers: { "content-length": "0" },
          scopes: [push(repository), pull(source)],
          operation: mounting,
          repeatable: true
        })
        return answer.status === 201 || answer.status === 202 || answer.status === 404
          ? { status: answer.status, location: locationOf(session, answer, path) }
          : yield* session.failed(mounting, answer)
      }))
      if (response.status === 201) return yield* resolveBlob(repository, digest)
      // It has begun an upload instead, which will not be continued.
      if (response.location !== undefined) yield* cancel(repository, response.location)
      return yield* new BlobUnknown({ digest })
    })
  }
}

/** The bytes that have arrived, as `Range: 0-N` says: N is the last of them, but `0-0` may also say that none has. */
const arrivedOf = ({ headers }: HttpClientResponse, offset: number): number | undefined => {
  const [, last] = /^(?:bytes=)?0-(\d{1,15})$/u.exec(headers["range"] ?? "") ?? []
  if (last === undefined) return undefined
  return last === "0" && offset === 0 ? 0 : Number(last) + 1
}
