/** Reads blobs: resumed where a connection breaks, and checked. */
import { Effect, type Scope, Stream } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { requireDigest, runningHash } from "../../node/files/hasher.ts"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { octetStream } from "../../oci/MediaType.ts"
import { BlobUnknown, type ContentMismatch, RangeInvalid, RemoteError } from "../../oci/OciError.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import type { CallError, Session } from "../auth/makeSession.ts"
import { wrongAnswer } from "../wire/problems.ts"
import { blobPath, digested, lengthOf, named, pull } from "./requests.ts"

interface Opened {
  readonly response: HttpClientResponse
  /** Bytes of the whole blob. */
  readonly size: number
  /** Where in the blob the answer begins. */
  readonly offset: number
}

/** A window of a blob. */
interface Window {
  readonly offset: number
  /** Absent for its end. */
  readonly end?: number
}

export type Downloads = Pick<RegistryReads, "getBlob" | "getBlobRange" | "resolveBlob" | "streamBlob">

export const makeDownloads = (session: Session): Downloads => {
  const { host, wire } = session

  const open = Effect.fnUntraced(function*(
    repository: Repository,
    digest: ContentDigest,
    { end, offset }: Window
  ): Effect.fn.Return<Opened, BlobUnknown | CallError, Scope.Scope> {
    const operation = `reading blob ${digest}`
    const isPart = offset > 0 || end !== undefined
    const response = yield* session.call({
      method: "GET",
      path: blobPath(repository, digest),
      headers: isPart ? { range: `bytes=${offset}-${end === undefined ? "" : end - 1}` } : {},
      scopes: [pull(repository)],
      operation
    })
    if (response.status === 404) return yield* new BlobUnknown({ digest })
    if (response.status === 200) {
      const size = lengthOf(response)
      if (size === undefined) {
        return yield* wrongAnswer(host, operation, "the answer does not say how many bytes it has")
      }
      return { response, size, offset: 0 }
    }
    if (response.status === 416 && isPart) {
      const [, size = ""] = /^bytes \*\/(\d{1,15})$/u.exec(response.headers["content-range"] ?? "") ?? []
      if (size !== "") return { response, size: Number(size), offset: Number(size) }
    }
    if (response.status !== 206 || !isPart) return yield* session.failed(operation, response)
    const [, from, size] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/u.exec(response.headers["content-range"] ?? "") ??
      []
    if (Number(from) !== offset || size === undefined) {
      return yield* wrongAnswer(host, operation, "the answer has another range than was asked for")
    }
    return { response, size: Number(size), offset }
  })

  /** The bytes of a window, from the answer that is open; what breaks off is asked for again from there. */
  const bytesOf = (
    repository: Repository,
    digest: ContentDigest,
    first: Opened,
    { end = first.size, offset }: Window
  ): Stream.Stream<Uint8Array, ContentMismatch | CallError> =>
    Stream.suspend(() => {
      const operation = `reading blob ${digest}`
      const until = Math.min(end, first.size)
      let at = offset
      let tries = 0

      const take = ({ offset: start, response }: Opened) => {
        // A server that knows no ranges begins at the beginning.
        let skip = at - start
        return wire.body(operation, response).pipe(
          Stream.map((piece) => {
            const passed = Math.min(skip, piece.length)
            skip -= passed
            return piece.subarray(passed)
          }),
          Stream.filter(({ length }) => length > 0),
          Stream.mapEffect((piece) => {
            const over = at + piece.length - until
            at += piece.length
            tries = 0
            if (over <= 0) return Effect.succeed(piece)
            // A server that knows no ranges goes on to the end of the blob, and never further.
            return until < first.size
              ? Effect.succeed(piece.subarray(0, piece.length - over))
              : Effect.fail(wrongAnswer(host, operation, "the answer has more bytes than it says"))
          }),
          Stream.takeUntil(() => at >= until && until < first.size)
        )
      }

      const again = (error: RemoteError): ReturnType<typeof from> =>
        error.passing && tries < wire.timing.retries
          ? Stream.unwrap(Effect.as(Effect.sleep(wire.timing.retryMillis * 2 ** tries++), from()))
          : Stream.fail(error)

      const from = (): Stream.Stream<Uint8Array, ContentMismatch | CallError> =>
        Stream.unwrap(
          Effect.map(
            open(repository, digest, { offset: at, ...(until < first.size ? { end: until } : {}) }),
            (opened) =>
              opened.size === first.size
                ? received(opened)
                : Stream.fail(wrongAnswer(host, operation, "the blob has another size than before"))
          ).pipe(
            Effect.catchTag(
              "BlobUnknown",
              () => Effect.fail(wrongAnswer(host, operation, "the blob went away while it was read"))
            )
          )
        )

      const received = (opened: Opened): Stream.Stream<Uint8Array, ContentMismatch | CallError> =>
        take(opened).pipe(
          Stream.catchTag("RemoteError", again),
          Stream.concat(Stream.suspend(() =>
            at < until
              ? again(brokenOff(host, operation))
              : Stream.empty
          ))
        )

      return at >= until ? Stream.empty : received(first)
    })

  const checked = (
    digest: ContentDigest,
    content: Stream.Stream<Uint8Array, ContentMismatch | CallError>
  ): typeof content =>
    Stream.suspend(() => {
      const hash = runningHash(algorithmOf(digest))
      // The last piece is held back until all of it is known to be right.
      let held: Uint8Array | undefined
      return content.pipe(
        Stream.map((piece): Uint8Array => {
          hash.update(piece)
          const before = held
          held = piece
          return before ?? new Uint8Array(0)
        }),
        Stream.filter(({ length }) => length > 0),
        Stream.concat(Stream.suspend(() => {
          const last = held === undefined ? Stream.empty : Stream.succeed(held)
          return Stream.unwrap(Effect.as(requireDigest(digest, hash.digest(), `the bytes that ${host} sends`), last))
        }))
      )
    })

  const getBlob: Downloads["getBlob"] = Effect.fn("Registry.getBlob")(
    function*(repository, input, { verify = true } = {}) {
      const name = yield* named(repository)
      const digest = yield* digested(input)
      const opened = yield* open(name, digest, { offset: 0 })
      const content = bytesOf(name, digest, opened, { offset: 0 })
      return {
        descriptor: { mediaType: octetStream, digest, size: opened.size },
        verified: verify,
        stream: verify ? checked(digest, content) : content
      }
    }
  )

  return {
    getBlob,
    streamBlob: (repository, digest, options) =>
      Stream.unwrap(Effect.map(getBlob(repository, digest, options), ({ stream }) => stream)),
    getBlobRange: Effect.fn("Registry.getBlobRange")(function*(repository, input, { end, offset }) {
      const name = yield* named(repository)
      const digest = yield* digested(input)
      const until = end === undefined || end < 0 ? undefined : end
      if (!Number.isSafeInteger(offset) || offset < 0 || (until !== undefined && offset > until)) {
        return yield* new RangeInvalid({ offset, size: until ?? 0 })
      }
      const window = { offset, ...(until === undefined ? {} : { end: Math.max(until, offset + 1) }) }
      const opened = yield* open(name, digest, window)
      if (offset > opened.size) return yield* new RangeInvalid({ offset, size: opened.size })
      return {
        descriptor: { mediaType: octetStream, digest, size: opened.size },
        verified: false,
        stream: bytesOf(name, digest, opened, { offset, ...field("end", until) })
      }
    }),
    resolveBlob: Effect.fn("Registry.resolveBlob")(function*(repository, input) {
      const name = yield* named(repository)
      const digest = yield* digested(input)
      const operation = `looking for blob ${digest}`
      return yield* Effect.scoped(Effect.gen(function*() {
        const response = yield* session.call({
          method: "HEAD",
          path: blobPath(name, digest),
          scopes: [pull(name)],
          operation
        })
        if (response.status === 404) return yield* new BlobUnknown({ digest })
        if (response.status !== 200) return yield* session.failed(operation, response)
        const size = lengthOf(response)
        if (size === undefined) return yield* wrongAnswer(host, operation, "the answer does not say how large it is")
        return { mediaType: octetStream, digest, size }
      }))
    })
  }
}

const brokenOff = (host: string, operation: string): RemoteError =>
  new RemoteError({ host, operation, passing: true, reason: "the answer ended too early" })
