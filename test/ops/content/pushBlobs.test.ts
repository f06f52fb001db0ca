import { assert, describe, it } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { hasher } from "../../../src/memory/hasher.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { octetStream } from "../../../src/oci/MediaType.ts"
import {
  AlgorithmUnsupported,
  BlobUnknown,
  BlobUploadUnknown,
  DigestInvalid,
  NameInvalid,
  RangeInvalid,
  SizeInvalid,
  UploadBusy
} from "../../../src/oci/OciError.ts"
import { digest } from "../../support/entries.ts"
import { collect, pushBlob, sample, textOf, utf8 } from "../../support/images.ts"

const blob = sample("0123456789", octetStream)
const blobDigest = blob.descriptor.digest
const pieces = (...texts: ReadonlyArray<string>) => Stream.fromIterable(texts.map(utf8))
const dayMillis = 24 * 60 * 60 * 1000

describe("a blob pushed in one piece", () => {
  it.effect("is stored under its SHA-256 unless another digest is asked for", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const first = yield* registry.pushBlob("app", pieces("01234", "56789"), { mediaType: "text/plain" })
      assert.deepStrictEqual(first, { descriptor: { ...blob.descriptor, mediaType: "text/plain" }, existed: false })
      assert.isTrue((yield* pushBlob(registry, "app", blob)).existed)
      const sha512 = hasher.digest("sha512", blob.bytes)
      const other = yield* registry.pushBlob("app", pieces("0123456789"), { digest: sha512 })
      assert.deepStrictEqual(other, { descriptor: { ...blob.descriptor, digest: sha512 }, existed: false })
      assert.strictEqual(textOf(yield* collect((yield* registry.getBlob("app", sha512)).stream)), "0123456789")
    }))

  it.effect("may be empty", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const { descriptor } = yield* registry.pushBlob("app", Stream.empty, { size: 0 })
      assert.strictEqual(descriptor.size, 0)
      assert.strictEqual((yield* registry.resolveBlob("app", descriptor.digest)).size, 0)
    }))

  it.effect("that is not what was expected is not stored", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const push = (expected: { digest?: string; size?: number }) =>
        Effect.flip(registry.pushBlob("app", pieces("01234", "56789"), expected))
      assert.deepStrictEqual(
        yield* push({ digest: digest("a") }),
        new DigestInvalid({ digest: digest("a"), actual: blobDigest })
      )
      assert.deepStrictEqual(yield* push({ size: 11 }), new SizeInvalid({ expected: 11, actual: 10 }))
      assert.instanceOf(yield* push({ size: 4 }), SizeInvalid)
      assert.instanceOf(yield* push({ size: -1 }), SizeInvalid)
      assert.instanceOf(yield* push({ size: 0.5 }), SizeInvalid)
      assert.instanceOf(yield* push({ digest: "latest" }), DigestInvalid)
      assert.instanceOf(yield* push({ digest: `blake3:${"a".repeat(64)}` }), AlgorithmUnsupported)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
    }))

  it.effect("passes on the failure of its source, and stores nothing", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const broken = Stream.concat(pieces("01234"), Stream.fail("broken pipe" as const))
      assert.strictEqual(yield* Effect.flip(registry.pushBlob("app", broken)), "broken pipe")
      assert.instanceOf(yield* Effect.flip(registry.pushBlob("App", pieces("0"))), NameInvalid)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
    }))
})

