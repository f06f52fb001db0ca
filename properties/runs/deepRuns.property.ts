/** The long run finds the properties that it names. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { deepRuns } from "./deepRuns.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

describe("the long run", () => {
  it.each(deepRuns.map(([file, , test]) => ({ file, test })))("has $file", ({ file, test }) => {
    const found = globSync(`${file}*.property.ts`, { cwd: root })
    assert.isNotEmpty(found)
    if (test === undefined) return
    assert.isTrue(found.some((path) => readFileSync(`${root}/${path}`, "utf8").includes(test)))
  })
})
