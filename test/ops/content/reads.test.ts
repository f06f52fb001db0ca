import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { imageIndex, imageManifest, octetStream } from "../../../src/oci/MediaType.ts"
import {
  AlgorithmUnsupported,
  BlobUnknown,
  DigestInvalid,
  IndexInvalid,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  NameInvalid,
  NameUnknown,
  RangeInvalid,
  type RegistryError,
  TagInvalid
} from "../../../src/oci/OciError.ts"
import { digest } from "../../support/entries.ts"
import {
  collect,
  embedded,
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  sample,
  textOf
} from "../../support/images.ts"

const blob = sample("0123456789", octetStream)
const one = image("one")
const two = image("two")
const blake = `blake3:${"a".repeat(64)}`

describe("a blob", () => {
  it.effect("is read with its descriptor", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", blob)
      const content = yield* registry.getBlob("app", blob.descriptor.digest)
      assert.deepStrictEqual(content.descriptor, blob.descriptor)
      assert.isTrue(content.verified)
      assert.deepStrictEqual(yield* collect(content.stream), blob.bytes)
      assert.deepStrictEqual(yield* registry.resolveBlob("app", blob.descriptor.digest), blob.descriptor)
    }))

  it.effect("of a shared layout is seen from every valid repository name", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", blob)
      assert.strictEqual((yield* registry.resolveBlob("nobody/knows", blob.descriptor.digest)).size, 10)
    }))

  it.effect("that is not there is BlobUnknown, in a repository that does not exist too", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      const unknown = new BlobUnknown({ digest: digest("a") })
      for (const name of ["app", "nobody"]) {
        assert.deepStrictEqual(yield* Effect.flip(registry.getBlob(name, digest("a"))), unknown)
        assert.deepStrictEqual(yield* Effect.flip(registry.resolveBlob(name, digest("a"))), unknown)
        assert.deepStrictEqual(yield* Effect.flip(registry.getBlobRange(name, digest("a"), { offset: 0 })), unknown)
      }
    }))

  it.effect("has no path where blobs are no files", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      assert.isTrue(Option.isNone(yield* registry.blobPath("app", blob.descriptor.digest)))
    }))
})

describe("a range of a blob", () => {
  const ranges: ReadonlyArray<readonly [number, number | undefined, string]> = [
    [0, undefined, "0123456789"],
    [0, 3, "012"],
    [3, 7, "3456"],
    [3, undefined, "3456789"],
    [3, -1, "3456789"],
    [3, 99, "3456789"],
    [5, 5, ""],
    [10, undefined, ""],
    [10, 10, ""]
  ]

  it.effect.each(ranges)("from %s to %s is %j", ([offset, end, expected]) =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", blob)
      const content = yield* registry.getBlobRange("app", blob.descriptor.digest, { offset, end })
      assert.strictEqual(textOf(yield* collect(content.stream)), expected)
      assert.strictEqual(content.descriptor.size, 10)
    }))

  it.effect.each(
    [[11, undefined], [-1, undefined], [5, 4], [0.5, undefined], [Number.NaN, undefined], [0, 0.5], [
      0,
      Number.NaN
    ]] as const
  )(
    "from %s to %s is RangeInvalid, with the size there is",
    ([offset, end]) =>
      Effect.gen(function*() {
        const registry = yield* makeMemory()
        yield* pushBlob(registry, "app", blob)
        const error = yield* Effect.flip(registry.getBlobRange("app", blob.descriptor.digest, { offset, end }))
        assert.instanceOf(error, RangeInvalid)
        assert.deepStrictEqual([error.offset, error.size], [offset, 10])
      })
  )
})

type Operation = (repository: string, reference: string) => Effect.Effect<unknown, RegistryError, Scope.Scope>

