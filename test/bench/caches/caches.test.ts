/** `npm run bench:caches` takes each cache out of the sources: what it takes out has to be there. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { caches } from "./caches.ts"
import { works } from "./work.ts"

describe("a cache whose factor is measured", () => {
  it.each(caches)("has its code once, and work to measure it by: $name", ({ edits, file, work }) => {
    const text = readFileSync(`src/${file}`, "utf8")
    for (const [find] of edits) assert.strictEqual(text.split(find).length, 2, find)
    assert.property(works, work)
  })
})
