import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { hasher } from "../../../src/memory/hasher.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { imageIndex, imageManifest, layerTar, nondistributableLayerTar } from "../../../src/oci/MediaType.ts"
import {
  AlgorithmUnsupported,
  BlobUnknown,
  Conflict,
  DigestInvalid,
  ManifestBlobUnknown,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  MediaTypeUnsupported,
  NameInvalid,
  TagExists,
  TagInvalid
} from "../../../src/oci/OciError.ts"
import { Tag } from "../../../src/oci/Reference.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Change } from "../../../src/ops/api/Registry.ts"
import { digest } from "../../support/entries.ts"
import {
  embedded,
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  utf8
} from "../../support/images.ts"

const one = image("one")
const two = image("two")
const three = image("three")

const tagsOf = (registry: LayoutRegistry, name = "app") =>
  Effect.orElseSucceed(
    Effect.flatMap(
      Stream.runCollect(registry.tags(name)),
      Effect.forEach((tag) => Effect.map(registry.resolveTag(name, tag), ({ digest }) => `${tag} ${digest}`))
    ),
    (): ReadonlyArray<string> => []
  )

const at = (tag: string, { descriptor }: Sample): string => `${tag} ${descriptor.digest}`

describe("pushing a manifest", () => {
  it.effect("demands its parts, unless it may be sparse", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const some = index([one, two])
      yield* pushImage(registry, "app", one)
      const push = (options: { readonly sparse?: boolean }) =>
        registry.pushManifest("app", some.bytes, some.descriptor.mediaType, { tags: ["v1"], ...options })
      assert.instanceOf(yield* Effect.flip(push({ sparse: false })), ManifestBlobUnknown)
      assert.deepStrictEqual((yield* push({ sparse: true })).descriptor, some.descriptor)
      assert.deepStrictEqual((yield* registry.getTag("app", "v1")).bytes, some.bytes)
    }))

  it.effect("stores it and sets its tags in one commit", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const pushed = yield* pushImage(registry, "app", one, ["v1", "latest"])
      assert.deepStrictEqual<unknown>(pushed, {
        descriptor: one.descriptor,
        existed: false,
        moved: [{ tag: "v1" }, { tag: "latest" }],
        revision: Option.some(1)
      })
      assert.deepStrictEqual(yield* tagsOf(registry), [at("latest", one), at("v1", one)])
    }))

  it.effect("again changes nothing and says so", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const again = yield* pushManifest(registry, "app", one, ["v1"])
      assert.deepStrictEqual([again.existed, again.moved.length, Option.isNone(again.revision)], [true, 0, true])
    }))

  it.effect("tells what a tag pointed at, and leaves that reachable by digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const moved = yield* pushImage(registry, "app", two, ["v1"])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(moved.moved, [{ tag: "v1", from: one.descriptor.digest }])
      assert.deepStrictEqual(moved.revision, Option.some(2))
      assert.deepStrictEqual((yield* registry.getManifest("app", one.descriptor.digest)).bytes, one.bytes)
    }))

  it.effect("without tags makes it reachable by digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      assert.deepStrictEqual(yield* tagsOf(registry), [])
      assert.deepStrictEqual(yield* registry.resolveManifest("app", one.descriptor.digest), one.descriptor)
    }))

  it.effect("tells its subject, which need not exist", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const pushed = yield* pushImage(registry, "app", referrerOf(one, "signature"))
      assert.strictEqual(pushed.subject, one.descriptor.digest)
      assert.strictEqual(pushed.descriptor.artifactType, "application/vnd.example.signature")
    }))

  it.effect("keeps it under the digest and algorithm it is asked for", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      const sha512 = hasher.digest("sha512", one.bytes)
      const pushed = yield* registry.pushManifest("app", one.bytes, imageManifest, { digest: sha512, tags: ["v1"] })
      assert.strictEqual(pushed.descriptor.digest, sha512)
      assert.deepStrictEqual((yield* registry.getTag("app", "v1")).bytes, one.bytes)
    }))

  it.effect("takes an index whose children are there, under any name", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one)
      const pushed = yield* pushManifest(registry, "app", index([one]), ["v1"])
      assert.strictEqual(pushed.descriptor.mediaType, imageIndex)
    }))
})