describe("a blob pushed in chunks", () => {
  it.effect("is appended to and committed", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      assert.match(writer.id, /^[0-9a-f]{32}$/u)
      assert.strictEqual(writer.repository, "app")
      assert.strictEqual(writer.size, 0)
      assert.strictEqual(yield* writer.append(0, pieces("01", "234")), 5)
      assert.strictEqual(yield* writer.append(5, pieces("56789")), 10)
      assert.instanceOf(yield* Effect.flip(registry.resolveBlob("app", blobDigest)), BlobUnknown)
      assert.deepStrictEqual(yield* writer.commit(blobDigest, 10), blob.descriptor)
      assert.strictEqual(textOf(yield* collect((yield* registry.getBlob("app", blobDigest)).stream)), "0123456789")
    }))

  it.effect("goes on only where it stands, and tells where that is", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, pieces("01234"))
      for (const offset of [0, 4, 6]) {
        assert.deepStrictEqual(
          yield* Effect.flip(writer.append(offset, pieces("x"))),
          new RangeInvalid({ offset, size: 5 })
        )
      }
      assert.strictEqual(yield* writer.append(5, Stream.empty), 5)
      assert.strictEqual(yield* writer.append(5, pieces("56789")), 10)
      yield* writer.commit(blobDigest)
    }))

  it.effect("can be committed under SHA-512, and as nothing", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(blob.bytes))
      const sha512 = hasher.digest("sha512", blob.bytes)
      assert.strictEqual((yield* writer.commit(sha512)).digest, sha512)
      const nothing = hasher.digest("sha256", new Uint8Array())
      assert.strictEqual((yield* (yield* registry.pushBlobChunked("app")).commit(nothing)).size, 0)
    }))

  it.effect("stays as it was when it is committed as something else", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, pieces("01234"))
      const actual = hasher.digest("sha256", utf8("01234"))
      assert.deepStrictEqual(
        yield* Effect.flip(writer.commit(blobDigest)),
        new DigestInvalid({ digest: blobDigest, actual })
      )
      assert.deepStrictEqual(yield* Effect.flip(writer.commit(actual, 9)), new SizeInvalid({ expected: 9, actual: 5 }))
      assert.instanceOf(yield* Effect.flip(writer.commit("sha256:beef")), DigestInvalid)
      yield* writer.append(5, pieces("56789"))
      yield* writer.commit(blobDigest)
    }))

  it.effect("keeps what had arrived when its source breaks off", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      const broken = Stream.concat(pieces("01", "234"), Stream.fail("broken pipe" as const))
      assert.strictEqual(yield* Effect.flip(writer.append(0, broken)), "broken pipe")
      const resumed = yield* registry.pushBlobChunkedResume("app", writer.id)
      assert.strictEqual(resumed.size, 5)
      yield* resumed.append(5, pieces("56789"))
      yield* resumed.commit(blobDigest)
    }))

  it.effect("is one writer's at a time", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      const begun = yield* Deferred.make<void>()
      const slow = Stream.concat(
        pieces("01234"),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      )
      const appending = yield* Effect.forkChild(writer.append(0, slow))
      yield* Deferred.await(begun)
      const busy = new UploadBusy({ upload: writer.id })
      assert.deepStrictEqual(yield* Effect.flip(writer.append(5, pieces("x"))), busy)
      assert.deepStrictEqual(yield* Effect.flip(writer.commit(blobDigest)), busy)
      assert.deepStrictEqual(yield* Effect.flip(writer.cancel), busy)
      yield* Fiber.interrupt(appending)
      assert.strictEqual(yield* writer.append(5, pieces("56789")), 10)
      yield* writer.commit(blobDigest)
    }))
})

