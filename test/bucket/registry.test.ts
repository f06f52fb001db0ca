/** A registry in a bucket: what is pushed by one machine is there for all, and tools that read a layout can read it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, type Scope, Stream } from "effect"
import { Bucket } from "../../properties/support/simulation/Bucket.ts"
import { bucketStores } from "../../src/bucket/makeBucket.ts"
import { absent, type ObjectStore, unchanged } from "../../src/bucket/store/ObjectStore.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { collectBytes } from "../../src/ops/manifests/collectBytes.ts"
import { bytesOf, digestOf, imageManifest, pushImage } from "../mcp/support/images.ts"
import { gatewayCommand, startGateway, withClient } from "./support/gateway.ts"

type Stores = { readonly store: ObjectStore; readonly bucket: Bucket | undefined }

const registryIn = (
  store: ObjectStore,
  foreignMillis = 0,
  publishMillis = 0
): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(
    bucketStores(store, { defaultRepository: undefined, foreignMillis, publishMillis }),
    (stores) => sharedRegistry(stores, hasher)
  )

const simulated = <A, E>(test: (stores: Stores) => Effect.Effect<A, E, Scope.Scope>) => {
  const bucket = new Bucket()
  return Effect.scoped(test({ store: bucket.machine(), bucket }))
}

const real = <A, E>(test: (stores: Stores) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(withClient(Effect.gen(function*() {
    const gateway = yield* startGateway
    return yield* test({ store: yield* gateway.storeAt("layout"), bucket: undefined })
  })))

const kinds = [
  { name: "a simulated store", run: simulated, skip: false },
  { name: "a gateway", run: real, skip: gatewayCommand === undefined }
]

const tagsOf = (registry: LayoutRegistry) => Stream.runCollect(registry.tags("app"))

const indexOf = (store: ObjectStore) =>
  Effect.map(store.get("index.json"), ({ value }) => {
    assert.isObject(value)
    const { bytes, etag } = typeof value === "object" ? value : { bytes: bytesOf(""), etag: "" }
    return { etag, text: Buffer.from(bytes).toString() }
  })

describe.each(kinds)("a registry in $name", ({ run, skip }) => {
  const live = skip ? it.live.skip : it.live

  live("has what another machine pushed, as a plain layout", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(store), yield* registryIn(store)]
        const image = yield* pushImage(one, { tags: ["v1", "v2"] })
        assert.deepStrictEqual(yield* tagsOf(two), ["v1", "v2"])
        assert.strictEqual((yield* two.resolveTag("app", "v1")).digest, image.digest)
        const found = yield* two.getTag("app", "v1")
        assert.deepStrictEqual(Buffer.from(found.bytes), Buffer.from(image.bytes))
        yield* two.deleteTag("app", "v1")
        assert.deepStrictEqual(yield* tagsOf(one), ["v2"])
        const { text } = yield* indexOf(store)
        const index = JSON.parse(text) as { readonly manifests: ReadonlyArray<{ readonly digest: string }> }
        assert.deepStrictEqual(index.manifests.map(({ digest }) => digest), [image.digest])
        assert.isDefined((yield* store.head("oci-layout")).value)
        const steps = yield* Stream.runCollect(one.verify())
        assert.deepStrictEqual(steps.filter(({ _tag }) => _tag === "Found"), [])
      })
    ))

  live("keeps the history, and takes changes back", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const registry = yield* registryIn(store)
        yield* pushImage(registry, { tags: ["v1"] })
        yield* registry.deleteTag("app", "v1")
        const [last] = yield* Stream.runCollect(registry.history())
        yield* registry.revert(last?.revision ?? 0)
        const other = yield* registryIn(store)
        assert.deepStrictEqual(yield* tagsOf(other), ["v1"])
        assert.deepStrictEqual((yield* Stream.runCollect(other.history())).map(({ revision }) => revision), [3, 2, 1])
      })
    ))

  live("goes on with an upload on another machine", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(store), yield* registryIn(store)]
        const bytes = bytesOf("0123456789")
        const writer = yield* one.pushBlobChunked("app")
        yield* writer.append(0, Stream.succeed(bytes.subarray(0, 4)))
        const resumed = yield* two.pushBlobChunkedResume("app", writer.id, { offset: 4 })
        yield* resumed.append(4, Stream.succeed(bytes.subarray(4)))
        const { digest } = yield* resumed.commit(digestOf(bytes))
        const content = yield* Effect.scoped(
          Effect.flatMap(
            one.getBlobRange("app", digest, { offset: 3, end: 7 }),
            (found) => collectBytes(found.stream, () => Effect.void)
          )
        )
        assert.strictEqual(Buffer.from(content).toString(), "3456")
        assert.deepStrictEqual((yield* store.list(".ocilayout/uploads/")).value.length, 1)
      })
    ))

  live(
    "tells the second of two who append at once where the upload stands",
    () =>
      run(({ store }) =>
        Effect.gen(function*() {
          const [one, two] = [yield* registryIn(store), yield* registryIn(store)]
          const writer = yield* one.pushBlobChunked("app")
          const other = yield* two.pushBlobChunkedResume("app", writer.id, { offset: 0 })
          // The first one's bytes arrive while the second one sends.
          const between = Stream.unwrap(Effect.as(writer.append(0, Stream.succeed(bytesOf("1234"))), Stream.empty))
          const late = yield* Effect.flip(other.append(0, Stream.concat(between, Stream.succeed(bytesOf("abc")))))
          assert.strictEqual(late._tag, "RangeInvalid")
          assert.include(late.message, "4")
          const content = bytesOf("1234abc")
          yield* other.append(4, Stream.succeed(bytesOf("abc")))
          assert.strictEqual((yield* other.commit(digestOf(content))).size, 7)
          const cancelled = yield* two.pushBlobChunked("app")
          const ends = Stream.unwrap(Effect.as(cancelled.cancel, Stream.succeed(bytesOf("abc"))))
          assert.strictEqual((yield* Effect.flip(cancelled.append(0, ends)))._tag, "UploadBusy")
        })
      )
  )

  live("takes a large blob in parts, and refuses a wrong one", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const registry = yield* registryIn(store)
        const bytes = new Uint8Array(17 * 1024 * 1024).fill(5)
        const digest = digestOf(bytes)
        const wrong = yield* Effect.flip(registry.pushBlob("app", Stream.succeed(bytes.subarray(1)), { digest }))
        assert.strictEqual(wrong._tag, "DigestInvalid")
        assert.strictEqual((yield* Effect.flip(registry.resolveBlob("app", digest)))._tag, "BlobUnknown")
        yield* registry.pushBlob("app", Stream.succeed(bytes), { digest })
        assert.strictEqual((yield* registry.resolveBlob("app", digest)).size, bytes.length)
        const unknown = bytesOf("content whose digest was not told".repeat(1000))
        yield* registry.pushBlob("app", Stream.fromIterable([bytes, unknown]))
        assert.deepStrictEqual((yield* store.list(".ocilayout/tmp/")).value, [])
      })
    ))

  live("deletes a blob for all at once, and takes it again", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(store, 60_000), yield* registryIn(store, 60_000)]
        yield* pushImage(one, { tags: ["v1"] })
        for (const content of [bytesOf("not needed"), new Uint8Array(9 * 1024 * 1024).fill(3)]) {
          const name = digestOf(content)
          const etag = Effect.map(store.head(`blobs/${name.replace(":", "/")}`), ({ value }) => value?.etag)
          yield* one.pushBlob("app", Stream.succeed(content), { digest: name })
          const before = yield* etag
          assert.strictEqual((yield* two.resolveBlob("app", name)).size, content.length)
          yield* one.deleteBlob("app", name)
          assert.strictEqual((yield* Effect.flip(two.resolveBlob("app", name)))._tag, "BlobUnknown")
          yield* two.pushBlob("app", Stream.succeed(content), { digest: name })
          assert.strictEqual((yield* one.resolveBlob("app", name)).size, content.length)
          assert.notStrictEqual(yield* etag, before)
        }
      })
    ))

  live("lets one of two win a tag that is not there", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const machines = yield* Effect.all([registryIn(store), registryIn(store), registryIn(store)])
        const results = yield* Effect.forEach(machines, (registry, place) =>
          Effect.gen(function*() {
            const image = yield* pushImage(registry, { manifest: { annotations: { place: String(place) } } })
            return yield* Effect.result(registry.tagManifest("app", image.digest, [{ tag: "won", ifAbsent: true }]))
          }), { concurrency: "unbounded" })
        assert.strictEqual(results.filter(Result.isSuccess).length, 1)
        const commits = yield* Stream.runCollect(machines[1].history())
        assert.strictEqual(commits.filter(({ changes }) => changes.some(({ tag }) => tag === "won")).length, 1)
      })
    ))

  live("refuses nothing on what it knew a moment ago", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(store, 60_000), yield* registryIn(store, 60_000)]
        const image = yield* pushImage(one, { tags: ["v1"] })
        const other = yield* pushImage(two, { manifest: { annotations: { other: "one" } } })
        yield* one.tagManifest("app", other.digest, ["v2"])
        // The other machine knows of no v2, and of this one as v1.
        yield* two.deleteTag("app", "v2")
        yield* one.tagManifest("app", image.digest, [{ tag: "v2", ifAbsent: true }])
        assert.strictEqual((yield* two.resolveTag("app", "v2")).digest, image.digest)
      })
    ))

  live(
    "answers before the index says it, where that may wait, and leaves nothing unsaid",
    () =>
      run(({ store }) =>
        Effect.gen(function*() {
          const image = yield* Effect.scoped(Effect.gen(function*() {
            const one = yield* registryIn(store, 0, 3_600_000)
            const image = yield* pushImage(one, { tags: ["v1"] })
            yield* one.tagManifest("app", image.digest, ["v2"])
            const two = yield* registryIn(store)
            assert.deepStrictEqual(yield* tagsOf(two), ["v1", "v2"])
            assert.isUndefined((yield* store.head("index.json")).value)
            // The next writer that does not wait says it for both, and what another tool writes meanwhile is kept.
            yield* two.tagManifest("app", image.digest, ["v3"])
            const { etag, text } = yield* indexOf(store)
            for (const tag of ["v1", "v2", "v3"]) assert.include(text, `app:${tag}"`)
            yield* one.tagManifest("app", image.digest, ["v4"])
            yield* store.put("index.json", bytesOf(text.replace("app:v3", "app:foreign")), {
              condition: unchanged(etag)
            })
            assert.deepStrictEqual(yield* tagsOf(one), ["foreign", "v1", "v2", "v4"])
            yield* one.tagManifest("app", image.digest, ["v5"])
            assert.notInclude((yield* indexOf(store)).text, "app:v4")
            return image
          }))
          // It ended.
          const { text } = yield* indexOf(store)
          for (const tag of ["foreign", "v1", "v2", "v4", "v5"]) assert.include(text, `app:${tag}"`)
          const soon = yield* registryIn(store, 0, 1)
          yield* soon.tagManifest("app", image.digest, ["v6"])
          const isSaid = Effect.map(indexOf(store), ({ text }) => text.includes("app:v6\""))
          yield* Effect.repeat(Effect.delay(isSaid, 10), { until: (said) => said })
        })
      )
  )

  live("merges what another tool writes into the index", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(store), yield* registryIn(store)]
        const image = yield* pushImage(one, { tags: ["v1"] })
        const before = yield* indexOf(store)
        yield* two.tagManifest("app", image.digest, ["v2"])
        const edited = before.text.replaceAll("app:v1", "app:foreign")
        const current = yield* indexOf(store)
        yield* store.put("index.json", bytesOf(edited), { condition: unchanged(current.etag) })
        assert.deepStrictEqual(yield* tagsOf(one), ["foreign", "v2"])
        yield* one.tagManifest("app", image.digest, ["v3"])
        assert.deepStrictEqual(yield* tagsOf(two), ["foreign", "v2", "v3"])
        const actors = (yield* Stream.runCollect(two.history())).map(({ actor }) => actor)
        assert.deepStrictEqual(actors.toSorted(), ["foreign", "library", "library", "library"])
        // The same bytes once more change nothing.
        const published = yield* indexOf(store)
        yield* two.deleteTag("app", "foreign")
        yield* store.put("index.json", bytesOf(edited), {})
        assert.deepStrictEqual(yield* tagsOf(one), ["v2", "v3"])
        assert.notStrictEqual(published.text, edited)
      })
    ))

  live("opens a layout that was uploaded as it is", () =>
    run(({ store }) =>
      Effect.gen(function*() {
        const one = yield* registryIn(store)
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { text } = yield* indexOf(store)
        for (const { key } of (yield* store.list(".ocilayout/")).value) yield* store.remove(key)
        yield* store.remove("index.json")
        yield* store.put("index.json", bytesOf(text.replace(/"dev\.ocilayout\.generation": "[^"]*"/u, "")), {
          condition: absent
        })
        const two = yield* registryIn(store)
        assert.deepStrictEqual(yield* tagsOf(two), ["v1"])
        yield* two.tagManifest("app", image.digest, ["v2"])
        assert.deepStrictEqual(yield* tagsOf(yield* registryIn(store)), ["v1", "v2"])
      })
    ))
})

describe("requests", () => {
  const counting =
    (bucket: Bucket | undefined) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<string>, E> =>
      Effect.gen(function*() {
        const before = bucket?.log.length ?? 0
        yield* effect
        return (bucket?.log.slice(before) ?? []).map((request) => request.replace(/([^/]*)\/.*/u, "$1"))
      })

  it.live("are as few as they can be", () =>
    simulated(({ bucket, store }) =>
      Effect.gen(function*() {
        const registry = yield* registryIn(store, 60_000)
        const image = yield* pushImage(registry, { tags: ["v1"] })
        const count = counting(bucket)
        assert.deepStrictEqual(yield* count(registry.resolveTag("app", "v1")), ["GET .ocilayout"])
        const tag = yield* count(registry.tagManifest("app", image.digest, ["v2"]))
        assert.deepStrictEqual(tag, ["PUT .ocilayout", "PUT index.json"])
        const other = bytesOf({ ...JSON.parse(Buffer.from(image.bytes).toString()) as object, annotations: { a: "b" } })
        const pushed = yield* count(registry.pushManifest("app", other, imageManifest, { tags: ["v3"] }))
        assert.deepStrictEqual(pushed, ["PUT blobs", "PUT .ocilayout", "PUT index.json"])
        const cold = yield* registryIn(store)
        assert.deepStrictEqual((yield* count(cold.resolveTag("app", "v1"))).toSorted(), [
          "GET .ocilayout",
          "GET index.json",
          "LIST .ocilayout"
        ])
      })
    ))

  it.live("of an upload whose last bytes come with its end are those of the session and the blob", () =>
    simulated(({ bucket, store }) =>
      Effect.gen(function*() {
        const registry = yield* registryIn(store, 60_000)
        yield* pushImage(registry, { tags: ["v1"] })
        const count = counting(bucket)
        const bytes = new Uint8Array(Buffer.from("the last bytes"))
        const digest = hasher.digest("sha256", bytes)
        const { id } = yield* registry.pushBlobChunked("app")
        const sent = yield* count(Effect.gen(function*() {
          const writer = yield* registry.pushBlobChunkedResume("app", id)
          yield* writer.finish(0, Stream.make(bytes), digest)
        }))
        assert.deepStrictEqual(sent, ["GET .ocilayout", "GET .ocilayout", "PUT blobs", "PUT .ocilayout"])

        // What one process has hashed on its way is read once, to be written under its name.
        const appended = yield* registry.pushBlobChunked("app")
        yield* appended.append(0, Stream.make(bytes))
        yield* appended.append(bytes.length, Stream.make(bytes))
        const twice = new Uint8Array(Buffer.concat([bytes, bytes]))
        const twiceDigest = hasher.digest("sha256", twice)
        const ended = yield* count(appended.commit(twiceDigest))
        assert.strictEqual(ended.filter((request) => request === "GET .ocilayout").length, 3)
        const other = yield* registryIn(store, 60_000)
        const [mine, theirs] = [yield* registry.pushBlobChunked("app"), yield* registry.pushBlobChunked("app")]
        yield* mine.append(0, Stream.make(bytes))
        yield* (yield* other.pushBlobChunkedResume("app", mine.id)).append(bytes.length, Stream.make(bytes))
        assert.strictEqual((yield* mine.commit(twiceDigest)).digest, twiceDigest)
        yield* theirs.append(0, Stream.make(bytes))
        assert.strictEqual((yield* Effect.flip(theirs.commit(twiceDigest)))._tag, "DigestInvalid")

        // What came with a wrong end stays.
        const wrong = yield* registry.pushBlobChunked("app")
        const refused = yield* Effect.flip(wrong.finish(0, Stream.make(bytes, bytes), digest))
        assert.strictEqual(refused._tag, "DigestInvalid")
        const again = yield* registry.pushBlobChunkedResume("app", wrong.id)
        assert.strictEqual(again.size, 2 * bytes.length)
        const both = new Uint8Array(Buffer.concat([bytes, bytes]))
        const descriptor = yield* again.commit(hasher.digest("sha256", both))
        assert.strictEqual(descriptor.size, both.length)
      })
    ))
})

