/** The objects of a layout as they lie in a bucket, and how they are put right. */
import { Effect, Option, Result, Stream } from "effect"
import { hasher, runningHash } from "../../node/files/hasher.ts"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { Unsupported } from "../../oci/OciError.ts"
import type { BlobStore } from "../../ops/ports/BlobStore.ts"
import type { Leftovers } from "../../ops/ports/Leftovers.ts"
import type { BlobFile, FilesCondition, Upkeep } from "../../ops/ports/Upkeep.ts"
import { absent, type ObjectStore } from "../store/ObjectStore.ts"
import { type BucketLayout, marker, markerKey } from "./commit.ts"
import { indexKey } from "./head.ts"
import { keyOfBlob } from "./keyOfBlob.ts"

/** How many are hashed at a time. */
const atOnce = 4

export const makeUpkeep = (store: ObjectStore, { look, standingNow, tend }: BucketLayout, blobs: BlobStore): Upkeep => {
  const none = { blobs: 0, bytes: 0 }
  const fileOf = (digest: ContentDigest, size: number): BlobFile => ({
    path: keyOfBlob(digest),
    digest,
    kind: "file",
    size,
    readable: true
  })
  const hashOf = Effect.fnUntraced(function*(digest: ContentDigest, passed: (bytes: number) => Effect.Effect<void>) {
    const found = yield* store.read(keyOfBlob(digest))
    if (found === undefined) return Option.none<ContentDigest>()
    const hash = runningHash(algorithmOf(digest))
    yield* Stream.runForEach(found.content, (piece) => {
      hash.update(piece)
      return passed(piece.length)
    })
    return Option.some(hash.digest())
  }, Effect.scoped)
  const smallObject = (key: string): Effect.Effect<Option.Option<Uint8Array>, ReadFault> =>
    Effect.map(
      store.get(key),
      ({ value }) => value === undefined || value === "unchanged" ? Option.none() : Option.some(value.bytes)
    )
  return {
    held: Effect.map(standingNow, ({ condemned }) => {
      const sizes = Array.from(condemned.values(), ({ size }) => size)
      return {
        kept: none,
        only: none,
        trash: { blobs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
      }
    }),
    // Nothing that is condemned goes before its day.
    emptyTrash: Effect.void,
    inspect: Effect.gen(function*() {
      const found = yield* Effect.result(
        Effect.map(store.head(markerKey), ({ value }) => value === undefined ? "missing" as const : "present" as const)
      )
      const head = yield* Effect.result(look)
      return {
        marker: found,
        index: Result.map(
          head,
          ({ index, state }): FilesCondition["index"] extends Result.Result<infer A, ReadFault> ? A : never =>
            index === undefined ? undefined : { state, manifests: "list", keyTwice: undefined, readable: true }
        ),
        journal: Result.map(head, ({ last }) => ({ begun: last !== undefined, damaged: false, torn: 0 }))
      }
    }),
    blob: (digest) => Effect.map(blobs.stat(digest), Option.map((size) => fileOf(digest, size))),
    blobs: Stream.map(blobs.list, ({ digest, size }) => fileOf(digest, size)),
    hashing: Effect.succeed({ atOnce, hash: hashOf }),
    quarantine: Effect.fnUntraced(function*(digest) {
      const key = keyOfBlob(digest)
      const { date, value } = yield* store.get(key)
      if (value === undefined || value === "unchanged") return Option.none()
      if (hasher.digest(algorithmOf(digest), value.bytes) === digest) return Option.none()
      const away = `.ocilayout/quarantine/${digest.replace(":", "-")}`
      yield* store.put(away, value.bytes, {})
      const removed = yield* store.remove(key, { etag: value.etag, relies: date })
      return removed.value._tag === "Done" ? Option.some(away) : Option.none()
    }),
    repairFile: Effect.fnUntraced(function*(what) {
      if (what === "list") {
        return yield* new Unsupported({
          operation: "mending the index of a bucket",
          reason: "its list of manifests is missing; put the last good index.json back"
        })
      }
      const { value } = yield* store.put(markerKey, marker, { condition: absent })
      return value._tag === "Done" ? Option.some("made oci-layout") : Option.none()
    }),
    beside: (name) => Effect.orElseSucceed(smallObject(name), () => Option.none()),
    indexBytes: smallObject(indexKey),
    restoreIndex: Effect.fnUntraced(function*() {
      const { index, last } = yield* look
      if (index !== undefined || last === undefined) return Option.none()
      yield* tend
      return Option.some("published the index of the last record")
    })
  }
}

/** Other tools leave no files in a bucket that are known to be theirs. */
export const noLeftovers: Leftovers = { list: Stream.empty, remove: () => Effect.succeed(Option.none()) }