describe("a manifest is refused", () => {
  it.effect("while its parts are missing, each of which is named", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const manifest = image("partial", {}, 3)
      const [, middle] = manifest.layers
      assert.isDefined(middle)
      yield* pushBlob(registry, "app", middle)
      const missing = [
        { path: "config", digest: manifest.config.descriptor.digest },
        ...[0, 2].map((place) => ({
          path: `layers[${place}]`,
          digest: manifest.layers[place]?.descriptor.digest ?? ""
        }))
      ]
      const error = yield* Effect.flip(pushManifest(registry, "app", manifest, ["v1"]))
      assert.instanceOf(error, ManifestBlobUnknown)
      assert.deepStrictEqual(error.missing, missing)
      assert.deepStrictEqual(yield* registry.usage, { blobs: 1, bytes: middle.bytes.length }, "it is not stored")
    }))

  it.effect("while a child of an index is missing", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      yield* pushImage(registry, "app", two)
      const error = yield* Effect.flip(pushManifest(registry, "app", index([one, two, three])))
      assert.instanceOf(error, ManifestBlobUnknown)
      assert.deepStrictEqual(error.missing, [{ path: "manifests[2]", digest: three.descriptor.digest }])
    }))

  it.effect("when a part has another size than it says", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const [layer] = one.layers
      assert.isDefined(layer)
      const lying = image("lying", { layers: [{ ...layer.descriptor, size: 1 }] })
      yield* pushBlob(registry, "app", layer)
      yield* pushBlob(registry, "app", lying.config)
      const error = yield* Effect.flip(pushManifest(registry, "app", lying))
      assert.instanceOf(error, ManifestInvalid)
      assert.strictEqual(error.path, "layers[0].size")
    }))

  it.effect("when its digest is another one", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      const push = (digest: string) => Effect.flip(registry.pushManifest("app", one.bytes, imageManifest, { digest }))
      assert.deepStrictEqual(
        yield* push(two.descriptor.digest),
        new DigestInvalid({ digest: two.descriptor.digest, actual: one.descriptor.digest })
      )
      assert.instanceOf(yield* push("sha256:beef"), DigestInvalid)
      assert.instanceOf(yield* push(`blake3:${"a".repeat(64)}`), AlgorithmUnsupported)
    }))

  it.effect("by what it is: no JSON, of no known type, declared as another, both things at once, too large", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const push = (bytes: Uint8Array, mediaType = imageManifest) =>
        Effect.flip(registry.pushManifest("app", bytes, mediaType, { tags: ["v1"] }))
      assert.instanceOf(yield* push(utf8("{")), ManifestInvalid)
      assert.instanceOf(yield* push(one.bytes, "text/plain"), MediaTypeUnsupported)
      assert.instanceOf(yield* push(one.bytes, "application/vnd.docker.distribution.manifest.v2+json"), ManifestInvalid)
      assert.instanceOf(yield* push(index([]).bytes), ManifestInvalid)
      assert.instanceOf(yield* push(image("both", { manifests: [] }).bytes), ManifestInvalid)
      assert.instanceOf(
        yield* push(one.bytes, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        ManifestInvalid
      )
      const large = new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20)
      assert.deepStrictEqual(
        yield* push(large),
        new ManifestTooLarge({ size: large.length, limit: 4 * 1024 * 1024 })
      )
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
      assert.deepStrictEqual(yield* tagsOf(registry), [])
    }))

  it.effect("by its names", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.instanceOf(yield* Effect.flip(pushManifest(registry, "App", one)), NameInvalid)
      assert.instanceOf(yield* Effect.flip(pushManifest(registry, "app", one, ["v1", "-"])), TagInvalid)
      const badCondition = [{ tag: "v1", ifDigest: "v0" }]
      assert.instanceOf(
        yield* Effect.flip(registry.pushManifest("app", one.bytes, imageManifest, { tags: badCondition })),
        DigestInvalid
      )
    }))

  it.effect("when a condition of one of its tags does not hold, and then it is not stored", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      for (const blob of [two.config, ...two.layers]) yield* pushBlob(registry, "app", blob)
      const push = (...tags: ReadonlyArray<{ tag: string; ifDigest?: string; ifAbsent?: boolean }>) =>
        registry.pushManifest("app", two.bytes, imageManifest, { tags })
      const before = yield* registry.usage
      assert.instanceOf(yield* Effect.flip(push({ tag: "v2" }, { tag: "v1", ifAbsent: true })), TagExists)
      assert.instanceOf(yield* Effect.flip(push({ tag: "v1", ifDigest: digest("a") }, { tag: "v2" })), Conflict)
      assert.instanceOf(yield* Effect.flip(push({ tag: "v2", ifDigest: digest("a") })), Conflict)
      assert.deepStrictEqual(yield* registry.usage, before)
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", one)])
      yield* push({ tag: "v1", ifDigest: one.descriptor.digest }, { tag: "v2", ifAbsent: true })
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", two), at("v2", two)])
    }))
})

