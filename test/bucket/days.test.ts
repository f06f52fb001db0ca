/** What takes days in a bucket: content that goes, and records that are folded together. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, type Scope, Stream } from "effect"
import { Bucket } from "../../properties/support/simulation/Bucket.ts"
import { bucketStores } from "../../src/bucket/makeBucket.ts"
import type { ObjectStore } from "../../src/bucket/store/ObjectStore.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { bytesOf, digestOf, imageManifest, pushBlob, pushImage } from "../mcp/support/images.ts"

const hour = 60 * 60 * 1000

const registryIn = (store: ObjectStore, foreignMillis = 0): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(
    bucketStores(store, { defaultRepository: undefined, foreignMillis }),
    (stores) => sharedRegistry(stores, hasher)
  )

const withBucket = <A, E>(test: (bucket: Bucket) => Effect.Effect<A, E, Scope.Scope>) => {
  const bucket = new Bucket()
  bucket.now = Date.now()
  return Effect.scoped(test(bucket))
}

const keyOf = (digest: string): string => `blobs/${digest.replace(":", "/")}`

/** The digests of blobs that a collection lets go now. */
const collect = (registry: LayoutRegistry) =>
  Effect.gen(function*() {
    const { id } = yield* registry.planGarbage({ undoWindow: Duration.zero })
    const { removed } = yield* registry.collectGarbage(Option.getOrElse(id, () => ""))
    return removed.map(({ name }) => name).toSorted()
  })

const hasBlob = (registry: LayoutRegistry, digest: string) =>
  Effect.map(Effect.result(registry.resolveBlob("app", digest)), ({ _tag }) => _tag === "Success")

const findingsOf = (registry: LayoutRegistry) =>
  Effect.map(Stream.runCollect(registry.verify()), (steps) => steps.filter(({ _tag }) => _tag === "Found"))

