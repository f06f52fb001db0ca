import { assert, describe, it } from "@effect/vitest"
import { BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced } from "../../src/layout/Event.ts"
import { evolve, invert, keyOf, replay, rewind } from "../../src/layout/evolve.ts"
import { tagged } from "../../src/layout/query.ts"
import { equivalent } from "../../src/layout/reconcile.ts"
import { stateOf, valuesOf } from "../support/decider.ts"
import { at, digest, entry, repository, tag } from "../support/entries.ts"

const a1 = entry("a", "app:v1")
const a2 = entry("a", "app:v2")
const b1 = entry("b", "app:v1")
/** Shares name and digest with `a1`, and differs in what else it carries. */
const a1Other = entry("a", "app:v1", { note: "second" })

const removed = (value: typeof a1, occurrence = 0, refName: string | undefined = "app:v1"): EntryRemoved =>
  new EntryRemoved({ ...(refName === undefined ? {} : { refName }), digest: digest("a"), occurrence, value })

describe("entries that are added in a row", () => {
  it("are what they are one after the other", () => {
    const before = stateOf([a1, entry("c")], repository("def"))
    const added = [b1, a1, entry("c", "v1"), entry("d"), entry("d", "no name: at all"), a1Other, b1]
      .map((value) => new EntryAdded({ value }))
    const [at, together] = [added.reduce<ReturnType<typeof evolve>>(evolve, before), replay(before, added)]
    assert.deepStrictEqual(valuesOf(together), valuesOf(at))
    assert.strictEqual(together.bytes, at.bytes)
    const values = (entries: typeof at.entries) => entries.map(({ value }) => value)
    const told = ({ digests, repositories }: typeof at) => ({
      digests: new Map(Array.from(digests, ([digest, entries]) => [digest, values(entries)])),
      repositories: new Map(Array.from(repositories, ([name, { bare, size, tags }]) => [
        name,
        { bare, size, tags: new Map(Array.from(tags, ([tag, entries]) => [tag, values(entries)])) }
      ]))
    })
    assert.deepStrictEqual(told(together), told(at))
  })
})

describe("an entry", () => {
  it("is added at the end of the index", () => {
    assert.deepStrictEqual(valuesOf(evolve(stateOf([a1]), new EntryAdded({ value: b1 }))), [a1, b1])
  })

  it("is removed by name, digest and occurrence", () => {
    assert.deepStrictEqual(valuesOf(evolve(stateOf([a1, a2, b1]), removed(a1))), [a2, b1])
    assert.deepStrictEqual(valuesOf(evolve(stateOf([a1, b1, a1Other]), removed(a1Other, 1))), [a1, b1])
    assert.deepStrictEqual(valuesOf(evolve(stateOf([a1, b1, a1Other]), removed(a1, 0))), [b1, a1Other])
  })

  it("without a name is another one than an entry named by nothing", () => {
    const nameless = entry("a")
    const blank = entry("a", "")
    const state = stateOf([blank, nameless], repository("def"))
    assert.deepStrictEqual(
      valuesOf(evolve(state, new EntryRemoved({ digest: digest("a"), occurrence: 0, value: nameless }))),
      [blank]
    )
    assert.deepStrictEqual(valuesOf(evolve(state, removed(blank, 0, ""))), [nameless])
  })

  it("is replaced where it stood", () => {
    const replaced = new EntryReplaced({
      refName: "app:v1",
      digest: digest("a"),
      occurrence: 1,
      from: a1Other,
      to: entry("c", "app:v1")
    })
    assert.deepStrictEqual(valuesOf(evolve(stateOf([a1, a1Other, a2]), replaced)), [a1, entry("c", "app:v1"), a2])
  })

  it("that is not there changes nothing", () => {
    const state = stateOf([a1])
    assert.strictEqual(evolve(state, removed(a1, 1)), state)
    assert.strictEqual(evolve(state, removed(a1, 0, "app:v9")), state)
    const c1 = { refName: "app:v1", digest: digest("c"), occurrence: 0, value: entry("c", "app:v1") }
    assert.strictEqual(evolve(state, new EntryRemoved(c1)), state)
    const gone = new EntryReplaced({ digest: digest("a"), occurrence: 0, from: a1, to: a2 })
    assert.strictEqual(evolve(state, gone), state)
  })

  it("that is no descriptor has its events as well", () => {
    const stranger = { digest: 7, note: "x" }
    const state = stateOf([new EntryAdded({ value: stranger })])
    assert.deepStrictEqual(valuesOf(state), [stranger])
    const key = { digest: "", occurrence: 0 }
    assert.deepStrictEqual(valuesOf(evolve(state, new EntryRemoved({ ...key, value: stranger }))), [])
  })
})

