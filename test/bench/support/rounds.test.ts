import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inTurns, median, quantile } from "./rounds.ts"

describe("rounds", () => {
  it.effect("let another one begin each time, every other one backwards, and answer medians", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const contestant = (name: string, figures: ReadonlyArray<number>) => (round: number) =>
        Effect.sync(() => {
          order.push(name)
          return { [name]: figures[round] ?? 0 }
        })
      const figures = yield* inTurns(3, [
        contestant("a", [1, 9, 2]),
        contestant("b", [5, 4, 6]),
        contestant("c", [7, 7, 7])
      ])
      assert.deepStrictEqual(figures, { a: 2, b: 5, c: 7 })
      assert.strictEqual(order.join(" "), "a b c a c b c a b")
    }))

  it("know no median of nothing", () => {
    assert.isNaN(median([]))
    assert.strictEqual(quantile([3, 1, 2], 0.99), 3)
  })
})
