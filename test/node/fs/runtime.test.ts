/** What is not supported is refused when a layout is opened, and the support table says so. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { refusalOf, type Runtime } from "../../../src/node/fs/runtime.ts"
import { mainPath } from "../../cli/support/server.ts"
import { temporaryFolder } from "../../support/folders.ts"

const node = "24.21.0"

const refused: ReadonlyArray<readonly [string, Runtime]> = [
  ["Deno 2.9.6", { platform: "linux", versions: { node, deno: "2.9.6" } }],
  ["Bun 1.4.5", { platform: "linux", versions: { node, bun: "1.4.5" } }],
  ["Node.js 20.20.2", { platform: "linux", versions: { node: "20.20.2" } }],
  ["Node.js 22.18.0", { platform: "linux", versions: { node: "22.18.0" } }],
  ["Windows", { platform: "win32", versions: { node } }]
]

const supported: ReadonlyArray<readonly [string, Runtime]> = [
  ["Node.js 22.19", { platform: "linux", versions: { node: "22.19.0" } }],
  ["Node.js 26", { platform: "linux", versions: { node: "26.0.0" } }],
  ["macOS", { platform: "darwin", versions: { node } }]
]

/** A process that says of itself that it is another; what it prints on standard error, and whether it made anything. */
const pretending = (folder: string, { platform, versions }: Runtime, ...args: ReadonlyArray<string>) => {
  const script = [
    `Object.defineProperty(process, "platform", { value: ${JSON.stringify(platform)} })`,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, ...${JSON.stringify(versions)} } })`
  ].join("\n")
  const preload = `data:text/javascript,${encodeURIComponent(script)}`
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--import", preload, ...args], {
    cwd: folder,
    encoding: "utf8"
  })
  return { status, stderr, stdout }
}

const library = pathToFileURL(join(import.meta.dirname, "../../../src/node/index.ts")).href
const effect = import.meta.resolve("effect")

/** Opens a layout in every way there is, and prints each refusal. */
const opening = `
  import { Effect } from ${JSON.stringify(effect)}
  import { createLayout, makeDiskTree, makeDisk } from ${JSON.stringify(library)}
  for (const open of [makeDisk, makeDiskTree, createLayout]) {
    const error = await Effect.runPromise(Effect.scoped(Effect.flip(open({ directory: "layout" }))))
    console.log(error.code, error.message)
  }
`

describe("what layouts are opened on", () => {
  it.each(refused)("is not %s", (name, runtime) => {
    assert.include(refusalOf(runtime)?.operation, name)
  })

  it.each(supported)("is %s", (_, runtime) => {
    assert.isUndefined(refusalOf(runtime))
  })

  it("is the Node that the package asks for", () => {
    const about: unknown = JSON.parse(readFileSync("package.json", "utf8"))
    assert.nestedPropertyVal(about, "engines.node", ">=22.19")
    assert.include(refusalOf({ platform: "linux", versions: { node: "20.0.0" } })?.reason, "22.19")
  })

  it.live.each(refused)(
    "refuses %s before anything is made, in the library and on the command line",
    ([name, runtime]) =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const opened = pretending(folder, runtime, "--input-type=module", "--eval", opening)
        const lines = opened.stdout.trim().split("\n")
        assert.lengthOf(lines, 3, opened.stderr)
        for (const line of lines) assert.include(line, `UNSUPPORTED ${name} is not supported: `)
        const told = pretending(folder, runtime, mainPath, "init", "layout")
        assert.strictEqual(told.status, 1)
        assert.include(told.stderr, `ocilayout: ${name} is not supported: `)
        assert.isFalse(existsSync(join(folder, "layout")))
      })
  )

  it("is in the support table", () => {
    const page = readFileSync("docs/support.md", "utf8")
    const [, section = ""] = /^## Where it runs\n(.*?)^## /msu.exec(page) ?? []
    const rows = section.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|").slice(1, -1))
    for (const what of ["Deno", "Bun", "Windows", "Node.js before"]) {
      const row = rows.find(([first = ""]) => first.includes(what))
      assert.include(row?.[1], "Refused", what)
      assert.match(row?.[2] ?? "", /tested|by design/u, what)
    }
  })
})
