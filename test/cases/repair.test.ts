import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { blobsIn, codes, collected, entriesOf, given, short } from "./given.ts"

const digests = (directory: string) => entriesOf(directory).map(({ digest }) => short(String(digest)))

describe("a repair loses nothing that a person could still have reached", () => {
  it.live("index.json is a manifest: it becomes a blob and is listed", () =>
    Effect.gen(function*() {
      const layout = yield* given("05-index-json-is-a-manifest/index_is_manifest")
      const { left } = yield* layout.registry.repair()
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(digests(layout.directory), ["sha256:713882b587a9"])
      assert.strictEqual(blobsIn(layout.directory).length, 3)
      assert.deepStrictEqual(yield* codes(layout), [])
      assert.deepStrictEqual(yield* collected(layout), [])
    }).pipe(Effect.scoped))

  it.live("an emptied index: the index of two platforms is told and listed", () =>
    Effect.gen(function*() {
      const layout = yield* given("19-emptied-index/empty_index_with_blobs")
      assert.include(yield* codes(layout), "warning MANIFEST_UNLISTED")
      yield* layout.registry.repair()
      assert.deepStrictEqual(digests(layout.directory), ["sha256:a4689e969c84"])
      assert.deepStrictEqual(yield* Stream.runCollect(layout.registry.tags("recovered")), ["a4689e969c84"])
      assert.deepStrictEqual(yield* codes(layout), [])
      assert.deepStrictEqual(yield* collected(layout), [])
    }).pipe(Effect.scoped))

  it.live("a referrer that no entry leads to is told and listed", () =>
    Effect.gen(function*() {
      const layout = yield* given("03-referrer-not-in-index/referrer_unlisted")
      assert.deepStrictEqual(yield* codes(layout), ["warning REFERRER_UNLISTED"])
      yield* layout.registry.repair()
      assert.deepStrictEqual(digests(layout.directory), ["sha256:713882b587a9", "sha256:e00a15396de3"])
      assert.deepStrictEqual(yield* codes(layout), [])
    }).pipe(Effect.scoped))
})