describe("names", () => {
  it.effect("are checked before anything is looked at", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const { getBlob, getBlobRange, getManifest, getTag, resolveBlob, resolveManifest, resolveTag } = registry
      const byDigest: ReadonlyArray<Operation> = [getBlob, resolveBlob, getManifest, resolveManifest]
      for (const operation of byDigest) {
        assert.instanceOf(yield* Effect.flip(operation("Upper", digest("a"))), NameInvalid)
        assert.instanceOf(yield* Effect.flip(operation("app", "sha256:beef")), DigestInvalid)
        assert.instanceOf(yield* Effect.flip(operation("app", "../../etc/passwd")), DigestInvalid)
      }
      assert.instanceOf(yield* Effect.flip(getBlobRange("", digest("a"), { offset: 0 })), NameInvalid)
      const byTag: ReadonlyArray<Operation> = [getTag, resolveTag]
      for (const operation of byTag) {
        assert.instanceOf(yield* Effect.flip(operation("app/", "v1")), NameInvalid)
        assert.instanceOf(yield* Effect.flip(operation("app", ".v1")), TagInvalid)
        assert.instanceOf(yield* Effect.flip(operation("app", "")), TagInvalid)
      }
    }))

  it.effect("of an algorithm that is not implemented are told so for blobs", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const unsupported = new AlgorithmUnsupported({ digest: blake, algorithm: "blake3" })
      assert.deepStrictEqual(yield* Effect.flip(registry.getBlob("app", blake)), unsupported)
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveBlob("app", blake)), unsupported)
    }))
})

describe("a manifest", () => {
  it.effect("is read by tag and by digest, byte for byte", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      for (const read of [registry.getTag("app", "v1"), registry.getManifest("app", one.descriptor.digest)]) {
        const content = yield* read
        assert.deepStrictEqual(content.bytes, one.bytes)
        assert.deepStrictEqual(content.descriptor, one.descriptor)
        assert.isTrue(content.verified)
        assert.deepStrictEqual(yield* collect(content.stream), one.bytes)
      }
      assert.deepStrictEqual(yield* registry.resolveTag("app", "v1"), one.descriptor)
      assert.deepStrictEqual(yield* registry.resolveManifest("app", one.descriptor.digest), one.descriptor)
    }))

  it.effect("is told by type, digest and size, without other fields of its entry", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one)
      yield* add({ ...entryOf(one, "app:v1"), platform: { os: "linux", architecture: "amd64" }, artifactType: "a/b" })
      assert.deepStrictEqual(yield* registry.resolveTag("app", "v1"), { ...one.descriptor, artifactType: "a/b" })
    }))

  it.effect("is found below an index, at any depth, when it has no entry of its own", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one)
      const inner = index([one])
      yield* pushManifest(registry, "other", inner)
      const outer = index([inner])
      yield* pushManifest(registry, "app", outer, ["v1"])
      assert.deepStrictEqual(yield* registry.resolveManifest("app", inner.descriptor.digest), inner.descriptor)
      assert.deepStrictEqual((yield* registry.getManifest("app", one.descriptor.digest)).bytes, one.bytes)
    }))

  it.effect("of another repository is ManifestUnknown, and NameUnknown where there is no repository", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one, ["v1"])
      yield* pushImage(registry, "app", two, ["v2"])
      const reference = one.descriptor.digest
      const unknown = new ManifestUnknown({ repository: "app", reference })
      assert.deepStrictEqual(yield* Effect.flip(registry.getManifest("app", reference)), unknown)
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveManifest("app", reference)), unknown)
      const noTag = new ManifestUnknown({ repository: "app", reference: "v1" })
      assert.deepStrictEqual(yield* Effect.flip(registry.getTag("app", "v1")), noTag)
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveTag("app", "v1")), noTag)

      const nobody = new NameUnknown({ repository: "nobody" })
      assert.deepStrictEqual(yield* Effect.flip(registry.getManifest("nobody", reference)), nobody)
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveManifest("nobody", reference)), nobody)
      assert.deepStrictEqual(yield* Effect.flip(registry.getTag("nobody", "v1")), nobody)
      assert.deepStrictEqual(yield* Effect.flip(registry.resolveTag("nobody", "v1")), nobody)
    }))

  it.effect("of any algorithm can be asked for, since an entry may name it", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add({ ...one.descriptor, digest: blake, annotations: { "org.opencontainers.image.ref.name": "app:v1" } })
      assert.strictEqual((yield* registry.resolveManifest("app", blake)).digest, blake)
      assert.instanceOf(yield* Effect.flip(registry.getManifest("app", blake)), AlgorithmUnsupported)
    }))

  it.effect("is no blob that merely has its digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      assert.instanceOf(yield* Effect.flip(registry.getManifest("app", one.config.descriptor.digest)), ManifestUnknown)
    }))

  it.effect("whose blob is gone is ManifestUnknown, though it still resolves", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(one, "app:v1"))
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, one.descriptor.digest)
      assert.deepStrictEqual(
        yield* Effect.flip(registry.getTag("app", "v1")),
        new ManifestUnknown({ repository: "app", reference: one.descriptor.digest, absent: true })
      )
    }))

  it.effect("of another size than its entry says is what its digest says", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one)
      yield* add({ ...entryOf(one, "app:v1"), size: 7 })
      const { bytes, descriptor } = yield* registry.getTag("app", "v1")
      assert.deepStrictEqual([bytes, descriptor.size], [one.bytes, one.bytes.length])
    }))

  it.effect("that says it is larger than a manifest may be is not read", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add({ ...entryOf(one, "app:v1"), size: 4 * 1024 * 1024 + 1 })
      assert.deepStrictEqual(
        yield* Effect.flip(registry.getTag("app", "v1")),
        new ManifestTooLarge({ size: 4 * 1024 * 1024 + 1, limit: 4 * 1024 * 1024 })
      )
    }))

  it.effect("is the first of several entries of its tag", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(two, "app:v1"), entryOf(one, "app:v1"))
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, two.descriptor.digest)
    }))
})

