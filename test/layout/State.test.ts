import { assert, describe, it } from "@effect/vitest"
import { HashMap, Option, type Schema } from "effect"
import { EntryAdded, EntryRemoved, EntryReplaced, type Event } from "../../src/layout/Event.ts"
import { evolve, keyOf, replay } from "../../src/layout/evolve.ts"
import {
  empty,
  entriesOfDigest,
  entriesTagged,
  fromIndex,
  measured,
  type Names,
  type State
} from "../../src/layout/State.ts"
import { valuesOf } from "../support/decider.ts"
import { at, containerdKey, digest, entry, repository, tag } from "../support/entries.ts"

const def = repository("def")

/** Every kind of entry there is, some of them twice. */
const manifests: ReadonlyArray<Schema.Json> = [
  entry("a", "app:v1"),
  entry("b", "app:v1"),
  entry("a", at("app", "a")),
  entry("a", "v1"),
  entry("b"),
  entry("b"),
  entry("c", "v2", { [containerdKey]: "docker.io/library/app:v2" }),
  entry("c", "localhost:5000/app:v1"),
  { digest: "sha256:beef" },
  "no descriptor"
]

/** What a state says, without how it is kept. */
const plain = ({ digests, entries, repositories }: State) => ({
  entries: entries.map(({ value }) => value),
  digests: Object.fromEntries(HashMap.map(digests, (list) => list.map(({ value }) => value))),
  repositories: Object.fromEntries(HashMap.map(repositories, ({ bare, size, tags }) => ({
    bare,
    size,
    tags: Object.fromEntries(HashMap.map(tags, (list) => list.map(({ value }) => value)))
  })))
})

const addedOneByOne = (values: ReadonlyArray<Schema.Json>): State =>
  replay(empty(def), values.map((value) => new EntryAdded({ value })))

const namesOf = (state: State, name: string): Names | undefined =>
  Option.getOrUndefined(HashMap.get(state.repositories, repository(name)))

describe("the state of an index", () => {
  it("is that of its entries added one by one", () => {
    const read = fromIndex(manifests, { defaultRepository: def, bytes: 0 })
    assert.deepStrictEqual(plain(read), plain(addedOneByOne(manifests)))
  })

  it("knows each repository's tags, its size and how much of it is bare", () => {
    const state = fromIndex(manifests, { defaultRepository: def, bytes: 0 })
    assert.deepStrictEqual(
      Array.from(HashMap.keys(state.repositories)).toSorted(),
      ["app", "def", "docker.io/library/app"].map(repository)
    )
    assert.include(namesOf(state, "app"), { size: 3, bare: 0 })
    assert.include(namesOf(state, "def"), { size: 3, bare: 3 })
    assert.include(namesOf(state, "docker.io/library/app"), { size: 1, bare: 0 })
  })

  it("says of a tag and of a digest the same before and after it was arranged, with any names", () => {
    const odd = [
      "app:v1@" + digest("c"),
      "app@" + digest("c"),
      "v1@x",
      ":",
      "@",
      "a:b:v1",
      "v1:",
      ":v1",
      digest("d"),
      "app"
    ]
    const all = [...manifests, ...odd.map((name) => entry("c", name)), entry("a", "app:v1")]
    const options = { defaultRepository: def, bytes: 0 }
    const arranged = fromIndex(all, options)
    const found = (state: State) => ({
      tags: Array.from(HashMap.entries(arranged.repositories)).flatMap(([repository, { tags }]) =>
        [...HashMap.keys(tags), tag("v1"), tag("app"), tag("none")].map((tag) =>
          entriesTagged(state, repository, tag).map(({ value }) => all.indexOf(value))
        )
      ),
      digests: ["a", "b", "c", "d"].map((one) =>
        entriesOfDigest(state, digest(one)).map(({ value }) => all.indexOf(value))
      )
    })
    assert.isAbove(found(arranged).tags.flat().length, 8)
    assert.deepStrictEqual(found(fromIndex(all, options)), found(arranged))
    assert.deepStrictEqual(found(addedOneByOne(all)), found(arranged))
    assert.deepStrictEqual(found(measured(fromIndex(all, options), 7)), found(arranged))
  })

  it("finds every entry by the digest it is written with, valid or not", () => {
    const { digests } = fromIndex(manifests, { defaultRepository: def, bytes: 0 })
    const found = (key: string) => Option.getOrUndefined(HashMap.get(digests, key))?.length
    assert.deepStrictEqual([digest("a"), digest("b"), digest("c"), "sha256:beef", ""].map(found), [3, 3, 2, 1, 1])
  })

  it("has no default repository unless one was given", () => {
    assert.deepStrictEqual(
      Array.from(HashMap.keys(
        fromIndex(manifests, { defaultRepository: undefined, bytes: 0 })
          .repositories
      )).toSorted(),
      ["app", "docker.io/library/app"].map(repository)
    )
  })
})

