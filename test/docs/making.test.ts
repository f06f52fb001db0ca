/** The page about making content, played; `--update` writes what is printed now into it. */
import { assert, describe, expect, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { mainPath } from "../cli/support/server.ts"
import { layerTar } from "../image/support/layers.ts"
import { hasShell, rerun } from "./transcripts.ts"

const path = fileURLToPath(new URL("../../docs/making.md", import.meta.url))

const files: Readonly<Record<string, string>> = {
  "app.spdx.json": "{\"spdxVersion\":\"SPDX-2.3\"}\n",
  "app.toml": "port = 80\n",
  "patch/index.html": "<h1>Better</h1>\n",
  "site/index.html": "<h1>Hello</h1>\n",
  "site/style.css": "h1 { color: teal }\n"
}

/** All of them with the same modes and times everywhere. */
const prepare = (folder: string): void => {
  for (const name of ["patch", "site", "shop"]) mkdirSync(join(folder, name))
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content)
    chmodSync(join(folder, name), 0o644)
    utimesSync(join(folder, name), 1_764_500_000, 1_764_500_000)
  }
  writeFileSync(join(folder, "layer.tar"), layerTar([["etc/motd", "f", "Welcome.\n"]]))
}

describe("the page about making content", () => {
  it("shows what is printed", async ({ skip }) => {
    skip(!hasShell(), "there is no bash")
    const environment = { SOURCE_DATE_EPOCH: "1764504000" }
    await expect(rerun(readFileSync(path, "utf8"), { prepare, environment })).toMatchFileSnapshot(path)
  }, 600_000)

  it("has a command of ours in each row, and all of them work", () => {
    const rows = Array.from(
      readFileSync(path, "utf8").matchAll(/^\|.*\| +`(ocilayout [^`]+)` +\|$/gmu),
      ([, command = ""]) => command
    )
    assert.isAtLeast(rows.length, 19)
    const folder = mkdtempSync(join(tmpdir(), "ocilayout-making-"))
    try {
      prepare(folder)
      for (const row of rows) {
        const [, ...args] = row.split(" ")
        execFileSync(process.execPath, [mainPath, ...args], { cwd: folder, stdio: "pipe" })
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 600_000)
})
