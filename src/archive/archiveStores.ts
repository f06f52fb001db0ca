/** The stores of an archive: what is read comes from it, and nothing is written. */
import { Effect, Option, Result, Stream } from "effect"
import { fromIndex } from "../layout/State.ts"
import { memoryStores } from "../memory/memoryStores.ts"
import { requireDigest, runningHash } from "../node/files/hasher.ts"
import { algorithmOf, type ContentDigest, encodedOf } from "../oci/Digest.ts"
import { Denied, LimitExceeded } from "../oci/OciError.ts"
import type { Repository } from "../oci/Reference.ts"
import { collectBytes } from "../ops/manifests/collectBytes.ts"
import type { BlobRead, BlobStore } from "../ops/ports/BlobStore.ts"
import type { Stores } from "../ops/ports/Stores.ts"
import type { BlobFile, Upkeep } from "../ops/ports/Upkeep.ts"
import { type Blob, type Images, wholeOf } from "./images/Images.ts"

const sizeOf = (blob: Blob): number => blob instanceof Uint8Array ? blob.length : blob.size

const denied = Effect.fail(
  new Denied({ operation: "writing", reason: "an archive is not changed in place; write a new one" })
)

const inArchive = "the bytes in the archive"

const blobStore = ({ blobs }: Images): BlobStore => {
  const find = (digest: ContentDigest) => Effect.sync(() => Option.fromUndefinedOr(blobs.get(digest)))

  const readOf = (
    digest: ContentDigest,
    { passing = false, verify, window }: Parameters<BlobStore["read"]>[1]
  ): Option.Option<BlobRead> => {
    const blob = blobs.get(digest)
    if (blob === undefined) return Option.none()
    const size = sizeOf(blob)
    const from = Math.min(window?.offset ?? 0, size)
    const to = Math.min(window === undefined ? size : window.offset + window.length, size)
    const isWhole = from === 0 && to === size
    if (blob instanceof Uint8Array) {
      const content = Stream.succeed(blob.subarray(from, to))
      return Option.some({ size, verified: true, content })
    }
    const hash = runningHash(algorithmOf(digest))
    const content = Stream.scoped(blob.read({
      from,
      to,
      passing,
      ...(verify && isWhole
        ? { see: hash.update, approve: Effect.suspend(() => requireDigest(digest, hash.digest(), inArchive)) }
        : {})
    }))
    return Option.some({ size, verified: verify && isWhole, content })
  }

  const storedOf = (digest: ContentDigest, blob: Blob) => ({ digest, size: sizeOf(blob), touched: 0 })
  return {
    stat: (digest) => Effect.map(find(digest), Option.map(sizeOf)),
    protect: () => denied,
    read: (digest, options) => Effect.sync(() => readOf(digest, options)),
    get: Effect.fnUntraced(function*(digest, limit) {
      const found = readOf(digest, { verify: true })
      if (Option.isNone(found)) return Option.none()
      const { content, size } = found.value
      if (size > limit) return yield* new LimitExceeded({ what: `bytes of ${digest}`, limit })
      return Option.some(yield* collectBytes(content, () => Effect.void))
    }, Effect.scoped),
    write: () => denied,
    adopt: () => denied,
    heldOnly: Stream.empty,
    list: Stream.fromIterable(Array.from(blobs, ([digest, blob]) => storedOf(digest, blob))),
    digests: Effect.sync(() => Array.from(blobs.keys())),
    find: (digest) => Effect.map(find(digest), Option.map((blob) => storedOf(digest, blob))),
    markedSince: () => Effect.succeed(new Set()),
    path: () => Option.none()
  }
}

const upkeep = ({ blobs }: Images, stores: Stores, state: ReturnType<typeof fromIndex>): Upkeep => {
  const fileOf = (digest: ContentDigest, blob: Blob): BlobFile => ({
    path: `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`,
    digest,
    kind: "file",
    size: sizeOf(blob),
    readable: true
  })
  return {
    ...stores.upkeep,
    inspect: Effect.succeed({
      marker: Result.succeed("present"),
      index: Result.succeed({ state, manifests: "list", keyTwice: undefined, readable: true }),
      journal: Result.succeed({ begun: false, damaged: false, torn: 0 })
    }),
    blob: (digest) =>
      Effect.sync(() => Option.map(Option.fromUndefinedOr(blobs.get(digest)), (blob) => fileOf(digest, blob))),
    blobs: Stream.fromIterable(Array.from(blobs, ([digest, blob]) => fileOf(digest, blob))),
    hashing: Effect.succeed({
      atOnce: 1,
      hash: Effect.fnUntraced(function*(digest, passed) {
        const blob = blobs.get(digest)
        if (blob === undefined) return Option.none()
        const hash = runningHash(algorithmOf(digest))
        const content = blob instanceof Uint8Array ? Stream.succeed(blob) : wholeOf(blob)
        yield* Stream.runForEach(content, (piece) =>
          Effect.suspend(() => {
            hash.update(piece)
            return passed(piece.length)
          }))
        return Option.some(hash.digest())
      })
    })
  }
}

export const archiveStores = (images: Images, defaultRepository: Repository): Stores => {
  const stores = memoryStores(defaultRepository)
  const state = fromIndex(images.entries, { defaultRepository, bytes: images.bytes })
  return {
    ...stores,
    layout: { snapshot: Effect.succeed(state), transact: () => denied, tend: Effect.void },
    blobs: blobStore(images),
    upkeep: upkeep(images, stores, state)
  }
}
