import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { imageManifest, octetStream } from "../../../src/oci/MediaType.ts"
import {
  BlobUnknown,
  Conflict,
  DigestInvalid,
  ManifestUnknown,
  NameInvalid,
  NameUnknown,
  Referenced,
  TagInvalid
} from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { digest } from "../../support/entries.ts"
import {
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf,
  sample
} from "../../support/images.ts"

const one = image("one")
const two = image("two")
const oneDigest = one.descriptor.digest
const signature = referrerOf(one, "signature")
const blob = sample("content", octetStream)

const neededBy = (error: unknown): Array<string> => {
  assert.instanceOf(error, Referenced)
  return [...error.by]
}

describe("deleting a tag", () => {
  it.effect("leaves its manifest reachable by digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      assert.deepStrictEqual(yield* registry.deleteTag("app", "v1"), { digest: oneDigest, revision: Option.some(2) })
      assert.instanceOf(yield* Effect.flip(registry.resolveTag("app", "v1")), ManifestUnknown)
      assert.deepStrictEqual((yield* registry.getManifest("app", oneDigest)).bytes, one.bytes)
    }))

  it.effect("holds to its condition", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      assert.instanceOf(yield* Effect.flip(registry.deleteTag("app", "v1", { ifDigest: digest("a") })), Conflict)
      yield* registry.deleteTag("app", "v1", { ifDigest: oneDigest })
    }))

  it.effect("demands a valid tag that is there", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      const unknown = new ManifestUnknown({ repository: "app", reference: "v1" })
      assert.deepStrictEqual(yield* Effect.flip(registry.deleteTag("app", "v1")), unknown)
      assert.instanceOf(yield* Effect.flip(registry.deleteTag("nobody", "v1")), ManifestUnknown)
      assert.instanceOf(yield* Effect.flip(registry.deleteTag("app", "")), TagInvalid)
      assert.instanceOf(yield* Effect.flip(registry.deleteTag("App", "v1")), NameInvalid)
      assert.instanceOf(yield* Effect.flip(registry.deleteTag("app", "v1", { ifDigest: "" })), DigestInvalid)
    }))

  it.effect("tells where the first of several entries pointed", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(two, "other:v1"), entryOf(one, "app:v1"), entryOf(two, "app:v1"))
      assert.strictEqual((yield* registry.deleteTag("app", "v1")).digest, oneDigest)
    }))
})

describe("deleting a manifest", () => {
  it.effect("removes all of its entries from the repository, and no content", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v2", "v1"])
      yield* pushImage(registry, "other", one, ["v1"])
      const before = yield* registry.usage
      assert.deepStrictEqual<unknown>(yield* registry.deleteManifest("app", oneDigest), {
        tags: ["v1", "v2"],
        revision: Option.some(3)
      })
      assert.instanceOf(yield* Effect.flip(registry.resolveManifest("app", oneDigest)), NameUnknown)
      assert.deepStrictEqual(yield* registry.resolveTag("other", "v1"), one.descriptor)
      assert.deepStrictEqual(yield* registry.usage, before)
    }))

  it.effect("may leave referrers without it, and no index", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", signature)
      const parent = yield* pushManifest(registry, "app", index([one]))
      const leaving = registry.deleteManifest("app", oneDigest, { leaveReferrers: true })
      assert.deepStrictEqual(neededBy(yield* Effect.flip(leaving)), [parent.descriptor.digest])
      yield* registry.deleteManifest("app", parent.descriptor.digest)
      assert.deepStrictEqual<ReadonlyArray<string>>((yield* leaving).tags, ["v1"])
      assert.deepStrictEqual((yield* registry.getManifest("app", signature.descriptor.digest)).bytes, signature.bytes)
    }))

  it.effect("is refused while an index or a referrer needs it, unless forced", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const parent = index([one])
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushManifest(registry, "app", parent)
      yield* pushImage(registry, "app", signature)
      const error = yield* Effect.flip(registry.deleteManifest("app", oneDigest))
      assert.sameMembers(neededBy(error), [parent.descriptor.digest, signature.descriptor.digest])
      assert.deepStrictEqual<ReadonlyArray<string>>(
        (yield* registry.deleteManifest("app", oneDigest, { force: true })).tags,
        ["v1"]
      )
      assert.deepStrictEqual(yield* registry.resolveManifest("app", oneDigest), one.descriptor, "it is a child still")
    }))

  it.effect("is not held up by other repositories", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushManifest(registry, "other", index([one]))
      yield* registry.deleteManifest("app", oneDigest)
    }))

  it.effect("is ManifestUnknown for what is only a child, for what is not there, and for no digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one)
      yield* pushManifest(registry, "app", index([one]), ["v1"])
      const unknown = new ManifestUnknown({ repository: "app", reference: oneDigest })
      assert.deepStrictEqual(yield* Effect.flip(registry.deleteManifest("app", oneDigest)), unknown)
      assert.deepStrictEqual(yield* Effect.flip(registry.deleteManifest("app", oneDigest, { force: true })), unknown)
      assert.instanceOf(yield* Effect.flip(registry.deleteManifest("nobody", oneDigest)), ManifestUnknown)
      assert.instanceOf(yield* Effect.flip(registry.deleteManifest("app", "")), DigestInvalid)
      assert.instanceOf(yield* Effect.flip(registry.deleteManifest("app", "v1")), DigestInvalid)
      assert.instanceOf(yield* Effect.flip(registry.deleteManifest("", oneDigest)), NameInvalid)
    }))
})

