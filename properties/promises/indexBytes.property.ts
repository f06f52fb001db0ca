/** An index that is written by what has changed is, byte for byte, what it would be if it were written whole. */
import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"
import fc from "fast-check"
import { createHash } from "node:crypto"
import { type IndexBytes, writeIndex } from "../../src/node/index/indexBytes.ts"
import { hashOn } from "../../src/node/index/indexHash.ts"
import { asWritten } from "../../src/node/index/indexSpans.ts"
import { emptyIndex, putTogether, takeApart } from "../../src/node/index/indexText.ts"

type Json = Schema.Json

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const parsed: (text: string) => Json = JSON.parse

/** Entries of every length, spelled in ways of their own, strangers among them. */
const entry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), fc.constantFrom("", " ", "\n   ")) },
  { weight: 1, arbitrary: fc.constantFrom<Array<readonly [number | null, string]>>([7, ""], [null, ""]) }
).map(([name, space]) =>
  typeof name === "string" ? `{${space}"digest":${space}${JSON.stringify(name)}${space}}` : JSON.stringify(name)
)

const index = fc.tuple(fc.array(entry, { maxLength: 6 }), fc.constantFrom(",", ", ", ",\n    ")).map(
  ([entries, separator]) => ({
    entries,
    text: `{"schemaVersion":2,"manifests":[${entries.join(separator)}],"annotations":{"a":"ü"}}\n`
  })
)

/** What becomes of a list: a part of it goes, others come in its place, and what is left may trade places. */
const step = fc.record({
  at: fc.nat({ max: 6 }),
  gone: fc.nat({ max: 3 }),
  come: fc.array(entry, { maxLength: 2 }),
  turned: fc.nat({ max: 7 })
})

describe("an index that was read", () => {
  it("is written again from its bytes as it is from its text, wherever its entries are told apart in one way", () => {
    const met = new Set<string>()
    const separator = fc.constantFrom(",", ", ", ",\n    ", " ,\t")
    const around = fc.constantFrom<Array<readonly [string, string]>>(
      ["{", "}"],
      [`{"mani\\u0066ests":7,`, `}`],
      [`\n{ "schemaVersion" : 2, "a": [[{"b": "]"}], "\\"", -1.5e3],\n`, `, "annotations": {"ü": "[{"} }\r\n`]
    )
    const items = fc.array(
      fc.oneof({ weight: 5, arbitrary: entry }, { weight: 1, arbitrary: fc.constantFrom(`"]},"`, "[1,[2]]", "-7") }),
      { maxLength: 6 }
    )
    fc.assert(fc.property(
      fc.record({ around, items, separator, odd: fc.nat({ max: 9 }), space: fc.constantFrom("", " ", "\n") }),
      step,
      ({ around: [before, after], items, odd, separator, space }, { at, come, gone }) => {
        const list = items.map((item, place) => place === 0 ? item : (place === odd ? ",  " : separator) + item).join(
          ""
        )
        const text = `${before}"manifests":${space}[${space}${list}${space}]${after}`
        const values = items.map(parsed)
        const bytes = new Uint8Array(Buffer.from(text))
        const hashed = hashOn(bytes, undefined, 0)
        const read = asWritten(bytes, values, hashed)
        if (read === undefined) {
          met.add(items.length < 2 ? "few" : before.includes("u0066") ? "a key twice" : "kept apart in several ways")
          if (odd >= items.length) assert.isTrue(items.length < 2 || before.includes("u0066"))
          return
        }
        met.add("read")
        const listed = values.map((value) => ({ value })).toSpliced(
          at,
          gone,
          ...come.map((one) => ({ value: parsed(one) }))
        )
        const written = writeIndex(read.text, listed, "g.1", read)
        const expected = putTogether(takeApart(text, values), listed.map(({ value }) => value), "g.1")
        assert.strictEqual(written.bytes.toString(), expected)
        assert.strictEqual(written.hashed.hash, sha256(written.bytes))
      }
    ))
    assert.sameMembers(Array.from(met), ["read", "few", "a key twice", "kept apart in several ways"])
  })
})