describe("several entries of one tag", () => {
  it("count in index order, whichever of them was changed last", () => {
    const first = (...history: Parameters<typeof stateOf>[0]) =>
      tagged(stateOf(history), repository("app"), tag("v1")).map(({ digest }) => digest)
    assert.deepStrictEqual(first(a1, b1), [digest("a"), digest("b")])
    const toC = new EntryReplaced({
      refName: "app:v1",
      digest: digest("a"),
      occurrence: 0,
      from: a1,
      to: entry("c", "app:v1")
    })
    assert.deepStrictEqual(first(a1, b1, toC), [digest("c"), digest("b")])
  })
})

describe("a note", () => {
  it("changes no index and is taken back by nothing", () => {
    const state = stateOf([a1])
    const note = new BlobDeleted({ digest: digest("b") })
    assert.strictEqual(evolve(state, note), state)
    assert.deepStrictEqual(invert(state, note), [])
  })
})

describe("keyOf", () => {
  it("numbers only entries that share name and digest", () => {
    const state = stateOf([a1, a2, b1, a1Other])
    assert.deepStrictEqual(state.entries.map((entry) => keyOf(state, entry)), [
      { refName: "app:v1", digest: digest("a"), occurrence: 0 },
      { refName: "app:v2", digest: digest("a"), occurrence: 0 },
      { refName: "app:v1", digest: digest("b"), occurrence: 0 },
      { refName: "app:v1", digest: digest("a"), occurrence: 1 }
    ])
  })

  it("has no name for an entry without one", () => {
    const state = stateOf([entry("a")], repository("def"))
    assert.deepStrictEqual(state.entries.map((entry) => keyOf(state, entry)), [{ digest: digest("a"), occurrence: 0 }])
  })
})

describe("going back", () => {
  const start = [a1, a1Other, a1, b1, entry("c")]
  const events = [
    new EntryRemoved({ refName: "app:v1", digest: digest("a"), occurrence: 1, value: a1Other }),
    new EntryReplaced({
      refName: "app:v1",
      digest: digest("b"),
      occurrence: 0,
      from: b1,
      to: entry("b", at("app", "b"))
    }),
    new BlobDeleted({ digest: digest("f") }),
    new EntryAdded({ value: b1 }),
    new EntryAdded({ value: a1 }),
    new EntryReplaced({ digest: digest("c"), occurrence: 0, from: entry("c"), to: b1 })
  ]

  it("leads to the state before, up to the order of entries", () => {
    const before = stateOf(start, repository("def"))
    const after = replay(before, events)
    assert.isFalse(equivalent(before, after))
    assert.isTrue(equivalent(rewind(after, events), before))
    for (let length = 0; length <= events.length; length++) {
      const part = replay(before, events.slice(0, length))
      assert.isTrue(equivalent(rewind(part, events.slice(0, length)), before), `${length} events`)
    }
  })

  it("takes back the addition of the last of equal entries, not of the first", () => {
    const state = stateOf([a1, b1, new EntryAdded({ value: a1 })])
    assert.deepStrictEqual(invert(state, new EntryAdded({ value: a1 })), [removed(a1, 1)])
  })

  it("takes nothing back that is not there any more", () => {
    assert.deepStrictEqual(invert(stateOf([b1]), new EntryAdded({ value: a1 })), [])
    const moved = new EntryReplaced({ refName: "app:v1", digest: digest("a"), occurrence: 0, from: a1, to: a2 })
    assert.deepStrictEqual(invert(stateOf([b1]), moved), [])
  })
})
