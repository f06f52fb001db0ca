/** Every block of the README is run or checked. `npx vitest run --project test test/docs --update` writes what is printed now. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Completions } from "effect/cli"
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { ocilayout } from "../../src/cli/command.ts"
import { parseHttp } from "../../src/cli/mcp/httpOptions.ts"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { listTools, makeCatalogue, type Mode } from "../../src/mcp/index.ts"
import { makeRegistry } from "../../src/memory/index.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { mainPath, spawnServer } from "../cli/support/server.ts"
import { memoryFiles } from "../mcp/support/memoryFiles.ts"
import { temporaryFolder } from "../support/folders.ts"
import { sampleImage } from "./sampleImage.ts"
import { withSteadyIds } from "./transcripts.ts"

const readme = readFileSync("README.md", "utf8")

/** Each block with its language: a fence that closes one looks like a fence that opens one. */
const blocks = /^```([^\n]*)\n(.*?)^```$/gmsu

/** The library examples, each going on with the layout that the one before has made. */
const examples = Array.from(readme.matchAll(blocks)).flatMap(([, of, example = ""]) => of === "ts" ? [example] : [])

/** The package's entry points, as the sources behind them. */
const entries = { "ocilayout": "src/index.ts", "ocilayout/node": "src/node/index.ts" } as const

const fromSources = (code: string): string =>
  code.replaceAll(/from "(ocilayout[^"]*)"/gu, (_, name: string) => {
    const source = Object.entries(entries).find(([entry]) => entry === name)?.[1]
    assert.isDefined(source, `the README imports ${name}`)
    return `from ${JSON.stringify(pathToFileURL(resolve(source ?? "")).href)}`
  })

const node = (args: ReadonlyArray<string>, cwd?: string): string =>
  execFileSync(process.execPath, args, { encoding: "utf8", cwd, env: { ...process.env, NO_COLOR: "1" } })

/** What the two parts of `npm run quickstart` print. */
const played = (name: string): string => withSteadyIds(node([resolve(`test/quickstart/${name}.ts`), mainPath]).trim())

const inspected = (folder: string): string => {
  const args = ["inspect", "images/example/app:1.0", "--platform", "linux/amd64"]
  return `$ ocilayout ${args.join(" ")}\n${node([mainPath, ...args], folder).trim()}`
}

/** What a server says that listens, what it answers to who shows no token, and why another does not start. */
const refusedOverHttp = Effect.fnUntraced(function*(folder: string) {
  const args = ["mcp", join(folder, "images"), "--http", "0", "--token-env", "OCI_TOKEN"]
  const { stderr } = yield* spawnServer(args, { OCI_TOKEN: "a-token-of-this-test" })
  const said = yield* Effect.sync(stderr).pipe(
    Effect.tap(() => Effect.sleep("20 millis")),
    Effect.repeat({ until: (said) => said.trimEnd().split("\n").length >= 3 })
  )
  const url = /http:\/\/\S+\/mcp$/mu.exec(said)?.[0] ?? ""
  // As `curl -d` asks.
  const headers = { accept: "*/*", "content-type": "application/x-www-form-urlencoded" }
  const answer = yield* Effect.promise(() =>
    fetch(url, { method: "POST", headers, body: "{}" }).then((response) => response.text())
  )
  const open = parseHttp({ http: "0.0.0.0:8080", tokenEnv: undefined, allowedHosts: [], allowedOrigins: [] }, {})
  const readers = "http://127.0.0.1:8080/mcp"
  return [
    "$ ocilayout mcp ./layout --http 8080 --token-env OCI_TOKEN",
    `${said.trim().replace(url, readers)}\n`,
    `$ curl ${readers} -d {}`,
    `${answer.trim()}\n`,
    "$ ocilayout mcp ./layout --http 0.0.0.0:8080",
    Result.getOrThrow(Result.flip(open))
  ].join("\n")
})

/** The page as it would be, with what its commands print now. */
const rewritten = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* sampleImage(join(folder, "images"))
  const http = yield* refusedOverHttp(folder)
  return readme.replaceAll(blocks, (block, language: string, text: string) => {
    if (language !== "") return block
    const now = text.startsWith("ocilayout mcp …/shop --allowed-dir")
      ? played("quickstart")
      : text.startsWith("ocilayout mcp …/shop …/mirror")
      ? played("repair")
      : text.startsWith("$ ocilayout inspect")
      ? inspected(folder)
      : text.startsWith("$ ocilayout mcp ./layout --http")
      ? http
      : undefined
    return now === undefined ? block : `\`\`\`\n${now}\n\`\`\``
  })
})