describe("an index that is written again", () => {
  it("is what it would be if it were written whole, and knows where each entry is", () => {
    const met = new Set<string>()
    fc.assert(fc.property(index, fc.array(step, { minLength: 1, maxLength: 6 }), ({ entries, text }, steps) => {
      const values = entries.map(parsed)
      const whole = takeApart(text, values)
      const apart = takeApart(text, values)
      let listed: ReadonlyArray<{ readonly value: Json }> = values.map((value) => ({ value }))
      let last: IndexBytes | undefined
      for (const [count, { at, come, gone, turned }] of steps.entries()) {
        const changed = listed.toSpliced(at, gone, ...come.map((one) => ({ value: parsed(one) })))
        listed = turned === 0 ? changed.toReversed() : changed
        const generation = `g.${"1".repeat(count + 1)}`
        last = writeIndex(last?.text ?? apart, listed, generation, last)
        assert.strictEqual(last.bytes.toString(), putTogether(whole, listed.map(({ value }) => value), generation))
        assert.strictEqual(last.hashed.hash, sha256(last.bytes))
        const separator = Buffer.byteLength(apart.manifests.separator)
        for (const [place, { value }] of listed.entries()) {
          const spelling = last.bytes.subarray(last.starts[place], (last.starts[place + 1] ?? 0) - separator)
          assert.deepStrictEqual(parsed(spelling.toString()), value)
        }
        if (gone > 0 && at < listed.length) met.add("gone from the middle")
        if (turned === 0 && listed.length > 1) met.add("moved")
        if (come.length > 0 && at < listed.length - come.length) met.add("come into the middle")
        if (listed.length === 0) met.add("empty")
      }
    }))
    assert.deepStrictEqual(met, new Set(["gone from the middle", "moved", "come into the middle", "empty"]))
  })

  it("is hashed from where it begins to differ, and written where one before it was, as if neither were so", () => {
    const large = Array.from({ length: 6000 }, (_, at) => ({ value: { digest: String(at).repeat(60) } }))
    const edit = fc.record({ at: fc.nat({ max: 6100 }), gone: fc.nat({ max: 40 }), come: fc.nat({ max: 40 }) })
    const met = new Set<string>()
    fc.assert(
      fc.property(fc.array(edit, { minLength: 3, maxLength: 8 }), fc.boolean(), (edits, before) => {
        // Whether the generation comes before the entries, so that no beginning is ever the same.
        const text = `{${before ? `"annotations":{},` : ""}"manifests":[]}`
        const apart = takeApart(text, [])
        let listed: ReadonlyArray<{ readonly value: Json }> = large
        let last = writeIndex(apart, listed, "g.1")
        const rooms = new Set([last.bytes.buffer])
        for (const { at, come, gone } of edits) {
          listed = listed.toSpliced(at, gone, ...large.slice(0, come).map(({ value }) => ({ value: { ...value } })))
          last = writeIndex(last.text, listed, "g.2", last)
          assert.strictEqual(
            Buffer.compare(last.bytes, Buffer.from(putTogether(apart, listed.map(({ value }) => value), "g.2"))),
            0
          )
          assert.strictEqual(last.hashed.hash, sha256(last.bytes))
          if (rooms.has(last.bytes.buffer)) met.add("written where one was")
          rooms.add(last.bytes.buffer)
        }
      }),
      { numRuns: 20 }
    )
    assert.deepStrictEqual(met, new Set(["written where one was"]))
  })

  it("spells an entry once", () => {
    let spelled = 0
    const counting = {
      get digest() {
        spelled++
        return "counted"
      }
    }
    const plain = Array.from({ length: 200 }, (_, at) => ({ value: { digest: String(at) } }))
    const many = plain.toSpliced(7, 0, { value: counting })
    const first = writeIndex(takeApart(emptyIndex, []), many, "g.1")
    assert.strictEqual(spelled, 1)
    const second = writeIndex(first.text, [...many, { value: { digest: "new" } }], "g.2", first)
    const third = writeIndex(second.text, second.entries.toReversed(), "g.3", second)
    assert.strictEqual(spelled, 1)
    assert.strictEqual(third.bytes.toString().split("\"counted\"").length, 2)
  })
})
