import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { hasher } from "../../../src/memory/hasher.ts"
import { memoryStores } from "../../../src/memory/memoryStores.ts"
import type { Descriptor } from "../../../src/oci/Descriptor.ts"
import { type ContentDigest, contentDigest } from "../../../src/oci/Digest.ts"
import { imageIndex, imageManifest, octetStream } from "../../../src/oci/MediaType.ts"
import { LimitExceeded, ManifestInvalid, ManifestUnknown } from "../../../src/oci/OciError.ts"
import { makeManifests, needsOf } from "../../../src/ops/manifests/manifests.ts"
import type { BlobStore } from "../../../src/ops/ports/BlobStore.ts"
import { digest } from "../../support/entries.ts"
import { embedded, image, index, referrerOf, type Sample, sample, utf8 } from "../../support/images.ts"

/** Blobs by their digest, and how often each was asked for. */
const blobsOf = (get: (digest: ContentDigest) => Uint8Array | undefined) => {
  const asked = new Map<ContentDigest, number>()
  const blobs: BlobStore = {
    ...memoryStores().blobs,
    get: (digest) =>
      Effect.sync(() => {
        asked.set(digest, (asked.get(digest) ?? 0) + 1)
        return Option.fromUndefinedOr(get(digest))
      })
  }
  return { asked, manifests: makeManifests(blobs, hasher) }
}

const layoutOf = (...samples: ReadonlyArray<Sample>) => {
  const contents = new Map(samples.map(({ bytes, descriptor }) => [descriptor.digest, bytes]))
  return blobsOf((digest) => contents.get(digest))
}

const one = image("one")
const two = image("two")

/** Indexes inside one another, the innermost first. */
const nested = (depth: number): ReadonlyArray<Sample> => {
  const indexes = [index([one])]
  for (let level = 1; level < depth; level++) indexes.push(index(indexes.slice(-1)))
  return indexes
}

const numbered = (number: number, mediaType: string, size = 2): Descriptor & { readonly digest: ContentDigest } => ({
  mediaType,
  digest: contentDigest("sha256", number.toString(16).padStart(64, "0")),
  size
})

describe("a walk", () => {
  it.effect("reaches everything below its roots, each digest once", () =>
    Effect.gen(function*() {
      const [inner, outer] = nested(2)
      assert(inner && outer)
      const top = index([outer, inner, two, outer])
      const { asked, manifests } = layoutOf(one, two, inner, outer, top)
      const walk = yield* manifests.walk([top.descriptor, outer.descriptor], true)
      assert.sameMembers(
        Array.from(walk.reached.keys()),
        [one, two, inner, outer, top].map(({ descriptor }) => descriptor.digest)
      )
      assert.deepStrictEqual(Array.from(asked.values()), [1, 1, 1, 1, 1])
      assert.isTrue(walk.complete)
      assert.strictEqual(walk.unreadable.size, 0)
    }))

  it.effect("costs nothing twice where indexes share their children", () =>
    Effect.gen(function*() {
      const indexes = [index([one, one])]
      for (let level = 1; level < 32; level++) indexes.push(index([...indexes.slice(-1), ...indexes.slice(-1)]))
      const [top] = indexes.slice(-1)
      assert(top)
      const { asked, manifests } = layoutOf(one, ...indexes)
      const walk = yield* manifests.walk([top.descriptor], true)
      assert.isTrue(walk.complete)
      assert.strictEqual(asked.size, 33)
    }))

  it.effect("reads indexes only, unless it is to be deep", () =>
    Effect.gen(function*() {
      const parent = index([one])
      const { asked, manifests } = layoutOf(one, parent)
      const shallow = yield* manifests.walk([parent.descriptor], false)
      assert.isTrue(shallow.reached.has(one.descriptor.digest))
      assert.deepStrictEqual(Array.from(shallow.facts.keys()), [parent.descriptor.digest])
      assert.isFalse(asked.has(one.descriptor.digest))
      const deep = yield* manifests.walk([parent.descriptor], true)
      assert.strictEqual(deep.facts.size, 2)
    }))

  it.effect("ends in an index that names itself or is named below itself", () =>
    Effect.gen(function*() {
      const [a, b] = [numbered(1, imageIndex), numbered(2, imageIndex)]
      const bytes = (child: Descriptor) =>
        utf8(JSON.stringify({ schemaVersion: 2, mediaType: imageIndex, manifests: [child] }))
      const size = bytes(a).length
      const { manifests } = blobsOf((digest) => bytes({ ...(digest === a.digest ? b : a), size: 222 }))
      const walk = yield* manifests.walk([{ ...a, size: size + 2 }], true)
      assert.deepStrictEqual(Array.from(walk.reached.keys()), [a.digest, b.digest])
    }))

  it.effect("says when something is missing, and goes on", () =>
    Effect.gen(function*() {
      const { manifests } = layoutOf(two)
      const walk = yield* manifests.walk([one.descriptor, two.descriptor], true)
      assert.isFalse(walk.complete)
      assert.strictEqual(walk.unreadable.size, 0)
      assert.isTrue(walk.facts.has(two.descriptor.digest))
    }))

  it.effect("says what is there and cannot be read, and why", () =>
    Effect.gen(function*() {
      const broken = sample("[]", imageManifest)
      const { manifests } = layoutOf(broken, two)
      const walk = yield* manifests.walk([broken.descriptor, { ...two.descriptor, size: 1 }], true)
      assert.isFalse(walk.complete)
      assert.instanceOf(walk.unreadable.get(broken.descriptor.digest), ManifestInvalid)
      // A wrong size makes nothing unreadable whose digest is right.
      assert.isTrue(walk.facts.has(two.descriptor.digest))
      assert.strictEqual(walk.unreadable.size, 1)
    }))

  it.effect("passes over what is neither manifest nor index", () =>
    Effect.gen(function*() {
      const { asked, manifests } = layoutOf()
      const walk = yield* manifests.walk([numbered(1, octetStream)], true)
      assert.isTrue(walk.complete)
      assert.strictEqual(asked.size, 0)
    }))
})

