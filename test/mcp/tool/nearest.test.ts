import { assert, describe, it } from "@effect/vitest"
import { nearest } from "../../../src/mcp/tool/nearest.ts"

describe("nearest", () => {
  it("puts what contains the name, or is in it, before what is only like it", () => {
    assert.deepStrictEqual(nearest("web", ["api", "app/web", "wob"], 3), ["app/web", "wob", "api"])
    assert.deepStrictEqual(nearest("v1.0", ["2.0", "1.0", "latest"], 2), ["1.0", "2.0"])
  })

  it("does not mind case, and orders equals by name", () => {
    assert.deepStrictEqual(nearest("APP", ["zzz", "app", "aaa"], 1), ["app"])
    assert.deepStrictEqual(nearest("", ["b", "a"], 5), ["a", "b"])
    assert.deepStrictEqual(nearest("x", [], 5), [])
  })

  it("stays quick with long names", () => {
    const names = Array.from({ length: 1000 }, (_, index) => `${"a".repeat(200)}${index}`)
    assert.lengthOf(nearest("b".repeat(255), names, 10), 10)
  })
})
