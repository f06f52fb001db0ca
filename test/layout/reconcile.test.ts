import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"
import { replay } from "../../src/layout/evolve.ts"
import { type Base, difference, equivalent, merge, saidSince, takeIn } from "../../src/layout/reconcile.ts"
import { stateOf, valuesOf } from "../support/decider.ts"
import { at, digest, entry, repository } from "../support/entries.ts"

type Entries = ReadonlyArray<Schema.JsonObject>

const v1 = (digit: string) => entry(digit, "app:v1")
const v2 = (digit: string) => entry(digit, "app:v2")
const untagged = (digit: string) => entry(digit, at("app", digit))

/** What a foreign writer read, what we have committed since, what the writer left, and what holds then. */
interface Row {
  readonly name: string
  readonly base: Entries
  readonly ours: Entries
  readonly theirs: Entries
  readonly holds: Entries
}

const table: ReadonlyArray<Row> = [
  { name: "nobody changed anything", base: [v1("a")], ours: [v1("a")], theirs: [v1("a")], holds: [v1("a")] },
  {
    name: "only they added a name",
    base: [v1("a")],
    ours: [v1("a")],
    theirs: [v1("a"), v2("b")],
    holds: [v1("a"), v2("b")]
  },
  { name: "only they moved a name", base: [v1("a")], ours: [v1("a")], theirs: [v1("b")], holds: [v1("b")] },
  {
    name: "only they removed a name",
    base: [v1("a"), v2("b")],
    ours: [v1("a"), v2("b")],
    theirs: [v1("a")],
    holds: [v1("a")]
  },
  {
    name: "only we added a name",
    base: [v1("a")],
    ours: [v1("a"), v2("b")],
    theirs: [v1("a")],
    holds: [v1("a"), v2("b")]
  },
  {
    name: "only we moved a name",
    base: [v1("a")],
    ours: [v1("b"), untagged("a")],
    theirs: [v1("a")],
    holds: [v1("b"), untagged("a")]
  },
  {
    name: "only we removed a name",
    base: [v1("a"), v2("b")],
    ours: [v2("b"), untagged("a")],
    theirs: [v1("a"), v2("b")],
    holds: [v2("b"), untagged("a")]
  },
  {
    name: "both added different names",
    base: [],
    ours: [v1("a")],
    theirs: [v2("b")],
    holds: [v2("b"), v1("a")]
  },
  { name: "both added the same name", base: [], ours: [v1("a")], theirs: [v1("b")], holds: [v1("b")] },
  {
    name: "both moved the same name",
    base: [v1("a")],
    ours: [v1("b"), untagged("a")],
    theirs: [v1("c")],
    holds: [v1("c"), untagged("a")]
  },
  {
    name: "both moved the same name to the same manifest",
    base: [v1("a")],
    ours: [v1("b"), untagged("a")],
    theirs: [v1("b")],
    holds: [v1("b"), untagged("a")]
  },
  {
    name: "we moved a name that they removed",
    base: [v1("a")],
    ours: [v1("b"), untagged("a")],
    theirs: [],
    holds: [untagged("a")]
  },
  {
    name: "we removed a name that they moved",
    base: [v1("a")],
    ours: [untagged("a")],
    theirs: [v1("c")],
    holds: [v1("c"), untagged("a")]
  },
  { name: "both removed it", base: [v1("a")], ours: [], theirs: [], holds: [] },
  {
    name: "we added a nameless entry, they another one",
    base: [],
    ours: [entry("a")],
    theirs: [entry("b")],
    holds: [entry("b"), entry("a")]
  },
  {
    name: "we removed a nameless entry that they left",
    base: [entry("a"), entry("b")],
    ours: [entry("b")],
    theirs: [entry("a"), entry("b")],
    holds: [entry("b")]
  },
  {
    name: "they dropped fields they do not know from entries that no one else changed",
    base: [entry("a", "app:v1", { note: "x" })],
    ours: [entry("a", "app:v1", { note: "x" })],
    theirs: [v1("a")],
    holds: [v1("a")]
  },
  {
    name: "they dropped fields they do not know from what we moved",
    base: [entry("a", "app:v1", { note: "x" })],
    ours: [entry("b", "app:v1", { note: "x" })],
    theirs: [v1("a")],
    holds: [entry("b", "app:v1", { note: "x" })]
  },
  {
    name: "they only wrote the entries in another order",
    base: [v1("a"), v2("b")],
    ours: [v1("a"), v2("b"), entry("c", "app:v3")],
    theirs: [v2("b"), v1("a")],
    holds: [v2("b"), v1("a"), entry("c", "app:v3")]
  },
  {
    name: "we set one of two entries of a tag straight",
    base: [v1("a"), v1("b")],
    ours: [v1("c"), untagged("a"), untagged("b")],
    theirs: [v1("b"), v1("a"), v2("d")],
    holds: [v2("d"), v1("c"), untagged("a"), untagged("b")]
  }
]

