/** What is in `deploy/` fits the command, and its own tool where there is one. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { serve } from "../../../src/cli/commands/serve.ts"
import { knownVariables } from "../../../src/cli/serve/serveFlags.ts"

const path = (name: string): string => fileURLToPath(new URL(`../../../${name}`, import.meta.url))
const files = readdirSync(path("deploy"))

describe("what is in deploy", () => {
  it.each(files)("%s names only variables that there are", (name) => {
    // Its variables are known once the command is.
    assert.strictEqual(serve.name, "serve")
    const named = Array.from(readFileSync(path(`deploy/${name}`), "utf8").matchAll(/OCILAYOUT_\w+/gu), ([all]) => all)
    assert.deepStrictEqual(named.filter((variable) => !knownVariables.has(variable)), [])
  })

  it("copies into an image only what there is", () => {
    const text = readFileSync(path("deploy/Containerfile"), "utf8")
    const copied = Array.from(text.matchAll(/^COPY ([^-\n].*) \S+$/gmu), ([, names = ""]) => names.split(" ")).flat()
    assert.isAbove(copied.length, 2)
    assert.deepStrictEqual(copied.filter((name) => !existsSync(path(name))), [])
  })

  it("has a unit that systemd takes", ({ skip }) => {
    const verified = spawnSync("systemd-analyze", ["verify", path("deploy/ocilayout.service")], { encoding: "utf8" })
    if (verified.error !== undefined) return skip("there is no systemd-analyze")
    assert.deepStrictEqual([verified.status, verified.stderr], [0, ""])
  })
})
