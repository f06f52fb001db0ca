/**
 * Collections in a bucket take nothing that a push was answered for: pushes of content that is garbage until then, beside
 * collections and deletions of its layer on other machines, in any order of their requests, with hours and days between any two of them, answers
 * that are lost, and requests that arrive later than their machine believes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import { bucketStores } from "../../src/bucket/makeBucket.ts"
import type { ObjectStore } from "../../src/bucket/store/ObjectStore.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { imageManifest, pushImage } from "../../test/mcp/support/images.ts"
import { runs, seed } from "../support/share.ts"
import { Bucket, type Fate } from "../support/simulation/Bucket.ts"

const minute = 60_000
const hour = 60 * minute

const registryOver = (store: ObjectStore): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(
    bucketStores(store, { defaultRepository: undefined, foreignMillis: 0 }),
    (stores) => sharedRegistry(stores, hasher)
  )

/** Numbers from 0 up to `most`, always the same for a seed. */
const randomFrom = (seed: number) => {
  let state = seed | 1
  return (most: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % most
  }
}

const collect = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const { id } = yield* registry.planGarbage({ undoWindow: Duration.zero })
  yield* registry.collectGarbage(Option.getOrElse(id, () => ""))
})

/** For how long all machines stand still, now and then. */
const pauses = [minute, 10 * minute, 20 * minute, hour, 12 * hour, 25 * hour, 50 * hour]

const keyOf = (digest: string): string => `blobs/${digest.replace(":", "/")}`

const world = Effect.fnUntraced(function*(seed: number) {
  const random = randomFrom(seed)
  const bucket = new Bucket()
  bucket.now = Date.now()
  const first = yield* registryOver(bucket.machine())
  const image = yield* pushImage(first, { tags: ["keeps"], manifest: { annotations: { stays: "yes" } } })
  const garbage = yield* pushImage(first, { layers: ["garbage"], config: { garbage: true } })
  yield* first.deleteManifest("app", garbage.digest)
  bucket.now += 25 * hour

  let losses = 2
  const fate = (request: string): Fate => {
    if (losses === 0 || !/^(?:PUT|POST|DELETE)/u.test(request) || random(12) > 0) return "answered"
    losses--
    return (["not sent", "answer lost", "late"] as const)[random(3)] ?? "answered"
  }
  const turns = bucket.inTurn()
  const open = () => registryOver(turns.machine(fate))

  const push = Effect.fnUntraced(function*(tag: string) {
    const registry = yield* open()
    const content = JSON.parse(Buffer.from(garbage.bytes).toString()) as object
    const bytes = Buffer.from(JSON.stringify({ ...content, annotations: random(2) === 0 ? {} : { tag } }))
    if (random(2) === 0) yield* pushImage(registry, { layers: ["garbage"], config: { garbage: true } })
    yield* registry.pushManifest("app", bytes, imageManifest, { tags: [tag] })
    return tag
  })
  const pushes = [yield* Effect.forkScoped(push("one")), yield* Effect.forkScoped(push("two"))]
  const collections = yield* Effect.forEach(
    [1, 2],
    () => Effect.forkScoped(Effect.flatMap(open(), (registry) => Effect.repeat(collect(registry), { times: 3 })))
  )
  const deletion = Effect.flatMap(open(), (registry) => {
    const [layer] = garbage.layers
    // It is needed, or gone, or an answer is lost: what matters is what the pushes find.
    const once = Effect.exit(registry.deleteBlob("app", layer?.digest ?? ""))
    return Effect.repeat(once, { times: 3 })
  })
  const deletions = seed % 2 === 0 ? [] : [yield* Effect.forkScoped(deletion)]
  const all = [...pushes, ...collections, ...deletions]
  while (all.some((fiber) => fiber.pollUnsafe() === undefined)) {
    yield* turns.next(random)
    if (random(25) === 0) bucket.now += pauses[random(pauses.length)] ?? 0
  }
  turns.deliver()
  const answered = yield* Effect.forEach(
    pushes,
    (fiber) => Effect.map(Fiber.await(fiber), (exit) => Exit.isSuccess(exit) ? [exit.value] : [])
  )

  /** Everything that was answered for is there, and what is named has what it needs. */
  const check = Effect.gen(function*() {
    const registry = yield* registryOver(bucket.machine())
    const tags: ReadonlyArray<string> = yield* Stream.runCollect(registry.tags("app"))
    for (const tag of ["keeps", ...answered.flat()]) assert.include(tags, tag)
    for (const tag of tags) {
      const { digest } = yield* registry.resolveTag("app", tag)
      const { bytes } = yield* registry.getTag("app", tag)
      const needs = JSON.parse(Buffer.from(bytes).toString()) as typeof image
      for (const one of [digest, needs.config.digest, ...needs.layers.map((layer) => layer.digest)]) {
        assert.isTrue(bucket.objects.has(keyOf(one)), `${one} of ${tag}, seed ${seed}`)
        assert.isDefined(yield* registry.resolveBlob("app", one))
      }
    }
  })
  yield* check
  // At rest: what is not needed is gone, and what is needed stays, however often it is collected.
  for (let times = 0; times < 5; times++) {
    bucket.now += 26 * hour
    const registry = yield* registryOver(bucket.machine())
    yield* registry.tagManifest("app", image.digest, [`later${times}`])
    yield* collect(registry)
    yield* check
  }
  // No push was answered for: nothing needs what was garbage.
  if (
    answered.flat().length === 0 &&
    (yield* Stream.runCollect((yield* registryOver(bucket.machine())).tags("app"))).length === 6
  ) {
    assert.isFalse(bucket.objects.has(keyOf(garbage.layers[0]?.digest ?? "")))
  }
  return answered.flat().length
})

describe("collections in a bucket", () => {
  it.live(
    "take nothing that a push was answered for",
    () =>
      Effect.gen(function*() {
        let pushed = 0
        for (let run = 0; run < 5 * runs; run++) pushed += yield* Effect.scoped(world((seed % 2 ** 30) + run))
        // Most pushes go through, or nothing was tried.
        assert.isAbove(pushed, runs)
      }),
    600_000
  )
})
