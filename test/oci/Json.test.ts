import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import { elementOf, findDuplicateKey, type JsonOptions, memberOf, parseJson } from "../../src/oci/Json.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const strict: JsonOptions = { maxDepth: 8, duplicateKeys: "refuse" }
const parse = (input: string | Uint8Array, options: Partial<JsonOptions> = {}) =>
  parseJson(typeof input === "string" ? utf8(input) : input, { ...strict, ...options })
const reason = (input: string | Uint8Array, options: Partial<JsonOptions> = {}) =>
  Result.getOrThrow(Result.flip(parse(input, options)))

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    for (
      const text of [
        "{}",
        "[]",
        "null",
        "\"a\"",
        "-1.5e3",
        " \r\n\t{\"a\":[1,{\"b\":\"é\\u0061\\\\\"}],\"c\":\"]}\\\"[{\"} ",
        "{\"__proto__\":{\"a\":1}}"
      ]
    ) {
      assert.deepStrictEqual(parse(text), Result.succeed(JSON.parse(text)))
    }
  })

  it("keeps a __proto__ key as data", () => {
    const value = Result.getOrThrow(parse("{\"__proto__\":1}"))
    assert.deepStrictEqual(Object.keys(value ?? {}), ["__proto__"])
  })

  it("reads a number beyond the range of doubles as JSON would write it", () => {
    const nines = "9".repeat(400)
    for (const [text, value] of [["1e400", null], ["-1.5E+400", null], [nines, null], ["1e-400", 0]] as const) {
      assert.deepStrictEqual(parse(`{"a":[${text}],"b":2e2}`), Result.succeed({ a: [value], b: 200 }), text)
    }
    assert.deepStrictEqual(parse(`[${nines},${"9".repeat(309)}]`), Result.succeed([null, null]))
    assert.deepStrictEqual(parse(`["${nines}","1e400"]`), Result.succeed([nines, "1e400"]))
  })

  it("says why it does not", () => {
    assert.strictEqual(reason(""), "is empty")
    assert.strictEqual(reason(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)), "starts with a byte order mark")
    assert.strictEqual(reason(Uint8Array.of(0x22, 0xbb, 0xbf, 0x22)), "is not valid UTF-8")
    assert.match(reason(Uint8Array.of(0xef, 0xbb, 0xbc)), /^is not valid JSON/u)
    assert.match(reason(Uint8Array.of(0xef, 0xb8, 0xbf)), /^is not valid JSON/u)
    assert.deepStrictEqual(parse("\"¿\""), Result.succeed("¿"))
    assert.strictEqual(reason(Uint8Array.of(0x22, 0xff, 0x22)), "is not valid UTF-8")
    assert.strictEqual(reason(Uint8Array.of(0x22, 0xc0, 0x80, 0x22)), "is not valid UTF-8")
    assert.strictEqual(reason(Uint8Array.of(0xff, 0xfe, 0x7b, 0x00)), "is not valid UTF-8")
    for (const text of [" ", "{", "{\"a\":1,}", "{'a':1}", "01", "{}{}", "NaN", "\"\u0001\"", "\"a", "]", "\"\\"]) {
      assert.match(reason(text), /^is not valid JSON: /u, text)
    }
  })

  it("counts depth, and nothing inside strings", () => {
    assert.isTrue(Result.isSuccess(parse("[[[[[[[[]]]]]]]]")))
    assert.strictEqual(reason("[[[[[[[[[]]]]]]]]]"), "is nested more than 8 deep")
    assert.strictEqual(reason("{\"a\":".repeat(9)), "is nested more than 8 deep")
    assert.isTrue(Result.isSuccess(parse(`["${"[{".repeat(100)}","\\"${"[".repeat(100)}"]`)))
    assert.isTrue(Result.isSuccess(parse(`[${"[],".repeat(100)}{}]`)))
    assert.strictEqual(reason(`["\\\\",${"[".repeat(9)}`), "is nested more than 8 deep")
  })

  it("refuses a duplicate key, or lets the last win", () => {
    const text = "{\"a\":1,\"b\":{\"c\":1,\"c\":2}}"
    assert.strictEqual(reason(text), "has the key b.c twice")
    assert.deepStrictEqual(parse(text, { duplicateKeys: "lastWins" }), Result.succeed({ a: 1, b: { c: 2 } }))
  })

  it("takes linear time on what nests, quotes or escapes a million times", () => {
    const million = 1_000_000
    for (
      const text of [
        "[".repeat(million),
        "{\"a\":".repeat(million),
        `"${"\\\"".repeat(million)}"`,
        "\"".repeat(million),
        `{${"\"a\" ".repeat(million)}`,
        `["${"\\".repeat(million)}"]`,
        `[${" ".repeat(million)}]`,
        `{${Array.from({ length: million / 10 }, (_, i) => `"k${i}":0`).join()}}`
      ]
    ) {
      const started = performance.now()
      parse(text)
      assert.isBelow(performance.now() - started, 2000)
    }
  })
})

