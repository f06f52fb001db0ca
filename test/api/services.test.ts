/** The services of Effect programs: what a layer provides, what stands in for it, and several of them at once. */
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Context, Effect, Layer, Option, Stream } from "effect"
import { Digest } from "../../src/memory/Digest.ts"
import { layerMemory, makeMemory } from "../../src/memory/index.ts"
import { layerDiskConfig, makeDisk } from "../../src/node/index.ts"
import { Layout } from "../../src/ops/api/Layout.ts"
import { Registry, type RegistryShape } from "../../src/ops/api/Registry.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { readOnly } from "../../src/ops/readOnly.ts"
import { temporaryFolder } from "../support/folders.ts"
import { image, pushImage } from "../support/images.ts"

const one = image("one")

describe("a layer", () => {
  it.effect("provides the registry, and the layout with the history of what was pushed", () =>
    Effect.gen(function*() {
      const registry = yield* Registry
      const { history } = yield* Layout
      yield* pushImage(registry, "app", one, ["v1"])
      const commits = yield* Stream.runCollect(history({ repository: "app" }))
      assert.deepStrictEqual(
        commits.map(({ changes }) => changes.map(({ repository, tag }) => `${repository}:${tag}`)),
        [["app:v1"]]
      )
    }).pipe(Effect.provide(layerMemory())))

  it.effect("can be a mock of what a test needs", () =>
    Effect.gen(function*() {
      const { resolveTag } = yield* Registry
      assert.deepStrictEqual(yield* resolveTag("app", "v1"), one.descriptor)
    }).pipe(Effect.provide(Layer.mock(Registry, { resolveTag: () => Effect.succeed(one.descriptor) }))))
})

class Staging extends Context.Service<Staging, RegistryShape>()("test/Staging") {}
class Production extends Context.Service<Production, RegistryShape>()("test/Production") {}

describe("several registries in one program", () => {
  it.effect("have a key each", () =>
    Effect.gen(function*() {
      const staging = yield* Staging
      const production = yield* Production
      yield* pushImage(staging, "app", one, ["v1"])
      const copied = yield* copyManifest(
        { registry: staging, repository: "app", reference: "v1" },
        { registry: production, repository: "app", tags: ["stable"] }
      )
      assert.isTrue(Option.isSome(copied.revision))
      assert.deepStrictEqual(yield* Stream.runCollect(production.tags("app")), ["stable"])
      assert.deepStrictEqual(yield* Stream.runCollect(staging.tags("app")), ["v1"])
    }).pipe(
      Effect.provide([Layer.effect(Staging, makeMemory()), Layer.effect(Production, makeMemory())])
    ))
})

describe("reads and writes", () => {
  it.effect("are told apart: every operation of a layout for reading either reads or is refused", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const closed = readOnly(registry)
      const own = Object.entries(registry)
      const changed = Object.entries(closed).filter((entry) =>
        !own.some(([name, value]) => name === entry[0] && value === entry[1])
      )
      assert.deepStrictEqual(changed.map(([name]) => name).toSorted(), [
        "batch",
        "collectGarbage",
        "deleteBlob",
        "deleteManifest",
        "deleteName",
        "deleteTag",
        "findUpload",
        "layerCache",
        "mountBlob",
        "moveName",
        "pin",
        "planGarbage",
        "pushBlob",
        "pushBlobChunked",
        "pushBlobChunkedResume",
        "pushManifest",
        "repair",
        "restore",
        "revert",
        "tagManifest",
        "tend",
        "unpin",
        "uploads"
      ])
    }))
})

describe("options from the configuration", () => {
  it.live("open a layout", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const provider = ConfigProvider.fromUnknown({ LAYOUT: directory, LOCK_WAIT: "5 seconds" })
      const layer = layerDiskConfig({
        directory: Config.String("LAYOUT"),
        lockWait: Config.Duration("LOCK_WAIT"),
        durability: Config.succeed("none")
      }).pipe(Layer.provide(ConfigProvider.layer(provider)))
      yield* Effect.gen(function*() {
        yield* pushImage(yield* Registry, "app", one, ["v1"])
      }).pipe(Effect.provide(layer))
      const { resolveTag } = yield* makeDisk({ directory, mustExist: true })
      assert.strictEqual((yield* resolveTag("app", "v1")).digest, one.descriptor.digest)
    }))
})

describe("a reference", () => {
  it.effect("is a tag or a digest", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const { digest } = one.descriptor
      for (const reference of ["v1", digest]) {
        assert.strictEqual((yield* registry.resolve("app", reference)).digest, digest)
        assert.deepStrictEqual((yield* registry.get("app", reference)).bytes, one.bytes)
      }
      assert.strictEqual((yield* Effect.flip(registry.resolve("app", "v2")))._tag, "ManifestUnknown")
      assert.strictEqual((yield* Effect.flip(registry.get("app", "sha256:x")))._tag, "DigestInvalid")
    }))
})

describe("a blob", () => {
  it.effect("is a stream, whose failure comes when it is run", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const bytes = new TextEncoder().encode("hello")
      const { descriptor } = yield* registry.pushBlob("app", Stream.succeed(bytes), {
        digest: Digest.of(bytes),
        size: undefined,
        mediaType: undefined
      })
      assert.strictEqual(descriptor.digest, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
      assert.deepStrictEqual(yield* Stream.runCollect(registry.streamBlob("app", descriptor.digest)), [bytes])
      const unknown = Digest.of(new Uint8Array(), "sha512")
      const error = yield* Effect.flip(Stream.runDrain(registry.streamBlob("app", unknown)))
      assert.strictEqual(error._tag, "BlobUnknown")
    }))

  it("has a digest that can be made of text", () => {
    assert.throws(() => Digest.make("sha256:x"))
    assert.strictEqual(Digest.make(one.descriptor.digest), one.descriptor.digest)
  })
})
