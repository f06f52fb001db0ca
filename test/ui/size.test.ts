/** What a browser has to load. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { builtAssets } from "./support/built.ts"

describe("the page that is built", () => {
  it("takes less than 150 KiB, compressed", async () => {
    const assets = await builtAssets()
    const sizes = ["index.html", "page.js", "page.css", "icon.svg"].map((name) => assets.get(name)?.gzip.length ?? 0)
    assert.isTrue(sizes.every((size) => size > 0))
    assert.isBelow(sizes.reduce((sum, size) => sum + size, 0), 150 * 1024)
  })

  it("has no program and no style in its document, and names nothing elsewhere", async () => {
    const assets = await builtAssets()
    const document = Buffer.from(assets.get("index.html")?.bytes ?? []).toString()
    assert.notMatch(document, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/u)
    assert.notMatch(document, /(?:src|href)="(?:[a-z]+:|\/)/u)
  })

  it("carries nothing of Effect", async () => {
    const assets = await builtAssets()
    assert.notInclude(Buffer.from(assets.get("page.js")?.bytes ?? []).toString(), "effect/Schema")
    assert.notInclude(readFileSync("src/ui/main.tsx", "utf8"), "effect")
  })
})
