/** The README's library example, run as it stands, and what it says it prints. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseHttp } from "../src/cli/httpOptions.ts"
import { httpNotice } from "../src/cli/notice.ts"

const readme = readFileSync("README.md", "utf8")

/** The library examples, each going on with the layout that the one before has made. */
const examples = Array.from(readme.matchAll(/```ts\n(.*?)```/gsu), ([, example = ""]) => example)

/** The package's entry points, as the sources behind them. */
const entries: Readonly<Record<string, string>> = {
  "ocilayout": "src/index.ts",
  "ocilayout/node": "src/node/index.ts"
}

const fromSources = (code: string): string =>
  code.replaceAll(/from "(ocilayout[^"]*)"/gu, (_, name: string) => {
    const source = entries[name]
    assert.isDefined(source, `the README imports ${name}`)
    return `from ${JSON.stringify(pathToFileURL(resolve(source ?? "")).href)}`
  })

describe("the README", () => {
  it("has library examples that print what it says", () => {
    assert.lengthOf(examples, 3)
    // Below node_modules, so that the examples find `effect` as a consumer's program does.
    mkdirSync("node_modules/.cache", { recursive: true })
    const file = resolve("node_modules/.cache/readme-example.mjs")
    const directory = mkdtempSync(join(tmpdir(), "ocilayout-readme-"))
    try {
      for (const example of examples) {
        writeFileSync(file, fromSources(example))
        const printed = execFileSync(process.execPath, [file], { cwd: directory, encoding: "utf8" })
        const said = example.split("\n").filter((line) => line.startsWith("// ")).map((line) => line.slice(3))
        assert.deepStrictEqual(printed.trimEnd().split("\n"), said)
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it("shows what the server says over HTTP, and why it does not start", () => {
    assert.include(readme, `\n${httpNotice("http://127.0.0.1:8080/mcp", { mode: "write" }, "OCI_TOKEN")}\n`)
    const open = parseHttp({ http: "0.0.0.0:8080", tokenEnv: undefined, allowedHosts: [], allowedOrigins: [] }, {})
    assert.include(readme, `\n${Result.getOrThrow(Result.flip(open))}\n`)
  })

  it("shows a client configuration that is JSON", () => {
    const block = /```json\n(.*?)```/su.exec(readme)?.[1] ?? ""
    const config: unknown = JSON.parse(block)
    assert.nestedPropertyVal(config, "mcpServers.images.command", "ocilayout")
  })
})
