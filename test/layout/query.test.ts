import { assert, describe, it } from "@effect/vitest"
import { HashMap, Option } from "effect"
import { EntryAdded } from "../../src/layout/Event.ts"
import { evolve } from "../../src/layout/evolve.ts"
import {
  entriesOf,
  named,
  names,
  type Page,
  pageOf,
  repositories,
  tagged,
  tags,
  unnamed,
  withDigest
} from "../../src/layout/query.ts"
import { stateOf } from "../support/decider.ts"
import { at, digest, entry, repository, tag } from "../support/entries.ts"

const app = repository("app")

describe("tagged", () => {
  const state = stateOf([entry("a", "app:v1"), entry("b", "app:v1"), entry("c", "other:v1")])

  it("gives the entries of a tag in index order", () => {
    assert.deepStrictEqual(tagged(state, app, tag("v1")).map(({ digest }) => digest), [digest("a"), digest("b")])
  })

  it("gives none for what is not there", () => {
    assert.deepStrictEqual(tagged(state, app, tag("v2")), [])
    assert.deepStrictEqual(tagged(state, repository("nobody"), tag("v1")), [])
  })
})

describe("withDigest", () => {
  it("gives the repository's entries of a digest, tagged and untagged, and no raw ones", () => {
    const state = stateOf([
      entry("a", "app:v1"),
      entry("a", "other:v1"),
      entry("a", at("app", "a")),
      entry("a", "localhost:5000/app:v1"),
      entry("b", "app:v2")
    ])
    assert.deepStrictEqual(withDigest(state, app, digest("a")).map(({ refName }) => refName), [
      "app:v1",
      at("app", "a")
    ])
    assert.deepStrictEqual(withDigest(state, app, digest("c")), [])
  })
})

describe("names and entriesOf", () => {
  const state = stateOf([entry("a", "app:v1"), entry("b", "other:v1"), entry("c", at("app", "c"))])

  it("know a repository while it has an entry", () => {
    assert.isTrue(Option.isSome(names(state, app)))
    assert.isTrue(Option.isNone(names(state, repository("nobody"))))
  })

  it("give all of its entries in index order", () => {
    assert.deepStrictEqual(entriesOf(state, app).map(({ digest }) => digest), [digest("a"), digest("c")])
    assert.deepStrictEqual(entriesOf(state, repository("nobody")), [])
  })
})

describe("entries whose name cannot be understood", () => {
  const raw = entry("a", "localhost:5000/app:v1")
  const state = stateOf([raw, entry("b", "app:v1"), { digest: 1 }, entry("c", "localhost:5000/app:v1")])

  it("are found by exactly that name, the first of several", () => {
    assert.strictEqual(Option.getOrUndefined(named(state, "localhost:5000/app:v1"))?.value, raw)
    assert.isTrue(Option.isNone(named(state, "localhost:5000/app")))
  })

  it("are all entries of no repository, but those of others in the layout of one", () => {
    const namesOf = (layout?: string) =>
      unnamed(state, layout === undefined ? undefined : repository(layout)).map(({ refName }) => refName)
    const strange = ["localhost:5000/app:v1", undefined, "localhost:5000/app:v1"]
    assert.deepStrictEqual(namesOf(), strange)
    assert.deepStrictEqual(namesOf("app"), strange)
    assert.deepStrictEqual(namesOf("other"), ["localhost:5000/app:v1", "app:v1", undefined, "localhost:5000/app:v1"])
  })

  it("are not the only ones that have a name", () => {
    assert.strictEqual(Option.getOrUndefined(named(state, "app:v1"))?.digest, digest("b"))
  })
})

describe("listings", () => {
  const spelled = ["v1", "V2", "v10", "_x", "1.0", "v1-rc", "v1.0", "Z"]
  const inOrder = ["1.0", "V2", "Z", "_x", "v1", "v1-rc", "v1.0", "v10"]
  const state = stateOf(spelled.map((name) => entry("a", `app:${name}`)))
  const own = HashMap.getUnsafe(state.repositories, app)

  it("are in lexical byte order", () => {
    assert.deepStrictEqual(tags(own), inOrder.map(tag))
    const some = stateOf(["b", "a/b", "a-b", "a", "a.b"].map((name) => entry("a", `${name}:v1`)))
    assert.deepStrictEqual(repositories(some), ["a", "a-b", "a.b", "a/b", "b"].map(repository))
  })

  it("name a tag once that several entries carry", () => {
    const state = stateOf([entry("a", "app:v1"), entry("b", "app:v1")])
    assert.deepStrictEqual(tags(HashMap.getUnsafe(state.repositories, app)), [tag("v1")])
    assert.deepStrictEqual(repositories(state), [app])
  })

  const pages: ReadonlyArray<readonly [Page, ReadonlyArray<string>]> = [
    [{ limit: 3 }, ["1.0", "V2", "Z"]],
    [{ limit: 100 }, inOrder],
    [{ limit: 0 }, inOrder],
    [{ limit: -1 }, inOrder],
    [{ startAfter: "Z" }, ["_x", "v1", "v1-rc", "v1.0", "v10"]],
    [{ startAfter: "Z", limit: 1 }, ["_x"]],
    [{ startAfter: "v1" }, ["v1-rc", "v1.0", "v10"]],
    [{ startAfter: "v1-" }, ["v1-rc", "v1.0", "v10"]],
    [{ startAfter: "" }, inOrder],
    [{ startAfter: "v10" }, []],
    [{ startAfter: "zzz", limit: 2 }, []],
    [{ startAfter: "0" }, inOrder]
  ]

  it.each(pages)("cut to the page %j are %j", (page, expected) => {
    assert.deepStrictEqual(tags(own, page), expected.map(tag))
    assert.deepStrictEqual(pageOf(inOrder, page), expected)
  })

  it("of no names have no pages", () => {
    assert.deepStrictEqual(pageOf([], { startAfter: "a", limit: 1 }), [])
    assert.deepStrictEqual(repositories(stateOf([])), [])
  })

  it("hold for their own state only", () => {
    assert.deepStrictEqual(repositories(state), [app])
    const later = evolve(state, new EntryAdded({ value: entry("b", "zoo:v1") }))
    assert.deepStrictEqual(repositories(later), [app, repository("zoo")])
    const retagged = evolve(state, new EntryAdded({ value: entry("b", "app:zoo") }))
    assert.deepStrictEqual(tags(HashMap.getUnsafe(retagged.repositories, app)), [...inOrder, "zoo"].map(tag))
    assert.strictEqual(entriesOf(retagged, app).length, spelled.length + 1)
    assert.deepStrictEqual(repositories(state), [app])
  })
})
