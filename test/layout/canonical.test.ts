import { assert, describe, it } from "@effect/vitest"
import { canonical } from "../../src/layout/canonical.ts"

describe("canonical", () => {
  it("is one text for objects that differ in the order of their keys alone, at every depth", () => {
    const a = { b: [{ y: 1, x: null }], a: "text" }
    const b = { a: "text", b: [{ x: null, y: 1 }] }
    assert.strictEqual(canonical(a), `{"a":"text","b":[{"x":null,"y":1}]}`)
    assert.strictEqual(canonical(b), canonical(a))
  })

  it("keeps the order of arrays", () => {
    assert.strictEqual(canonical([1, 2]), "[1,2]")
    assert.strictEqual(canonical([2, 1]), "[2,1]")
  })

  it("orders keys by code units", () => {
    assert.strictEqual(canonical({ é: 1, z: 2, Z: 3, "": 4 }), `{"":4,"Z":3,"z":2,"é":1}`)
  })

  it.each([[null, "null"], [true, "true"], [1.5, "1.5"], ["\"\n", `"\\"\\n"`], [[], "[]"], [{}, "{}"]])(
    "of %j is %s",
    (value, text) => {
      assert.strictEqual(canonical(value), text)
    }
  )

  it("tells values apart that print alike", () => {
    assert.notStrictEqual(canonical("1"), canonical(1))
    assert.notStrictEqual(canonical(["a,b"]), canonical(["a", "b"]))
    assert.notStrictEqual(canonical({ "a\":1,\"b": 2 }), canonical({ a: 1, b: 2 }))
  })

  it("gives the same text when it is asked again", () => {
    const value = { b: 1, a: { d: 1, c: 2 } }
    assert.strictEqual(canonical(value), canonical(value))
  })
})
