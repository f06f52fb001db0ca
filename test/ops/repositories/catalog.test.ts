import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { EntryAdded } from "../../../src/layout/Event.ts"
import { hasher } from "../../../src/memory/hasher.ts"
import { makeMemoryTree } from "../../../src/memory/index.ts"
import { memoryStores } from "../../../src/memory/memoryStores.ts"
import { octetStream } from "../../../src/oci/MediaType.ts"
import { BlobUnknown, IndexInvalid, NameInvalid, NameUnknown, Unsupported } from "../../../src/oci/OciError.ts"
import type { Repository } from "../../../src/oci/Reference.ts"
import { treeRegistry } from "../../../src/ops/makeRegistry.ts"
import type { Stores } from "../../../src/ops/ports/Stores.ts"
import { digest, repository } from "../../support/entries.ts"
import { collect, entryOf, image, pushBlob, pushImage, sample, textOf } from "../../support/images.ts"

const one = image("one")
const blob = sample("0123456789", octetStream)

/** A tree over these layouts, and what another tool writes into one of them. */
const treeOf = (...names: ReadonlyArray<string>) => {
  const stores = new Map<Repository, Stores>(names.map((name) => [repository(name), memoryStores(repository(name))]))
  const unreadable = new Set<Repository>()
  const broken = new IndexInvalid({ path: "index.json", reason: "is torn" })
  const storesOf = (name: Repository): Stores => {
    const known = stores.get(name) ?? memoryStores(name)
    stores.set(name, known)
    return unreadable.has(name) ? { ...known, layout: { ...known.layout, snapshot: Effect.fail(broken) } } : known
  }
  return {
    registry: treeRegistry({
      open: (name) => Effect.sync(() => storesOf(name)),
      list: Effect.sync(() => Array.from(stores.keys()).toSorted())
    }, hasher),
    spoil: (name: string) => unreadable.add(repository(name)),
    add: (name: string, ...entries: ReadonlyArray<EntryAdded["value"]>) =>
      storesOf(repository(name)).layout.transact({
        evidence: () => Effect.void,
        decide: () => Result.succeed(entries.map((value) => new EntryAdded({ value })))
      })
  }
}