describe("a store that does not honour If-Match of DELETE", () => {
  it.live("is written, and nothing is removed from it", () =>
    Effect.scoped(Effect.gen(function*() {
      const bucket = new Bucket()
      const store = bucket.machine()
      const registry = yield* registryIn({ ...store, remove: (key, { relies } = {}) => store.remove(key, { relies }) })
      const image = yield* pushImage(registry, { tags: ["v1"] })
      yield* registry.deleteManifest("app", image.digest)
      const fault = yield* Effect.flip(registry.deleteBlob("app", image.digest))
      assert.strictEqual(fault._tag, "Unsupported")
      assert.include(fault.message, "If-Match of DELETE")
      assert.isTrue(bucket.objects.has(`blobs/${image.digest.replace(":", "/")}`))
    })))
})

describe("a store that does not honour", () => {
  const broken: ReadonlyArray<readonly [what: string, change: (store: ObjectStore) => Partial<ObjectStore>]> = [
    ["If-None-Match", (store) => ({ put: (key, bytes, { relies }) => store.put(key, bytes, { relies }) })],
    ["If-Match", (store) => ({
      put: (key, bytes, { condition, relies }) =>
        store.put(key, bytes, { relies, ...(condition?._tag === "Absent" ? { condition } : {}) })
    })],
    ["the time of a signature", (store) => ({
      put: (key, bytes, { condition }) => store.put(key, bytes, { condition })
    })]
  ]
  it.live.each(broken)("%s is not written", ([what, change]) =>
    Effect.scoped(Effect.gen(function*() {
      const bucket = new Bucket()
      const store = bucket.machine()
      const registry = yield* registryIn({ ...store, ...change(store) })
      const bytes = bytesOf({ schemaVersion: 2, manifests: [] })
      const fault = yield* Effect.flip(
        registry.pushManifest("app", bytes, "application/vnd.oci.image.index.v1+json", { tags: ["v1"] })
      )
      assert.strictEqual(fault._tag, "Unsupported")
      assert.include(fault.message, what)
      assert.isUndefined(bucket.objects.get("index.json"))
    })))
})
