/** An index that does not tell everything it was written to tell takes nothing with it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { collected, given } from "../../cases/given.ts"
import { later } from "../../support/later.ts"

const image = "passed/10-read-only/readonly_files"
const month = 30 * 24 * 60 * 60 * 1000

const indexes: ReadonlyArray<readonly [what: string, change: (text: string) => string | undefined, why: string]> = [
  ["is missing", () => undefined, "index.json is missing"],
  ["has no list", () => `{"schemaVersion":2}`, "index.json has no list of manifests"],
  ["has null for its list", () => `{"schemaVersion":2,"manifests":null}`, "index.json has no list of manifests"],
  [
    "has its list twice, of which the last one counts",
    (text) => text.replace(/\}\s*$/u, `,"manifests":[]}`),
    "index.json has the key manifests twice"
  ]
]

describe("a collection of a layout whose index", () => {
  it.live.each(indexes)("%s removes nothing, and says why", ([, change, why]) =>
    Effect.gen(function*() {
      const layout = yield* given(image)
      const index = join(layout.directory, "index.json")
      const changed = change(fs.readFileSync(index, "utf8"))
      if (changed === undefined) fs.rmSync(index)
      else fs.writeFileSync(index, changed)
      assert.deepStrictEqual(yield* collected(layout), [])
      const { items } = yield* later(month)(layout.registry.planGarbage({ undoWindow: 0, keep: false }))
      assert.lengthOf(items, 3)
      for (const item of items) assert.include(item.why, why)
    }).pipe(Effect.scoped))

  it.live("is an empty list removes what it does not name", () =>
    Effect.gen(function*() {
      const layout = yield* given(image)
      fs.writeFileSync(join(layout.directory, "index.json"), `{"schemaVersion":2,"manifests":[]}`)
      assert.lengthOf(yield* collected(layout), 3)
    }).pipe(Effect.scoped))
})
