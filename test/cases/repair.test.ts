import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { digestOf, utf8 } from "../support/images.ts"
import { blobsIn, codes, collected, entriesOf, given, open, short } from "./given.ts"

const amd64 = "sha256:713882b587a9574a6992399535de0b423e0f0f81f35c9d31654215792ec3813c"

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

  it.live("what refers to a referrer that no entry leads to is listed in the same repository", () =>
    Effect.gen(function*() {
      const layout = yield* given("03-referrer-not-in-index/referrer_unlisted")
      const { directory, registry, repository } = layout
      const [signature] = yield* Stream.runCollect(registry.referrers(repository, amd64))
      assert(signature !== undefined)
      const before = entriesOf(directory)
      // Whichever of them is looked at first.
      for (const name of ["one", "two", "three"]) {
        const bytes = utf8(JSON.stringify({
          schemaVersion: 2,
          mediaType: signature.mediaType,
          artifactType: "application/vnd.example.timestamp",
          config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(utf8("{}")), size: 2 },
          layers: [],
          subject: signature,
          annotations: { name }
        }))
        fs.writeFileSync(join(directory, "blobs", "sha256", digestOf(bytes).slice(7)), bytes)
      }
      fs.writeFileSync(join(directory, "blobs", "sha256", digestOf(utf8("{}")).slice(7)), "{}")
      yield* (yield* open(directory)).registry.repair()
      assert.strictEqual(entriesOf(directory).length, before.length + 4)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [repository])
      assert.deepStrictEqual(yield* codes(layout), [])
    }).pipe(Effect.scoped))
})
