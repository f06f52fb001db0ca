/** What a browser has to load. */
import { assert, describe, it } from "@effect/vitest"
import { builtPage } from "./support/built.ts"

describe("the page that is built", () => {
  it("takes less than 150 KiB, compressed", async () => {
    const { assets } = await builtPage()
    const sizes = ["index.html", "page.js", "page.css", "icon.svg"].map((name) => assets.get(name)?.gzip.length ?? 0)
    assert.isTrue(sizes.every((size) => size > 0))
    assert.isBelow(sizes.reduce((sum, size) => sum + size, 0), 150 * 1024)
  })

  it("has no program and no style in its document, and names nothing elsewhere", async () => {
    const { assets } = await builtPage()
    const document = Buffer.from(assets.get("index.html")?.bytes ?? []).toString()
    assert.notMatch(document, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/u)
    assert.notMatch(document, /(?:src|href)="(?:[a-z]+:|\/)/u)
  })

  it("is made of its own sources and of what draws, and of nothing of the server", async () => {
    const { modules } = await builtPage()
    const ours = modules.filter((id) => !id.includes("/node_modules/") && !id.startsWith("\0"))
    assert.isAbove(ours.length, 20)
    assert.deepStrictEqual(ours.filter((id) => !id.includes("/src/ui/")), [])
    const packages = new Set(modules.flatMap((id) => /\/node_modules\/([^/]+)\//u.exec(id)?.[1] ?? []))
    assert.sameMembers(Array.from(packages), ["d3-hierarchy", "preact"])
  })
})
