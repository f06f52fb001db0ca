import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { Referenced } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { image, index, pushImage, pushManifest, referrerOf, type SampleImage, textOf } from "../support/images.ts"

const app = image("app")
const tag = app.descriptor.digest.replace(":", "-")
const [one, two] = [referrerOf(app, "one", { annotations: { note: "first" } }), referrerOf(app, "two")]

interface Listed {
  readonly digest: string
  readonly artifactType?: string
  readonly annotations?: object
}

const listed = (registry: LayoutRegistry, at = "app") =>
  Effect.map(
    registry.getTag(at, tag),
    ({ bytes }) => (JSON.parse(textOf(bytes)) as { readonly manifests: ReadonlyArray<Listed> }).manifests
  )

const digestsIn = (registry: LayoutRegistry, at?: string) =>
  Effect.map(listed(registry, at), (manifests) => manifests.map(({ digest }) => digest))

const untagged = (registry: LayoutRegistry) =>
  Effect.map(Stream.runCollect(registry.untagged("app")), (all) => all.map(({ digest }) => digest).toSorted())

const digestsOf = (...all: ReadonlyArray<SampleImage>) => all.map(({ descriptor }) => descriptor.digest)

/** `app:v1` with the blobs of both referrers. */
const world = Effect.gen(function*() {
  const registry = yield* Effect.orDie(makeMemory())
  yield* pushImage(registry, "app", app, ["v1"])
  for (const { config, layers } of [one, two]) {
    for (const { bytes, descriptor } of [config, ...layers]) {
      yield* registry.pushBlob("app", Stream.succeed(bytes), { digest: descriptor.digest })
    }
  }
  return registry
})

const push = (registry: LayoutRegistry, { bytes, descriptor }: SampleImage, fallbackTag?: boolean) =>
  registry.pushManifest("app", bytes, descriptor.mediaType, fallbackTag === undefined ? {} : { fallbackTag })

describe("a tag that lists what refers to a manifest", () => {
  it.effect("is made where it is asked for, and nowhere else", () =>
    Effect.gen(function*() {
      const registry = yield* world
      yield* push(registry, one)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
      yield* push(registry, two, true)
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(two))
    }))

  it.effect("says of each what a list of referrers says, changes in the same commit, and leaves no older list", () =>
    Effect.gen(function*() {
      const registry = yield* world
      yield* push(registry, one, true)
      const before = yield* Stream.runCount(registry.history())
      yield* push(registry, two)
      assert.strictEqual(yield* Stream.runCount(registry.history()), before + 1)
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(one, two))
      const [first] = yield* listed(registry)
      assert.deepStrictEqual([first?.artifactType, first?.annotations], ["application/vnd.example.signature", {
        note: "first"
      }])
      assert.deepStrictEqual(yield* untagged(registry), digestsOf(one, two).toSorted())
      // Once is enough.
      yield* push(registry, two)
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(one, two))
      const referrers = yield* Stream.runCollect(registry.referrers("app", app.descriptor.digest))
      assert.deepStrictEqual(referrers.map(({ digest }) => digest).toSorted(), digestsOf(one, two).toSorted())
    }))

  it.effect("no longer has a referrer that is deleted, and goes with the last one", () =>
    Effect.gen(function*() {
      const registry = yield* world
      yield* push(registry, one, true)
      yield* push(registry, two)
      // What is said beforehand is what happens.
      assert.deepStrictEqual((yield* registry.forecast("app", "manifest", one.descriptor.digest)).neededBy, [])
      yield* registry.deleteManifest("app", one.descriptor.digest)
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(two))
      assert.deepStrictEqual(yield* untagged(registry), digestsOf(two))
      yield* registry.deleteManifest("app", two.descriptor.digest)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("app")), ["v1"])
      assert.deepStrictEqual(yield* untagged(registry), [])
    }))

  it.effect("keeps what other tools wrote into it, and is left alone where it is no list", () =>
    Effect.gen(function*() {
      const registry = yield* world
      yield* push(registry, one)
      const foreign = index([one], { annotations: { by: "another tool" } })
      yield* pushManifest(registry, "app", foreign, [tag])
      yield* push(registry, two)
      const { bytes } = yield* registry.getTag("app", tag)
      assert.include(textOf(bytes), "another tool")
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(one, two))

      const other = yield* world
      yield* other.tagManifest("app", app.descriptor.digest, [tag])
      yield* push(other, one)
      assert.strictEqual((yield* other.resolveTag("app", tag)).digest, app.descriptor.digest)
    }))

  it.effect("takes in what a copy brings, and a copy does not put its own in the place of it", () =>
    Effect.gen(function*() {
      const [source, target] = [yield* world, yield* world]
      yield* push(source, one, true)
      yield* push(target, two, true)
      yield* copyManifest(
        { registry: source, repository: "app", reference: "v1" },
        { registry: target, repository: "app", tags: ["v1"] },
        { referrers: true }
      )
      assert.deepStrictEqual(yield* digestsIn(target), digestsOf(two, one))
      yield* copyManifest(
        { registry: source, repository: "app", reference: "v1" },
        { registry: target, repository: "new", tags: ["v1"] },
        { referrers: true }
      )
      assert.deepStrictEqual(yield* digestsIn(target, "new"), digestsOf(one))
    }))

  it.effect("stays as it is, and none is written, where the deletion is refused", () =>
    Effect.gen(function*() {
      const registry = yield* world
      yield* push(registry, one, true)
      yield* push(registry, two)
      const onOne = referrerOf(one, "on one")
      yield* pushImage(registry, "app", onOne, [])
      const { blobs } = yield* registry.usage
      assert.instanceOf(
        yield* Effect.flip(registry.deleteManifest("app", one.descriptor.digest)),
        Referenced
      )
      assert.strictEqual((yield* registry.usage).blobs, blobs)
      assert.deepStrictEqual(yield* digestsIn(registry), digestsOf(one, two))
    }))
})
