/** Of many entries each costs the same: what is done to all of them takes a time that is linear in their number. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decide } from "../../src/layout/decide.ts"
import { EntryAdded, EntryRemoved, EntryReplaced, type Event } from "../../src/layout/Event.ts"
import { replay, rewind } from "../../src/layout/evolve.ts"
import { difference } from "../../src/layout/reconcile.ts"
import { fromEntries, type State } from "../../src/layout/State.ts"
import { descriptor, refNameKey, repository } from "../support/entries.ts"
import { growthOf, mostGrowth } from "../support/growth.ts"

const small = 500

/** Many tags of manifests of which each has a few. */
const valuesOf = (size: number, mark = "") =>
  Array.from({ length: size }, (_, at) => ({
    ...descriptor("a"),
    digest: `sha256:${String(at >> 2).padStart(64, "0")}`,
    annotations: { [refNameKey]: `app${at % 50}:v${at}${mark}` }
  }))

const state = (size: number, mark = ""): State => fromEntries(valuesOf(size, mark), repository("def"))

const keyOf = ({ annotations, digest }: ReturnType<typeof valuesOf>[number]) => ({
  refName: annotations[refNameKey],
  digest,
  occurrence: 0
})

const removals = (size: number): ReadonlyArray<Event> =>
  valuesOf(size).map((value) => new EntryRemoved({ ...keyOf(value), value }))

const assertLinear = (prepare: (size: number) => () => void): void => {
  assert.isBelow(growthOf(small, prepare), mostGrowth)
}

describe("of many entries", () => {
  it("removing all, one after the other", () => {
    assert.deepStrictEqual(replay(state(small), removals(small)).entries, [])
    assertLinear((size) => {
      const [before, events] = [state(size), removals(size)]
      return () => void replay(before, events).entries
    })
  })

  it("replacing all, one after the other", () => {
    assertLinear((size) => {
      const before = state(size)
      const events = valuesOf(size).map((value) =>
        new EntryReplaced({ ...keyOf(value), from: value, to: { ...value, size: 7 } })
      )
      return () => void replay(before, events).entries
    })
  })

  it("adding and removing in turns", () => {
    assertLinear((size) => {
      const events = removals(size).flatMap((removed) =>
        removed._tag === "EntryRemoved" ? [new EntryAdded({ value: removed.value }), removed] : []
      )
      const before = state(size, "-there")
      return () => void replay(before, events).entries
    })
  })

  it("finding out what a tool has removed, and what it has added", () => {
    assert.strictEqual(difference(state(small), state(small, "-other")).length, 2 * small)
    assertLinear((size) => {
      const [all, none, others] = [state(size), state(0), state(size, "-other")]
      return () => {
        difference(all, none)
        difference(none, all)
        difference(all, others)
      }
    })
  })

  it("finding out that every tag was moved", () => {
    const moved = (size: number): State =>
      fromEntries(valuesOf(size).map((value) => ({ ...value, digest: `sha256:${"f".repeat(64)}` })), undefined)
    assert.isTrue(difference(state(small), moved(small)).every(({ _tag }) => _tag === "EntryReplaced"))
    assertLinear((size) => {
      const [all, others] = [state(size), moved(size)]
      return () => void difference(all, others)
    })
  })

  it("going back", () => {
    assertLinear((size) => {
      const events = removals(size)
      const after = state(0)
      return () => void rewind(after, events).entries
    })
  })

  it("collecting all as garbage", () => {
    assertLinear((size) => {
      const before = state(size)
      return () =>
        void Result.getOrThrow(
          decide(before, { _tag: "CollectGarbage", atOnce: false, blobs: [], entries: before.entries })
        )
    })
  })
})
