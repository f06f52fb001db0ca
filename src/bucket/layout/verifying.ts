/** Content of the store, held to its digest. */
import { Effect, Stream } from "effect"
import { requireDigest, runningHash } from "../../node/files/hasher.ts"
import { algorithmOf, type ContentDigest } from "../../oci/Digest.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { keyOfBlob } from "./keyOfBlob.ts"

/** Whether what is there has the digest; who wrote it is not known. */
export const lookAtContent = Effect.fnUntraced(function*(store: ObjectStore, digest: ContentDigest, size: number) {
  const found = yield* store.read(keyOfBlob(digest))
  if (found === undefined || found.size !== size) return { right: false, etag: found?.etag }
  const hash = runningHash(algorithmOf(digest))
  yield* Stream.runForEach(found.content, (piece) => Effect.sync(() => hash.update(piece)))
  return { right: hash.digest() === digest, etag: found.etag }
}, Effect.scoped)

/** The content, which fails before its end where it is not that of the digest. */
export const verifying = <E, R>(digest: ContentDigest, content: Stream.Stream<Uint8Array, E, R>) =>
  Stream.suspend(() => {
    const hash = runningHash(algorithmOf(digest))
    const seen = Stream.tap(content, (piece) => Effect.sync(() => hash.update(piece)))
    const check = Effect.suspend(() => requireDigest(digest, hash.digest(), "its bytes"))
    return Stream.concat(seen, Stream.drain(Stream.fromEffect(check)))
  })