describe("parts may be absent", () => {
  const [layer] = one.layers
  assert(layer)

  const absent = [
    ["that are not to be distributed", { ...layer.descriptor, mediaType: nondistributableLayerTar }],
    ["that say where else they are", { ...layer.descriptor, urls: ["https://example.org/layer"] }],
    ["that are embedded", embedded(layer)]
  ] as const

  it.effect.each(absent)("%s", ([, descriptor]) =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const manifest = image("absent", { layers: [descriptor] })
      yield* pushBlob(registry, "app", manifest.config)
      yield* pushManifest(registry, "app", manifest, ["v1"])
    }))

  it.effect("but not when what is embedded is something else, or the list of places is empty", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const wrong = { ...layer.descriptor, data: Buffer.alloc(layer.bytes.length, "x").toString("base64") }
      for (
        const descriptor of [wrong, { ...layer.descriptor, urls: [] }, { ...layer.descriptor, mediaType: layerTar }]
      ) {
        const manifest = image("absent", { layers: [descriptor] })
        yield* pushBlob(registry, "app", manifest.config)
        assert.instanceOf(yield* Effect.flip(pushManifest(registry, "app", manifest)), ManifestBlobUnknown)
      }
    }))
})

describe("tagging", () => {
  it.effect("points tags at a manifest that is there", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two)
      const { digest } = two.descriptor
      const tagged = yield* registry.tagManifest("app", digest, ["v1", "v2"])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(tagged.moved, [
        { tag: "v1", from: one.descriptor.digest },
        { tag: "v2" }
      ])
      assert.deepStrictEqual([tagged.existed, tagged.revision], [true, Option.some(3)])
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", two), at("v2", two)])
      assert.isTrue(Option.isNone((yield* registry.tagManifest("app", digest, ["v2"])).revision))
    }))

  it.effect("reaches the children of indexes", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one)
      yield* pushManifest(registry, "app", index([one]), ["all"])
      const tagged = yield* registry.tagManifest("app", one.descriptor.digest, ["amd64"])
      assert.isFalse(tagged.existed)
      assert.deepStrictEqual(yield* registry.resolveTag("app", "amd64"), one.descriptor)
    }))

  it.effect("is refused for what the repository does not have or has lost", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      const unknown = new ManifestUnknown({ repository: "app", reference: digest("a") })
      assert.deepStrictEqual(yield* Effect.flip(registry.tagManifest("app", digest("a"), ["v1"])), unknown)
      yield* add(entryOf(one, "app:v1"))
      assert.deepStrictEqual(yield* Effect.flip(registry.tagManifest("app", digest("a"), ["v1"])), unknown)
      assert.instanceOf(
        yield* Effect.flip(registry.tagManifest("app", one.descriptor.digest, ["v2"])),
        ManifestBlobUnknown
      )
      assert.instanceOf(yield* Effect.flip(registry.tagManifest("app", "v1", ["v2"])), DigestInvalid)
      assert.instanceOf(yield* Effect.flip(registry.tagManifest("app", digest("a"), ["?"])), TagInvalid)
    }))

  it.effect("holds to conditions", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two)
      const tag = (request: { tag: string; ifDigest?: string; ifAbsent?: boolean }) =>
        Effect.flip(registry.tagManifest("app", two.descriptor.digest, [request]))
      assert.instanceOf(yield* tag({ tag: "v1", ifAbsent: true }), TagExists)
      assert.instanceOf(yield* tag({ tag: "v1", ifDigest: two.descriptor.digest }), Conflict)
    }))
})

