/** An index keeps everything its entries say, whatever they are, and one of them makes no other unreadable. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, type Schema } from "effect"
import { decide } from "../../src/layout/decide.ts"
import { replay, rewind } from "../../src/layout/evolve.ts"
import { entriesOf, named, names, repositories, tagged, tags, unnamed, withDigest } from "../../src/layout/query.ts"
import { difference, equivalent } from "../../src/layout/reconcile.ts"
import { fromIndex, type State } from "../../src/layout/State.ts"
import { generationOf, putTogether, takeApart } from "../../src/node/index/indexText.ts"
import { isJsonObject } from "../../src/oci/Descriptor.ts"
import { parseJson } from "../../src/oci/Json.ts"
import { descriptor, digest, entry, repository, tag } from "../../test/support/entries.ts"
import { assertHolds } from "../support/fuzz.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { indexSeeds } from "../support/seeds.ts"
import { assertTold } from "../support/told.ts"

const good = [entry("a", "good/one:v1"), entry("b", "good/one:v2"), entry("c", "good/two:v1")]
const [one, two] = [repository("good/one"), repository("good/two")]
const app = repository("app")

const seeds = [
  ...indexSeeds,
  Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: good, annotations: { a: "b" } }, undefined, 2))
]
const mutated = jsonMutator(seeds)

const isList = (value: Schema.Json): value is ReadonlyArray<Schema.Json> => Array.isArray(value)

/** As the store reads it. */
const read = (bytes: Uint8Array) => {
  const document = parseJson(bytes, { maxDepth: 64, duplicateKeys: "lastWins" })
  if (Result.isFailure(document) || !isJsonObject(document.success)) return undefined
  const entries = document.success["manifests"] ?? []
  return isList(entries) ? { document: document.success, entries } : undefined
}

const without = ({ annotations, manifests: _manifests, ...rest }: Schema.JsonObject): string => {
  const { "dev.ocilayout.generation": _generation, ...others } = isJsonObject(annotations) ? annotations : {}
  return JSON.stringify([rest, others])
}

describe("an index", () => {
  it("that is written again says what it said, but for its generation", () => {
    assertHolds({
      name: "texts of an index",
      perRun: 100,
      draw: mutated,
      kinds: ["written", "refused"],
      hold: (bytes) => {
        const index = read(bytes)
        if (index === undefined) return "refused"
        const generation = `${"0123456789abcdef".repeat(2)}.7`
        const text = Buffer.from(bytes).toString("utf8")
        const written = putTogether(takeApart(text, index.entries), index.entries, generation)
        const again = read(Buffer.from(written))
        assert.isDefined(again, written)
        assert.strictEqual(generationOf(again?.document ?? {}), generation)
        assert.strictEqual(without(again?.document ?? {}), without(index.document))
        assert.strictEqual(JSON.stringify(again?.entries), JSON.stringify(index.entries))
        return "written"
      }
    })
  })
})

const tagsOf = (state: State, name: typeof one): ReadonlyArray<string> =>
  Option.match(names(state, name), { onNone: () => [], onSome: (names) => tags(names) })

/** What is asked of the good entries. */
const answers = (state: State) => ({
  tags: [tagsOf(state, one), tagsOf(state, two)],
  one: tagged(state, one, tag("v1"))[0]?.value,
  two: tagged(state, two, tag("v1"))[0]?.value,
  named: named(state, "good/one:v2")._tag
})

describe("an entry", () => {
  it("of any kind is listed or named, hides no other, and keeps its place after a change", () => {
    assertHolds({
      name: "entries",
      perRun: 60,
      draw: mutated,
      kinds: ["all named", "some unnamed", "refused"],
      hold: (bytes) => {
        const index = read(bytes)
        if (index === undefined) return "refused"
        const [first, ...others] = good
        // Entries of the same names would rightly be met first.
        const strangers = index.entries.filter((value) => !JSON.stringify(value).includes("good/"))
        const values = [first ?? {}, ...strangers, ...others]
        const state = fromIndex(values, { defaultRepository: app, bytes: bytes.length })
        const alone = fromIndex(good, { defaultRepository: app, bytes: 0 })
        assert.deepStrictEqual(answers(state), answers(alone))

        const listed = repositories(state).flatMap((name) => entriesOf(state, name))
        assert.strictEqual(listed.length + unnamed(state).length, state.entries.length)
        assert.deepStrictEqual(state.entries.map(({ value }) => value), values)

        const moved = decide(state, {
          _tag: "PutManifest",
          repository: one,
          descriptor: descriptor("d"),
          tags: [{ tag: tag("v1") }],
          missing: []
        })
        if (Result.isFailure(moved)) {
          assertTold(moved.failure)
          return assert.fail(moved.failure.message)
        }
        const after = replay(state, moved.success)
        assert.strictEqual(tagged(after, one, tag("v1"))[0]?.digest, digest("d"))
        assert.isNotEmpty(withDigest(after, one, digest("a")))
        assert.deepStrictEqual(after.entries.slice(1, strangers.length + 1).map(({ value }) => value), strangers)
        assert.isTrue(equivalent(rewind(after, moved.success), state))
        assert.isTrue(equivalent(replay(after, difference(after, alone)), alone))
        return unnamed(state).length === 0 ? "all named" : "some unnamed"
      }
    })
  })
})
