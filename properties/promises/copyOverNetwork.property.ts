/** Whatever the network does to a copy, the target has all of it under the tag or nothing, and it can be repeated. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import fc from "fast-check"
import type { CopyReads, CopyWrites } from "../../src/ops/api/Copy.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { makeRemote } from "../../src/remote/index.ts"
import { inMemory } from "../../test/http/support/serving.ts"
import {
  image,
  index,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  type SampleImage
} from "../../test/support/images.ts"
import { brokenNetwork, type Trouble, troubles } from "../support/brokenNetwork.ts"
import { figures } from "../support/figures.ts"

const { numRuns: runs = 100 } = fc.readConfigureGlobal()

/** Small, so that a copy of a few layers has many requests. */
const timing = { answerMillis: 5000, idleMillis: 1000, retries: 2, retryMillis: 1, chunkBytes: 8 }

interface World {
  readonly images: number
  readonly layers: number
  readonly isIndex: boolean
  readonly signed: boolean
  /** The network is between the source and here, here and the target, or on both ways. */
  readonly way: "from" | "to" | "both"
  /** What the tag points at before. */
  readonly before: boolean
  /** At which of the requests of an undisturbed copy, as a part of a thousand, there is what trouble. */
  readonly troubles: ReadonlyArray<readonly [at: number, Trouble]>
}

const worlds: fc.Arbitrary<World> = fc.record({
  images: fc.integer({ min: 1, max: 2 }),
  layers: fc.integer({ min: 0, max: 2 }),
  isIndex: fc.boolean(),
  signed: fc.boolean(),
  way: fc.constantFrom("from", "to", "both"),
  before: fc.boolean(),
  troubles: fc.array(fc.tuple(fc.nat(999), fc.constantFrom(...troubles)), { minLength: 1, maxLength: 4 })
})

const counts = { copies: 0, troubles: 0, "copied all the same": 0, "told of it": 0 }

const earlier = image("earlier")

const rootOf = (
  { images, isIndex, layers }: World
): { readonly root: Sample; readonly parts: ReadonlyArray<SampleImage> } => {
  const parts = Array.from({ length: isIndex ? images : 1 }, (_, at) => image(`image ${at}`, {}, layers))
  const [only = image("none")] = parts
  return { root: isIndex ? index(parts) : only, parts }
}

/** All that the tag leads to is there, byte for byte. */
const checkWhole = Effect.fnUntraced(function*(registry: LayoutRegistry, world: World) {
  const { parts, root } = rootOf(world)
  assert.deepStrictEqual((yield* registry.getTag("copy", "v1")).bytes, root.bytes)
  for (const part of parts) {
    assert.deepStrictEqual((yield* registry.getManifest("copy", part.descriptor.digest)).bytes, part.bytes)
    for (const { bytes, descriptor } of [part.config, ...part.layers]) {
      const found = yield* Stream.runCollect(registry.streamBlob("copy", descriptor.digest))
      assert.isTrue(Buffer.concat(found).equals(bytes))
    }
  }
  if (!world.signed) return
  const referrers = yield* Stream.runCollect(registry.referrers("copy", root.descriptor.digest, { verified: true }))
  assert.deepStrictEqual(referrers.map(({ digest }) => digest), [referrerOf(root, "signature").descriptor.digest])
})

const tagAt = (registry: LayoutRegistry) =>
  registry.resolveTag("copy", "v1").pipe(
    Effect.map(({ digest }) => digest as string),
    Effect.catch(() => Effect.succeed("nothing"))
  )

const play = (world: World) =>
  Effect.scoped(Effect.gen(function*() {
    const { parts, root } = rootOf(world)
    const [source, target] = [yield* inMemory(), yield* inMemory()]
    for (const part of parts) yield* pushImage(source.registry, "app", part, part === root ? ["v1"] : [])
    if (world.isIndex) yield* pushManifest(source.registry, "app", root, ["v1"])
    if (world.signed) yield* pushImage(source.registry, "app", referrerOf(root, "signature"))
    if (world.before) yield* pushImage(target.registry, "copy", earlier, ["v1"])
    const networks = { from: yield* brokenNetwork(source.url), to: yield* brokenNetwork(target.url) }
    const remoteAt = (url: string) => makeRemote({ host: new URL(url).host, timing })

    /** One copy by a client that knows nothing of others. */
    const copy = (repository: string) =>
      Effect.gen(function*() {
        const from: CopyReads = world.way === "to" ? source.registry : yield* remoteAt(networks.from.url)
        const to: CopyWrites = world.way === "from" ? target.registry : yield* remoteAt(networks.to.url)
        return yield* copyManifest(
          { registry: from, repository: "app", reference: "v1" },
          { registry: to, repository, tags: ["v1"] },
          { referrers: world.signed }
        )
      })

    const all = [networks.from, networks.to]
    for (const network of all) network.plan(new Map())
    yield* copy("undisturbed")
    for (const network of all) {
      const { requests } = network.counts()
      network.plan(new Map(world.troubles.map(([at, trouble]) => [Math.floor(at * requests / 1000), trouble])))
    }
    const before = yield* tagAt(target.registry)
    const result = yield* Effect.result(copy("copy"))
    counts.copies++
    counts.troubles += all.reduce((sum, network) => sum + network.counts().met, 0)
    const after = yield* tagAt(target.registry)
    if (Result.isSuccess(result)) {
      counts["copied all the same"]++
      yield* checkWhole(target.registry, world)
    } else {
      counts["told of it"]++
      assert.match(
        result.failure._tag,
        /^(?:RemoteError|ContentMismatch|DigestInvalid|ManifestInvalid|ManifestTooLarge|MediaTypeUnsupported|Unauthorized)$/u
      )
      // A request whose answer was lost may have been the last one.
      if (after !== before) yield* checkWhole(target.registry, world)
    }
    for (const network of all) network.plan(new Map())
    yield* copy("copy")
    yield* checkWhole(target.registry, world)
  })).pipe(Effect.provide(NodeHttpClient.layerUndici))

describe("a copy over a network", () => {
  it("is whole or has not happened, and can be repeated", async () => {
    const property = fc.asyncProperty(worlds, (world) => Effect.runPromise(play(world)))
    await fc.assert(property, { numRuns: Math.ceil(runs / 5) })
  }, 300_000)

  afterAll(() => figures("copyOverNetwork", counts))
})
