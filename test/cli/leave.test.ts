/** That a command ends once it has answered. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { entry } from "../support/entries.ts"
import { mainPath } from "./support/server.ts"

/** The collections of garbage that were asked for, of a command that lists the tags of so many. */
const collections = (entries: number) => {
  const layout = fs.mkdtempSync(join(tmpdir(), "ocilayout-leave-"))
  try {
    fs.writeFileSync(join(layout, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
    const manifests = Array.from({ length: entries }, (_, at) => entry("a", `app:v${at}`))
    fs.writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
    const args = ["--trace-gc", "--no-deprecation", mainPath, "resolve", `${layout}/app:none`]
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" })
    return { status, asked: stdout.split("\n").filter((line) => /Mark-Compact.*testing/u.test(line)).length }
  } finally {
    fs.rmSync(layout, { recursive: true, force: true })
  }
}

describe("a command that has read a large index", () => {
  it("makes room in its heap before it ends, so that no thread that Node waits for waits for it", () => {
    const { asked, status } = collections(100_000)
    assert.notStrictEqual(status, 0)
    assert.isAtLeast(asked, 1)
  })
})
