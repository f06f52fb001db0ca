/** An index that is written again keeps everything that no event asked to change, as its writer spelled it. */
import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"
import fc from "fast-check"
import { putTogether, takeApart } from "../../src/node/index/indexText.ts"

type Json = Schema.Json

/** `JSON.parse`, with the type of what it gives. */
const parsed: (text: string) => Json = JSON.parse

const isObject = (value: Json | undefined): value is Schema.JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const generationKey = "dev.ocilayout.generation"
const generation = `${"0123456789abcdef".repeat(2)}.7`

const space = fc.constantFrom("", "", " ", "\n", "\n  ", "\t", "\r\n    ")

const escaped = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")

/** Strings that could be mistaken for structure or for the names that matter, spelled plainly or not. */
const string = fc.tuple(
  fc.oneof(
    fc.constantFrom("name", "__proto__", "manifests", "annotations", "}]\",{[:\\", "ü\u2028\u{1f4e6}", "\ud800", "7"),
    fc.string({ maxLength: 6 })
  ),
  fc.boolean()
).map(([text, plainly]) => plainly ? JSON.stringify(text) : `"${escaped(text)}"`)

/** Items between brackets, with space wherever there may be some. */
const bracketed = (open: string, close: string, item: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(space, fc.array(fc.tuple(space, item, space), { maxLength: 3 })).map(([inside, items]) =>
    `${open}${items.length === 0 ? inside : items.map((parts) => parts.join("")).join(",")}${close}`
  )

const { json, object } = fc.letrec<{ readonly json: string; readonly object: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("null", "true", "0", "-1.50", "1e2", "12345678901234567890"),
    string,
    bracketed("[", "]", tie("json")),
    tie("object")
  ),
  object: bracketed(
    "{",
    "}",
    fc.tuple(string, space, space, tie("json")).map(([key, before, after, value]) => `${key}${before}:${after}${value}`)
  )
}))

const member = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<ReadonlyArray<string>> =>
  fc.tuple(name, space, space, value).map(([name, before, after, value]) => [`"${name}"${before}:${after}${value}`])

const one = (value: string): fc.Arbitrary<string> => fc.constant(value)
const nothing = fc.constant<ReadonlyArray<string>>([])

/** Members that are not touched here: those we do not know, and those overlooked because a later one has the name. */
const strangers = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: member(fc.constantFrom("schemaVersion", "mediaType", "x\\u0041", "__proto__"), json) },
    { weight: 1, arbitrary: member(fc.constantFrom("manifests", "annotations"), one(`"overlooked"`)) }
  ),
  { maxLength: 4 }
).map((members) => members.flat())

const manifests = fc.oneof(
  { weight: 8, arbitrary: member(one("manifests"), bracketed("[", "]", fc.oneof(object, object, object, json))) },
  { weight: 1, arbitrary: member(one("manif\\u0065sts"), one("null")) },
  { weight: 1, arbitrary: nothing }
)

const annotations = fc.oneof(
  nothing,
  member(one("annotations"), json),
  member(one("annotations"), object),
  member(one("annotations"), one(`{ "kept": "\\u0061", "${generationKey}" : "older.1" }`))
)

const index = fc.record({
  strangers,
  manifests,
  annotations,
  first: fc.boolean(),
  lead: space,
  between: space,
  end: space
})
  .map(({ annotations, between, end, first, lead, manifests, strangers }) => {
    const ours = first ? [...annotations, ...manifests] : [...manifests, ...annotations]
    const members = [...strangers, ...ours]
    return { strangers, end, text: `{${lead}${members.join(`${between},${between}`)}${lead}}${end}` }
  })
  // The last member of a name counts, and a stranger must not be one that does.
  .filter(({ strangers, text }) => {
    const { annotations, manifests } = parsed(text) as Schema.JsonObject
    return strangers.length === 0 || (annotations !== "overlooked" && manifests !== "overlooked")
  })

describe("an index", () => {
  it("written again says the same but for its entries and its generation, in the same words", () => {
    const met = new Set<string>()
    fc.assert(fc.property(
      index,
      fc.func(fc.nat({ max: 3 })),
      fc.array(object, { maxLength: 2 }),
      ({ end, strangers, text }, change, added) => {
        const document = parsed(text) as Schema.JsonObject
        const before = Array.isArray(document["manifests"]) ? document["manifests"] as ReadonlyArray<Json> : []
        // Some go, some move, some come.
        const kept = before.filter((_, at) => change(at) > 0).toSorted((a, b) =>
          change(before.indexOf(a)) - change(before.indexOf(b))
        )
        const entries = [...kept, ...added.map(parsed)]
        const apart = takeApart(text, before)
        const spelled = kept.flatMap((entry) => isObject(entry) ? [apart.spellings.get(entry) ?? "none"] : [])
        const written = putTogether(apart, entries, generation)

        const others = isObject(document["annotations"]) ? document["annotations"] : {}
        const expected = { ...document, manifests: entries, annotations: { ...others, [generationKey]: generation } }
        assert.strictEqual(JSON.stringify(parsed(written)), JSON.stringify(expected))
        assert.isTrue(written.endsWith(`}${end}`))

        let from = 0
        for (const words of strangers) {
          from = written.indexOf(words, from) + words.length
          assert.isAtLeast(from, words.length, `lost ${words}`)
        }
        for (const [at, words] of spelled.entries()) {
          assert.include(text, words)
          assert.include(written, words)
          assert.strictEqual(JSON.stringify(parsed(words)), JSON.stringify(kept.filter(isObject)[at]))
        }
        assert.strictEqual(putTogether(takeApart(written, entries), entries, generation), written)
        for (const entry of kept) met.add(isObject(entry) ? "kept" : "stranger kept")
        if (kept.length < before.length) met.add("removed")
        if (added.length > 0) met.add("added")
      }
    ))
    assert.sameMembers(Array.from(met), ["kept", "stranger kept", "removed", "added"])
  })
})
