import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { Page } from "../../../src/layout/query.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { imageConfig, imageManifest } from "../../../src/oci/MediaType.ts"
import { DigestInvalid, NameInvalid, NameUnknown } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { digest } from "../../support/entries.ts"
import {
  entryOf,
  foreignLayout,
  image,
  index,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  sample
} from "../../support/images.ts"

const one = image("one")
const two = image("two")

describe("repositories and tags", () => {
  it.effect("are listed in lexical byte order, by the page", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(...["b", "a/b", "a-b", "a"].map((name) => entryOf(one, `${name}:v1`)))
      yield* add(...["v10", "v2", "V3", "_"].map((tag) => entryOf(one, `a:${tag}`)))
      const repositories = (page?: Page) => Stream.runCollect(registry.repositories(page))
      const tags = (page?: Page) => Stream.runCollect(registry.tags("a", page))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* repositories(), ["a", "a-b", "a/b", "b"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* repositories({ startAfter: "a", limit: 2 }), ["a-b", "a/b"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tags(), ["V3", "_", "v1", "v10", "v2"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tags({ startAfter: "v1", limit: 1 }), ["v10"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tags({ limit: 0 }), ["V3", "_", "v1", "v10", "v2"])
    }))

  it.effect("of an empty layout are none", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.deepStrictEqual(
        yield* Effect.flip(Stream.runCollect(registry.tags("app"))),
        new NameUnknown({ repository: "app" })
      )
      assert.instanceOf(yield* Effect.flip(Stream.runCollect(registry.tags("App"))), NameInvalid)
    }))

  it.effect("are none for a repository with an untagged manifest alone", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* Stream.runCollect(registry.repositories()), ["app"])
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), [])
    }))

  it.effect("do not come from blobs", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* registry.pushBlob("app", Stream.make(one.bytes))
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.instanceOf(yield* Effect.flip(Stream.runCollect(registry.tags("app"))), NameUnknown)
    }))
})

describe("referrers", () => {
  const signature = referrerOf(one, "signature", { annotations: { signer: "someone" } })
  const sbom = referrerOf(one, "sbom", { artifactType: "application/vnd.example.sbom" })

  const referrersOf = (
    registry: LayoutRegistry,
    subject: Sample,
    options?: Parameters<LayoutRegistry["referrers"]>[2]
  ) => Stream.runCollect(registry.referrers("app", subject.descriptor.digest, options))
  const digests = (samples: ReadonlyArray<Sample>) => samples.map(({ descriptor }) => descriptor.digest).toSorted()

  it.effect("are told in order of their digests with their own artifact type and annotations", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", signature)
      yield* pushImage(registry, "app", sbom, ["sbom"])
      const expected = [
        {
          ...signature.descriptor,
          artifactType: "application/vnd.example.signature",
          annotations: { signer: "someone" }
        },
        { ...sbom.descriptor, artifactType: "application/vnd.example.sbom" }
      ].toSorted((a, b) => a.digest < b.digest ? -1 : 1)
      assert.deepStrictEqual(yield* referrersOf(registry, one), expected)
    }))

  it.effect("are found as children of indexes and of the fallback tag", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one, signature, sbom, index([signature]), index([sbom]))
      yield* add(
        entryOf(one, "app:v1"),
        entryOf(index([signature]), "app:all"),
        entryOf(index([sbom]), `app:${one.descriptor.digest.replace(":", "-")}`)
      )
      const found = yield* referrersOf(registry, one)
      assert.deepStrictEqual(found.map(({ digest }) => digest), digests([signature, sbom]))
    }))

  it.effect("can be indexes", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", two)
      const about = index([two], { subject: one.descriptor, artifactType: "application/vnd.example.bundle" })
      yield* pushManifest(registry, "app", about)
      assert.deepStrictEqual(yield* referrersOf(registry, one), [
        { ...about.descriptor, artifactType: "application/vnd.example.bundle" }
      ])
    }))

  it.effect("without an artifact type of their own have that of their config", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const plain = image("plain", { subject: one.descriptor })
      yield* pushImage(registry, "app", plain)
      assert.deepStrictEqual(yield* referrersOf(registry, one), [{ ...plain.descriptor, artifactType: imageConfig }])
    }))

  it.effect("are filtered by artifact type and cut to a page", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", signature)
      yield* pushImage(registry, "app", sbom)
      const only = yield* referrersOf(registry, one, { artifactType: "application/vnd.example.sbom" })
      assert.deepStrictEqual(only.map(({ digest }) => digest), [sbom.descriptor.digest])
      assert.deepStrictEqual(yield* referrersOf(registry, one, { artifactType: "application/vnd.example" }), [])
      const [first, second] = digests([signature, sbom])
      const page = (page: Page) =>
        Effect.map(referrersOf(registry, one, page), (found) => found.map(({ digest }) => digest))
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* page({ limit: 1 }), [first])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* page({ startAfter: first }), [second])
      assert.deepStrictEqual(yield* page({ startAfter: second, limit: 1 }), [])
    }))

  it.effect("of an unknown subject are none, and those of a known one are of any repository", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", signature)
      assert.deepStrictEqual(yield* referrersOf(registry, two), [])
      const found = (yield* referrersOf(registry, one)).map((one) => one.digest)
      assert.deepStrictEqual(found, [signature.descriptor.digest])
      yield* pushImage(registry, "app", two)
      assert.deepStrictEqual((yield* referrersOf(registry, one)).map((one) => one.digest), found)
    }))

  it.effect("are asked for by valid names only", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const failure = (name: string, subject: string) =>
        Effect.flip(Stream.runCollect(registry.referrers(name, subject)))
      assert.instanceOf(yield* failure("App", digest("a")), NameInvalid)
      assert.instanceOf(yield* failure("app", "latest"), DigestInvalid)
    }))

  it.effect("are found beside manifests that cannot be read", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const broken = sample("{", imageManifest)
      yield* store(signature, broken)
      yield* add(entryOf(broken, "app:broken"), entryOf(two, "app:gone"), entryOf(signature, "app:signature"))
      const found = yield* referrersOf(registry, one)
      assert.deepStrictEqual(found.map(({ digest }) => digest), [signature.descriptor.digest])
    }))

  it.effect("appear and go with their entries, and with their content", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* add(entryOf(signature, "app:signature"))
      assert.deepStrictEqual(yield* referrersOf(registry, one), [])
      yield* store(signature)
      assert.strictEqual((yield* referrersOf(registry, one)).length, 1)
      yield* registry.deleteManifest("app", signature.descriptor.digest)
      assert.deepStrictEqual(yield* referrersOf(registry, one), [])
    }))
})