describe("the README", () => {
  it("shows what its commands print", async () => {
    const now = await Effect.runPromise(Effect.scoped(rewritten))
    await expect(now).toMatchFileSnapshot(resolve("README.md"))
  })

  it("has library examples that are right in the strictest project", () => {
    const folder = resolve("node_modules/.cache/readme")
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const files = examples.map((example, index) => {
      writeFileSync(join(folder, `example${index + 1}.ts`), example)
      return `example${index + 1}.ts`
    })
    const paths = Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, [resolve(source)]]))
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: resolve("tsconfig.json"), compilerOptions: { paths }, files })
    )
    assert.doesNotThrow(() => node([resolve("node_modules/typescript/bin/tsc"), "--project", folder]))
  })

  it.live("has library examples that print what it says", () =>
    Effect.gen(function*() {
      assert.lengthOf(examples, 3)
      const directory = yield* temporaryFolder
      // Below node_modules, so that the examples find `effect` as a consumer's program does.
      mkdirSync("node_modules/.cache", { recursive: true })
      const file = resolve("node_modules/.cache/readme-example.mjs")
      for (const example of examples) {
        writeFileSync(file, stripTypeScriptTypes(fromSources(example)))
        const said = example.split("\n").filter((line) => line.startsWith("// ")).map((line) => line.slice(3))
        assert.deepStrictEqual(node([file], directory).trimEnd().split("\n"), said)
      }
    }))

  it("shows a client configuration that is JSON", () => {
    const block = /```json\n(.*?)```/su.exec(readme)?.[1] ?? ""
    const config: unknown = JSON.parse(block)
    assert.nestedPropertyVal(config, "mcpServers.images.command", "ocilayout")
  })

  it("shows every flag of the server", () => {
    const [, usage = ""] = /^```\n(ocilayout mcp \[ID=\]DIR.*?)^```$/msu.exec(readme) ?? []
    const [own = ""] = node([mainPath, "mcp", "--help"]).split("GLOBAL FLAGS")
    const flagsIn = (text: string) => new Set(Array.from(text.matchAll(/(?<![\w-])--[a-z][a-z-]*/gu), ([flag]) => flag))
    const [, flags = ""] = own.split("\nFLAGS\n")
    assert.deepStrictEqual(
      Array.from(flagsIn(usage)).toSorted(),
      Array.from(flagsIn(flags.replaceAll(/^( +--\S+).*$/gmu, "$1"))).toSorted()
    )
  })

  it.live("lists the tools of each mode", () =>
    Effect.gen(function*() {
      const [row = ""] = /^\| `oci_.*$/mu.exec(readme) ?? []
      const columns = row.split("|").slice(1, -1).map((cell) =>
        Array.from(cell.matchAll(/`(oci_\w+)`/gu), ([, name = ""]) => name)
      )
      const registry = yield* makeRegistry()
      const namesOf = (mode: Mode) =>
        listTools(makeCatalogue({
          layouts: [{ id: "main", registry, perRepository: false }],
          mode,
          inside: makeInside(layerCodec),
          files: memoryFiles(["/files"])
        })).map(({ name }) => name).toSorted()
      const [reading = [], writing = []] = columns
      assert.deepStrictEqual(reading.toSorted(), namesOf("read"))
      assert.deepStrictEqual(Array.from(new Set([...reading, ...writing])).toSorted(), namesOf("write"))
      assert.deepStrictEqual(Array.from(new Set(columns.flat())).toSorted(), namesOf("delete"))
      assert.include(readme, `\n${namesOf("delete").length} tools. `)
    }))

  it("lists the commands", () => {
    const [row = ""] = /^\| `repositories`.*$/mu.exec(readme) ?? []
    const listed = Array.from(row.matchAll(/`([a-z][a-z ]*)`/gu), ([, name]) => name)
    const namesIn = ({ name, subcommands }: Completions.CommandDescriptor): ReadonlyArray<string> =>
      subcommands.length === 0 ? [name] : subcommands.flatMap(namesIn).map((below) => `${name} ${below}`)
    const all = Completions.fromCommand(ocilayout).subcommands.flatMap(namesIn)
    const elsewhere = new Set(["serve", "mcp", "completions", "complete"])
    const [, ...aliases] = /^`(\w+)`, `(\w+)` and `(\w+)` are other names of/mu.exec(readme) ?? []
    assert.sameMembers(
      Array.from(new Set([...listed, ...aliases])),
      all.filter((name) => !elsewhere.has(name))
    )
  })
})
