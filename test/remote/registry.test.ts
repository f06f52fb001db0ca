/** A registry on the network as a client sees it, against our own server over each store. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { inspect } from "../../src/ops/refs/inspect.ts"
import { inMemory, serving, stores } from "../http/support/serving.ts"
import { image, index, pushBlob, pushImage, pushManifest, referrerOf, sample, utf8 } from "../support/images.ts"
import { remoteAt, withClient } from "./support/remotes.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(multi, "signature")

const pushAll = Effect.fnUntraced(function*(registry: Effect.Success<ReturnType<typeof makeMemory>>) {
  for (const part of [one, other]) yield* pushImage(registry, "app", part)
  yield* pushManifest(registry, "app", multi, ["v1"])
  yield* pushImage(registry, "app", signature)
  return registry
})

const big = sample(new Uint8Array(5000).map((_, at) => at % 251), "application/octet-stream")

describe("a registry on the network", () => {
  it.live.each(stores)("over %s takes and gives what a layout does", ([, store]) =>
    withClient(Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const remote = yield* remoteAt(served)
      yield* remote.check
      const pushed = yield* pushBlob(remote, "app", big)
      assert.strictEqual(pushed.descriptor.digest, big.descriptor.digest)
      assert.deepStrictEqual(
        yield* Effect.map(Stream.runCollect(remote.streamBlob("app", big.descriptor.digest)), (parts) =>
          new Uint8Array(Buffer.concat(parts))),
        big.bytes
      )
      yield* pushImage(remote, "app", one, ["v1", "v2"])
      assert.deepStrictEqual(yield* remote.resolve("app", "v1"), one.descriptor)
      assert.deepStrictEqual((yield* remote.get("app", "v2")).bytes, one.bytes)
      assert.deepStrictEqual((yield* remote.getManifest("app", one.descriptor.digest)).descriptor, one.descriptor)
      assert.deepStrictEqual(yield* Stream.runCollect(remote.tags("app")), ["v1", "v2"] as never)
      assert.deepStrictEqual(yield* Stream.runCollect(remote.tags("app", { startAfter: "v1" })), ["v2"] as never)
      assert.deepStrictEqual(yield* Stream.runCollect(remote.repositories()), ["app"] as never)
      const absent = yield* Effect.flip(remote.resolveTag("app", "v3"))
      assert.strictEqual(absent._tag, "ManifestUnknown")
      const blob = yield* Effect.flip(remote.resolveBlob("app", `sha256:${"0".repeat(64)}`))
      assert.strictEqual(blob._tag, "BlobUnknown")
      const gone = yield* Effect.flip(Stream.runCollect(remote.tags("nothing")))
      assert.strictEqual(gone._tag, "NameUnknown")
      assert.strictEqual((yield* remote.deleteTag("app", "v2")).digest, one.descriptor.digest)
      assert.strictEqual((yield* Effect.flip(remote.resolveTag("app", "v2")))._tag, "ManifestUnknown")
    })))

  it.live("gives a window of a blob", () =>
    withClient(Effect.gen(function*() {
      const served = yield* inMemory()
      const remote = yield* remoteAt(served)
      yield* pushBlob(remote, "app", big)
      for (const [offset, end] of [[0, 10], [100, 200], [4990, undefined], [5000, undefined], [10, 10]] as const) {
        const bytes = yield* Effect.scoped(Effect.gen(function*() {
          const { descriptor, stream } = yield* remote.getBlobRange("app", big.descriptor.digest, { offset, end })
          assert.strictEqual(descriptor.size, 5000)
          return Buffer.concat(yield* Stream.runCollect(stream))
        }))
        assert.deepStrictEqual(new Uint8Array(bytes), big.bytes.slice(offset, end), `${offset} to ${end}`)
      }
    })))

  it.live("sets tags under conditions", () =>
    withClient(Effect.gen(function*() {
      const served = yield* inMemory()
      const remote = yield* remoteAt(served)
      yield* pushImage(remote, "app", one, ["v1"])
      yield* pushImage(remote, "app", other)
      const { bytes, descriptor } = other
      const push = (tag: { readonly ifAbsent?: boolean; readonly ifDigest?: string }) =>
        remote.pushManifest("app", bytes, descriptor.mediaType, { tags: [{ tag: "v1", ...tag }] })
      assert.strictEqual((yield* Effect.flip(push({ ifAbsent: true })))._tag, "TagExists")
      assert.strictEqual((yield* Effect.flip(push({ ifDigest: descriptor.digest })))._tag, "Conflict")
      const { moved } = yield* push({ ifDigest: one.descriptor.digest })
      assert.deepStrictEqual(moved, [{ tag: "v1", from: one.descriptor.digest }] as never)
    })))

  it.live("is copied to and from, with what refers to it, and explained", () =>
    withClient(Effect.gen(function*() {
      const local = yield* Effect.flatMap(makeMemory(), pushAll)
      const served = yield* inMemory()
      const remote = yield* remoteAt(served)
      const source = { registry: local, repository: "app", reference: "v1" }
      const target = { registry: remote, repository: "mirror", tags: ["v1"] }
      const copied = yield* copyManifest(source, target, { referrers: true })
      assert.strictEqual(copied.manifests, 4)
      assert.isTrue(Option.isNone(copied.revision))
      // The tag is set when all that it leads to, and what refers to it, is there.
      const [last] = yield* Stream.runCollect(served.registry.history())
      assert.deepStrictEqual(last?.changes.map(({ tag }) => tag), ["v1"] as never)
      const again = yield* copyManifest(source, target, { referrers: true })
      assert.deepStrictEqual([again.blobsCopied, again.bytesCopied], [0, 0])
      const referrers = yield* Stream.runCollect(remote.referrers("mirror", multi.descriptor.digest))
      assert.deepStrictEqual(referrers.map(({ digest }) => digest), [signature.descriptor.digest])
      const found = yield* inspect({ registry: remote, repository: "mirror", reference: "v1" })
      assert.strictEqual(found.manifest.kind, "index")
      assert.deepStrictEqual(Array.from(found.referrers), [["application/vnd.example.signature", 1]])

      const back = yield* makeMemory()
      const backed = yield* copyManifest(
        { registry: remote, repository: "mirror", reference: "v1" },
        { registry: back, repository: "app", tags: ["v1"] },
        { referrers: true }
      )
      assert.strictEqual(backed.manifests, 4)
      assert.deepStrictEqual((yield* back.getTag("app", "v1")).bytes, multi.bytes)

      const within = yield* copyManifest(
        { registry: remote, repository: "mirror", reference: "v1" },
        { registry: remote, repository: "second", tags: ["v2"] }
      )
      // It is mounted, so that nothing but manifests came through here.
      assert.deepStrictEqual([within.blobsCopied, within.blobsPresent], [0, 5])
    })))

  it.live("does not have what no registry tells, and says so", () =>
    withClient(Effect.gen(function*() {
      const remote = yield* remoteAt(yield* inMemory())
      const tags = yield* Effect.all([
        Effect.flip(remote.expandDigest("app", "0123456789ab")),
        Effect.flip(remote.tagsOf("app", one.descriptor.digest)),
        Effect.flip(remote.pushBlobChunked("app")),
        Effect.flip(Stream.runCollect(remote.digests("app", "blob")))
      ])
      assert.deepStrictEqual(new Set(tags.map(({ _tag }) => _tag)), new Set(["Unsupported"]))
    })))

  it.live("does not keep a blob that is not what it was to be", () =>
    withClient(Effect.gen(function*() {
      const served = yield* inMemory()
      const remote = yield* remoteAt(served)
      for (const bytes of [utf8("small"), big.bytes.slice(1)]) {
        const failed = yield* Effect.flip(
          remote.pushBlob("app", Stream.succeed(bytes), { digest: big.descriptor.digest })
        )
        assert.strictEqual(failed._tag, "DigestInvalid")
        const size = yield* Effect.flip(remote.pushBlob("app", Stream.succeed(bytes), { size: 3 }))
        assert.strictEqual(size._tag, "SizeInvalid")
      }
      assert.deepStrictEqual(yield* served.registry.uploads("app"), [])
      assert.deepStrictEqual(yield* served.registry.usage, { blobs: 0, bytes: 0 })
    })))
})
