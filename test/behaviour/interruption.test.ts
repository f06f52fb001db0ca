/** A push that is interrupted at any moment: nothing is there by half, nothing is left, and the lock is free. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Scheduler, Stream } from "effect"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { leftovers, temporaryFolder } from "../support/folders.ts"
import { image, pushImage } from "../support/images.ts"

const one = image("one")

const tick = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

/** Moments that are tried, spread over the push. */
const moments = 32

/** Interrupts a push after so many turns of the event loop; how many it had before it ended. */
const interruptedAfter = Effect.fnUntraced(function*(turns: number) {
  const directory = join(yield* temporaryFolder, "layout")
  const registry = yield* makeDisk({ directory, durability: "none" })
  const fiber = yield* pushImage(registry, "app", one, ["v1"]).pipe(
    // Files are read and written without waiting, so that only this gives others a turn.
    Effect.provideService(Scheduler.MaxOpsBeforeYield, 16),
    Effect.forkChild
  )
  let taken = 0
  for (; taken < turns && fiber.pollUnsafe() === undefined; taken++) yield* tick
  yield* Fiber.interrupt(fiber)
  assert.deepStrictEqual(leftovers(directory), [])
  const there = yield* Effect.result(registry.get("app", "v1"))
  if (there._tag === "Success") assert.deepStrictEqual(there.success.bytes, one.bytes)
  else assert.include(["NameUnknown", "ManifestUnknown"], there.failure._tag)
  // The lock is free, and what is there is no hindrance.
  yield* pushImage(registry, "app", one, ["v1"])
  const found = yield* Stream.runCollect(registry.verify())
  assert.deepStrictEqual(found.filter((step) => step._tag === "Found"), [])
  return taken
})

describe("a push that is interrupted", () => {
  it.live("leaves all of it or nothing, no file of its own, and no lock", () =>
    Effect.gen(function*() {
      const whole = yield* Effect.scoped(interruptedAfter(Number.POSITIVE_INFINITY))
      assert.isAbove(whole, moments)
      for (let moment = 0; moment < moments; moment++) {
        yield* Effect.scoped(interruptedAfter(Math.floor(whole * moment / moments)))
      }
    }), 120_000)
})