describe("deleting a blob", () => {
  it.effect("removes it from the layout", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", blob)
      yield* registry.deleteBlob("app", blob.descriptor.digest)
      const unknown = new BlobUnknown({ digest: blob.descriptor.digest })
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveBlob("app", blob.descriptor.digest)), unknown)
      assert.deepStrictEqual(yield* Effect.flip(registry.deleteBlob("app", blob.descriptor.digest)), unknown)
    }))

  it.effect("is refused while a manifest of any repository needs it or is it", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one, ["v1"])
      const parts = [one.config, ...one.layers, one].map(({ descriptor }) => descriptor.digest)
      for (const part of parts) {
        assert.deepStrictEqual(neededBy(yield* Effect.flip(registry.deleteBlob("app", part))), [oneDigest])
      }
      yield* registry.deleteManifest("other", oneDigest)
      for (const part of parts) yield* registry.deleteBlob("app", part)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
    }))

  it.effect("is refused for the child of an index and for its blobs, whether it has an entry or not", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const parent = index([one])
      yield* store(one, one.config, ...one.layers, parent)
      yield* add(entryOf(parent, "app:v1"))
      assert.sameMembers(
        neededBy(yield* Effect.flip(registry.deleteBlob("app", oneDigest))),
        [oneDigest, parent.descriptor.digest]
      )
      assert.deepStrictEqual(
        neededBy(yield* Effect.flip(registry.deleteBlob("app", one.config.descriptor.digest))),
        [oneDigest]
      )
    }))

  it.effect("is not refused for a subject, which need not exist", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const [layer] = one.layers
      assert.isDefined(layer)
      yield* pushBlob(registry, "app", layer)
      yield* pushImage(registry, "app", referrerOf(layer, "about a layer"))
      yield* registry.deleteBlob("app", layer.descriptor.digest)
    }))

  it.effect("is refused while a manifest cannot be read to tell, raw names included", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const broken = sample("{", imageManifest)
      yield* store(blob, broken)
      yield* add(entryOf(broken, "localhost:5000/app:v1"))
      const error = yield* Effect.flip(registry.deleteBlob("app", blob.descriptor.digest))
      assert.deepStrictEqual(neededBy(error), [broken.descriptor.digest])
    }))

  it.effect("is not held up by a manifest that is gone", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(blob)
      yield* add(entryOf(one, "app:v1"))
      yield* registry.deleteBlob("app", blob.descriptor.digest)
    }))

  it.effect("demands a valid name and digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.instanceOf(yield* Effect.flip(registry.deleteBlob("App", digest("a"))), NameInvalid)
      assert.instanceOf(yield* Effect.flip(registry.deleteBlob("app", "")), DigestInvalid)
    }))
})

