import { assert, describe, it } from "@effect/vitest"
import { parseContentRange, parseRange } from "../../src/http/ranges.ts"

const part = (offset: number, end: number) => ({ _tag: "Part", offset, end })

describe("parseRange", () => {
  it.each<[string | undefined, unknown]>([
    [undefined, { _tag: "All" }],
    ["bytes=0-0", part(0, 1)],
    ["bytes=2-5", part(2, 6)],
    ["bytes= 2-5 ", part(2, 6)],
    ["bytes=2-", part(2, 10)],
    ["bytes=-3", part(7, 10)],
    ["bytes=-30", part(0, 10)],
    ["bytes=9-99999", part(9, 10)],
    ["bytes=10-", { _tag: "Unsatisfiable" }],
    ["bytes=5-2", { _tag: "Unsatisfiable" }],
    ["bytes=-0", { _tag: "Unsatisfiable" }],
    ["bytes=-", { _tag: "All" }],
    ["bytes=1-2,4-5", { _tag: "All" }],
    ["lines=1-2", { _tag: "All" }],
    ["bytes=99999999999999999999-", { _tag: "All" }]
  ])("%s of ten bytes", (header, expected) => assert.deepStrictEqual<unknown>(parseRange(header, 10), expected))

  it("finds nothing in what is empty", () => {
    assert.deepStrictEqual(parseRange("bytes=0-", 0), { _tag: "Unsatisfiable" })
    assert.deepStrictEqual(parseRange("bytes=-5", 0), { _tag: "Unsatisfiable" })
  })
})

describe("parseContentRange", () => {
  it.each<[string, unknown]>([
    ["0-1023", { offset: 0, length: 1024 }],
    ["1024-1024", { offset: 1024, length: 1 }],
    ["bytes 5-9/20", { offset: 5, length: 5 }],
    ["bytes=5-9/*", { offset: 5, length: 5 }],
    ["5-4", { offset: 5, length: 0 }],
    ["5-3", undefined],
    ["-5", undefined],
    ["5-", undefined],
    ["0x1-0x2", undefined],
    ["", undefined]
  ])("%s", (header, expected) => assert.deepStrictEqual<unknown>(parseContentRange(header), expected))
})
