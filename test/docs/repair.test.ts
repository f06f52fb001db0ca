/** The page about repair shows what the second part of the quick start prints; `--update` writes what is printed now. */
import { describe, expect, it } from "@effect/vitest"
import { resolve } from "node:path"
import { quickstart, withPrinted } from "./pages.ts"

const page = resolve("docs/repair.md")

describe("the page about repair", () => {
  it("shows what is printed", async () => {
    const now = withPrinted(page, { "ocilayout mcp …/shop …/mirror": quickstart("repair") })
    await expect(now).toMatchFileSnapshot(page)
  })
})
