/** The README's registry and the page about running one, played; `--update` writes what is printed now into them. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { spawnSync } from "node:child_process"
import { cpSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { limitNames } from "../../src/cli/serve/limitFlags.ts"
import { defaultLimits } from "../../src/http/limits.ts"
import { opensToAll, parseRules } from "../../src/http/rules.ts"
import { fixturePath } from "../support/folders.ts"
import { freePort } from "../support/freePort.ts"
import { hasShell, rerun } from "./transcripts.ts"

/** The one that a registry has by custom may be taken here. */
const port = "5000"

const missing = (): string | undefined =>
  hasShell()
    ? ["curl", "skopeo", "jq"].find((tool) => spawnSync(tool, ["--version"]).error !== undefined)
    : "bash"

const pages: ReadonlyArray<readonly [path: string, layout: string]> = [
  ["../../README.md", "skopeo-copy-oci"],
  ["../../docs/serve.md", "skopeo-copy-all"]
]

describe("the pages about serving", () => {
  it.each(pages)("%s shows what is printed", async (page, layout) => {
    const path = fileURLToPath(new URL(page, import.meta.url))
    const text = readFileSync(path, "utf8")
    const tool = missing()
    if (tool !== undefined) return console.log(`SKIPPED: there is no ${tool}`)
    const free = String(await freePort())
    const played = rerun(text.replaceAll(`localhost:${port}`, `localhost:${free}`), {
      prepare: (folder) => cpSync(fixturePath(layout), join(folder, "shop"), { recursive: true }),
      // One process starts faster than several, and does the same.
      environment: { OCILAYOUT_LISTEN: free, OCILAYOUT_WORKERS: "1" }
    })
    await expect(played.replaceAll(`:${free}`, `:${port}`)).toMatchFileSnapshot(path)
  })

  it("show rules that are read", () => {
    const page = readFileSync(fileURLToPath(new URL("../../docs/serve.md", import.meta.url)), "utf8")
    const [, rules = ""] = /^```\n(# who .*?)^```$/msu.exec(page) ?? []
    const read = Result.getOrThrowWith(parseRules(rules), (reason) => new Error(reason))
    assert.isTrue(opensToAll(read))
  })

  it("name the limits that there are", () => {
    const page = readFileSync(fileURLToPath(new URL("../../docs/serve.md", import.meta.url)), "utf8")
    const said = {
      "a blob": `${defaultLimits.blobBytes / 1024 ** 3} GiB`,
      "request line and headers": `${defaultLimits.headerBytes / 1024} KiB`,
      "time for the headers": `${defaultLimits.headersMillis / 1000} s`,
      "a body that brings nothing": `${defaultLimits.stalledMillis / 1000} s`,
      "an answer that is not read": `${defaultLimits.stalledMillis / 1000} s`,
      "connections": String(defaultLimits.connections),
      "requests at a time": String(defaultLimits.requests),
      "listeners to events": String(defaultLimits.listeners),
      "wrong logins of an address": `${defaultLimits.wrongLogins} in a minute`,
      "time to finish when it stops": `${defaultLimits.graceMillis / 1000} s`,
      "one page of a listing": `${defaultLimits.pageItems} names or referrers`
    }
    for (const [limit, value] of Object.entries(said)) {
      assert.match(page, new RegExp(`^\\| ${limit} +\\| ${value} +\\|`, "mu"))
    }
    for (const { flag } of Object.values(limitNames)) assert.include(page, `\`--${flag}\``)
  })
})