/** What an index may go back to: these states in turn, the first of them what its writer may have read. */
const baseOf = (first: Entries, ...later: ReadonlyArray<Entries>): Base => {
  const states = [first, ...later].map((entries) => stateOf(entries))
  return {
    said: saidSince(
      stateOf(first),
      later.map((entries, place) => difference(states[place] ?? stateOf([]), stateOf(entries)))
    )
  }
}

describe("merging what a foreign writer left with what we committed since it read", () => {
  it.each(table)("$name", ({ base, holds, ours, theirs }) => {
    const { state, toolState: word } = merge(stateOf(ours), stateOf(theirs), baseOf(base, ours))
    assert.deepStrictEqual(valuesOf(state), holds)
    assert.strictEqual(word, state)
  })

  it("counts no fewer bytes than the merged index takes", () => {
    const { state: merged } = merge(stateOf([v1("a")]), stateOf([v2("b")]), baseOf([], [v1("a")]))
    assert.isAtLeast(merged.bytes, JSON.stringify(valuesOf(merged)).length)
  })

  it("keeps the default repository", () => {
    const def = repository("def")
    const ours = [entry("a", "v1")]
    const { state } = merge(stateOf(ours, def), stateOf([entry("b", "v2")], def), baseOf([], ours))
    assert.deepStrictEqual(state.entries.map(({ name }) => name._tag), ["Tagged", "Tagged"])
  })

  it("gives the very index it was given when there is nothing to put back", () => {
    const theirs = stateOf([v1("a"), v2("b")])
    assert.strictEqual(merge(stateOf([v1("a")]), theirs, baseOf([v1("a")])).state, theirs)
  })

  it("leaves a name as it is of which it says what a version in between said", () => {
    // A tool read what another tool had written, before that was accepted and then moved on by us.
    const { state } = merge(stateOf([v1("c")]), stateOf([v1("b"), v2("d")]), baseOf([v1("a")], [v1("b")], [v1("c")]))
    assert.deepStrictEqual(valuesOf(state), [v2("d"), v1("c")])
  })

  it("takes a removal for a word, unless a version in between had no such name", () => {
    const ours = [v1("a"), v2("b")]
    assert.deepStrictEqual(valuesOf(merge(stateOf(ours), stateOf([v1("a")]), baseOf(ours, ours)).state), [v1("a")])
    const { state } = merge(stateOf(ours), stateOf([v1("a")]), baseOf(ours, [v1("a")], ours))
    assert.deepStrictEqual(valuesOf(state), ours)
  })

  it("of a copy that went its own way takes what is new there, and no removal", () => {
    const base = { ...baseOf([], [v1("a")], [v1("b"), v2("b")]), diverged: true } as const
    const { state } = merge(stateOf([v1("b"), v2("b")]), stateOf([v1("a"), entry("d", "app:v3")]), base)
    assert.deepStrictEqual(valuesOf(state), [entry("d", "app:v3"), v1("b"), v2("b")])
  })

  it("without a generation overrules no name that we have changed since, and says what was overruled", () => {
    const base = { ...baseOf([v1("a"), v2("a")], [v1("b"), v2("a")]), adopted: stateOf([v1("a"), v2("a")]) }
    const { state, toolState: word } = merge(stateOf([v1("b"), v2("a")]), stateOf([v1("c"), v2("d")]), base)
    assert.deepStrictEqual(valuesOf(state), [v2("d"), v1("b")])
    assert.deepStrictEqual(valuesOf(word), [v1("c"), v2("d")])
    const removed = merge(stateOf([v1("b"), v2("a")]), stateOf([]), base)
    assert.deepStrictEqual(valuesOf(removed.state), [v1("b")])
    assert.deepStrictEqual(valuesOf(removed.toolState), [])
  })
})

/** What holds of an index that was replaced before its writer was done. */
interface LateRow {
  readonly name: string
  readonly ours: Entries
  readonly index: Entries
  /** None when the journal does not know when it was replaced. */
  readonly versions?: readonly [base: Entries, since: Entries]
  readonly holds: Entries
}

const lateTable: ReadonlyArray<LateRow> = [
  {
    name: "what it adds and moves is taken, and what it lacks was removed",
    versions: [[v1("a"), v2("b")], [v1("a"), v2("b")]],
    ours: [v1("a"), v2("b")],
    index: [v1("c"), untagged("d")],
    holds: [v1("c"), untagged("d")]
  },
  {
    name: "what it lacks that came with its replacement is not removed",
    versions: [[v1("a"), v2("b")], [v1("a"), v2("b"), untagged("c")]],
    ours: [v1("a"), v2("b"), untagged("c")],
    index: [v1("a")],
    holds: [v1("a"), untagged("c")]
  },
  {
    name: "what took its place changed the same name: its word is the later one",
    versions: [[v1("a")], [v1("b")]],
    ours: [v1("b")],
    index: [v1("c")],
    holds: [v1("c")]
  },
  {
    name: "a name that has changed again since is left as it is",
    versions: [[v1("a")], [v1("a")]],
    ours: [v1("b")],
    index: [v1("c")],
    holds: [v1("b")]
  },
  {
    name: "only new names are taken when its base is not known",
    ours: [v1("a")],
    index: [v1("b"), v2("c")],
    holds: [v1("a"), v2("c")]
  },
  {
    name: "it says what holds already",
    versions: [[v1("a")], [v1("b")]],
    ours: [v1("b")],
    index: [v1("b")],
    holds: [v1("b")]
  }
]