describe("the forecast of a deletion", () => {
  const prepared = Effect.gen(function*() {
    const registry = yield* makeMemory()
    yield* pushImage(registry, "app", one, ["v2", "v1"])
    yield* pushManifest(registry, "app", index([one]))
    yield* pushImage(registry, "app", signature)
    return registry
  })

  it.effect("tells tags, who needs the manifest, and who would be left dangling", () =>
    Effect.gen(function*() {
      const registry = yield* prepared
      const { neededBy, ...rest } = yield* registry.forecast("app", "manifest", oneDigest)
      assert.deepStrictEqual<unknown>(rest, {
        digest: oneDigest,
        tags: ["v1", "v2"],
        referrers: [signature.descriptor.digest],
        reclaimable: 0
      })
      assert.sameMembers([...neededBy], [index([one]).descriptor.digest, signature.descriptor.digest])
      assert.deepStrictEqual(yield* registry.resolveTag("app", "v1"), one.descriptor, "nothing happened")
    }))

  it.effect("tells who needs a blob", () =>
    Effect.gen(function*() {
      const registry = yield* prepared
      const config = one.config.descriptor.digest
      assert.deepStrictEqual<unknown>(yield* registry.forecast("app", "blob", config), {
        digest: config,
        tags: [],
        neededBy: [oneDigest],
        referrers: [],
        reclaimable: 0
      })
    }))

  it.effect("tells what a collection could free then: content that nothing else needs", () =>
    Effect.gen(function*() {
      const registry = yield* prepared
      const shared = image("shared", { annotations: { of: "three" } })
      const three = image("three", { layers: one.layers.map(({ descriptor }) => ({ ...descriptor })) })
      yield* pushImage(registry, "app", { ...three, layers: one.layers }, ["v3"])
      yield* pushImage(registry, "app", shared, ["v4"])
      const reclaimable = (digest: string) =>
        Effect.map(registry.forecast("app", "manifest", digest), (forecast) => forecast.reclaimable)
      assert.strictEqual(yield* reclaimable(three.descriptor.digest), three.bytes.length + three.config.bytes.length)
      const sizes = [shared, shared.config, ...shared.layers].map(({ bytes }) => bytes.length)
      assert.strictEqual(yield* reclaimable(shared.descriptor.digest), sizes.reduce((sum, size) => sum + size, 0))
      yield* pushBlob(registry, "app", blob)
      const forecast = yield* registry.forecast("app", "blob", blob.descriptor.digest)
      assert.strictEqual(forecast.reclaimable, blob.bytes.length)
    }))

  it.effect("fails as the deletion would for what is not there", () =>
    Effect.gen(function*() {
      const registry = yield* prepared
      const fails = (kind: "manifest" | "blob", digest: string, name = "app") =>
        Effect.flip(registry.forecast(name, kind, digest))
      assert.instanceOf(yield* fails("manifest", digest("a")), ManifestUnknown)
      assert.instanceOf(yield* fails("blob", digest("a")), BlobUnknown)
      assert.instanceOf(yield* fails("manifest", "v1"), DigestInvalid)
      assert.instanceOf(yield* fails("blob", "v1"), DigestInvalid)
      assert.instanceOf(yield* fails("blob", oneDigest, "App"), NameInvalid)
    }))
})

it.effect("revisions count what happened, and nothing else", () =>
  Effect.gen(function*() {
    const registry: LayoutRegistry = yield* makeMemory()
    assert.deepStrictEqual((yield* pushImage(registry, "app", one, ["v1"])).revision, Option.some(1))
    yield* Effect.flip(registry.deleteTag("app", "v9"))
    yield* pushBlob(registry, "app", blob)
    assert.deepStrictEqual((yield* registry.deleteTag("app", "v1")).revision, Option.some(2))
    yield* registry.deleteBlob("app", blob.descriptor.digest)
    assert.deepStrictEqual((yield* registry.deleteManifest("app", oneDigest)).revision, Option.some(4))
    assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
  }))
