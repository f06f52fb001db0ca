import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openedOnce } from "../../../src/ops/repositories/openedOnce.ts"
import { repository } from "../../support/entries.ts"

describe("openedOnce", () => {
  it.effect("gives all callers the layout that was there first, also those that open it at the same time", () =>
    Effect.gen(function*() {
      let count = 0
      const open = openedOnce(() => Effect.andThen(Effect.yieldNow, Effect.sync(() => ({ number: ++count }))))
      const [one, other] = yield* Effect.all([open(repository("a")), open(repository("a"))], { concurrency: 2 })
      assert.strictEqual(count, 2, "both have opened it")
      assert.strictEqual(one, other)
      assert.strictEqual(yield* open(repository("a")), one)
      assert.notStrictEqual(yield* open(repository("b")), one)
    }))

  it.effect("tries again where a layout could not be opened", () =>
    Effect.gen(function*() {
      let fails = true
      const open = openedOnce(() => fails ? Effect.fail("no" as const) : Effect.succeed({}))
      assert.strictEqual(yield* Effect.flip(open(repository("a"))), "no")
      fails = false
      yield* open(repository("a"))
    }))
})
