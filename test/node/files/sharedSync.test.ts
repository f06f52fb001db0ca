import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { sharedSync, type Syncs } from "../../../src/node/files/sharedSync.ts"
import { FsError } from "../../../src/node/fs/LayoutFs.ts"

/** A folder whose syncs end when they are told to. */
const slow = () => {
  const begun: Array<Deferred.Deferred<void, FsError>> = []
  const syncs: Syncs = new Map()
  const sync = Effect.suspend(() => {
    const end = Deferred.makeUnsafe<void, FsError>()
    begun.push(end)
    return Deferred.await(end)
  })
  const ask = Effect.forkChild(sharedSync(syncs, "blobs", sync), { startImmediately: true })
  const end = (at: number, exit: Exit.Exit<void, FsError> = Exit.void) =>
    Effect.suspend(() => Deferred.done(begun[at] ?? assert.fail(`no sync ${at}`), exit))
  return { ask, begun, end, syncs }
}

describe("a sync of a folder", () => {
  it.effect("that runs is not enough for a name that came later; one more is for all of those", () =>
    Effect.gen(function*() {
      const { ask, begun, end, syncs } = slow()
      const first = yield* ask
      const later = [yield* ask, yield* ask, yield* ask]
      assert.lengthOf(begun, 1)
      yield* end(0)
      yield* Fiber.join(first)
      yield* Effect.yieldNow
      assert.lengthOf(begun, 2)
      for (const fiber of later) assert.isUndefined(fiber.pollUnsafe())
      yield* end(1)
      for (const fiber of later) yield* Fiber.join(fiber)
      assert.lengthOf(begun, 2)
      assert.strictEqual(syncs.size, 0)
    }))

  it.effect("that fails has failed for all who waited for it, and for no other", () =>
    Effect.gen(function*() {
      const { ask, end, syncs } = slow()
      const first = yield* ask
      const [second, third] = [yield* ask, yield* ask]
      const failure = new FsError({ operation: "sync", path: "blobs", code: "EIO", cause: new Error("EIO") })
      yield* end(0)
      yield* Fiber.join(first)
      yield* Effect.yieldNow
      yield* end(1, Exit.fail(failure))
      assert.strictEqual(yield* Effect.flip(Fiber.join(second)), failure)
      assert.strictEqual(yield* Effect.flip(Fiber.join(third)), failure)
      const fourth = yield* ask
      yield* end(2)
      yield* Fiber.join(fourth)
      assert.strictEqual(syncs.size, 0)
    }))

  it.effect("goes on for the others when one who waits is interrupted", () =>
    Effect.gen(function*() {
      const { ask, end, syncs } = slow()
      const first = yield* ask
      const [leader, other] = [yield* ask, yield* ask]
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(leader), { startImmediately: true })
      yield* end(0)
      yield* Fiber.join(first)
      yield* Effect.yieldNow
      yield* end(1)
      yield* Fiber.join(other)
      yield* Fiber.join(interrupted)
      assert.strictEqual(syncs.size, 0)
    }))
})
