/** A tree of layouts in a bucket: one for each repository, below its name. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, Stream } from "effect"
import { Bucket } from "../../properties/support/simulation/Bucket.ts"
import { makeBookmarks } from "../../src/bucket/layout/bookmarks.ts"
import { bucketTree } from "../../src/bucket/makeBucket.ts"
import { below } from "../../src/bucket/store/below.ts"
import type { ObjectStore } from "../../src/bucket/store/ObjectStore.ts"
import { notify } from "../../src/http/index.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import { contextOf } from "../../src/ops/api/Layout.ts"
import { treeRegistry } from "../../src/ops/makeRegistry.ts"
import { bytesOf, digestOf, pushImage } from "../mcp/support/images.ts"
import { repository } from "../support/entries.ts"
import { gatewayCommand, startGateway, withClient } from "./support/gateway.ts"
import { startLenders } from "./support/lenders.ts"

interface Event {
  readonly subject: string
  readonly data: { readonly revision: number }
}

const registryIn = (store: ObjectStore) =>
  Effect.map(bucketTree(store, { foreignMillis: 0 }), (tree) => treeRegistry(tree, hasher))

const simulated = <A, E>(test: (store: ObjectStore) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(test(new Bucket().machine()))

const real = <A, E>(test: (store: ObjectStore) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(withClient(Effect.gen(function*() {
    const gateway = yield* startGateway
    return yield* test(yield* gateway.storeAt("tree"))
  })))

const kinds = [
  { name: "a simulated store", run: simulated, skip: false },
  { name: "a gateway", run: real, skip: gatewayCommand === undefined }
]

describe.each(kinds)("a tree in $name", ({ run, skip }) => {
  const live = skip ? it.live.skip : it.live

  live(
    "has a layout below the name of each repository, which another machine sees",
    () =>
      run((store) =>
        Effect.gen(function*() {
          const [one, two] = [yield* registryIn(store), yield* registryIn(store)]
          for (const name of ["b", "a/b", "a", "a-b"]) {
            yield* pushImage(one, { repository: name, tags: [`of-${name.replace("/", "-")}`] })
          }
          assert.deepStrictEqual(yield* Stream.runCollect(two.repositories()), ["a", "a-b", "a/b", "b"])
          assert.deepStrictEqual(yield* Stream.runCollect(two.tags("a/b")), ["of-a-b"])
          assert.deepStrictEqual((yield* store.names("")).toSorted(), ["a-b/", "a/", "b/"])
          const own = [".ocilayout/", "blobs/", "index.json", "oci-layout"]
          const alone = below(store, "a")
          assert.deepStrictEqual((yield* alone.names("")).toSorted(), [...own, "b/"].toSorted())
          assert.deepStrictEqual((yield* alone.list("index")).value.map(({ key }) => key), ["index.json"])
          yield* two.deleteTag("a", "of-a")
          assert.deepStrictEqual(yield* Stream.runCollect(one.tags("a")), [])
          assert.lengthOf(yield* Stream.runCollect(one.history({ repository: "a" })), 2)
          assert.lengthOf(yield* Stream.runCollect(one.history({ repository: "a/b" })), 1)
        })
      ),
    30_000
  )

  live(
    "lists no names of what is none of its layouts, and of more than one page",
    () =>
      run((store) =>
        Effect.gen(function*() {
          const registry = yield* registryIn(store)
          assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
          const other = ["readme.txt", "Upper/oci-layout", "a/blobs/b/oci-layout", "a/oci-layout", "plain/file"]
          yield* Effect.forEach(other, (key) => store.put(key, bytesOf("{}"), {}), { discard: true })
          const { list } = yield* bucketTree(store, { foreignMillis: 0 })
          assert.deepStrictEqual<ReadonlyArray<string>>(yield* list, ["a"])
          // An empty layout is a layout, and no repository.
          assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
          const many = Array.from({ length: 1001 }, (_, place) => `many/f${place}`)
          yield* Effect.forEach(many, (key) => store.put(key, bytesOf(""), {}), { concurrency: 16, discard: true })
          assert.lengthOf(yield* store.names("many/"), 1001)
          yield* pushImage(registry, { repository: "a", tags: ["v1"] })
          assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), ["a"])
        })
      ),
    30_000
  )

  live("keeps the content of its repositories apart, and mounts it", () =>
    run((store) =>
      Effect.gen(function*() {
        const registry = yield* registryIn(store)
        const bytes = bytesOf("content")
        const digest = digestOf(bytes)
        yield* registry.pushBlob("a", Stream.succeed(bytes))
        assert.strictEqual((yield* Effect.flip(registry.resolveBlob("b", digest)))._tag, "BlobUnknown")
        yield* registry.mountBlob("a", "b", digest)
        assert.strictEqual((yield* registry.resolveBlob("b", digest)).size, bytes.length)
        assert.isDefined((yield* store.head(`b/blobs/${digest.replace(":", "/")}`)).value)
      })
    ))

  live(
    "tells a receiver every commit of each, and goes on from what is kept in the bucket",
    () =>
      run((store) =>
        Effect.gen(function*() {
          const told: Array<string> = []
          const receiver = yield* startLenders(({ body }) => {
            const event = JSON.parse(body) as Event
            told.push(`${event.subject} ${event.data.revision}`)
            return { status: 204, body: "" }
          })
          const url = new URL(`${receiver.url}/hook`)
          const bookmarks = makeBookmarks((repository) => repository === undefined ? store : below(store, repository))
          const telling = Effect.gen(function*() {
            const registry = yield* registryIn(store)
            return yield* Effect.forkScoped(
              notify({ url, source: "s", bookmarks, perRepository: true, waits: { first: 1, most: 5, look: 10 } }).pipe(
                Effect.provide(contextOf(registry))
              )
            )
          })
          const until = (count: number, repository: string) =>
            Effect.repeat(Effect.andThen(Effect.sleep(10), bookmarks.load(url.href, repository)), {
              until: (kept) => kept?.after === count
            })
          const registry = yield* registryIn(store)
          yield* pushImage(registry, { repository: "a", tags: ["v1"] })
          const first = yield* telling
          yield* until(1, "a")
          yield* Fiber.interrupt(first)
          yield* pushImage(registry, { repository: "a/b", tags: ["v1"] })
          yield* registry.deleteTag("a", "v1")
          yield* telling
          yield* until(2, "a")
          yield* until(1, "a/b")
          assert.deepStrictEqual(told.toSorted(), ["a 1", "a 2", "a/b 1"])
        })
      ),
    30_000
  )
})

describe("a tree in a simulated store", () => {
  it.live("opens each layout once, and tries the store once for all of them", () =>
    Effect.scoped(Effect.gen(function*() {
      const bucket = new Bucket()
      const tree = yield* bucketTree(bucket.machine(), { foreignMillis: 0 })
      const registry = treeRegistry(tree, hasher)
      for (const name of ["a", "b", "c"]) yield* pushImage(registry, { repository: name, tags: ["v1"] })
      const tried = bucket.log.filter((name) => name.startsWith("PUT") && name.includes("/.ocilayout/tmp/"))
      assert.strictEqual(new Set(tried).size, 1)
      const name = repository("d")
      const [first, second] = yield* Effect.all([tree.open(name), tree.open(name)], { concurrency: 2 })
      assert.strictEqual(first, second)
    })))
})