describe("with a layout per repository", () => {
  it.effect("components that every layout has are no repository's, whether their parent exists or not", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushImage(registry, "app", one, ["v1"])
      for (const name of ["app/blobs", "app/index.json", "app/oci-layout/x", "nobody/blobs/sha256"]) {
        assert.instanceOf(yield* Effect.flip(registry.resolveTag(name, "v1")), NameInvalid)
        assert.instanceOf(yield* Effect.flip(registry.pushBlob(name, Stream.empty)), NameInvalid)
        assert.instanceOf(yield* Effect.flip(registry.mountBlob("app", name, digest("a"))), NameInvalid)
        assert.instanceOf(yield* Effect.flip(Stream.runCollect(registry.tags(name))), NameInvalid)
      }
      yield* pushImage(registry, "blobs/sha256", one, ["v1"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* Stream.runCollect(registry.repositories()), [
        "app",
        "blobs/sha256"
      ])
    }))

  it.effect("a blob is its repository's alone, until it is mounted", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushBlob(registry, "app", blob)
      const { digest: blobDigest } = blob.descriptor
      assert.instanceOf(yield* Effect.flip(registry.getBlob("other", blobDigest)), BlobUnknown)
      assert.deepStrictEqual(yield* registry.mountBlob("app", "other", blobDigest), blob.descriptor)
      yield* registry.deleteBlob("app", blobDigest)
      assert.strictEqual(textOf(yield* collect((yield* registry.getBlob("other", blobDigest)).stream)), "0123456789")
      assert.instanceOf(yield* Effect.flip(registry.mountBlob("app", "third", blobDigest)), BlobUnknown)
      assert.deepStrictEqual(yield* registry.mountBlob("other", "other", blobDigest), blob.descriptor)
      assert.instanceOf(yield* Effect.flip(registry.mountBlob("third", "third", blobDigest)), BlobUnknown)
    }))

  it.effect("a blob can be mounted from whichever repository has it", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const { digest: blobDigest } = blob.descriptor
      const mounting = registry.mountBlob(undefined, "other", blobDigest)
      assert.instanceOf(yield* Effect.flip(mounting), BlobUnknown)
      yield* pushBlob(registry, "a", sample("another", octetStream))
      yield* pushBlob(registry, "b", blob)
      assert.deepStrictEqual(yield* mounting, blob.descriptor)
      yield* registry.deleteBlob("b", blobDigest)
      assert.deepStrictEqual(yield* mounting, blob.descriptor)
      assert.strictEqual(textOf(yield* collect((yield* registry.getBlob("other", blobDigest)).stream)), "0123456789")
    }))

  it.effect("repositories are listed by their full names while they have an entry", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      for (const name of ["b", "a/b", "a-b", "a"]) yield* pushImage(registry, name, one, ["v1"])
      yield* pushBlob(registry, "content/only", blob)
      yield* Effect.exit(registry.resolveTag("asked/for", "v1"))
      const list = (page = {}) => Stream.runCollect(registry.repositories(page))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* list(), ["a", "a-b", "a/b", "b"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* list({ startAfter: "a", limit: 2 }), ["a-b", "a/b"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* list({ limit: 0 }), ["a", "a-b", "a/b", "b"])
      yield* registry.deleteManifest("a", one.descriptor.digest)
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* list({ limit: 1 }), ["a-b"])
    }))

  it.effect("a layout that cannot be read is listed, so that it is found, and makes no other unreadable", () =>
    Effect.gen(function*() {
      const { add, registry, spoil } = treeOf("app", "torn")
      yield* add("app", entryOf(one, "app:v1"))
      spoil("torn")
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* Stream.runCollect(registry.repositories()), ["app", "torn"])
      assert.deepStrictEqual(yield* registry.resolveTag("app", "v1"), one.descriptor)
      assert.instanceOf(yield* Effect.flip(registry.resolveTag("torn", "v1")), IndexInvalid)
      assert.instanceOf(yield* Effect.flip(registry.check), IndexInvalid)
    }))

  it.effect("bare tags and nameless entries belong to the repository of their layout", () =>
    Effect.gen(function*() {
      const { add, registry } = treeOf("app")
      const two = image("two")
      yield* add("app", entryOf(one, "v1"), entryOf(two))
      assert.deepStrictEqual(yield* registry.resolveTag("app", "v1"), one.descriptor)
      assert.deepStrictEqual(yield* registry.resolveManifest("app", two.descriptor.digest), two.descriptor)
    }))

  it.effect("entries that name another repository are raw ones", () =>
    Effect.gen(function*() {
      const { add, registry } = treeOf("app", "other")
      yield* add("app", entryOf(one, "other:v1"), entryOf(one, "localhost:5000/x:v1"))
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.instanceOf(yield* Effect.flip(registry.resolveTag("other", "v1")), NameUnknown)
      const named = {
        repository: repository("app"),
        refName: "other:v1",
        digest: one.descriptor.digest,
        reason: "names another repository, other"
      }
      const raw = {
        repository: repository("app"),
        refName: "localhost:5000/x:v1",
        digest: one.descriptor.digest,
        reason: "has a host with a port, which no repository name can hold"
      }
      assert.deepStrictEqual(yield* Stream.runCollect(registry.unnamed("app")), [named, raw])
      assert.deepStrictEqual(yield* Stream.runCollect(registry.unnamed()), [named, raw])
      assert.deepStrictEqual(yield* Stream.runCollect(registry.unnamed("other")), [])
      assert.deepStrictEqual(yield* registry.resolveName("other:v1"), one.descriptor)
    }))

  it.effect("a batch across repositories is refused, and nothing of it happens", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushImage(registry, "app", one)
      yield* pushImage(registry, "other", one)
      const { digest } = one.descriptor
      const error = yield* Effect.flip(registry.batch([
        { _tag: "Tag", repository: "app", digest, tags: ["v1"] },
        { _tag: "Tag", repository: "other", digest, tags: ["v1"] }
      ]))
      assert.instanceOf(error, Unsupported)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), [])
      yield* registry.batch([
        { _tag: "Tag", repository: "app", digest, tags: ["v1"] },
        { _tag: "Tag", repository: "app", digest, tags: ["v2"] }
      ])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* Stream.runCollect(registry.tags("app")), ["v1", "v2"])
    }))

  it.effect("revisions are each layout's own", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const first = yield* pushImage(registry, "app", one, ["v1"])
      const other = yield* pushImage(registry, "other", one, ["v1"])
      assert.deepStrictEqual(first.revision, other.revision)
    }))

  it.effect("a session is found by its id in whichever layout it is", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* registry.pushBlobChunked("app")
      const { id } = yield* registry.pushBlobChunked("other")
      assert.strictEqual((yield* registry.findUpload(id)).repository, "other")
    }))

  it.effect("usage counts a mounted blob in every layout that has it", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushBlob(registry, "app", blob)
      yield* registry.mountBlob("app", "other", blob.descriptor.digest)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 2, bytes: 20 })
    }))
})
