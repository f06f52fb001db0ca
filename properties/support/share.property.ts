/** The parts that are tried with different beginnings are together the whole. */
import { assert, describe, it } from "@effect/vitest"
import { isWhole, someOf, stride } from "./share.ts"

describe("a part of a list", () => {
  const all = Array.from({ length: 37 }, (_, at) => at)

  it("is one in every stride, and all of it where it is the whole", () => {
    const part = someOf(all, 0)
    assert.strictEqual(part.length, Math.ceil(all.length / stride))
    if (isWhole) assert.deepStrictEqual(part, all)
  })

  it("is another with every beginning, and nothing is left out by all of them", () => {
    const parts = Array.from({ length: stride }, (_, beginning) => someOf(all, beginning))
    assert.deepStrictEqual(parts.flat().toSorted((left, right) => left - right), all)
  })
})