describe("findDuplicateKey", () => {
  const path = (text: string) => Option.getOrUndefined(findDuplicateKey(text))

  it("names the place of the first", () => {
    assert.strictEqual(path("{\"a\":1,\"a\":2}"), "a")
    assert.strictEqual(path("{\"layers\":[{},{\"size\":1,\"size\":2}]}"), "layers[1].size")
    assert.strictEqual(path("[[0,{\"a\":[],\"b\":{},\"a\":1}]]"), "[0][1].a")
    assert.strictEqual(path("{\"annotations\":{\"a.b\":\"\",\"a.b\":\"\"}}"), "annotations[\"a.b\"]")
    assert.strictEqual(path("{\"x\":{\"y\":1},\"z\":[1,2,{\"y\":1}],\"x\":1,\"z\":1}"), "x")
    assert.strictEqual(path("{\"__proto__\":1,\"__proto__\":1}"), "__proto__")
    assert.strictEqual(path("{\"\":1,\"\":1}"), "[\"\"]")
    for (const space of [" ", "\n", "\r", "\t", " \r\n\t "]) {
      assert.strictEqual(path(`{"a"${space}:1,"a"${space}:2}`), "a")
    }
  })

  it("compares keys as they read, not as they are spelt", () => {
    assert.strictEqual(path("{\"a\":1,\"\\u0061\":2}"), "a")
    assert.strictEqual(path("{\"\\\"\":1,\"\\u0022\" :2}"), "[\"\\\"\"]")
    assert.isUndefined(path("{\"a\":1,\"A\":2,\"\\\\u0061\":3}"))
  })

  it("sees keys only where keys are", () => {
    for (
      const text of [
        "{\"a\":\"a\",\"b\":\"a\"}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[\"a\",\"a\"]",
        "[{\"a\":1},{\"a\":1}]",
        "{\"a\":\"\\\"b\\\":1,\\\"b\\\":2\",\"b\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}",
        "{ \"a\" : [ \"a\" , \"a\" ] }",
        "\"a\"",
        ""
      ]
    ) {
      assert.isUndefined(path(text), text)
    }
  })

  it("comes to an end on text that is not JSON", () => {
    for (
      const text of ["{", "}", "]]", "\"", "\"\\", "{\"a", "{\"a\\", ",,", "{\"a\\q\":1,\"a\\q\":2}", "{\"a\":}\"a\":"]
    ) {
      assert.isTrue(Option.isOption(findDuplicateKey(text)), text)
    }
  })
})

describe("a JSON path", () => {
  it("is written as in JavaScript", () => {
    assert.strictEqual(memberOf("", "config"), "config")
    assert.strictEqual(memberOf("layers[0]", "size"), "layers[0].size")
    assert.strictEqual(memberOf("a", "os.version"), "a[\"os.version\"]")
    assert.strictEqual(memberOf("", "0"), "[\"0\"]")
    assert.strictEqual(elementOf("layers", 3), "layers[3]")
    assert.isBelow(memberOf("a", "k".repeat(10_000)).length, 210)
  })
})
