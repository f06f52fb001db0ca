/** An index that is no JSON keeps the names that can still be read in it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { salvage } from "../../../src/ops/repair/salvage.ts"
import { codes, entriesOf, type Given, given, open } from "../../cases/given.ts"
import { makeOld } from "../../support/folders.ts"

const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8")

/** The layout with its index written otherwise, and repaired. */
const repaired = Effect.fnUntraced(function*(
  { directory, registry, repository }: Given,
  write: (text: string) => Buffer
) {
  const index = join(directory, "index.json")
  fs.writeFileSync(index, write(fs.readFileSync(index, "utf8")))
  makeOld(directory)
  yield* registry.repair()
  const again = yield* open(directory)
  return {
    again,
    tags: yield* Stream.runCollect(again.registry.tags(repository)),
    repositories: Array.from<string>(yield* Stream.runCollect(again.registry.repositories()))
  }
})

const encodings: ReadonlyArray<readonly [what: string, write: (text: string) => Buffer]> = [
  ["a byte order mark", (text) => bytesOf(`\u{feff}${text}`)],
  ["UTF-16, as PowerShell writes it", (text) => Buffer.from(`\u{feff}${text}`, "utf16le")],
  ["UTF-16 without a mark", (text) => Buffer.from(text, "utf16le")],
  ["UTF-16 the other way round", (text) => Buffer.from(`\u{feff}${text}`, "utf16le").swap16()],
  ["zeros behind it, as a power cut leaves them", (text) => Buffer.concat([bytesOf(text), Buffer.alloc(512)])],
  ["the end of a longer one behind it", (text) => bytesOf(`${text}"}]}`)]
]

describe("an index with", () => {
  it.live.each(encodings)("%s keeps all of its entries", ([, write]) =>
    Effect.gen(function*() {
      const layout = yield* given("passed/10-read-only/readonly_files")
      const before = entriesOf(layout.directory)
      const { again, tags } = yield* repaired(layout, write)
      assert.deepStrictEqual(entriesOf(layout.directory), before)
      assert.deepStrictEqual(tags, ["v1"])
      assert.deepStrictEqual(yield* codes(again), [])
    }).pipe(Effect.scoped))
})

describe("an index that is cut short", () => {
  it.live("keeps the entries before the cut, and gets the manifests besides as recovered", () =>
    Effect.gen(function*() {
      const layout = yield* given("10-cosign-signatures-are-no-referrers/cosign_tags")
      const before = entriesOf(layout.directory)
      const digests = before.map(({ digest }) => digest)
      // In the middle of the last one.
      const { again, repositories } = yield* repaired(
        layout,
        (text) => bytesOf(text.slice(0, text.lastIndexOf("mediaType")))
      )
      const after = entriesOf(layout.directory)
      assert.deepStrictEqual(after.slice(0, before.length - 1), before.slice(0, -1))
      assert.sameMembers(after.map(({ digest }) => digest), digests)
      assert.include(repositories, "recovered")
      assert.deepStrictEqual((yield* codes(again)).filter((code) => code.startsWith("error")), [])
    }).pipe(Effect.scoped))
})

describe("salvage", () => {
  it("takes brackets, quotes and escapes in strings for what they are", () => {
    const first = { a: "]}\\\"[{" }
    const entries = [first, { b: [{ c: "\\" }] }]
    const text = JSON.stringify({ annotations: { x: `"manifests": [` }, manifests: entries, y: [] })
    assert.deepStrictEqual(salvage(bytesOf(text)), { entries, whole: true })
    assert.deepStrictEqual(salvage(bytesOf(text.slice(0, text.indexOf(`,{"b"`) + 5))), {
      entries: [first],
      whole: false
    })
  })

  it("finds nothing where there is no list", () => {
    for (const text of ["", "{}", `{"manifests":null}`, `{"manifests":[`, "\u{0}\u{0}"]) {
      assert.deepStrictEqual(salvage(bytesOf(text)).entries, [], text)
    }
  })
})
