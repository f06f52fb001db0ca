/** Times of a journal may be any number. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { utcOf } from "../../src/ops/api/utcOf.ts"

describe("times", () => {
  it("are those of their milliseconds", () => {
    assert.strictEqual(DateTime.formatIso(utcOf(1_764_500_000_000)), "2025-11-30T10:53:20.000Z")
  })

  it("are never later than a date can be", () => {
    assert.strictEqual(DateTime.formatIso(utcOf(Number.MAX_SAFE_INTEGER)), "+275760-09-13T00:00:00.000Z")
  })
})
