/** The blobs of a layout, in memory. */
import { Clock, Effect, Option, Stream } from "effect"
import type { StoredBlob } from "../layout/garbage.ts"
import type { ContentDigest } from "../oci/Digest.ts"
import { DigestInvalid, LimitExceeded, SizeInvalid } from "../oci/OciError.ts"
import { collectBytes } from "../ops/manifests/collectBytes.ts"
import type { BlobStore } from "../ops/ports/BlobStore.ts"
import { hasher } from "./hasher.ts"

/** A blob, and when it was last pushed or named. */
export interface Stored {
  readonly bytes: Uint8Array
  /** Milliseconds since 1970. */
  readonly touched: number
}

/** What the stores of a layout share. */
export type Blobs = Map<ContentDigest, Stored>

const storedOf = (digest: ContentDigest, { bytes, touched }: Stored): StoredBlob => ({
  digest,
  size: bytes.length,
  touched
})

export const put = (blobs: Blobs, digest: ContentDigest, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeMillis, (touched) => void blobs.set(digest, { bytes, touched }))

const sizeOf = ({ bytes }: Stored): number => bytes.length

export const blobStore = (blobs: Blobs): BlobStore => {
  const found = (digest: ContentDigest) => Effect.sync(() => Option.fromUndefinedOr(blobs.get(digest)))
  return {
    stat: (digest) => Effect.map(found(digest), Option.map(sizeOf)),
    protect: (digest) =>
      Effect.flatMap(
        found(digest),
        Option.match({
          onNone: () => Effect.succeed(Option.none()),
          onSome: ({ bytes }) => Effect.as(put(blobs, digest, bytes), Option.some(bytes.length))
        })
      ),
    read: (digest, { window }) =>
      Effect.map(
        found(digest),
        Option.map(({ bytes }) => ({
          size: bytes.length,
          verified: true,
          content: Stream.succeed(
            window === undefined ? bytes : bytes.subarray(window.offset, window.offset + window.length)
          )
        }))
      ),
    get: (digest, limit) =>
      Effect.suspend(() => {
        const bytes = blobs.get(digest)?.bytes
        return bytes !== undefined && bytes.length > limit
          ? Effect.fail(new LimitExceeded({ what: "bytes of a manifest", limit }))
          : Effect.succeed(Option.fromUndefinedOr(bytes))
      }),
    write: Effect.fnUntraced(function*(content, { algorithm, digest, size }) {
      const bytes = yield* gather(content, size)
      const actual = hasher.digest(algorithm, bytes)
      if (digest !== undefined && digest !== actual) return yield* new DigestInvalid({ digest, actual })
      const existed = blobs.has(actual)
      yield* put(blobs, actual, bytes)
      return { digest: actual, size: bytes.length, existed }
    }),
    adopt: Effect.fnUntraced(function*(from, digest) {
      const bytes = yield* from.get(digest, Number.MAX_SAFE_INTEGER)
      if (Option.isSome(bytes)) yield* put(blobs, digest, bytes.value)
      return Option.isSome(bytes)
    }),
    heldOnly: Stream.empty,
    list: Stream.suspend(() => Stream.fromIterable(Array.from(blobs, ([digest, stored]) => storedOf(digest, stored)))),
    digests: Effect.sync(() => Array.from(blobs.keys())),
    find: (digest) => Effect.map(found(digest), Option.map((stored) => storedOf(digest, stored))),
    markedSince: (since) =>
      Effect.sync(() => new Set(Array.from(blobs).flatMap(([digest, { touched }]) => touched > since ? [digest] : []))),
    path: () => Option.none()
  }
}

/** The bytes of a stream, given up as soon as they are more than expected. */
const gather = Effect.fnUntraced(
  function*<E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    expected: number | undefined
  ): Effect.fn.Return<Uint8Array, E | SizeInvalid, R> {
    const bytes = yield* collectBytes(content, (size) =>
      expected !== undefined && size > expected
        ? Effect.fail(new SizeInvalid({ expected, actual: size }))
        : Effect.void)
    return expected === undefined || bytes.length === expected
      ? bytes
      : yield* new SizeInvalid({ expected, actual: bytes.length })
  }
)
