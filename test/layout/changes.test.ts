import { assert, describe, it } from "@effect/vitest"
import { movesTag, type NameChange } from "../../src/layout/changes.ts"
import { repository, tag } from "../support/entries.ts"

const [app, v1] = [repository("app"), tag("v1")]

const moves = (...changes: ReadonlyArray<Pick<NameChange, "from" | "to">>): boolean =>
  movesTag(changes.map((change) => ({ repository: app, tag: v1, ...change })), app, v1)

describe("a commit moves a tag", () => {
  it("that is new, gone, or somewhere else after it", () => {
    assert.isTrue(moves({ to: "a" }))
    assert.isTrue(moves({ from: "a" }))
    assert.isTrue(moves({ from: "a", to: "b" }))
    assert.isTrue(moves({ to: "b" }, { from: "a" }))
    assert.isTrue(moves({ to: "a" }, { from: "a", to: "b" }))
  })

  it("not, where it came and went within it, or came back", () => {
    assert.isFalse(moves())
    assert.isFalse(moves({ to: "a" }, { from: "a", to: "b" }, { from: "b" }))
    assert.isFalse(moves({ from: "a", to: "b" }, { from: "b", to: "a" }))
  })

  it("not, where it is about another", () => {
    assert.isFalse(movesTag([{ repository: app, tag: tag("v2"), to: "a" }], app, v1))
    assert.isFalse(movesTag([{ repository: repository("web"), tag: v1, to: "a" }], app, v1))
  })
})
