/** Upload sessions: an object that says what is acknowledged, and an object for each piece of it. */
import { Clock, Effect, Exit, Option, Schema, type Scope, Stream } from "effect"
import { absent as noSession, isUploadId, type UploadId, type UploadState } from "../../layout/Upload.ts"
import { runningHash } from "../../node/files/hasher.ts"
import { algorithmOf, isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { OutcomeUnknown, RangeInvalid, UploadBusy } from "../../oci/OciError.ts"
import { isRepository } from "../../oci/Reference.ts"
import type { BlobStore } from "../../ops/ports/BlobStore.ts"
import type { UploadSession, UploadStore } from "../../ops/ports/UploadStore.ts"
import { absent, type ObjectStore, unchanged } from "../store/ObjectStore.ts"
import { uploadsFolder } from "./folders.ts"
import { makeSweep } from "./litter.ts"
import { newId, randomHex } from "./newId.ts"
import { inParts } from "./parts.ts"
import { timeHere } from "./timeHere.ts"
import { makeUploadHashes } from "./uploadHashes.ts"

const keyOf = (id: string): string => `${uploadsFolder}${id}/session`

const Session = Schema.Struct({
  repository: Schema.String.check(Schema.makeFilter(isRepository)),
  pieces: Schema.Array(Schema.Struct({ key: Schema.String, size: Schema.Natural })),
  over: Schema.optionalKey(Schema.Union([
    Schema.Literal("cancelled"),
    Schema.Struct({ digest: Schema.String.check(Schema.makeFilter(isContentDigest)), size: Schema.Natural })
  ]))
})
type Session = typeof Session.Type

const SessionText = Schema.fromJsonString(Session)
const decode = Schema.decodeUnknownOption(SessionText)

interface Found {
  readonly session: Session
  readonly etag: string
  /** When something was last appended, by this machine's clock: milliseconds since 1970. */
  readonly touched: number
}

const sizeOf = ({ pieces }: Session): number => pieces.reduce((sum, { size }) => sum + size, 0)

const stateOf = (id: UploadId, found: Found | undefined): UploadState => {
  if (found === undefined) return noSession
  const { session, touched } = found
  const { over, repository } = session
  if (!isRepository(repository)) return noSession
  if (over === "cancelled") return { _tag: "Cancelled", repository }
  if (over !== undefined && isContentDigest(over.digest)) {
    return { _tag: "Committed", repository, digest: over.digest, size: over.size }
  }
  return { _tag: "Open", id, repository, size: sizeOf(session), touched }
}

export const makeUploads = (store: ObjectStore, blobs: BlobStore, scope: Scope.Scope): UploadStore => {
  const sweep = makeSweep(store)
  const hashes = makeUploadHashes()
  const read = Effect.fnUntraced(function*(id: string): Effect.fn.Return<Found | undefined, ReadFault> {
    const { date, value } = yield* store.get(keyOf(id))
    if (value === undefined || value === "unchanged") return undefined
    const session = decode(Buffer.from(value.bytes).toString())
    return Option.isNone(session)
      ? undefined
      : { session: session.value, etag: value.etag, touched: yield* timeHere(date, value.modified) }
  })

  /** The new ETag; `UploadBusy` where another caller was first. */
  const write = Effect.fnUntraced(function*(
    id: UploadId,
    session: Session,
    etag: string | undefined
  ): Effect.fn.Return<string, UploadBusy | WriteFault> {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(session)))
    const { value } = yield* store.put(keyOf(id), bytes, {
      condition: etag === undefined ? absent : unchanged(etag)
    })
    if (value._tag === "Done") return value.etag
    return yield* new UploadBusy({ upload: id })
  })

  const contentOf = ({ pieces }: Session): Stream.Stream<Uint8Array, ReadFault> =>
    Stream.flatMap(
      Stream.fromIterable(pieces),
      ({ key }) =>
        Stream.unwrap(
          Effect.map(store.read(key), (found): Stream.Stream<Uint8Array, ReadFault> => found?.content ?? Stream.empty)
        )
    )

  const removePieces = ({ pieces }: Session) =>
    Effect.forEach(pieces, ({ key }) => Effect.ignore(store.remove(key)), { concurrency: 8, discard: true })

  const ids = Effect.map(store.list(uploadsFolder), ({ value }) =>
    value.flatMap(({ key }) => {
      const [, id = ""] = /^\.ocilayout\/uploads\/([0-9a-f]{32})\/session$/u.exec(key) ?? []
      return isUploadId(id) ? [id] : []
    }))

  return {
    create: Effect.fnUntraced(function*(repository) {
      const id = yield* newId
      if (!isUploadId(id)) return yield* Effect.die(`no upload id: ${id}`)
      const created = write(id, { repository, pieces: [] }, undefined)
      yield* Effect.catchTag(created, "UploadBusy", () => Effect.die(`the random id ${id} was given twice`))
      yield* Effect.forkIn(sweep, scope)
      return { _tag: "Open" as const, id, repository, size: 0, touched: yield* Clock.currentTimeMillis }
    }),
    stat: (id) => Effect.map(read(id), (found) => stateOf(id, found)),
    list: Effect.flatMap(ids, (all) =>
      Effect.map(
        Effect.forEach(all, (id) => Effect.map(read(id), (found) => stateOf(id, found)), { concurrency: 8 }),
        (states) => states.flatMap((state) => state._tag === "Open" ? [state] : [])
      )),
    exclusive: Effect.fnUntraced(function*(id) {
      const found = yield* read(id)
      const state = stateOf(id, found)
      return sessionOf(id, state, found)
    })
  }

  function sessionOf(id: UploadId, state: UploadState, found: Found | undefined): UploadSession {
    let session: Session = found?.session ?? { repository: "none", pieces: [] }
    let etag = found?.etag
    /** The end of what was appended, where the caller commits next: it need not last before that. */
    let unwritten: Uint8Array = new Uint8Array()
    const keep = Effect.fnUntraced(function*(
      next: Session
    ): Effect.fn.Return<void, RangeInvalid | UploadBusy | WriteFault> {
      etag = yield* write(id, next, etag).pipe(
        // Another caller was first: it is told where the session stands now, whose bytes these are not part of.
        Effect.catchTag(
          "UploadBusy",
          (busy) =>
            Effect.flatMap(read(id), (other): Effect.Effect<never, RangeInvalid | UploadBusy> => {
              const size = other === undefined ? 0 : sizeOf(other.session)
              const offset = sizeOf(session)
              return Effect.fail(size > offset ? new RangeInvalid({ offset, size }) : busy)
            })
        )
      )
      session = next
    })
    const writePiece = Effect.fnUntraced(function*(piece: Uint8Array) {
      const key = `${uploadsFolder}${id}/${String(sizeOf(session)).padStart(15, "0")}-${yield* randomHex(16)}`
      yield* store.put(key, piece, {})
      const [from, isFirst] = [etag, session.pieces.length === 0]
      yield* keep({ ...session, pieces: [...session.pieces, { key, size: piece.length }] })
      hashes.add(id, { isFirst, from, to: etag }, piece)
    })
    const writeEnd = Effect.suspend(() => {
      const end = unwritten
      unwritten = new Uint8Array()
      return end.length === 0 ? Effect.void : writePiece(end)
    })
    const all = Stream.suspend(() => Stream.concat(contentOf(session), Stream.make(unwritten)))
    const sizeNow = (): number => sizeOf(session) + unwritten.length
    return {
      state,
      append: Effect.fnUntraced(function*(content, { committed = false } = {}) {
        const before = sizeNow()
        const appended = Stream.runForEach(inParts(content), (piece) =>
          Effect.andThen(
            writeEnd,
            Effect.sync(() => {
              unwritten = piece
            })
          ))
        const result = yield* Effect.exit(appended)
        if (!committed || Exit.isFailure(result)) yield* writeEnd
        yield* result
        return sizeNow() - before
      }),
      digest: Effect.fnUntraced(function*(algorithm) {
        const known = hashes.take(id, etag, algorithm)
        const hash = known ?? runningHash(algorithm)
        const missing = known === undefined ? all : Stream.make(unwritten)
        yield* Stream.runForEach(missing, (piece) => Effect.sync(() => hash.update(piece)))
        return hash.digest()
      }),
      conclude: Effect.fnUntraced(function*(event) {
        const { pieces: _, ...rest } = session
        if (event._tag === "UploadCommitted") {
          const { digest } = event
          const size = sizeNow()
          yield* blobs.write(all, { algorithm: algorithmOf(digest), digest, size }).pipe(
            Effect.catchTags({
              DigestInvalid: ({ message }) =>
                Effect.fail(new OutcomeUnknown({ operation: `the upload ${id}`, reason: message })),
              SizeInvalid: ({ message }) =>
                Effect.fail(new OutcomeUnknown({ operation: `the upload ${id}`, reason: message }))
            })
          )
          const over = session
          yield* keep({ ...rest, pieces: [], over: { digest, size } })
          yield* removePieces(over)
        }
        if (event._tag === "UploadCancelled") {
          const over = session
          yield* keep({ ...rest, pieces: [], over: "cancelled" })
          yield* removePieces(over)
        }
      })
    }
  }
}
