import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Entry, readEntry } from "../../src/layout/Entry.ts"
import { Sequence } from "../../src/layout/Sequence.ts"
import { entry } from "../support/entries.ts"

const made = (name: string): Entry => readEntry(entry("a", name), undefined)

const entries = (count: number): ReadonlyArray<Entry> => Array.from({ length: count }, (_, at) => made(`app:${at}`))

/** Which of the entries is changed, as a part of them, and how. */
const change = fc.record({ kind: fc.constantFrom("append", "remove", "replace"), at: fc.nat({ max: 999 }) })

describe("a sequence", () => {
  it("holds what a list would after the same changes, and what it was made from stays", () => {
    fc.assert(fc.property(fc.nat({ max: 40 }), fc.array(change, { maxLength: 120 }), (count, changes) => {
      let list = entries(count)
      let sequence = Sequence.of(list)
      const earlier: Array<{ readonly sequence: Sequence; readonly list: ReadonlyArray<Entry> }> = []
      for (const { at, kind } of changes) {
        earlier.push({ sequence, list })
        const place = at % Math.max(list.length, 1)
        const taken = list[place]
        const added = made("app:new")
        if (taken === undefined || kind === "append") {
          sequence = sequence.append(added)
          list = list.concat(added)
        } else if (kind === "remove") {
          sequence = sequence.remove(taken)
          list = list.toSpliced(place, 1)
        } else {
          sequence = sequence.replace(taken, added)
          list = list.toSpliced(place, 1, added)
        }
        assert.strictEqual(sequence.length, list.length)
      }
      earlier.push({ sequence, list })
      for (const known of earlier) {
        const { entries } = known.sequence
        assert.isTrue(entries.length === known.list.length && entries.every((one, at) => one === known.list[at]))
      }
    }))
  })

  it("keeps the order of its entries in a list of some of them, whichever joins it last", () => {
    fc.assert(fc.property(
      fc.array(change, { maxLength: 60 }),
      fc.array(fc.nat({ max: 999 }), { maxLength: 12 }),
      (changes, chosen) => {
        const sequence = changes.reduce((sequence, { at, kind }) => {
          const taken = sequence.entries[at % sequence.length]
          if (taken === undefined || kind === "append") return sequence.append(made("app:new"))
          return kind === "remove" ? sequence.remove(taken) : sequence.replace(taken, made("app:new"))
        }, Sequence.of(entries(20)))
        const all = sequence.entries
        const some = Array.from(new Set(chosen.map((at) => at % all.length)), (at) => all[at])
          .filter((one) => one !== undefined)
        const ordered = some.reduce<ReadonlyArray<Entry>>((list, one) => sequence.insertInto(list, one), [])
        assert.isTrue(ordered.every((one, at) => one === all.filter((other) => some.includes(other))[at]))
      }
    ))
  })

  it("takes one entry in two places of two sequences of the same list", () => {
    const [first, second, third] = [made("app:0"), made("app:1"), made("app:2")]
    const twice = made("app:twice")
    const begun = Sequence.of([first, second, third])
    const one = begun.replace(second, twice)
    const other = begun.replace(first, twice)
    assert.deepStrictEqual(one.remove(twice).entries.map(({ refName }) => refName), ["app:0", "app:2"])
    assert.deepStrictEqual(other.remove(twice).entries.map(({ refName }) => refName), ["app:1", "app:2"])
  })

  it("does not change by an entry that it does not have", () => {
    const begun = Sequence.of(entries(3)).append(made("app:more"))
    assert.strictEqual(begun.remove(made("app:0")), begun)
    assert.strictEqual(begun.replace(made("app:0"), made("app:1")), begun)
  })
})
