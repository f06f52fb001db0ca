/** The judge of a run with real tools finds what it would have to find, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { allBind, falseReadings, lostNames, oursBinds, unexplained, untold } from "./judge.ts"
import type { Value, Write } from "./Write.ts"

const one: Value = { digest: `sha256:${"1".repeat(64)}` }
const two: Value = { digest: `sha256:${"2".repeat(64)}` }
const name = "app:v1"

/** Without an end it was cut short, and it is not known when. */
const write = (by: string, value: Value, started: number, ended?: number, more: Partial<Write> = {}): Write => ({
  name,
  value,
  by,
  started: BigInt(started),
  ...(ended === undefined ? {} : { ended: BigInt(ended) }),
  acknowledged: ended !== undefined,
  ...more
})

const indexWith = (value: Value): ReadonlyMap<string, string> =>
  new Map(typeof value === "string" ? [] : [[name, value.digest]])

interface Case {
  readonly writes: ReadonlyArray<Write>
  readonly found: Value
}

const lost: Readonly<Record<string, Case>> = {
  "what was acknowledged is gone": { writes: [write("ours", one, 0, 5)], found: "nothing" },
  "an earlier value is back": { writes: [write("ours", one, 0, 5), write("ours", two, 6, 9)], found: one },
  "a deleted tag is back": { writes: [write("ours", one, 0, 5), write("ours", "nothing", 6, 9)], found: one },
  "a tool's earlier word is back": { writes: [write("umoci", two, 0, 5), write("ours", one, 6, 9)], found: two },
  "what was cut short, and replaced since, is back": {
    writes: [write("ours", two, 0, 5, { acknowledged: false }), write("ours", one, 6, 9)],
    found: two
  }
}

const kept: Readonly<Record<string, Case>> = {
  "what was acknowledged is there": { writes: [write("ours", one, 0, 5)], found: one },
  "a tool has set it since": { writes: [write("ours", one, 0, 5), write("skopeo", two, 6, 9)], found: two },
  "a tool set it meanwhile": { writes: [write("skopeo", two, 0, 9), write("ours", one, 5, 6)], found: two },
  "a tool's later word is lost to another tool": {
    writes: [write("ours", one, 0, 5), write("skopeo", two, 6, 9)],
    found: one
  },
  "what was cut short happened": { writes: [write("ours", one, 0, 5), write("ours", two, 6)], found: two },
  "what was cut short did not happen": { writes: [write("ours", one, 0, 5), write("ours", two, 6)], found: one },
  "what only the tool knows is there": { writes: [write("umoci", "something", 0, 5)], found: two }
}

describe("the judge of a run with real tools", () => {
  it.each(Object.entries(lost))("is not content where %s", (_name, { found, writes }) => {
    assert.lengthOf(lostNames(indexWith(found), writes, oursBinds), 1)
  })

  it.each(Object.entries(kept))("is content where %s", (_name, { found, writes }) => {
    assert.deepStrictEqual(lostNames(indexWith(found), writes, oursBinds), [])
  })

  it("holds a tool to its word where it was alone", () => {
    const writes = [write("skopeo", one, 0, 5)]
    assert.lengthOf(lostNames(indexWith("nothing"), writes, allBind), 1)
    assert.deepStrictEqual(lostNames(indexWith(one), writes, allBind), [])
    const unfinished = [write("skopeo", one, 0, 5, { acknowledged: false })]
    assert.deepStrictEqual(lostNames(indexWith("nothing"), unfinished, allBind), [])
  })

  it("knows what could be read when", () => {
    const writes = [write("ours", one, 0, 5), write("ours", two, 10, 20)]
    const reading = (value: Value, started: number, ended: number) =>
      falseReadings([{ name, value, started: BigInt(started), ended: BigInt(ended) }], writes, oursBinds).length
    assert.deepStrictEqual([reading(one, 6, 8), reading(two, 6, 8), reading("nothing", 6, 8)], [0, 1, 1])
    assert.deepStrictEqual([reading(one, 12, 15), reading(two, 12, 15)], [0, 0])
    assert.deepStrictEqual([reading(one, 21, 25), reading(two, 21, 25)], [1, 0])
  })

  it("finds each commit in the history under its number", () => {
    const writes = [write("ours", one, 0, 5, { label: "a", revision: 1 })]
    const change = { repository: "app", tag: "v1", to: "digest" in one ? one.digest : "" }
    const commit = { revision: 1, actor: "a", changes: [change] }
    assert.deepStrictEqual(untold([commit], writes), [])
    assert.lengthOf(untold([], writes), 1)
    assert.lengthOf(untold([{ ...commit, actor: "b" }], writes), 1)
    assert.lengthOf(untold([{ ...commit, changes: [] }], writes), 1)
    assert.lengthOf(untold([commit, commit], writes), 1)
    assert.lengthOf(untold([commit], [...writes, ...writes]), 1)
  })

  it("takes a refusal for a broken index only where a tool has left one", () => {
    const refusals = new Map([["IndexInvalid", 3], ["ManifestUnknown", 5]])
    assert.lengthOf(unexplained(refusals, 0), 1)
    assert.deepStrictEqual(unexplained(refusals, 1), [])
    assert.deepStrictEqual(unexplained(new Map([["ManifestUnknown", 5]]), 0), [])
  })
})