describe("a collection in a bucket", () => {
  it.live("condemns what nothing needs, removes it a day later, and then forgets it", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "garbage")
        const isThere = (): boolean => bucket.objects.has(keyOf(digest))
        assert.deepStrictEqual(yield* collect(one), [])
        bucket.now += 25 * hour
        assert.deepStrictEqual(yield* collect(one), [digest])
        const two = yield* registryIn(bucket.machine())
        assert.deepStrictEqual([isThere(), yield* hasBlob(one, digest), yield* hasBlob(two, digest)], [
          true,
          false,
          false
        ])
        bucket.now += 23 * hour
        assert.deepStrictEqual([yield* collect(two), isThere()], [[], true])
        bucket.now += 2 * hour
        assert.deepStrictEqual([yield* collect(two), isThere()], [[digest], false])
        assert.deepStrictEqual(yield* collect(one), [])
        // As long as it is on the list its ETag is forbidden: the same content is another object.
        const etag = () => bucket.objects.get(keyOf(digest))?.etag ?? ""
        yield* pushBlob(two, "app", "garbage")
        assert.match(etag(), /-1"$/u)
        bucket.now += 25 * hour
        assert.deepStrictEqual([yield* collect(one), isThere()], [[], true])
        yield* one.tagManifest("app", image.digest, ["v2"])
        assert.deepStrictEqual([yield* collect(one), isThere()], [[digest], true])
        const notes = (yield* Stream.runCollect(one.history())).flatMap(({ changes }) => changes)
        assert.deepStrictEqual(notes.filter(({ from }) => from === digest).length, 2)
        assert.deepStrictEqual(yield* findingsOf(one), [])
      })
    ))

  it.live("keeps what a push needs again, so that its removal finds another object", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        yield* one.deleteManifest("app", image.digest)
        bucket.now += 25 * hour
        const gone = yield* collect(one)
        assert.deepStrictEqual(gone.length, 3)
        const two = yield* registryIn(bucket.machine())
        // The manifest is sent again; config and layer are only named.
        yield* two.pushManifest(
          "app",
          image.bytes,
          imageManifest,
          {
            tags: ["v2"]
          }
        )
        for (let days = 0; days < 4; days++) {
          bucket.now += 13 * hour
          yield* collect(one)
        }
        assert.deepStrictEqual(gone.filter((digest) => !bucket.objects.has(keyOf(digest))), [])
        assert.deepStrictEqual(yield* findingsOf(two), [])
      })
    ))

  it.live("condemns nothing that was written less than a day ago, with any grace", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "garbage")
        bucket.now += 2 * hour
        const { id, items } = yield* one.planGarbage({ grace: Duration.hours(1), undoWindow: Duration.zero })
        assert.deepStrictEqual(items.filter(({ goes }) => goes), [])
        yield* one.collectGarbage(Option.getOrElse(id, () => ""))
        assert.isTrue(yield* hasBlob(one, digest))
      })
    ))

  it.live("does not take what a push needs again just before it is removed", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        yield* one.deleteManifest("app", image.digest)
        yield* pushImage(one, { tags: ["other"], layers: ["another"], config: { another: true } })
        bucket.now += 25 * hour
        assert.strictEqual((yield* collect(one)).length, 3)
        bucket.now += 25 * hour
        const again = yield* Effect.cached(Effect.orDie(
          one.pushManifest("app", image.bytes, imageManifest, { tags: ["again"] })
        ))
        const store = bucket.machine()
        const late: ObjectStore["remove"] = (key, options) =>
          key.startsWith("blobs/") ? Effect.andThen(again, store.remove(key, options)) : store.remove(key, options)
        yield* collect(yield* registryIn({ ...store, remove: late }))
        assert.strictEqual((yield* one.resolveTag("app", "again")).digest, image.digest)
        for (const { digest } of [image, image.config, ...image.layers]) {
          assert.isTrue(bucket.objects.has(keyOf(digest)))
        }
      })
    ))

  it.live("of what a machine has seen long ago is noticed when it counts on that", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        yield* one.deleteManifest("app", image.digest)
        const two = yield* registryIn(bucket.machine())
        for (let days = 0; days < 6; days++) {
          bucket.now += 25 * hour
          yield* pushImage(two, { tags: [`v${days}`], layers: [`layer ${days}`], config: { days } })
          yield* collect(two)
        }
        assert.isFalse(bucket.objects.has(keyOf(image.digest)))
        // This machine's clock tells nothing of that.
        const fault = yield* Effect.flip(one.pushManifest("app", image.bytes, imageManifest, { tags: ["v1"] }))
        assert.strictEqual(fault._tag, "ManifestBlobUnknown")
      })
    ))

  it.live("removes nothing later than two days after it was condemned", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "garbage")
        bucket.now += 25 * hour
        assert.deepStrictEqual(yield* collect(one), [digest])
        bucket.now += 48 * hour
        assert.deepStrictEqual(yield* collect(one), [])
        assert.isTrue(bucket.objects.has(keyOf(digest)))
      })
    ))

  it.live("of a large blob that is pushed again makes another object of it", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        yield* pushImage(one, { tags: ["v1"] })
        const bytes = new Uint8Array(17 * 1024 * 1024).fill(7)
        const digest = digestOf(bytes)
        const push = one.pushBlob("app", Stream.succeed(bytes), { digest })
        const etag = () => bucket.objects.get(keyOf(digest))?.etag ?? ""
        yield* push
        assert.match(etag(), /-3"$/u)
        yield* one.deleteBlob("app", digest)
        assert.isFalse(yield* hasBlob(one, digest))
        yield* push
        assert.match(etag(), /-2"$/u)
        assert.isTrue(yield* hasBlob(one, digest))
        yield* one.deleteBlob("app", digest)
        assert.isFalse(yield* hasBlob(one, digest))
        yield* push
        assert.match(etag(), /-2"$/u)
        assert.isTrue(yield* hasBlob(one, digest))
      })
    ))

  it.live("does not bring back for a manifest what a caller deleted", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        yield* one.deleteManifest("app", image.digest)
        const layer = image.layers[0]?.digest ?? ""
        yield* one.deleteBlob("app", layer)
        const two = yield* registryIn(bucket.machine())
        const fault = yield* Effect.flip(
          two.pushManifest("app", image.bytes, imageManifest, { tags: ["v2"] })
        )
        assert.strictEqual(fault._tag, "ManifestBlobUnknown")
      })
    ))
})

