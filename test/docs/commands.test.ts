/** The page about the commands shows what one prints, and lists them all; `--update` writes what is printed now. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Completions } from "effect/cli"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { ocilayout } from "../../src/cli/command.ts"
import { mainPath } from "../cli/support/server.ts"
import { temporaryFolder } from "../support/folders.ts"
import { node, withPrinted } from "./pages.ts"
import { sampleImage } from "./sampleImage.ts"

const path = resolve("docs/commands.md")
const page = readFileSync(path, "utf8")

const inspected = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* sampleImage(join(folder, "images"))
  const args = ["inspect", "images/example/app:1.0", "--platform", "linux/amd64"]
  return `$ ocilayout ${args.join(" ")}\n${node([mainPath, ...args], folder).trim()}`
})

describe("the page about the commands", () => {
  it("shows what is printed", async () => {
    const printed = await Effect.runPromise(Effect.scoped(inspected))
    await expect(withPrinted(path, { "$ ocilayout inspect": printed })).toMatchFileSnapshot(path)
  })

  it("lists the commands", () => {
    const [row = ""] = /^\| `repositories`.*$/mu.exec(page) ?? []
    const listed = Array.from(row.matchAll(/`([a-z][a-z -]*)`/gu), ([, name]) => name)
    const namesIn = ({ name, subcommands }: Completions.CommandDescriptor): ReadonlyArray<string> =>
      subcommands.length === 0 ? [name] : subcommands.flatMap(namesIn).map((below) => `${name} ${below}`)
    const all = Completions.fromCommand(ocilayout).subcommands.flatMap(namesIn)
    const elsewhere = new Set(["serve", "ui", "mcp", "completions", "complete"])
    const [, ...aliases] = /^`(\w+)`, `(\w+)` and `(\w+)` are other names of/mu.exec(page) ?? []
    assert.sameMembers(
      Array.from(new Set([...listed, ...aliases])),
      all.filter((name) => !elsewhere.has(name))
    )
  })
})