describe("content embedded in a descriptor", () => {
  const config = sample("{\"small\":true}", "application/vnd.example.config+json")
  const withData = (data: object) => image("embedding", { config: { ...config.descriptor, ...data } })

  it.effect("is a blob, whole and in ranges, where there is no file", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const manifest = withData(embedded(config))
      yield* store(manifest)
      yield* add(entryOf(manifest, "app:v1"))
      const { digest } = config.descriptor
      assert.strictEqual((yield* registry.resolveBlob("app", digest)).size, config.bytes.length)
      const whole = yield* registry.getBlob("app", digest)
      assert.isTrue(whole.verified)
      assert.deepStrictEqual(yield* collect(whole.stream), config.bytes)
      const part = yield* registry.getBlobRange("app", digest, { offset: 2, end: 7 })
      assert.strictEqual(textOf(yield* collect(part.stream)), "small")
      assert.instanceOf(yield* Effect.flip(registry.getBlobRange("app", digest, { offset: 99 })), RangeInvalid)
      assert.instanceOf(yield* Effect.flip(registry.getBlob("other", digest)), BlobUnknown)
    }))

  it.effect("is served only if it is the content of the digest", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const lying = { data: Buffer.from("{\"small\":null}").toString("base64") }
      const manifest = withData(lying)
      yield* store(manifest)
      yield* add(entryOf(manifest, "app:v1"))
      assert.instanceOf(yield* Effect.flip(registry.getBlob("app", config.descriptor.digest)), BlobUnknown)
    }))

  it.effect("is a manifest too, in an entry and in an index", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const parent = index([{ ...two, descriptor: embedded(two) }])
      yield* store(parent)
      yield* add({ ...entryOf(one, "app:v1"), ...embedded(one) }, entryOf(parent, "app:all"))
      assert.deepStrictEqual((yield* registry.getTag("app", "v1")).bytes, one.bytes)
      assert.deepStrictEqual((yield* registry.getManifest("app", two.descriptor.digest)).bytes, two.bytes)
      assert.deepStrictEqual(yield* collect((yield* registry.getBlob("app", two.descriptor.digest)).stream), two.bytes)
    }))
})

describe("the description of a manifest", () => {
  it.effect("tells what a manifest names", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const facts = yield* registry.describe("app", one.descriptor)
      assert.strictEqual(facts.kind, "image")
      assert.strictEqual(facts.bytes, one.bytes.length)
      assert.strictEqual(facts.config?.digest, one.config.descriptor.digest)
      assert.deepStrictEqual(
        facts.layers.map(({ digest }) => digest),
        one.layers.map(({ descriptor }) => descriptor.digest)
      )
      assert.notProperty(facts, "document")
    }))

  it.effect("fails for what is not there, and for what is no manifest", () =>
    Effect.gen(function*() {
      const { registry, store } = foreignLayout()
      assert.instanceOf(yield* Effect.flip(registry.describe("app", one.descriptor)), ManifestUnknown)
      const text = sample("[]", imageIndex)
      yield* store(text)
      assert.instanceOf(yield* Effect.flip(registry.describe("app", text.descriptor)), ManifestInvalid)
    }))
})

