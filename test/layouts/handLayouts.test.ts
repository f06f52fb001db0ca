import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { copyOfFixture } from "../support/folders.ts"
import { documentIn, entriesIn } from "../support/plainLayout.ts"
import { assertRefused } from "../support/refusals.ts"
import { broken } from "./broken.ts"
import { blobBytes, byDefault, givenUntouched } from "./seen.ts"

const image = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const layer = "sha256:996eb81bf59d10892425bcd1023f0d40268fca2e0e5a1d40cae559d5d625aeb7"
const config = "sha256:deac7304685e9f4a28ff48003f671e886913d49bbb0b30dc6ad9d4db11db4888"
const imageManifest = "application/vnd.oci.image.manifest.v1+json"
const imageIndex = "application/vnd.oci.image.index.v1+json"

/** A copy of a fixture, opened. */
const opened = Effect.fnUntraced(function*(name: string) {
  const layout = yield* copyOfFixture(name)
  return { layout, registry: yield* makeDisk({ directory: layout, defaultRepository: byDefault }) }
})

type Operation = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>

const some = Buffer.from("some content")

/** Every kind of operation that has to know what the index says, or may create one. */
const operations: Readonly<Record<string, Operation>> = {
  check: (registry) => registry.check,
  repositories: (registry) => Stream.runCollect(registry.repositories()),
  tags: (registry) => Stream.runCollect(registry.tags(byDefault)),
  resolveTag: (registry) => registry.resolveTag(byDefault, "v1"),
  getManifest: (registry) => registry.getManifest(byDefault, image),
  referrers: (registry) => Stream.runCollect(registry.referrers(byDefault, image)),
  unnamed: (registry) => Stream.runCollect(registry.unnamed()),
  pushBlob: (registry) => registry.pushBlob(byDefault, Stream.succeed(some)),
  pushBlobChunked: (registry) => registry.pushBlobChunked(byDefault),
  pushManifest: (registry) => registry.pushManifest(byDefault, emptyIndex, imageIndex, { tags: ["v2"] }),
  tagManifest: (registry) => registry.tagManifest(byDefault, image, ["v2"]),
  deleteTag: (registry) => registry.deleteTag(byDefault, "v1"),
  deleteManifest: (registry) => registry.deleteManifest(byDefault, image, { force: true }),
  deleteBlob: (registry) => registry.deleteBlob(byDefault, layer)
}

const emptyIndex = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: imageIndex, manifests: [] }))

describe("a layout that cannot be used", () => {
  for (const { error, name } of broken) {
    if (error === undefined) continue
    it.live.each(Object.keys(operations))(
      `${name}: %s says why, and changes nothing`,
      (operation) =>
        Effect.gen(function*() {
          const { layout, registry } = yield* opened(name)
          yield* assertRefused(layout, operations[operation]?.(registry) ?? Effect.void, error)
          assert.isFalse(fs.existsSync(join(layout, ".ocilayout")))
        })
    )
  }
})

