import { assert, describe, it } from "@effect/vitest"
import { Allowance, clean, cleanEntries, pageOf, withShortDigests } from "../../../src/mcp/tool/display.ts"

describe("withShortDigests", () => {
  it("shortens whole digests, and nothing else", () => {
    const digits = "0123456789abcdef".repeat(8)
    const [sha256, sha512] = [`sha256:${digits.slice(0, 64)}`, `sha512:${digits}`]
    assert.strictEqual(
      withShortDigests(`${sha256}, app@${sha512}.`),
      "sha256:0123456789ab, app@sha512:0123456789ab."
    )
    for (const other of [`${sha256}0`, sha256.slice(0, -1), `my${sha256}`, `sha512:${digits.slice(0, 64)}`]) {
      assert.strictEqual(withShortDigests(other), other)
    }
  })
})

describe("clean", () => {
  it("takes out what cannot be seen or turns a line around, and keeps one line", () => {
    assert.strictEqual(clean("a\u202eb\u200bc\u0000d\u001b[31m\ufeff\u{e0041}\ufe0f"), "abcd[31m")
    assert.strictEqual(clean("one\n\ttwo\r\nthree"), "one two three")
    assert.strictEqual(clean("héllo 世界 😀"), "héllo 世界 😀")
    assert.strictEqual(clean("lone \ud83d half"), "lone  half")
  })

  it("cuts what is too long, never a character in two", () => {
    assert.strictEqual(clean("x".repeat(20), 20), "x".repeat(20))
    assert.strictEqual(clean("x".repeat(21), 20), `${"x".repeat(19)}…`)
    assert.strictEqual(clean("😀".repeat(20), 20), `${"😀".repeat(9)}…`)
    assert.strictEqual(clean(`${"\u200b".repeat(1000)}hidden`, 20), "…")
    for (const length of [1, 5, 512]) assert.isAtMost(clean("ab\u{1f600}".repeat(999), length).length, length)
  })
})

describe("an allowance", () => {
  it("is spent in order, and stops at what does not fit", () => {
    const allowance = new Allowance(20)
    assert.deepStrictEqual(allowance.take(["12345", "12345", "12345"]), ["12345", "12345"])
    assert.deepStrictEqual(allowance.take(["1"]), ["1"])
    assert.deepStrictEqual(allowance.take(["1"]), [])
  })

  it("limits entries by number and by size", () => {
    const many = Array.from({ length: 60 }, (_, index): readonly [string, string] => [`k${index}`, "v"])
    const { omitted, shown } = cleanEntries(many, new Allowance())
    assert.deepStrictEqual([Object.keys(shown).length, omitted], [50, 10])
    assert.strictEqual(cleanEntries([["__proto__", "x"]], new Allowance()).shown["__proto__"], "x")
    assert.strictEqual(cleanEntries([["k", "v"]], new Allowance(3)).omitted, 1)
  })

  it("makes pages that say whether there is more", () => {
    assert.deepStrictEqual(pageOf(["a", "b", "c"], 2), { items: ["a", "b"], more: true })
    assert.deepStrictEqual(pageOf(["a", "b"], 2), { items: ["a", "b"], more: false })
    assert.deepStrictEqual(pageOf(["aaaa", "bbbb"], 2, new Allowance(8)), { items: ["aaaa"], more: true })
  })
})
