/** Content in a bucket: each blob is an object that is created once its bytes are known to be right. */
import { Clock, Effect, Option, Stream } from "effect"
import type { StoredBlob } from "../../layout/garbage.ts"
import { hasher, requireDigest, runningHash } from "../../node/files/hasher.ts"
import { type Algorithm, algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { DigestInvalid, LimitExceeded, OutcomeUnknown, SizeInvalid, Unsupported } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import type { BlobStore, BlobWritten } from "../../ops/ports/BlobStore.ts"
import {
  absent,
  type Changed,
  type Dated,
  type ObjectStore,
  type Precondition,
  type StoreFault,
  unchanged
} from "../store/ObjectStore.ts"
import type { BucketLayout } from "./commit.ts"
import { isLost } from "./createRecord.ts"
import { temporaryFolder } from "./folders.ts"
import { blobsFolder, digestOfKey, keyOfBlob } from "./keyOfBlob.ts"
import { newId } from "./newId.ts"
import { type Form, formBeside, inParts, sendParts, type Upload } from "./parts.ts"
import { makeSeen } from "./seen.ts"
import { isCondemned, isHidden, isRemovable, type Standing, unwrittenMillis } from "./standing.ts"
import { timeHere } from "./timeHere.ts"
import { lookAtContent, verifying } from "./verifying.ts"

interface Expected {
  readonly algorithm: Algorithm
  readonly digest?: ContentDigest
  readonly size?: number
}

export const makeBlobs = (
  store: ObjectStore,
  { reveal, standing, standingAnew, standingNow }: Pick<
    BucketLayout,
    "reveal" | "standing" | "standingAnew" | "standingNow"
  >
): BlobStore => {
  const { headOf, saw, seenJustNow } = makeSeen(store)

  /** Another machine may have revealed it a moment ago, without another ETag: that is looked at before it is denied. */
  const isHiddenStill = (now: Standing, digest: ContentDigest, etag: string): Effect.Effect<boolean, ReadFault> =>
    isHidden(now, digest, etag)
      ? Effect.map(standingAnew, (later) => isHidden(later, digest, etag) || isCondemned(later, digest, etag))
      : Effect.succeed(false)

  /**
   * What is condemned or hidden is gone, for all machines at once. For a manifest that needs content of this size it is
   * not, if it was collected: its commit looks again, and writes it anew.
   */
  const stat: BlobStore["stat"] = Effect.fnUntraced(function*(digest, { size } = {}) {
    const isForCommit = size !== undefined
    const [now, asked] = yield* Effect.all([
      isForCommit ? standingNow : standingAnew,
      isForCommit ? Effect.undefined : headOf(digest)
    ], {
      concurrency: 2
    })
    const found = isForCommit ? seenJustNow(digest, now) ?? (yield* headOf(digest)) : asked
    if (found === undefined || (yield* isHiddenStill(now, digest, found.etag))) return Option.none()
    const isBack = size === found.size && now.condemned.get(digest)?.deleted !== true
    return isCondemned(now, digest, found.etag) && !isBack ? Option.none() : Option.some(found.size)
  })

  const isGone = (digest: ContentDigest, etag: string): Effect.Effect<boolean, ReadFault> =>
    Effect.flatMap(
      standingNow,
      (now) => isCondemned(now, digest, etag) ? Effect.succeed(true) : isHiddenStill(now, digest, etag)
    )

  /**
   * As `stat`, for a commit that counts on it: what was collected is written anew, so that its removal finds another
   * ETag. What a caller deleted stays deleted.
   */
  const protect = Effect.fnUntraced(function*(
    digest: ContentDigest
  ): Effect.fn.Return<Option.Option<number>, WriteFault> {
    const now = yield* standing
    const found = seenJustNow(digest, now) ?? (yield* headOf(digest))
    if (found === undefined || (yield* isHiddenStill(now, digest, found.etag))) return Option.none()
    if (!isCondemned(now, digest, found.etag)) return Option.some(found.size)
    if (now.condemned.get(digest)?.deleted === true) return Option.none()
    return (yield* refresh(digest)) ? Option.some(found.size) : Option.none()
  })

  /** Writes a condemned object anew, so that its ETag is another one; whether it is there. */
  const refresh = Effect.fnUntraced(function*(digest: ContentDigest): Effect.fn.Return<boolean, WriteFault> {
    for (let tries = 0; tries < 10; tries++) {
      const now = tries === 0 ? yield* standing : yield* standingAnew
      const found = yield* headOf(digest)
      if (found === undefined) return false
      const { etag, size } = found
      if (!isCondemned(now, digest, etag)) return !(yield* isHiddenStill(now, digest, etag))
      const key = keyOfBlob(digest)
      const options = { condition: unchanged(etag), relies: now.date }
      const { cut, isInParts } = formBeside(etag, size)
      const { date, value } = yield* Effect.scoped(Effect.gen(function*() {
        const read = yield* store.read(key)
        const content = verifying(digest, read?.content ?? Stream.empty)
        if (isInParts) return yield* sendParts(store, key, inParts(content, cut), options)
        return yield* store.put(key, yield* collectBytes(content, () => Effect.void), options)
      }))
      if (value._tag !== "Done") continue
      if (value.etag === etag) {
        const reason = `the store gives the same ETag to the same content; ${digest} can be pushed again in two days`
        return yield* new Unsupported({ operation: "keeping content that was let go", reason })
      }
      saw(digest, { size, etag: value.etag, date })
      return true
    }
    return yield* new OutcomeUnknown({ operation: `keeping ${digest}`, reason: "others write it without end" })
  })

  /**
   * Makes content an object, given how it is sent on a condition. What is there already stays if it is right, and is
   * replaced otherwise.
   */
  const place = Effect.fnUntraced(function*(
    digest: ContentDigest,
    size: number,
    send: (options: Parameters<ObjectStore["complete"]>[3], form: Form) => Effect.Effect<Dated<Changed>, StoreFault>
  ): Effect.fn.Return<BlobWritten, WriteFault> {
    let condition: Precondition = absent
    let now = yield* standing
    for (let tries = 0; tries < 10; tries++) {
      const form = formBeside(now.condemned.get(digest)?.etag, size)
      const answer = yield* send({ condition, relies: now.date }, form).pipe(
        Effect.map((answer): Dated<Changed> | undefined => answer),
        // What is there is looked at; where nothing is, it is sent again.
        Effect.catchIf(isLost, () => Effect.undefined)
      )
      if (answer?.value._tag === "Done") {
        const { etag } = answer.value
        saw(digest, { size, etag, date: answer.date })
        if (isHidden(now, digest, etag)) yield* reveal(digest)
        return { digest, size, existed: condition._tag === "Unchanged" }
      }
      now = yield* standingAnew
      if (answer?.value._tag === "Expired") continue
      const { etag, right } = yield* lookAtContent(store, digest, size)
      if (right && etag !== undefined && isCondemned(now, digest, etag)) {
        if (yield* refresh(digest)) return { digest, size, existed: false }
        condition = absent
      } else if (right && etag !== undefined && isHidden(now, digest, etag)) {
        // Where its list is forgotten just now it is condemned, and written anew by the next try.
        if (yield* reveal(digest)) return { digest, size, existed: false }
      } else if (right) {
        yield* headOf(digest)
        return { digest, size, existed: true }
      } else condition = etag === undefined ? absent : unchanged(etag)
    }
    return yield* new OutcomeUnknown({ operation: `writing ${digest}`, reason: "others write it without end" })
  })

  const whole = (digest: ContentDigest, bytes: Uint8Array): Effect.Effect<BlobWritten, WriteFault> => {
    const key = keyOfBlob(digest)
    return place(
      digest,
      bytes.length,
      (options, { isInParts }) =>
        isInParts ? sendParts(store, key, Stream.succeed(bytes), options) : store.put(key, bytes, options)
    )
  }

  /** Ends an upload in parts; what is not used of it is given up. */
  const complete = Effect.fnUntraced(
    function*(digest: ContentDigest, size: number, key: string, { id, parts }: Upload) {
      let isUsed = false
      return yield* place(
        digest,
        size,
        (options) =>
          Effect.tap(store.complete(key, id, parts, options), ({ value }) =>
            Effect.sync(() => {
              isUsed = value._tag === "Done"
            }))
      ).pipe(Effect.ensuring(Effect.suspend(() => isUsed ? Effect.void : Effect.ignore(store.abort(key, id)))))
    }
  )

  /** What is there, and what is condemned and may be removed now; of the rest nothing can be done. */
  const isListed = (now: Standing, digest: ContentDigest, etag: string): boolean => {
    const sentence = now.condemned.get(digest)
    return sentence?.etag === etag ? isRemovable(sentence, now.date) : !isHidden(now, digest, etag)
  }

  const list: Effect.Effect<ReadonlyArray<StoredBlob>, ReadFault> = Effect.gen(function*() {
    const now = yield* standingNow
    const { date, value } = yield* store.list(blobsFolder)
    const ahead = date - (yield* timeHere(date, date))
    return value.flatMap(({ etag, key, modified, size }) => {
      const digest = digestOfKey(key)
      return digest === undefined || !isListed(now, digest, etag) ? [] : [{ digest, size, touched: modified - ahead }]
    })
  })

  /** Hashes along, and keeps the last part back until the digest is known to be right. */
  const write = Effect.fnUntraced(function*<E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    { algorithm, digest, size: expected }: Expected
  ): Effect.fn.Return<BlobWritten, E | DigestInvalid | SizeInvalid | WriteFault, R> {
    const hash = runningHash(algorithm)
    const key = digest === undefined ? `${temporaryFolder}${yield* newId}` : keyOfBlob(digest)
    const sentence = digest === undefined ? undefined : (yield* standing).condemned.get(digest)
    const { cut } = formBeside(sentence?.etag, sentence?.size ?? 0)
    let size = 0
    let last: Uint8Array = new Uint8Array()
    let upload: Upload | undefined
    const send = Effect.fnUntraced(function*(part: Uint8Array) {
      upload ??= { id: yield* store.begin(key), parts: [] }
      upload.parts.push(yield* store.part(key, upload.id, upload.parts.length + 1, part))
    })
    const giveUp = Effect.suspend(() => upload === undefined ? Effect.void : Effect.ignore(store.abort(key, upload.id)))
    const actual = yield* Effect.gen(function*() {
      yield* Stream.runForEach(
        inParts(content, cut),
        Effect.fnUntraced(function*(part) {
          hash.update(part)
          size += part.length
          if (expected !== undefined && size > expected) return yield* new SizeInvalid({ expected, actual: size })
          if (last.length > 0) yield* send(last)
          last = part
        })
      )
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
    protect,
    read: Effect.fnUntraced(function*(digest, { verify, window }) {
      const key = keyOfBlob(digest)
      if (window !== undefined) {
        const { value } = yield* store.head(key)
        if (value === undefined || (yield* isGone(digest, value.etag))) return Option.none()
        const length = Math.max(0, Math.min(window.length, value.size - window.offset))
        const found = length === 0 ? undefined : yield* store.read(key, { offset: window.offset, length })
        return Option.some({ size: value.size, verified: false, content: found?.content ?? Stream.empty })
      }
      const found = yield* store.read(key)
      if (found === undefined || (yield* isGone(digest, found.etag))) return Option.none()
      const { content, size } = found
      return Option.some({ size, verified: verify, content: verify ? verifying(digest, content) : content })
    }),
    get: Effect.fnUntraced(function*(digest, limit) {
      const found = yield* store.read(keyOfBlob(digest))
      if (found === undefined || (yield* isGone(digest, found.etag))) return Option.none()
      const tooLarge = new LimitExceeded({ what: "bytes of a manifest", limit })
      if (found.size > limit) return yield* tooLarge
      const bytes = yield* collectBytes(found.content, (size) => size > limit ? Effect.fail(tooLarge) : Effect.void)
      yield* requireDigest(digest, hasher.digest(algorithmOf(digest), bytes), "its bytes")
      return Option.some(bytes)
    }, Effect.scoped),
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
      if (value === undefined || !isListed(yield* standingNow, digest, value.etag)) return Option.none()
      return Option.some({ digest, size: value.size, touched: yield* timeHere(date, value.modified) })
    }),
    markedSince: Effect.fnUntraced(function*(since) {
      const all = yield* list
      // What was written less than a day ago is not condemned, with any grace.
      const from = Math.min(since, (yield* Clock.currentTimeMillis) - unwrittenMillis)
      return new Set(all.flatMap(({ digest, touched }) => touched > from ? [digest] : []))
    }),
    path: () => Option.none()
  }
}