describe("a blob in a bucket that was deleted and pushed again", () => {
  it.live("is deleted again, as often as one likes, for all machines", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        // This one looks for changes only where it has to.
        const two = yield* registryIn(bucket.machine(), 60_000)
        yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "content")
        const content = (registry: LayoutRegistry) =>
          Effect.map(
            Effect.result(
              Effect.scoped(Effect.flatMap(registry.getBlob("app", digest), ({ stream }) => Stream.runCount(stream)))
            ),
            ({ _tag }) => _tag === "Success"
          )
        for (let times = 0; times < 3; times++) {
          yield* one.deleteBlob("app", digest)
          const third = yield* registryIn(bucket.machine())
          assert.deepStrictEqual([
            yield* hasBlob(one, digest),
            yield* hasBlob(two, digest),
            yield* hasBlob(third, digest)
          ], [
            false,
            false,
            false
          ])
          assert.isFalse(yield* content(third))
          assert.strictEqual((yield* Effect.flip(third.deleteBlob("app", digest)))._tag, "BlobUnknown")
          assert.strictEqual((yield* Effect.flip(third.mountBlob("app", "other", digest)))._tag, "BlobUnknown")
          yield* pushBlob(one, "app", "content")
          assert.deepStrictEqual([yield* content(two), yield* content(one), yield* content(third)], [true, true, true])
          yield* third.mountBlob("app", "other", digest)
        }
        const notes = (yield* Stream.runCollect(one.history())).flatMap(({ changes }) => changes)
        assert.strictEqual(notes.filter(({ from }) => from === digest).length, 3)
      })
    ))

  it.live("is not brought back by a manifest, and is brought back by an upload to any machine", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const [one, two] = [yield* registryIn(bucket.machine()), yield* registryIn(bucket.machine(), 60_000)]
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { digest } = image.layers[0] ?? { digest: "" }
        yield* one.deleteManifest("app", image.digest)
        yield* one.deleteBlob("app", digest)
        yield* pushImage(one, { tags: ["v1"] })
        yield* one.deleteManifest("app", image.digest)
        assert.isTrue(yield* hasBlob(two, digest))
        yield* one.deleteBlob("app", digest)
        for (const registry of [two, one]) {
          const push = registry.pushManifest("app", image.bytes, imageManifest, { tags: ["v2"] })
          assert.strictEqual((yield* Effect.flip(push))._tag, "ManifestBlobUnknown")
        }
        // Where it was hidden a moment ago: the other one has a head that says so still.
        yield* pushImage(one, { tags: ["v2"] })
        yield* two.pushManifest("app", image.bytes, imageManifest, { tags: ["v3"] })
        assert.strictEqual((yield* Effect.flip(one.deleteBlob("app", digest)))._tag, "Referenced")
        for (let days = 0; days < 5; days++) {
          bucket.now += 26 * hour
          yield* pushImage(one, { tags: [`later${days}`], config: { days } })
          yield* collect(one)
        }
        assert.isTrue(yield* hasBlob(yield* registryIn(bucket.machine()), digest))
        assert.deepStrictEqual(yield* findingsOf(one), [])
      })
    ))

  it.live("is not relied on by a push that found it there just before", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { digest } = image.layers[0] ?? { digest: "" }
        yield* one.deleteManifest("app", image.digest)
        yield* one.deleteBlob("app", digest)
        const { digest: again } = yield* pushBlob(one, "app", "layer one")
        assert.strictEqual(again, digest)
        const store = bucket.machine()
        const deletion = yield* Effect.cached(Effect.orDie(one.deleteBlob("app", digest)))
        const put: ObjectStore["put"] = (key, bytes, options) =>
          key.startsWith(".ocilayout/records/")
            ? Effect.andThen(deletion, store.put(key, bytes, options))
            : store.put(key, bytes, options)
        const two = yield* registryIn({ ...store, put })
        const fault = yield* Effect.flip(two.pushManifest("app", image.bytes, imageManifest, { tags: ["v2"] }))
        assert.strictEqual(fault._tag, "ManifestBlobUnknown")
      })
    ))

  it.live("stays away when its list is forgotten, and is removed a day later", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "content")
        yield* one.deleteBlob("app", digest)
        yield* pushBlob(one, "app", "content")
        yield* one.deleteBlob("app", digest)
        bucket.now += 25 * hour
        // The other ETag is the one that may be removed now.
        assert.deepStrictEqual(yield* collect(one), [])
        const still = yield* registryIn(bucket.machine())
        assert.isFalse(yield* hasBlob(still, digest))
        bucket.now += 25 * hour
        yield* one.tagManifest("app", image.digest, ["v2"])
        assert.isFalse(yield* hasBlob(yield* registryIn(bucket.machine()), digest))
        assert.isTrue(bucket.objects.has(keyOf(digest)))
        bucket.now += 25 * hour
        assert.deepStrictEqual(yield* collect(one), [digest])
        assert.isFalse(bucket.objects.has(keyOf(digest)))
        yield* pushBlob(still, "app", "content")
        assert.isTrue(yield* hasBlob(one, digest))
      })
    ))

  it.live("is there again for the one who pushes while its list is forgotten", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const image = yield* pushImage(one, { tags: ["v1"] })
        const { digest } = yield* pushBlob(one, "app", "content")
        yield* one.deleteBlob("app", digest)
        yield* pushBlob(one, "app", "content")
        yield* one.deleteBlob("app", digest)
        bucket.now += 50 * hour
        // Between the look of the upload and its record, the record of another machine condemns it.
        const store = bucket.machine()
        const other = yield* Effect.cached(Effect.orDie(one.tagManifest("app", image.digest, ["v2"])))
        const put: ObjectStore["put"] = (key, bytes, options) =>
          key.startsWith(".ocilayout/records/")
            ? Effect.andThen(other, store.put(key, bytes, options))
            : store.put(key, bytes, options)
        const two = yield* registryIn({ ...store, put })
        yield* pushBlob(two, "app", "content")
        for (let days = 0; days < 3; days++) {
          assert.isTrue(yield* hasBlob(one, digest), `after ${days} days`)
          bucket.now += 23 * hour
          yield* collect(one)
        }
      })
    ))
})