describe("a walk is bounded", () => {
  it.effect("in depth: what is below 32 indexes counts as unreadable", () =>
    Effect.gen(function*() {
      const within = nested(32)
      const fine = yield* layoutOf(one, ...within).manifests.walk(
        within.slice(-1).map(({ descriptor }) => descriptor),
        true
      )
      assert.isTrue(fine.complete)
      assert.isTrue(fine.facts.has(one.descriptor.digest))

      const beyond = nested(33)
      const [innermost] = beyond
      const walk = yield* layoutOf(one, ...beyond).manifests.walk(
        beyond.slice(-1).map(({ descriptor }) => descriptor),
        true
      )
      assert.isFalse(walk.complete)
      assert.isFalse(walk.reached.has(one.descriptor.digest))
      assert.deepStrictEqual(
        Array.from(walk.unreadable),
        [[
          innermost?.descriptor.digest ?? one.descriptor.digest,
          new LimitExceeded({ what: "indexes inside indexes", limit: 32 })
        ]]
      )
    }))

  it.effect("in manifests", () =>
    Effect.gen(function*() {
      const { manifests } = layoutOf()
      const descriptors = Array.from({ length: 1_000_001 }, (_, number) => numbered(number, octetStream))
      assert.deepStrictEqual(
        yield* Effect.flip(manifests.walk(descriptors, true)),
        new LimitExceeded({ what: "manifests in a layout", limit: 1_000_000 })
      )
    }))

  it.effect("in bytes", () =>
    Effect.gen(function*() {
      const size = 4 * 1024 * 1024
      const large = Buffer.alloc(size, " ")
      large.write(JSON.stringify({ schemaVersion: 2, mediaType: imageIndex, manifests: [] }))
      const { asked, manifests } = blobsOf(() => large)
      const descriptors = Array.from({ length: 300 }, (_, number) => numbered(number, imageIndex, size))
      assert.deepStrictEqual(
        yield* Effect.flip(manifests.walk(descriptors, true)),
        new LimitExceeded({ what: "bytes of manifests in a layout", limit: 1024 * 1024 * 1024 })
      )
      assert.strictEqual(asked.size, 257)
    }))
})

describe("what a manifest names", () => {
  it.effect("is remembered by digest and media type, also when the content is gone", () =>
    Effect.gen(function*() {
      const { asked, manifests } = layoutOf(one)
      const facts = yield* manifests.facts(one.descriptor)
      assert.strictEqual(yield* manifests.facts(one.descriptor), facts)
      assert.strictEqual(asked.get(one.descriptor.digest), 1)
      const asIndex = { ...one.descriptor, mediaType: imageIndex }
      assert.instanceOf(yield* Effect.flip(manifests.facts(asIndex)), ManifestInvalid)
    }))

  it.effect("is not remembered while it cannot be read", () =>
    Effect.gen(function*() {
      const contents = new Map<ContentDigest, Uint8Array>()
      const { manifests } = blobsOf((digest) => contents.get(digest))
      assert.instanceOf(yield* Effect.flip(manifests.facts(one.descriptor)), ManifestUnknown)
      contents.set(one.descriptor.digest, one.bytes)
      assert.strictEqual((yield* manifests.facts(one.descriptor)).kind, "image")
    }))

  it.effect("is read from the stored blob rather than from embedded data", () =>
    Effect.gen(function*() {
      const { asked, manifests } = layoutOf(one)
      assert.deepStrictEqual(yield* manifests.bytes(embedded(one)), one.bytes)
      assert.strictEqual(asked.get(one.descriptor.digest), 1)
      assert.deepStrictEqual(yield* layoutOf().manifests.bytes(embedded(one)), one.bytes)
      const lying = { ...embedded(two), digest: one.descriptor.digest }
      assert.instanceOf(yield* Effect.flip(layoutOf().manifests.bytes(lying)), ManifestUnknown)
    }))
})

describe("needsOf", () => {
  it.effect("tells who names what, as child or as subject", () =>
    Effect.gen(function*() {
      const signature = referrerOf(one, "signature")
      const parent = index([one, signature])
      const { manifests } = layoutOf(one, signature, parent)
      const needs = needsOf(yield* manifests.walk([parent.descriptor], true))
      assert.deepStrictEqual(needs.get(one.descriptor.digest), [
        { by: parent.descriptor.digest, as: "child" },
        { by: signature.descriptor.digest, as: "subject" }
      ])
      assert.deepStrictEqual(needs.get(one.config.descriptor.digest), [{ by: one.descriptor.digest, as: "child" }])
      assert.isUndefined(needs.get(digest("a")))
    }))
})