describe("taking in what was written into an index that had been replaced", () => {
  it.each(lateTable)("$name", ({ holds, index, ours, versions }) => {
    const [base, since] = versions ?? []
    const known = base === undefined || since === undefined
      ? undefined
      : { base: baseOf(base, since), since: stateOf(since) }
    const state = takeIn(stateOf(ours), { index: stateOf(index), versions: known })
    assert.deepStrictEqual(valuesOf(state), holds)
  })

  it("is the very state that was there when there is nothing to take", () => {
    const ours = stateOf([v1("a")])
    assert.strictEqual(takeIn(ours, { index: stateOf([v1("b")]), versions: undefined }), ours)
    const versions = { base: baseOf([v1("b")], [v1("a")]), since: ours }
    assert.strictEqual(takeIn(ours, { index: stateOf([v1("b")]), versions }), ours)
  })

  it("counts no fewer bytes than what holds takes", () => {
    const taken = takeIn(stateOf([v1("a")]), { index: stateOf([v2("b")]), versions: undefined })
    assert.isAtLeast(taken.bytes, JSON.stringify(valuesOf(taken)).length)
  })

  it("keeps the default repository", () => {
    const def = repository("def")
    const index = stateOf([entry("b", "v2")], def)
    const taken = takeIn(stateOf([entry("a", "v1")], def), { index, versions: undefined })
    assert.deepStrictEqual(taken.entries.map(({ name }) => name._tag), ["Tagged", "Tagged"])
  })
})

describe("the difference of two states", () => {
  const events = (from: Entries, to: Entries) => difference(stateOf(from), stateOf(to))
  const kinds = (from: Entries, to: Entries) => events(from, to).map(({ _tag }) => _tag)

  it.each(table)("leads from one to the other: $name", ({ ours, theirs }) => {
    assert.isTrue(equivalent(replay(stateOf(ours), events(ours, theirs)), stateOf(theirs)))
    assert.isTrue(equivalent(replay(stateOf(theirs), events(theirs, ours)), stateOf(ours)))
  })

  it("is nothing for another order or spelling of keys", () => {
    const { annotations, ...rest } = v1("a")
    assert.deepStrictEqual(events([v1("a"), v2("b")], [v2("b"), { annotations: annotations ?? {}, ...rest }]), [])
  })

  it("replaces an entry whose name stayed, and adds and removes the rest", () => {
    assert.deepStrictEqual(kinds([v1("a")], [v1("b")]), ["EntryReplaced"])
    assert.deepStrictEqual(kinds([v1("a")], [v2("a")]), ["EntryRemoved", "EntryAdded"])
    assert.deepStrictEqual(kinds([entry("a")], [entry("b")]), ["EntryRemoved", "EntryAdded"])
    assert.deepStrictEqual(kinds([entry("a")], [entry("a", undefined, {}, { size: 101 })]), [
      "EntryRemoved",
      "EntryAdded"
    ])
  })

  it("is exact about entries that are there several times", () => {
    const nameless = entry("a")
    assert.deepStrictEqual(kinds([nameless, nameless, nameless], [nameless]), ["EntryRemoved", "EntryRemoved"])
    const noted = entry("a", "app:v1", { note: "second" })
    const [only] = events([v1("a"), noted], [v1("a")])
    assert.include(only, { _tag: "EntryRemoved", refName: "app:v1", digest: digest("a"), occurrence: 1 })
  })

  it("takes elements that are no descriptors as they are", () => {
    assert.isTrue(equivalent(
      replay(stateOf([{ odd: 1 }]), difference(stateOf([{ odd: 1 }]), stateOf([{ odd: 2 }, v1("a")]))),
      stateOf([v1("a"), { odd: 2 }])
    ))
  })
})

describe("equivalent", () => {
  it("is about how often each descriptor is there, not about order", () => {
    assert.isTrue(equivalent(stateOf([v1("a"), v2("b")]), stateOf([v2("b"), v1("a")])))
    assert.isFalse(equivalent(stateOf([v1("a"), v1("a")]), stateOf([v1("a")])))
    assert.isFalse(equivalent(stateOf([v1("a")]), stateOf([v1("a"), v1("a")])))
    assert.isFalse(equivalent(stateOf([v1("a"), v1("a"), v2("b")]), stateOf([v1("a"), v2("b"), v2("b")])))
    assert.isFalse(equivalent(stateOf([v1("a")]), stateOf([entry("a", "app:v1", {}, { size: 101 })])))
  })
})