describe("a session", () => {
  it.effect("is continued where it stands, or where its sender says it does", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const { append, id } = yield* registry.pushBlobChunked("app")
      yield* append(0, pieces("01234"))
      const resume = (offset?: number) =>
        registry.pushBlobChunkedResume("app", id, offset === undefined ? {} : { offset })
      for (const offset of [undefined, 5, -1]) assert.strictEqual((yield* resume(offset)).size, 5)
      assert.deepStrictEqual(yield* Effect.flip(resume(4)), new RangeInvalid({ offset: 4, size: 5 }))
    }))

  it.effect("takes the chunk size its sender would like", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const chunkSize = (wanted?: number) =>
        Effect.map(registry.pushBlobChunked("app", wanted), ({ chunkSize }) => chunkSize)
      assert.strictEqual(yield* chunkSize(1234), 1234)
      assert.strictEqual(yield* chunkSize(), 8 * 1024 * 1024)
      assert.strictEqual(yield* chunkSize(0), 8 * 1024 * 1024)
      const { id } = yield* registry.pushBlobChunked("app")
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", id, { chunkSize: 7 })).chunkSize, 7)
    }))

  it.effect("is unknown to other repositories, and by ids that were never given out", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const { id } = yield* registry.pushBlobChunked("app")
      const resume = (name: string, id: string) => Effect.flip(registry.pushBlobChunkedResume(name, id))
      assert.deepStrictEqual(yield* resume("other", id), new BlobUploadUnknown({ upload: id }))
      for (const stranger of ["", "0".repeat(32), id.toUpperCase(), "../../index.json", `${id}/`]) {
        assert.deepStrictEqual(yield* resume("app", stranger), new BlobUploadUnknown({ upload: stranger }))
        assert.deepStrictEqual(
          yield* Effect.flip(registry.findUpload(stranger)),
          new BlobUploadUnknown({ upload: stranger })
        )
      }
      assert.instanceOf(yield* resume("App", id), NameInvalid)
    }))

  it.effect("that is over is unknown, but committing it again or cancelling it is answered", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(blob.bytes))
      yield* writer.commit(blobDigest)
      assert.deepStrictEqual(yield* writer.commit(blobDigest), blob.descriptor)
      const unknown = new BlobUploadUnknown({ upload: writer.id })
      assert.deepStrictEqual(yield* Effect.flip(writer.commit(digest("a"))), unknown)
      assert.deepStrictEqual(yield* Effect.flip(writer.append(10, pieces("x"))), unknown)
      assert.deepStrictEqual(yield* Effect.flip(registry.pushBlobChunkedResume("app", writer.id)), unknown)
      assert.strictEqual(yield* writer.cancel, 0)
      const found = yield* registry.findUpload(writer.id)
      assert.strictEqual(found.repository, "app")
      assert.deepStrictEqual(yield* found.commit(blobDigest), blob.descriptor)
    }))

  it.effect("that became a blob which was deleted since is unknown, not answered as if it were there", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(blob.bytes))
      yield* writer.commit(blobDigest)
      yield* registry.deleteBlob("app", blobDigest)
      const unknown = new BlobUploadUnknown({ upload: writer.id })
      assert.deepStrictEqual(yield* Effect.flip(writer.commit(blobDigest)), unknown)
    }))

  it.effect("that is cancelled tells how much went with it", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, pieces("01234"))
      assert.strictEqual(yield* writer.cancel, 5)
      assert.strictEqual(yield* writer.cancel, 0)
      assert.instanceOf(yield* Effect.flip(writer.append(5, pieces("x"))), BlobUploadUnknown)
      assert.deepStrictEqual(yield* registry.uploads("app"), [])
    }))

  it.effect("expires a day after its last append", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* TestClock.adjust(dayMillis - 1)
      yield* writer.append(0, pieces("01234"))
      yield* TestClock.adjust(dayMillis - 1)
      const resumed = yield* registry.pushBlobChunkedResume("app", writer.id)
      assert.strictEqual(
        DateTime.toEpochMillis(resumed.expires) - DateTime.toEpochMillis(writer.expires),
        dayMillis - 1
      )
      yield* TestClock.adjust(1)
      assert.instanceOf(yield* Effect.flip(registry.pushBlobChunkedResume("app", writer.id)), BlobUploadUnknown)
      assert.instanceOf(yield* Effect.flip(writer.append(5, pieces("x"))), BlobUploadUnknown)
      assert.deepStrictEqual(yield* registry.uploads("app"), [])
    }))

  it.effect("is listed for its repository, and found by its id alone", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const writer = yield* registry.pushBlobChunked("app")
      yield* registry.pushBlobChunked("other")
      yield* writer.append(0, pieces("01234"))
      const listed = yield* registry.uploads("app")
      assert.deepStrictEqual(listed.map(({ id, repository, size }) => [id, repository, size]), [
        [writer.id, writer.repository, 5]
      ])
      assert.deepStrictEqual(yield* registry.uploads("nobody"), [])
      const found = yield* registry.findUpload(writer.id)
      assert.deepStrictEqual([found.repository, found.size], [writer.repository, 5])
    }))
})

describe("mounting", () => {
  it.effect("in a shared layout asks only whether the blob is there", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", blob)
      assert.deepStrictEqual(yield* registry.mountBlob("app", "other", blobDigest), blob.descriptor)
      assert.deepStrictEqual(yield* registry.mountBlob("never/seen", "other", blobDigest), blob.descriptor)
      assert.deepStrictEqual(
        yield* Effect.flip(registry.mountBlob("app", "other", digest("a"))),
        new BlobUnknown({ digest: digest("a") })
      )
    }))

  it.effect("checks both names and the digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.instanceOf(yield* Effect.flip(registry.mountBlob("App", "other", blobDigest)), NameInvalid)
      assert.instanceOf(yield* Effect.flip(registry.mountBlob("app", "Other", blobDigest)), NameInvalid)
      assert.instanceOf(yield* Effect.flip(registry.mountBlob("app", "other", "v1")), DigestInvalid)
    }))
})