describe("tagsOf", () => {
  it.effect("gives the tags that point at a digest, in order", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v2", "latest", "v1"])
      yield* pushImage(registry, "app", two, ["v3"])
      yield* pushImage(registry, "other", one, ["v9"])
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* registry.tagsOf("app", one.descriptor.digest), [
        "latest",
        "v1",
        "v2"
      ])
      assert.deepStrictEqual(yield* registry.tagsOf("app", digest("a")), [])
      assert.deepStrictEqual(yield* registry.tagsOf("nobody", digest("a")), [])
    }))

  it.effect("leaves out a tag whose first entry points elsewhere", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(two, "app:v1"), entryOf(one, "app:v1"), entryOf(one, "app:v2"))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* registry.tagsOf("app", one.descriptor.digest), ["v2"])
    }))
})

describe("expandDigest", () => {
  const hex = one.descriptor.digest.slice("sha256:".length)

  it.effect("finds a manifest by 12 digits or more, with the algorithm or without", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one)
      for (const prefix of [hex.slice(0, 12), hex.slice(0, 40), hex, `sha256:${hex.slice(0, 12)}`]) {
        assert.deepStrictEqual(yield* registry.expandDigest("app", prefix), [one.descriptor.digest])
      }
      assert.deepStrictEqual(yield* registry.expandDigest("app", `sha512:${hex.slice(0, 12)}`), [])
    }))

  it.effect("finds children of an index as well, and blobs when no manifest fits", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "other", one)
      yield* pushManifest(registry, "app", index([one]))
      assert.deepStrictEqual(yield* registry.expandDigest("app", hex.slice(0, 12)), [one.descriptor.digest])
      const config = one.config.descriptor.digest
      assert.deepStrictEqual(yield* registry.expandDigest("app", config.slice(7, 7 + 12)), [config])
      assert.deepStrictEqual(yield* registry.expandDigest("app", "0".repeat(64)), [])
    }))

  it.effect("gives all that fit, in order", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      const alike = ["f", "0"].map((end) => `sha256:${"a".repeat(63)}${end}`)
      yield* add(...alike.map((digest) => ({ ...entryOf(one, "app:v1"), digest })))
      assert.deepStrictEqual<ReadonlyArray<string>>(
        yield* registry.expandDigest("app", "a".repeat(12)),
        alike.toSorted()
      )
    }))

  it.effect.each(["", "abc", "a".repeat(11), "A".repeat(12), "a".repeat(129), `md5:${"a".repeat(12)}`, "*".repeat(12)])(
    "refuses %j",
    (prefix) =>
      Effect.gen(function*() {
        const registry = yield* makeMemory()
        assert.instanceOf(yield* Effect.flip(registry.expandDigest("app", prefix)), DigestInvalid)
      })
  )
})

describe("an entry by its raw name", () => {
  it.effect("is resolved and read where no repository could name it", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one)
      yield* add(entryOf(two), entryOf(one, "localhost:5000/App:v1"), entryOf(two, "localhost:5000/App:v1"))
      assert.deepStrictEqual(yield* registry.resolveName("localhost:5000/App:v1"), one.descriptor)
      const content = yield* registry.getNamed("localhost:5000/App:v1")
      assert.deepStrictEqual(content.bytes, one.bytes)
      assert.deepStrictEqual(yield* collect(content.stream), one.bytes)
    }))

  it.effect("is ManifestUnknown where no entry has exactly this name", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add(entryOf(one, "app:v1"), entryOf(two))
      for (const name of ["app", "APP:v1", "", "app:v1 "]) {
        assert.instanceOf(yield* Effect.flip(registry.resolveName(name)), ManifestUnknown)
        assert.instanceOf(yield* Effect.flip(registry.getNamed(name)), ManifestUnknown)
      }
      assert.strictEqual((yield* registry.resolveName("app:v1")).mediaType, imageManifest)
    }))

  it.effect("that is no descriptor is IndexInvalid with the reason", () =>
    Effect.gen(function*() {
      const { add, registry } = foreignLayout()
      yield* add({ digest: "sha256:beef", annotations: { "org.opencontainers.image.ref.name": "odd" } })
      assert.deepStrictEqual(
        yield* Effect.flip(registry.resolveName("odd")),
        new IndexInvalid({ path: "index.json", reason: `has an entry, "odd", that has no valid digest` })
      )
      assert.instanceOf(yield* Effect.flip(registry.getNamed("odd")), IndexInvalid)
    }))
})