describe("content that is not what its name says", () => {
  it.live("bad-layer: the stream fails before its end", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/bad-layer")
      const mismatch = { _tag: "ContentMismatch", code: "CONTENT_MISMATCH", digest: layer } as const
      yield* assertRefused(layout, blobBytes(registry, byDefault, layer), {
        ...mismatch,
        actual: /^sha256:[0-9a-f]{64}$/u
      })
      yield* assertRefused(
        layout,
        Effect.scoped(registry.getBlobRange(byDefault, layer, { offset: 0, end: 4 })),
        mismatch
      )
      assert.strictEqual((yield* registry.resolveBlob(byDefault, layer)).size, 105)
      assert.strictEqual((yield* registry.getTag(byDefault, "v1")).descriptor.digest, image)
    }))

  it.live("bad-layer: can be read unverified on request, and is repaired by a push", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/bad-layer")
      yield* Effect.scoped(Effect.gen(function*() {
        const content = yield* registry.getBlob(byDefault, layer, { verify: false })
        assert.isFalse(content.verified)
        const bytes = Buffer.concat(yield* Stream.runCollect(content.stream))
        assert.deepStrictEqual(bytes, fs.readFileSync(join(layout, "blobs", "sha256", layer.slice(7))))
      }))
      const right = fs.readFileSync(join(yield* copyOfFixture("hand/no-ref"), "blobs", "sha256", layer.slice(7)))
      yield* registry.pushBlob(byDefault, Stream.succeed(right), { digest: layer, size: right.length })
      assert.deepStrictEqual(Buffer.from(yield* blobBytes(registry, byDefault, layer)), right)
    }))

  it.live("wrong-size: a manifest whose digest is right is read, and told with its own size", () =>
    Effect.gen(function*() {
      const { registry } = yield* opened("hand/wrong-size")
      assert.strictEqual((yield* registry.getTag(byDefault, "v1")).descriptor.size, 401)
      assert.strictEqual((yield* registry.getManifest(byDefault, image)).bytes.length, 401)
      assert.strictEqual((yield* registry.resolveTag(byDefault, "v1")).size, 402)
      assert.strictEqual((yield* blobBytes(registry, byDefault, image)).length, 401)
    }))

  it.live.each(["hand/missing-layer", "hand/foreign-layer"])(
    "%s: the manifest is there, the layer is unknown",
    (name) =>
      Effect.gen(function*() {
        const { layout, registry } = yield* opened(name)
        const { bytes } = yield* registry.getTag(byDefault, "v1")
        const wanted = documentIn(bytes).layers?.[0]?.digest ?? ""
        const unknown = { _tag: "BlobUnknown", code: "BLOB_UNKNOWN", digest: wanted } as const
        yield* assertRefused(layout, registry.resolveBlob(byDefault, wanted), unknown)
        yield* assertRefused(layout, blobBytes(registry, byDefault, wanted), unknown)
        yield* assertRefused(
          layout,
          Effect.scoped(registry.getBlobRange(byDefault, wanted, { offset: 0 })),
          unknown
        )
      })
  )

  it.live("missing-layer: pushing the manifest again names what is missing; a foreign layer need not be there", () =>
    Effect.gen(function*() {
      const missing = yield* opened("hand/missing-layer")
      const incomplete = yield* missing.registry.getTag(byDefault, "v1")
      yield* assertRefused(
        missing.layout,
        missing.registry.pushManifest(byDefault, incomplete.bytes, imageManifest, { tags: ["v2"] }),
        { _tag: "ManifestBlobUnknown", code: "MANIFEST_BLOB_UNKNOWN", missing: [{ path: "layers[0]", digest: layer }] }
      )
      const foreign = yield* opened("hand/foreign-layer")
      const { bytes } = yield* foreign.registry.getTag(byDefault, "v1")
      yield* foreign.registry.pushManifest(byDefault, bytes, imageManifest, { tags: ["v2"] })
      assert.strictEqual((yield* foreign.registry.resolveTag(byDefault, "v2")).size, bytes.length)
    }))

  it.live("embedded-data: what is in a descriptor is served from it", () =>
    givenUntouched("hand/embedded-data", (layout) =>
      Effect.gen(function*() {
        const registry = yield* makeDisk({ directory: layout, defaultRepository: byDefault })
        const { bytes } = yield* registry.getTag(byDefault, "v1")
        const embedded = documentIn(bytes).config
        assert.isDefined(embedded?.data)
        const content = Buffer.from(embedded?.data ?? "", "base64")
        assert.deepStrictEqual(Buffer.from(yield* blobBytes(registry, byDefault, embedded?.digest ?? "")), content)
        assert.strictEqual((yield* registry.resolveBlob(byDefault, embedded?.digest ?? "")).size, content.length)
        assert.strictEqual((yield* blobBytes(registry, byDefault, layer)).length, 105)
        // It belongs to the repository whose manifest carries it, and to no other.
        assert.strictEqual(
          (yield* Effect.flip(registry.resolveBlob("other", embedded?.digest ?? "")))._tag,
          "BlobUnknown"
        )
      })))

  it.live("mediatype-conflict: the entry's type holds, and nothing that it may need is deleted", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/mediatype-conflict")
      const descriptor = yield* registry.resolveTag(byDefault, "v1")
      assert.strictEqual(descriptor.mediaType, imageIndex)
      yield* assertRefused(layout, registry.describe(byDefault, descriptor), {
        _tag: "ManifestInvalid",
        reason: "is declared an index and has the fields of a manifest"
      })
      yield* assertRefused(layout, registry.deleteBlob(byDefault, layer), {
        _tag: "Referenced",
        code: "DENIED",
        digest: layer,
        by: [image]
      })
    }))
})

