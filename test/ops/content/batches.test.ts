import { assert, describe, it } from "@effect/vitest"
import { inBatches } from "../../../src/ops/content/batches.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, at) => at)

describe("what goes in batches", () => {
  it("goes whole and in order", () => {
    for (const count of [0, 1, 999, 1000, 1001, 31_999, 90_001]) {
      assert.deepStrictEqual(inBatches(numbers(count)).flat(), numbers(count))
    }
  })

  it("is few commits, however much it is, and none is small but the last", () => {
    assert.deepStrictEqual([0, 1, 1000, 1001, 2500].map((count) => inBatches(numbers(count)).length), [0, 1, 1, 2, 3])
    for (const count of [32_000, 90_000, 1_000_000]) {
      const batches = inBatches(numbers(count))
      assert.isAtMost(batches.length, 32)
      assert.isTrue(batches.slice(0, -1).every(({ length }) => length >= 1000))
    }
  })
})
