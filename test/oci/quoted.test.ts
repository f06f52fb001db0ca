import { assert, describe, it } from "@effect/vitest"
import { named, printableJson, quoted, sentence, several } from "../../src/oci/quoted.ts"

describe("quoted", () => {
  it("quotes as JSON does", () => {
    assert.strictEqual(quoted("a \"b\" \\c"), JSON.stringify("a \"b\" \\c"))
  })

  it("escapes what moves a cursor, hides or reorders text, so that it parses back", () => {
    const tag = String.fromCodePoint(0xe0041)
    const hostile = `\u001b[2Jx\r\n\u0000\u007f\u009b\u200b\u202e\u2028\u2029\ud800${tag}`
    assert.match(quoted(hostile), /^[\x20-\x7e]+$/u)
    assert.strictEqual(JSON.parse(quoted(hostile)), hostile)
  })

  it("leaves printable characters of any script alone", () => {
    assert.strictEqual(quoted("café 日本 🐳"), "\"café 日本 🐳\"")
  })

  it("is at most 200 characters, and says that it was cut", () => {
    assert.strictEqual(quoted("a".repeat(198)), `"${"a".repeat(198)}"`)
    assert.strictEqual(quoted("a".repeat(199)), `"${"a".repeat(197)}…"`)
    assert.strictEqual(quoted("a".repeat(1_000_000)).length, 200)
  })

  it("cuts between characters, never inside an escape or a pair", () => {
    for (const text of ["\n", "🐳", "\"", "a\n", "ab🐳"]) {
      const cut = quoted(text.repeat(300))
      assert.isAtMost(cut.length, 200)
      assert.match(cut, /…"$/u)
      const whole: unknown = JSON.parse(cut.replace("…", ""))
      assert.isTrue(typeof whole === "string" && text.repeat(300).startsWith(whole))
    }
  })
})

describe("named", () => {
  it("leaves names as they are and quotes the rest", () => {
    const digest = `sha512:${"a".repeat(128)}`
    assert.strictEqual(named(digest), digest)
    assert.strictEqual(named("example/app:v1"), "example/app:v1")
    assert.strictEqual(named(""), "\"\"")
    assert.strictEqual(named("a b"), "\"a b\"")
    assert.strictEqual(named("a\n"), "\"a\\u000a\"")
    assert.strictEqual(named("a".repeat(201)).length, 200)
  })
})

describe("sentence", () => {
  it("keeps quotes, escapes controls and cuts at 1000 characters", () => {
    assert.strictEqual(sentence("has \"x\" and\u001b"), "has \"x\" and\\u001b")
    assert.strictEqual(sentence("a".repeat(1000)), "a".repeat(1000))
    assert.strictEqual(sentence("a".repeat(1001)), `${"a".repeat(999)}…`)
  })
})

describe("printableJson", () => {
  it("is the same document, with what JSON leaves as it is escaped", () => {
    const value = { "\u{9b}31m": ["\u{202e}\u{2028}", "\u{1f469}\u{200d}\u{1f680}", "café", 1, null] }
    const text = printableJson(value)
    assert.deepStrictEqual(JSON.parse(text), value)
    assert.notMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u)
    assert.include(text, "café")
  })
})

describe("several", () => {
  it("shows five and counts the rest", () => {
    assert.strictEqual(several(["a", "b"]), "a, b")
    assert.strictEqual(several(["a", "b", "c", "d", "e"]), "a, b, c, d, e")
    assert.strictEqual(several(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more")
  })
})
