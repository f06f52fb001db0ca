import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"
import { emptyIndex, generationOf, putTogether, takeApart } from "../../../src/node/index/indexText.ts"
import { entry } from "../../support/entries.ts"

type Entries = ReadonlyArray<Schema.JsonObject>

const entriesIn = (text: string): Entries =>
  (JSON.parse(text) as { readonly manifests?: Entries | null }).manifests ?? []

/** The text after a change of its entries, as they are in it. */
const rewritten = (text: string, change: (entries: Entries) => Entries, generation = "g.1"): string => {
  const entries = entriesIn(text)
  return putTogether(takeApart(text, entries), change(entries), generation)
}

const same = (entries: Entries): Entries => entries

describe("an index that another tool wrote", () => {
  it("keeps every byte but the generation when its entries stay", () => {
    const text = `{
    "schemaVersion" : 2,
    "x-unknown": {"deep":   [1, 2.50, 1e3, "\\u00e9 \\/ ]}\\""]},
    "manifests": [
        {"digest":"sha256:b",   "size": 1.0, "mediaType":"m"},

        { "size": 2,
          "annotations": { "k": "[{,\\\\" } }
    ],
    "annotations": {"note": "kept"}
}
`
    assert.strictEqual(
      rewritten(text, same),
      text.replace(
        `{"note": "kept"}`,
        `{\n        "note": "kept",\n        "dev.ocilayout.generation": "g.1"\n    }`
      )
    )
  })

  it("keeps the spelling and order of entries that were not touched", () => {
    const text = `{"manifests":[{"b":1,"a":1.0},{"c":2},{"d" : 3}],"schemaVersion":2}`
    const changed = rewritten(text, ([first, , third]) => [third, { new: "é" }, first].filter((entry) => !!entry))
    assert.strictEqual(
      changed,
      `{"manifests":[{"d" : 3},{"new":"é"},{"b":1,"a":1.0}],"schemaVersion":2,`
        + `"annotations":{"dev.ocilayout.generation":"g.1"}}`
    )
  })

  it("keeps two entries that are equal but spelled differently apart", () => {
    const text = `{"manifests":[{"a":1},{"a":1.0}]}`
    assert.include(rewritten(text, (entries) => entries.slice(1)), `"manifests":[{"a":1.0}]`)
  })

  it.each(["  ", "    ", "\t"])("is written on with its own indentation %j", (indentation) => {
    const index = { schemaVersion: 2, manifests: [entry("a", "app:v1")] }
    const text = `${JSON.stringify(index, undefined, indentation)}\n`
    const after = rewritten(text, (entries) => [...entries, entry("b", "app:v2")])
    const expected = {
      ...index,
      manifests: [entry("a", "app:v1"), entry("b", "app:v2")],
      annotations: { "dev.ocilayout.generation": "g.1" }
    }
    assert.strictEqual(after, `${JSON.stringify(expected, undefined, indentation)}\n`)
  })

  it("is written on in one line, with its own separators", () => {
    assert.strictEqual(
      rewritten(`{"schemaVersion":2,"manifests":[]}`, () => [{ a: 1 }, { b: [2] }]),
      `{"schemaVersion":2,"manifests":[{"a":1},{"b":[2]}],"annotations":{"dev.ocilayout.generation":"g.1"}}`
    )
    assert.strictEqual(
      rewritten(`{"schemaVersion": 2, "manifests": [{"a": 1}, {"b": 2}]}`, (entries) => [...entries, { c: 3 }]),
      `{"schemaVersion": 2, "manifests": [{"a": 1}, {"b": 2}, {"c":3}], "annotations": {"dev.ocilayout.generation":"g.1"}}`
    )
  })

  it("loses nothing when its last entry goes and another one comes", () => {
    const text = JSON.stringify({ manifests: [{ a: 1 }], subject: { b: 2 } }, undefined, 2)
    const emptied = rewritten(text, () => [])
    assert.include(emptied, `"manifests": [],`)
    assert.include(emptied, `"subject": {\n    "b": 2\n  }`)
    assert.strictEqual(
      rewritten(emptied, () => [{ c: 3 }], "g.2"),
      JSON.stringify(
        { manifests: [{ c: 3 }], subject: { b: 2 }, annotations: { "dev.ocilayout.generation": "g.2" } },
        undefined,
        2
      )
    )
  })

  it.each([`{"manifests":null}`, `{"manifests" : []}`, `{"a":1}`, `{}`, `{ }`, `\n { "a":1 } \n`])(
    "without entries, %j, gets a list",
    (text) => {
      const after = rewritten(text, () => [{ a: 1 }])
      assert.deepStrictEqual(JSON.parse(after), {
        ...JSON.parse(text) as object,
        manifests: [{ a: 1 }],
        annotations: { "dev.ocilayout.generation": "g.1" }
      })
      assert.strictEqual(/\s*$/u.exec(after)?.[0], /\s*$/u.exec(text)?.[0], "what follows the brace stays")
    }
  )

  it("with a key twice has its last one read and written, and the first one left", () => {
    const text = `{"manifests":[{"old":1}],"annotations":{"x":"1"},"manifests":[{"a":1}],"annotations":{"y":"2"}}`
    assert.strictEqual(
      rewritten(text, (entries) => [...entries, { b: 2 }]),
      `{"manifests":[{"old":1}],"annotations":{"x":"1"},"manifests":[{"a":1},{"b":2}],`
        + `"annotations":{"y":"2","dev.ocilayout.generation":"g.1"}}`
    )
  })

  it("with a key spelled in escapes is understood", () => {
    const after = rewritten(`{"mani\\u0066ests":[{"a":1}]}`, () => [{ b: 2 }])
    assert.strictEqual(after, `{"mani\\u0066ests":[{"b":2}],"annotations":{"dev.ocilayout.generation":"g.1"}}`)
  })

  it("with annotations that are none gets ours alone", () => {
    for (const annotations of ["null", "[]", "7"]) {
      assert.strictEqual(
        rewritten(`{"manifests":[],"annotations":${annotations}}`, same),
        `{"manifests":[],"annotations":{"dev.ocilayout.generation":"g.1"}}`
      )
    }
  })

  it("keeps elements that are no objects", () => {
    const text = `{"manifests":[null, "text", 1, [2]]}`
    assert.deepStrictEqual(JSON.parse(rewritten(text, same)), {
      manifests: [null, "text", 1, [2]],
      annotations: { "dev.ocilayout.generation": "g.1" }
    })
  })

  it("holds brackets and commas in strings for what they are", () => {
    const text = `{"a":"]},{\\"","manifests":[{"x":"]}"},{"y":"[{,"}],"b":"\\\\"}`
    assert.deepStrictEqual(JSON.parse(rewritten(text, ([, second]) => second === undefined ? [] : [second])), {
      a: "]},{\"",
      manifests: [{ y: "[{," }],
      b: "\\",
      annotations: { "dev.ocilayout.generation": "g.1" }
    })
  })
})

describe("an index that we wrote", () => {
  it("differs only in the generation when nothing else changes", () => {
    const first = rewritten(emptyIndex, () => [entry("a", "app:v1")])
    assert.strictEqual(rewritten(first, same, "g.2"), first.replace("g.1", "g.2"))
  })

  it("is written again and again from one reading", () => {
    const parts = takeApart(emptyIndex, [])
    const entries = [entry("a", "app:v1"), entry("b", "app:v2")]
    const once = putTogether(parts, entries, "g.1")
    assert.strictEqual(putTogether(parts, entries, "g.1"), once)
    assert.strictEqual(putTogether(parts, entries.slice(0, 1), "g.2"), rewritten(once, (all) => all.slice(0, 1), "g.2"))
  })

  it("has a generation that can be read again", () => {
    const generation = (text: string) => generationOf(JSON.parse(text) as Schema.JsonObject)
    assert.strictEqual(generation(rewritten(emptyIndex, same, "abc.7")), "abc.7")
    assert.isUndefined(generation(emptyIndex))
    assert.isUndefined(generation(`{"annotations":{"dev.ocilayout.generation":7}}`))
    assert.isUndefined(generation(`{"annotations":null}`))
  })
})
