/** Content in a bucket: each blob is an object that is created once its bytes are known to be right. */
import { Effect, Option, Stream } from "effect"
import type { StoredBlob } from "../../layout/garbage.ts"
import { hasher, requireDigest, runningHash } from "../../node/files/hasher.ts"
import { type Algorithm, algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { DigestInvalid, LimitExceeded, OutcomeUnknown, SizeInvalid } from "../../oci/OciError.ts"
import { concatenated } from "../../ops/manifests/collectBytes.ts"
import type { BlobStore, BlobWritten } from "../../ops/ports/ports.ts"
import {
  absent,
  type Condition,
  type ObjectStore,
  type Part,
  type StoreFault,
  unchanged
} from "../store/ObjectStore.ts"
import { newId } from "./newId.ts"
import { timeHere } from "./timeHere.ts"

const blobsFolder = "blobs/"

/** A blob up to here is one request; a larger one is written in parts of this size: bytes. */
const partBytes = 8 * 1024 * 1024

export const keyOfBlob = (digest: ContentDigest): string => `${blobsFolder}${algorithmOf(digest)}/${encodedOf(digest)}`

const digestOfKey = (key: string): ContentDigest | undefined => {
  const name = key.startsWith(blobsFolder) ? key.slice(blobsFolder.length).replace("/", ":") : ""
  return isContentDigest(name) ? name : undefined
}

/** Where content lies whose digest is not known yet. */
const temporaryFolder = ".ocilayout/tmp/"

interface Upload {
  readonly id: string
  readonly parts: Array<Part>
}

const isLost = (fault: StoreFault): boolean => fault._tag === "RemoteError" && fault.passing

interface Expected {
  readonly algorithm: Algorithm
  readonly digest?: ContentDigest
  readonly size?: number
}

/** Content cut into parts of equal size, the last one shorter. */
export const inParts = <E, R>(content: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Uint8Array, E, R> =>
  Stream.suspend(() => {
    let waiting: Array<Uint8Array> = []
    let length = 0
    const taken = (): Uint8Array => {
      const all = concatenated(waiting)
      waiting = []
      length = 0
      return all
    }
    const whole = Stream.flatMap(content, (piece) => {
      const parts: Array<Uint8Array> = []
      for (let at = 0; at < piece.length;) {
        const end = Math.min(piece.length, at + partBytes - length)
        waiting.push(piece.slice(at, end))
        length += end - at
        at = end
        if (length === partBytes) parts.push(taken())
      }
      return Stream.fromIterable(parts)
    })
    return Stream.concat(whole, Stream.suspend(() => length > 0 ? Stream.succeed(taken()) : Stream.empty))
  })

export const makeBlobs = (store: ObjectStore): BlobStore => {
  const stat = (digest: ContentDigest): Effect.Effect<Option.Option<number>, ReadFault> =>
    Effect.map(
      store.head(keyOfBlob(digest)),
      ({ value }) => Option.map(Option.fromUndefinedOr(value), ({ size }) => size)
    )

  /** Whether what is there has the digest; who wrote it is not known. */
  const isRight = (digest: ContentDigest, size: number) =>
    Effect.scoped(Effect.gen(function*() {
      const found = yield* store.read(keyOfBlob(digest))
      if (found === undefined || found.size !== size) return { right: false, etag: found?.etag }
      const hash = runningHash(algorithmOf(digest))
      yield* Stream.runForEach(found.content, (piece) => Effect.sync(() => hash.update(piece)))
      return { right: hash.digest() === digest, etag: found.etag }
    }))

  /**
   * Makes content an object, given how it is sent on a condition. What is there already stays if it is right, and is
   * replaced otherwise.
   */
  const place = Effect.fnUntraced(function*<E>(
    digest: ContentDigest,
    size: number,
    send: (condition: Condition) => Effect.Effect<boolean, E>
  ): Effect.fn.Return<BlobWritten, E | WriteFault> {
    let condition: Condition = absent
    for (let tries = 0; tries < 10; tries++) {
      if (yield* send(condition)) return { digest, size, existed: condition._tag === "Unchanged" }
      const { etag, right } = yield* isRight(digest, size)
      if (right) return { digest, size, existed: true }
      condition = etag === undefined ? absent : unchanged(etag)
    }
    return yield* new OutcomeUnknown({ operation: `writing ${digest}`, reason: "others write it without end" })
  })

  const whole = (digest: ContentDigest, bytes: Uint8Array): Effect.Effect<BlobWritten, WriteFault> =>
    place(digest, bytes.length, (condition) =>
      store.put(keyOfBlob(digest), bytes, { condition }).pipe(
        Effect.map(({ value }) => value._tag === "Done"),
        // What is there is looked at; where nothing is, it is sent again.
        Effect.catchIf(isLost, () => Effect.succeed(false))
      ))

  /** Ends an upload in parts; what is not used of it is given up. */
  const complete = (digest: ContentDigest, size: number, key: string, { id, parts }: Upload) =>
    place(digest, size, (condition) =>
      store.complete(key, id, parts, { condition }).pipe(
        Effect.map(({ value }) => value._tag === "Done"),
        Effect.catchIf(isLost, () => Effect.succeed(false))
      )).pipe(Effect.ensuring(Effect.ignore(store.abort(key, id))))

  const list: Effect.Effect<ReadonlyArray<StoredBlob>, ReadFault> = Effect.gen(function*() {
    const { date, value } = yield* store.list(blobsFolder)
    const ahead = date - (yield* timeHere(date, date))
    return value.flatMap(({ key, modified, size }) => {
      const digest = digestOfKey(key)
      return digest === undefined ? [] : [{ digest, size, touched: modified - ahead }]
    })
  })

  /** Hashes along, and keeps the last part back until the digest is known to be right. */
  const write = Effect.fnUntraced(function*<E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    { algorithm, digest, size: expected }: Expected
  ): Effect.fn.Return<BlobWritten, E | DigestInvalid | SizeInvalid | WriteFault, R> {
    const hash = runningHash(algorithm)
    const key = digest === undefined ? `${temporaryFolder}${yield* newId}` : keyOfBlob(digest)
    let size = 0
    let last: Uint8Array = new Uint8Array()
    let upload: Upload | undefined
    const send = Effect.fnUntraced(function*(part: Uint8Array) {
      upload ??= { id: yield* store.begin(key), parts: [] }
      upload.parts.push(yield* store.part(key, upload.id, upload.parts.length + 1, part))
    })
    const giveUp = Effect.suspend(() => upload === undefined ? Effect.void : Effect.ignore(store.abort(key, upload.id)))
    const actual = yield* Effect.gen(function*() {
      yield* Stream.runForEach(inParts(content), (part) =>
        Effect.gen(function*() {
          hash.update(part)
          size += part.length
          if (expected !== undefined && size > expected) return yield* new SizeInvalid({ expected, actual: size })
          if (last.length > 0) yield* send(last)
          last = part
        }))
      if (expected !== undefined && size !== expected) return yield* new SizeInvalid({ expected, actual: size })
      const actual = hash.digest()
      if (digest !== undefined && digest !== actual) return yield* new DigestInvalid({ digest, actual })
      if (upload !== undefined) yield* send(last)
      return actual
    }).pipe(Effect.onError(() => giveUp))
    if (upload === undefined) return yield* whole(actual, last)
    if (digest !== undefined) return yield* complete(digest, size, key, upload)
    // Its name was not known when it began: it is read again, and written under it.
    const { value } = yield* store.complete(key, upload.id, upload.parts, {})
    if (value._tag !== "Done") return yield* new OutcomeUnknown({ operation: `writing ${actual}`, reason: value._tag })
    return yield* Effect.scoped(Effect.gen(function*() {
      const found = yield* store.read(key)
      return yield* write(found?.content ?? Stream.empty, { algorithm, digest: actual, size })
    })).pipe(Effect.ensuring(Effect.ignore(store.remove(key))))
  })

  return {
    stat,
    protect: stat,
    read: Effect.fnUntraced(function*(digest, { verify, window }) {
      const key = keyOfBlob(digest)
      if (window !== undefined) {
        const { value } = yield* store.head(key)
        if (value === undefined) return Option.none()
        const length = Math.max(0, Math.min(window.length, value.size - window.offset))
        const found = length === 0 ? undefined : yield* store.read(key, { offset: window.offset, length })
        return Option.some({ size: value.size, verified: false, content: found?.content ?? Stream.empty })
      }
      const found = yield* store.read(key)
      if (found === undefined) return Option.none()
      const { content, size } = found
      return Option.some({ size, verified: verify, content: verify ? verifying(digest, content) : content })
    }),
    get: Effect.fnUntraced(function*(digest, limit) {
      const { value } = yield* store.head(keyOfBlob(digest))
      if (value === undefined) return Option.none()
      if (value.size > limit) return yield* new LimitExceeded({ what: "bytes of a manifest", limit })
      const found = yield* store.get(keyOfBlob(digest))
      if (found.value === undefined || found.value === "unchanged") return Option.none()
      const { bytes } = found.value
      yield* requireDigest(digest, hasher.digest(algorithmOf(digest), bytes), "its bytes")
      return Option.some(bytes)
    }),
    write: (content, expected) => write(content, expected),
    adopt: Effect.fnUntraced(function*(from, digest) {
      const found = yield* Effect.scoped(Effect.gen(function*() {
        const opened = yield* from.read(digest, { verify: true })
        if (Option.isNone(opened)) return false
        yield* write(opened.value.content, { algorithm: algorithmOf(digest), digest, size: opened.value.size })
        return true
      }))
      return found
    }),
    heldOnly: Stream.empty,
    list: Stream.fromIterableEffect(list),
    digests: Effect.map(list, (all) => all.map(({ digest }) => digest)),
    find: Effect.fnUntraced(function*(digest) {
      const { date, value } = yield* store.head(keyOfBlob(digest))
      if (value === undefined) return Option.none()
      return Option.some({ digest, size: value.size, touched: yield* timeHere(date, value.modified) })
    }),
    held: (since) =>
      Effect.map(list, (all) => new Set(all.flatMap(({ digest, touched }) => touched > since ? [digest] : []))),
    path: () => Option.none()
  }
}

/** The content, which fails before its end where it is not that of the digest. */
const verifying = <E, R>(digest: ContentDigest, content: Stream.Stream<Uint8Array, E, R>) =>
  Stream.suspend(() => {
    const hash = runningHash(algorithmOf(digest))
    const seen = Stream.tap(content, (piece) => Effect.sync(() => hash.update(piece)))
    const check = Effect.suspend(() => requireDigest(digest, hash.digest(), "its bytes"))
    return Stream.concat(seen, Stream.drain(Stream.fromEffect(check)))
  })