describe("what no machine comes back for", () => {
  it.live("is removed a day later, when an upload begins", () =>
    withBucket((bucket) =>
      Effect.gen(function*() {
        const one = yield* registryIn(bucket.machine())
        const store = bucket.machine()
        const bytes = bytesOf("content of an upload")
        const folder = (id: string) => `.ocilayout/uploads/${id}/`
        const keys = (prefix: string) => Array.from(bucket.objects.keys()).filter((key) => key.startsWith(prefix))
        const finished = yield* one.pushBlobChunked("app")
        yield* finished.append(0, Stream.succeed(bytes))
        yield* finished.commit(digestOf(bytes))
        const left = yield* one.pushBlobChunked("app")
        yield* left.append(0, Stream.succeed(bytes))
        const kept = yield* one.pushBlobChunked("app")
        // Its session was never written.
        yield* store.put(`${folder("0".repeat(32))}0-1`, bytes, {})
        yield* store.put(".ocilayout/tmp/1", bytes, {})
        yield* one.planGarbage({})
        bucket.now += 20 * hour
        yield* kept.append(0, Stream.succeed(bytes))
        bucket.now += 6 * hour
        const two = yield* registryIn(bucket.machine())
        const begun = yield* two.pushBlobChunked("app")
        for (let tries = 0; tries < 100 && keys(".ocilayout/plans/").length > 0; tries++) yield* Effect.sleep(10)
        for (const id of [finished.id, left.id, "0".repeat(32)]) assert.deepStrictEqual(keys(folder(id)), [])
        assert.deepStrictEqual([keys(".ocilayout/tmp/"), keys(".ocilayout/plans/")], [[], []])
        assert.isAbove(keys(folder(kept.id)).length, 1)
        assert.strictEqual(keys(folder(begun.id)).length, 1)
        yield* kept.commit(digestOf(bytes))
        assert.isTrue(yield* hasBlob(two, digestOf(bytes)))
      })
    ))
})