describe("a change", () => {
  it("leads to the state of the index that it leaves, whichever entry it takes", () => {
    const before = addedOneByOne(manifests)
    for (const [position, taken] of before.entries.entries()) {
      const removed = evolve(before, new EntryRemoved({ ...keyOf(before, taken), value: taken.value }))
      const rest = manifests.toSpliced(position, 1)
      assert.deepStrictEqual(plain(removed), plain(fromIndex(rest, { defaultRepository: def, bytes: 0 })))

      const to = entry("d", "app:v1")
      const replaced = evolve(before, new EntryReplaced({ ...keyOf(before, taken), from: taken.value, to }))
      const others = manifests.toSpliced(position, 1, to)
      assert.deepStrictEqual(plain(replaced), plain(fromIndex(others, { defaultRepository: def, bytes: 0 })))
    }
  })

  it("ends a repository with its last entry", () => {
    const state = addedOneByOne([entry("a", "app:v1")])
    const gone = evolve(
      state,
      new EntryRemoved({
        refName: "app:v1",
        digest: digest("a"),
        occurrence: 0,
        value: entry("a", "app:v1")
      })
    )
    assert.isTrue(HashMap.isEmpty(gone.repositories))
    assert.isTrue(HashMap.isEmpty(gone.digests))
    assert.strictEqual(gone.bytes, 0)
  })

  it("leaves the state it was made on as it was", () => {
    const state = addedOneByOne(manifests)
    const before = plain(state)
    evolve(state, new EntryAdded({ value: entry("d", "app:v1") }))
    assert.deepStrictEqual(plain(state), before)
  })
})

describe("bytes", () => {
  const odd = entry("a", "app:v1", { "clé": "日本語 😀 \u0000\ud800 \"\\" }, { "x-number": 1e21 })
  const values = [odd, ...manifests]
  const indentations = [undefined, 1, 2, 4, 8, "\t"]

  /** The bytes between the brackets of an index's `manifests`. */
  const written = (entries: ReadonlyArray<Schema.Json>, indentation: number | string | undefined): number => {
    const index = JSON.stringify({ manifests: entries }, undefined, indentation)
    return Buffer.byteLength(index) - Buffer.byteLength(JSON.stringify({ manifests: [] }, undefined, indentation))
  }

  const assertBounded = (state: State, indentation: number | string | undefined): void => {
    assert.isAtLeast(state.bytes, written(valuesOf(state), indentation))
  }

  it("are no fewer than added entries take, in any indentation", () => {
    for (const indentation of indentations) assertBounded(addedOneByOne(values), indentation)
  })

  it("are no fewer after entries went that were spelled in the fewest bytes", () => {
    for (const indentation of indentations) {
      let state = fromIndex(values, { defaultRepository: def, bytes: written(values, indentation) })
      for (const taken of state.entries) {
        const key = keyOf(state, taken)
        const event: Event = state.entries.length % 3 === 0
          ? new EntryReplaced({ ...key, from: taken.value, to: entry("e", "app:v9") })
          : new EntryRemoved({ ...key, value: taken.value })
        state = evolve(state, event)
        assertBounded(state, indentation)
      }
    }
  })

  it("count a number as short as it can be spelled", () => {
    const text = `[{"digest":"sha256:beef","x":1e20}]`
    const state = fromIndex(JSON.parse(text) as ReadonlyArray<Schema.Json>, {
      defaultRepository: def,
      bytes: text.length
    })
    const [only] = state.entries
    assert.isDefined(only)
    assert.isAtLeast(evolve(state, new EntryRemoved({ ...keyOf(state, only), value: only.value })).bytes, 0)
  })

  it("are those of UTF-8, for characters of each length", () => {
    for (
      const text of ["\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"]
    ) {
      const value = entry("a", "app:v1", { text })
      const most = Buffer.byteLength(JSON.stringify([[value]], undefined, 8))
      assert.strictEqual(addedOneByOne([value]).bytes, most, JSON.stringify(text))
    }
  })

  it("do not grow by entries that come and go", () => {
    let state = addedOneByOne(manifests)
    const { bytes } = state
    for (let round = 0; round < 3; round++) {
      const value = entry("d", "app:v1")
      const added = evolve(state, new EntryAdded({ value }))
      state = evolve(added, new EntryRemoved({ refName: "app:v1", digest: digest("d"), occurrence: 0, value }))
    }
    assert.strictEqual(state.bytes, bytes)
  })

  it("are what the index takes once it was written", () => {
    const state = measured(addedOneByOne(manifests), 1234)
    assert.strictEqual(state.bytes, 1234)
    const [first] = state.entries
    assert.isDefined(first)
    const gone = evolve(state, new EntryRemoved({ ...keyOf(state, first), value: first.value }))
    assert.strictEqual(gone.bytes, 1234 - Buffer.byteLength(JSON.stringify({ ...entry("a", "app:v1"), size: 0 })))
  })
})