describe("entries whose name cannot be understood", () => {
  it.effect("are listed in index order with the reason", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(one, "localhost:5000/a:v1"), entryOf(two, "app:v1"), entryOf(two), { digest: "sha256:beef" })
      const unnamed = [
        {
          refName: "localhost:5000/a:v1",
          digest: one.descriptor.digest,
          reason: "has a host with a port, which no repository name can hold"
        },
        { digest: two.descriptor.digest, reason: "has no name and there is no default repository" },
        { digest: "sha256:beef", reason: "has no valid digest" }
      ]
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* Stream.runCollect(registry.unnamed()), unnamed)
      assert.deepStrictEqual<ReadonlyArray<unknown>>(yield* Stream.runCollect(registry.unnamed("app")), unnamed)
      assert.instanceOf(yield* Effect.flip(Stream.runCollect(registry.unnamed("App"))), NameInvalid)
    }))

  it.effect("are fewer with a default repository", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout("def")
      yield* add(entryOf(one, "v1"), entryOf(two))
      assert.deepStrictEqual(yield* Stream.runCollect(registry.unnamed()), [])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* Stream.runCollect(registry.tags("def")), ["v1"])
      assert.deepStrictEqual(yield* registry.resolveManifest("def", two.descriptor.digest), two.descriptor)
    }))
})

describe("check and usage", () => {
  it.effect("tell that a layout can be read, and what its blobs take", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* registry.check
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
      yield* pushImage(registry, "app", one)
      const sizes = [one, one.config, ...one.layers].map(({ bytes }) => bytes.length)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 3, bytes: sizes.reduce((sum, size) => sum + size, 0) })
    }))
})

describe("digests", () => {
  it.effect("are those of all manifests of a repository, or of what these name, by the page", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      yield* pushImage(registry, "web", two, ["v1"])
      const both = index([one, two])
      yield* pushManifest(registry, "app", both, ["multi"])
      const digests = (kind: "manifest" | "blob", page?: Page) => Stream.runCollect(registry.digests("app", kind, page))
      const sorted = (samples: ReadonlyArray<Sample>) => samples.map(({ descriptor }) => descriptor.digest).toSorted()
      const manifests: ReadonlyArray<string> = sorted([one, two, both])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* digests("manifest"), manifests)
      assert.deepStrictEqual<ReadonlyArray<string>>(
        yield* digests("blob"),
        sorted([one.config, ...one.layers, two.config, ...two.layers])
      )
      const page = { startAfter: manifests[0], limit: 1 }
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* digests("manifest", page), manifests.slice(1, 2))
      assert.deepStrictEqual(yield* Stream.runCollect(registry.digests("none", "blob")), [])
    }))
})
