import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, Option, Result, Stream } from "effect"
import { BlobDeleted, EntryAdded } from "../../src/layout/Event.ts"
import { layerMemory, makeMemory } from "../../src/memory/index.ts"
import { memoryStores } from "../../src/memory/memoryStores.ts"
import { ManifestUnknown, NameInvalid } from "../../src/oci/OciError.ts"
import { Layout } from "../../src/ops/api/Layout.ts"
import { Registry } from "../../src/ops/api/Registry.ts"
import { entry } from "../support/entries.ts"
import { collect, textOf, utf8 } from "../support/images.ts"

const a1 = entry("a", "app:v1")

describe("a layout in memory", () => {
  it.effect("decides one after the other, each on the state its predecessor left", () =>
    Effect.gen(function*() {
      const { layout } = memoryStores()
      const gate = yield* Latch.make(false)
      const seen: Array<number> = []
      const adding = layout.transact({
        evidence: ({ entries }) => Effect.andThen(gate.await, Effect.sync(() => seen.push(entries.length))),
        decide: () => Result.succeed([new EntryAdded({ value: a1 })])
      })
      const fibers = yield* Effect.forEach([adding, adding], (one) => Effect.forkChild(one))
      yield* gate.open
      const revisions = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(revisions.map(({ revision }) => revision), [Option.some(1), Option.some(2)])
      assert.deepStrictEqual(seen, [0, 1])
    }))

  it.effect("is left as it was by a refusal and by evidence that cannot be had", () =>
    Effect.gen(function*() {
      const { layout } = memoryStores()
      const before = yield* layout.snapshot
      const refusal = new ManifestUnknown({ repository: "app", reference: "v1" })
      const refused = layout.transact({ evidence: () => Effect.void, decide: () => Result.fail(refusal) })
      assert.strictEqual(yield* Effect.flip(refused), refusal)
      const blind = layout.transact({ evidence: () => Effect.fail("none"), decide: () => Result.succeed([]) })
      assert.strictEqual(yield* Effect.flip(blind), "none")
      assert.strictEqual(yield* layout.snapshot, before)
    }))

  it.effect("removes a blob with the note that it is removed", () =>
    Effect.gen(function*() {
      const { blobs, layout } = memoryStores()
      const { digest } = yield* blobs.write(Stream.succeed(utf8("x")), { algorithm: "sha256" })
      yield* layout.transact({
        evidence: () => Effect.void,
        decide: () => Result.succeed([new BlobDeleted({ digest })])
      })
      assert.deepStrictEqual(yield* blobs.stat(digest), Option.none())
    }))

  it.effect("keeps its own copy of what it is given", () =>
    Effect.gen(function*() {
      const { blobs, uploads } = memoryStores()
      const buffer = utf8("right")
      const content = Stream.suspend(() => Stream.succeed(buffer))
      const { digest } = yield* blobs.write(content, { algorithm: "sha256" })
      const { id } = yield* uploads.create("app" as never)
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* uploads.exclusive(id)
        yield* session.append(content)
        buffer.fill(0)
        assert.strictEqual(yield* session.digest("sha256"), digest)
      }))
      const read = Option.getOrThrow(yield* Effect.scoped(blobs.read(digest, { verify: true })))
      assert.strictEqual(textOf(yield* collect(read.content)), "right")
    }))
})

describe("a sender that uses one buffer for all of its pieces", () => {
  it.effect("is understood", () =>
    Effect.gen(function*() {
      const { blobs } = memoryStores()
      const buffer = utf8("......")
      const piece = (text: string) =>
        Stream.fromEffect(Effect.sync(() => {
          buffer.set(utf8(text))
          return buffer
        }))
      const pieces = Stream.concat(piece("first "), piece("second"))
      const { digest } = yield* blobs.write(pieces, { algorithm: "sha256" })
      const read = Option.getOrThrow(yield* Effect.scoped(blobs.read(digest, { verify: true })))
      assert.strictEqual(textOf(yield* collect(read.content)), "first second")
    }))
})

describe("the registry in memory", () => {
  it.effect("is one of its own for every build of the layer", () =>
    Effect.gen(function*() {
      const push = Effect.gen(function*() {
        const registry = yield* Registry
        const { usage } = yield* Layout
        yield* registry.pushBlob("app", Stream.succeed(utf8("x")))
        return yield* usage
      })
      for (let build = 0; build < 2; build++) {
        assert.deepStrictEqual(yield* push.pipe(Effect.provide(Layer.fresh(layerMemory()))), { blobs: 1, bytes: 1 })
      }
    }))

  it.effect("has a default repository only if it is a valid one", () =>
    Effect.gen(function*() {
      assert.instanceOf(yield* Effect.flip(makeMemory({ defaultRepository: "App" })), NameInvalid)
      yield* makeMemory({ defaultRepository: "app" })
    }))
})