describe("a batch", () => {
  const push = (sample: Sample, ...tags: ReadonlyArray<string>): Change => ({
    _tag: "PushManifest",
    repository: "app",
    bytes: sample.bytes,
    mediaType: sample.descriptor.mediaType,
    options: { tags }
  })
  const tag = (repository: string, { descriptor }: Sample, ...tags: ReadonlyArray<string>): Change => ({
    _tag: "Tag",
    repository,
    digest: descriptor.digest,
    tags
  })

  it.effect("is one commit, each part on what the parts before it leave", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two, ["v2"])
      const { changes, revision } = yield* registry.batch([
        push(two, "v1"),
        tag("app", one, "old"),
        { _tag: "DeleteTag", repository: "app", tag: "v2", ifDigest: two.descriptor.digest }
      ])
      assert.deepStrictEqual(revision, Option.some(3))
      assert.deepStrictEqual(changes, [
        { descriptor: two.descriptor, existed: true, moved: [{ tag: Tag.make("v1"), from: one.descriptor.digest }] },
        { descriptor: one.descriptor, existed: true, moved: [{ tag: Tag.make("old") }] },
        { descriptor: two.descriptor, existed: true, moved: [] }
      ])
      assert.deepStrictEqual(yield* tagsOf(registry), [at("old", one), at("v1", two)])
    }))

  it.effect("may hold a part whose condition an earlier part fulfils", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two)
      const conditional: Change = {
        _tag: "PushManifest",
        repository: "app",
        bytes: one.bytes,
        mediaType: imageManifest,
        options: { tags: [{ tag: "v2", ifDigest: two.descriptor.digest }] }
      }
      assert.instanceOf(yield* Effect.flip(registry.batch([conditional])), Conflict)
      yield* registry.batch([tag("app", two, "v2"), conditional])
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", one), at("v2", one)])
    }))

  it.effect("spans the repositories of a shared layout", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      yield* pushImage(registry, "other", two)
      yield* registry.batch([tag("app", one, "v1"), tag("other", two, "v1")])
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", one)])
      assert.deepStrictEqual(yield* tagsOf(registry, "other"), [at("v1", two)])
    }))

  it.effect("happens as a whole or not at all", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const refused = registry.batch([tag("app", one, "v2"), { _tag: "DeleteTag", repository: "app", tag: "gone" }])
      assert.deepStrictEqual(
        yield* Effect.flip(refused),
        new ManifestUnknown({ repository: "app", reference: "gone" })
      )
      assert.deepStrictEqual(yield* tagsOf(registry), [at("v1", one)])
    }))

  it.effect("of nothing, or of what is so already, has no revision", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.isTrue(Option.isNone((yield* registry.batch([])).revision))
      yield* pushImage(registry, "app", one, ["v1"])
      assert.isTrue(Option.isNone((yield* registry.batch([push(one, "v1"), tag("app", one, "v1")])).revision))
    }))

  it.effect("whose names are not all in order stores nothing of what it brings along", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      for (const blob of [one.config, ...one.layers]) yield* pushBlob(registry, "app", blob)
      const refused = registry.batch([push(one, "v1"), { _tag: "DeleteTag", repository: "App", tag: "v1" }])
      assert.instanceOf(yield* Effect.flip(refused), NameInvalid)
      const unknown = new BlobUnknown({ digest: one.descriptor.digest })
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveBlob("app", one.descriptor.digest)), unknown)
    }))

  it.effect("checks names and conditions of its parts", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const fails = (change: Change) => Effect.flip(registry.batch([change]))
      assert.instanceOf(yield* fails({ _tag: "DeleteTag", repository: "App", tag: "v1" }), NameInvalid)
      assert.instanceOf(yield* fails({ _tag: "DeleteTag", repository: "app", tag: "" }), TagInvalid)
      assert.instanceOf(
        yield* fails({ _tag: "DeleteTag", repository: "app", tag: "v1", ifDigest: "v0" }),
        DigestInvalid
      )
      assert.instanceOf(
        yield* fails({ _tag: "DeleteTag", repository: "app", tag: "v1", ifDigest: digest("a") }),
        Conflict
      )
      assert.instanceOf(yield* fails(tag("app", two, "v1")), ManifestUnknown)
    }))
})
