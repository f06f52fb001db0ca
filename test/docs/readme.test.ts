/** The README is short, and its client configuration is one; other tests run its other blocks. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { blocksOf } from "./pages.ts"

describe("the README", () => {
  it("is read in a few minutes", () => {
    assert.isAtMost(readFileSync("README.md", "utf8").split(/\s+/u).length, 1000)
  })

  it("shows a client configuration that is JSON", () => {
    const [block = "", ...others] = blocksOf("README.md", "json")
    const config: unknown = JSON.parse(block)
    assert.nestedPropertyVal(config, "mcpServers.images.command", "ocilayout")
    assert.isEmpty(others)
  })
})