describe("records in a bucket", () => {
  it.live(
    "are folded, and removed a day later; history, undo and other tools' words go on",
    () =>
      withBucket((bucket) =>
        Effect.gen(function*() {
          const one = yield* registryIn(bucket.machine())
          const image = yield* pushImage(one, { tags: ["v0"] })
          const records = () =>
            Array.from(bucket.objects.keys()).filter((key) => key.startsWith(".ocilayout/records/")).length
          const old = bucket.objects.get("index.json")
          const still = yield* registryIn(bucket.machine())
          assert.deepStrictEqual(yield* Stream.runCollect(still.tags("app")), ["v0"])
          let last = 0
          const move = Effect.gen(function*() {
            last++
            yield* one.tagManifest("app", image.digest, [`v${last}`])
            if (last > 1) yield* one.deleteTag("app", `v${last - 1}`)
          })
          for (let times = 0; times < 330; times++) yield* move
          yield* Effect.sleep(50)
          yield* move
          assert.strictEqual(records(), 2 * last)
          assert.isTrue(bucket.objects.has(".ocilayout/segments/000000000000001-000000000000256"))
          bucket.now += 25 * hour
          yield* move
          yield* Effect.sleep(100)
          assert.strictEqual(records(), 2 * last - 256)
          // A machine that stood still meanwhile: the next record that it asks for is an object no longer.
          assert.deepStrictEqual(yield* Stream.runCollect(still.tags("app")), ["v0", `v${last}`])
          const count = 2 * last
          const two = yield* registryIn(bucket.machine())
          const revisions = (yield* Stream.runCollect(two.history())).map(({ revision }) => revision)
          assert.deepStrictEqual(revisions, Array.from({ length: count }, (_, k) => count - k))
          const tagsAt = (revision: number) => Stream.runCollect(two.at({ revision }).tags("app"))
          assert.deepStrictEqual(yield* tagsAt(2), ["v0", "v1"])
          assert.deepStrictEqual(yield* tagsAt(257), ["v0", "v128", "v129"])
          assert.deepStrictEqual(yield* tagsAt(count), ["v0", `v${last}`])
          // An index of the first record, which is an object no longer.
          if (old !== undefined) yield* bucket.machine().put("index.json", old.bytes, {})
          const three = yield* registryIn(bucket.machine())
          assert.deepStrictEqual(yield* Stream.runCollect(three.tags("app")), ["v0", `v${last}`])
          // A machine that stood still meanwhile knows this index, and the next record that it asks for is no object either.
          assert.deepStrictEqual(yield* Stream.runCollect(still.tags("app")), ["v0", `v${last}`])
          // The same, with a tag of another tool.
          const edited = Buffer.from(old?.bytes ?? []).toString().replaceAll("app:v0", "app:foreign")
          yield* bucket.machine().put("index.json", bytesOf(edited), {})
          assert.deepStrictEqual(yield* Stream.runCollect(three.tags("app")), ["foreign", `v${last}`])
          yield* three.tagManifest("app", image.digest, ["after"])
          const four = yield* registryIn(bucket.machine())
          assert.deepStrictEqual(yield* Stream.runCollect(four.tags("app")), ["after", "foreign", `v${last}`])
        })
      ),
    120_000
  )
})
