/** Machines that write one bucket at once: each has its turn, and none waits for the others to stop. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bucket } from "../../properties/support/simulation/Bucket.ts"
import { makeTurns } from "../../src/bucket/layout/turns.ts"
import { bucketStores } from "../../src/bucket/makeBucket.ts"
import type { ObjectStore } from "../../src/bucket/store/ObjectStore.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { pushImage } from "../mcp/support/images.ts"

const registryIn = (store: ObjectStore, publishMillis = 0): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(
    bucketStores(store, { defaultRepository: undefined, foreignMillis: 0, publishMillis }),
    (stores) => sharedRegistry(stores, hasher)
  )

describe("a machine that commits again and again", () => {
  /** How many commits of 10 ms it makes before it waits, and for how long it does then. */
  const untilItWaits = Effect.fnUntraced(function*(turns: ReturnType<typeof makeTurns>) {
    for (let commits = 0; commits < 100; commits++) {
      const taken = yield* Effect.forkChild(turns.take, { startImmediately: true })
      if (taken.pollUnsafe() === undefined) {
        yield* TestClock.adjust(19)
        assert.isUndefined(taken.pollUnsafe())
        yield* TestClock.adjust(1)
        yield* Fiber.join(taken)
        return commits
      }
      yield* TestClock.adjust(10)
      yield* turns.won((yield* Effect.clockWith(({ currentTimeMillis }) => currentTimeMillis)) - 10)
    }
    return undefined
  })

  it.effect("waits for others soon where there are some, and seldom where it knows of none", () =>
    Effect.gen(function*() {
      const turns = makeTurns()
      assert.strictEqual(yield* untilItWaits(turns), 32)
      yield* turns.lost
      assert.strictEqual(yield* untilItWaits(turns), 4)
      assert.strictEqual(yield* untilItWaits(turns), 4)
      yield* TestClock.adjust(10_000)
      assert.strictEqual(yield* untilItWaits(turns), 32)
    }))
})

describe("a commit", () => {
  it.live("is answered once it is published, while others go on", () =>
    Effect.scoped(Effect.gen(function*() {
      const bucket = new Bucket()
      const one = yield* registryIn(bucket.machine(), 3_600_000)
      const image = yield* pushImage(one, { tags: ["v1"] })
      const store = bucket.machine()
      const three = yield* registryIn(bucket.machine())
      const first = yield* Effect.cached(Effect.orDie(three.tagManifest("app", image.digest, ["v3"])))
      let writes = 0
      // Another machine publishes just before this one does, and after each write there is one more record.
      const put: ObjectStore["put"] = (key, bytes, options) =>
        key !== "index.json" || writes > 20 ? store.put(key, bytes, options) : first.pipe(
          Effect.andThen(store.put(key, bytes, options)),
          Effect.tap(() => Effect.orDie(one.tagManifest("app", image.digest, [`other${writes++}`])))
        )
      const two = yield* registryIn({ ...store, put })
      yield* two.tagManifest("app", image.digest, ["v2"])
      assert.isBelow(writes, 10)
      const index = Buffer.from(bucket.objects.get("index.json")?.bytes ?? []).toString()
      assert.include(index, "app:v2\"")
      const tags: ReadonlyArray<string> = yield* Stream.runCollect(one.tags("app"))
      assert.include(tags, "v2")
    })))
})
