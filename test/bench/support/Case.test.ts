import { assert, describe, it } from "@effect/vitest"
import { asFast, asMuch, below, type Case, judge } from "./Case.ts"

const judged = (given: Partial<Case>) => {
  const { met, ratio, target } = judge({ name: "a case", unit: "ms", ours: 10, ...given })
  return { met, ratio, target }
}

describe("a case", () => {
  it("of a time is fast when it is short", () => {
    assert.deepStrictEqual(judged({ peer: 50, target: asFast(4, "peer") }), {
      ratio: 5,
      target: "≥ 4× peer",
      met: true
    })
    assert.isFalse(judged({ peer: 30, target: asFast(4, "peer") }).met)
  })

  it("of a rate is fast when it is high", () => {
    const rate: Partial<Case> = { unit: "MiB/s", limit: 20 }
    assert.deepStrictEqual(judged({ ...rate, target: asFast(0.5, "limit") }), {
      ratio: 0.5,
      target: "≥ 0.5× limit",
      met: true
    })
    assert.isFalse(judged({ ...rate, target: asFast(0.9, "limit") }).met)
  })

  it("takes as much as it may", () => {
    assert.deepStrictEqual(judged({ limit: 5, target: asMuch(2, "limit") }), {
      ratio: 2,
      target: "≤ 2× limit",
      met: true
    })
    assert.isFalse(judged({ limit: 5, target: asMuch(1.5, "limit") }).met)
  })

  it("stays below a number", () => {
    assert.deepStrictEqual(judged({ target: below(10) }), { ratio: null, target: "< 10", met: false })
    assert.isTrue(judged({ target: below(11) }).met)
  })

  it("without a target is only compared", () => {
    assert.deepStrictEqual(judged({ peer: 20 }), { ratio: 2, target: null, met: null })
  })

  it("is not judged by what could not be measured", () => {
    const target = asFast(4, "peer")
    const unknown = { ratio: null, target: "≥ 4× peer", met: null }
    assert.deepStrictEqual(judged({ target }), unknown)
    assert.deepStrictEqual(judged({ ours: undefined, peer: 1, target }), unknown)
    assert.deepStrictEqual(judged({ peer: Number.NaN, target }), unknown)
  })
})