describe("digests that cannot be looked up", () => {
  it.live.each([
    ["hand/traversal", "sha256:../../secret.txt"],
    ["hand/upper-hex", `sha256:${image.slice(7).toUpperCase()}`]
  ])("%s: is refused before any path is made of it", ([name = "", digest = ""]) =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened(name)
      const refusal = { _tag: "DigestInvalid", code: "DIGEST_INVALID", digest } as const
      const noEntry = { _tag: "IndexInvalid", code: "INDEX_INVALID" } as const
      yield* assertRefused(layout, registry.resolveName("v1"), noEntry)
      yield* assertRefused(layout, registry.getNamed("v1"), noEntry)
      yield* assertRefused(layout, registry.resolveBlob(byDefault, digest), refusal)
      yield* assertRefused(layout, blobBytes(registry, byDefault, digest), refusal)
      yield* assertRefused(layout, registry.getManifest(byDefault, digest), refusal)
      yield* assertRefused(layout, registry.deleteBlob(byDefault, digest), refusal)
      yield* assertRefused(layout, registry.pushBlob(byDefault, Stream.succeed(some), { digest }), refusal)
      yield* assertRefused(layout, registry.mountBlob(byDefault, "other", digest), refusal)
      yield* assertRefused(layout, registry.resolveTag(byDefault, "v1"), { _tag: "NameUnknown", repository: byDefault })
    }))

  it.live("other-algorithm: an entry of an unknown algorithm is kept, listed, and said to be unsupported", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/other-algorithm")
      for (const { digest, mediaType } of entriesIn(layout).slice(1)) {
        assert.strictEqual((yield* registry.resolveManifest(byDefault, digest)).mediaType, mediaType)
        const [algorithm] = digest.split(":")
        yield* assertRefused(layout, registry.getManifest(byDefault, digest), {
          _tag: "AlgorithmUnsupported",
          code: "DIGEST_INVALID",
          algorithm,
          digest
        })
      }
    }))
})

describe("one name for two manifests", () => {
  const twice = Effect.gen(function*() {
    const made = yield* opened("hand/nested-index")
    const index = join(made.layout, "index.json")
    const entry = (digest: string) => ({
      mediaType: imageManifest,
      digest,
      size: 401,
      annotations: { "org.opencontainers.image.ref.name": "v1" }
    })
    fs.writeFileSync(index, JSON.stringify({ schemaVersion: 2, manifests: [entry(image), entry(arm)] }))
    return made
  })
  const arm = "sha256:93cd804645e3a88113e366d6181297a908619514555bfad2410ccb145093803b"

  it.live("the first is read", () =>
    Effect.gen(function*() {
      const { registry } = yield* twice
      assert.strictEqual((yield* registry.resolveTag(byDefault, "v1")).digest, image)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(byDefault)), ["v1"])
      assert.strictEqual((yield* registry.resolveManifest(byDefault, arm)).digest, arm)
    }))

  it.live("deleting the tag touches both, and leaves both by their digests", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* twice
      assert.strictEqual((yield* registry.deleteTag(byDefault, "v1")).digest, image)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(byDefault)), [])
      assert.sameMembers(entriesIn(layout).map(({ digest }) => digest), [image, arm])
      for (const digest of [image, arm]) {
        assert.strictEqual((yield* registry.getManifest(byDefault, digest)).bytes.length, 401)
      }
    }))

  it.live("setting the tag touches both, even to what the first one is already", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* twice
      assert.isTrue(Option.isSome((yield* registry.tagManifest(byDefault, image, ["v1"])).revision))
      const tagged = entriesIn(layout).filter(({ annotations }) => annotations !== undefined)
      assert.deepStrictEqual(tagged.map(({ digest }) => digest), [image])
      assert.strictEqual((yield* registry.resolveManifest(byDefault, arm)).digest, arm)
    }))
})

describe("strangers", () => {
  it.live("a file beside the blobs is no blob, with any name", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/no-ref")
      fs.writeFileSync(join(layout, "blobs", "README"), "no blob")
      fs.writeFileSync(join(layout, "blobs", "sha256", ".tmp-1"), "no blob")
      fs.writeFileSync(join(layout, "blobs", "sha256", `${config.slice(7)}.partial`), "no blob")
      fs.mkdirSync(join(layout, "blobs", "sha256", "f".repeat(64)))
      assert.strictEqual((yield* registry.usage).blobs, 3)
      assert.strictEqual(
        (yield* Effect.flip(registry.resolveBlob(byDefault, `sha256:${"f".repeat(64)}`)))._tag,
        "StorageError"
      )
    }))

  it.live("an index with line breaks of Windows keeps them", () =>
    Effect.gen(function*() {
      const { layout, registry } = yield* opened("hand/no-ref")
      const index = join(layout, "index.json")
      const text = JSON.stringify(JSON.parse(fs.readFileSync(index, "utf8")), undefined, 2).replaceAll("\n", "\r\n")
      fs.writeFileSync(index, text)
      yield* registry.tagManifest(byDefault, image, ["v1"])
      const after = fs.readFileSync(index, "utf8")
      assert.isTrue(after.startsWith("{\r\n  \"schemaVersion\": 2,\r\n"))
      assert.strictEqual((yield* registry.resolveTag(byDefault, "v1")).digest, image)
    }))
})
