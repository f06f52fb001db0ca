/** The programs of the README and of the pages about the library, compiled and run. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { temporaryFolder } from "../support/folders.ts"
import { blocksOf, node } from "./pages.ts"

/** The programs, each going on with the layout that the one before has made. */
const examples = ["README.md", "docs/library.md", "docs/history.md"].flatMap((page) => blocksOf(page, "ts"))

/** The package's entry points, as the sources behind them. */
const entries = { "ocilayout": "src/index.ts", "ocilayout/node": "src/node/index.ts" } as const

const fromSources = (code: string): string =>
  code.replaceAll(/from "(ocilayout[^"]*)"/gu, (_, name: string) => {
    const source = Object.entries(entries).find(([entry]) => entry === name)?.[1]
    assert.isDefined(source, `a program imports ${name}`)
    return `from ${JSON.stringify(pathToFileURL(resolve(source ?? "")).href)}`
  })

describe("the programs of pages", () => {
  it("are right in the strictest project", () => {
    const folder = resolve("node_modules/.cache/pages")
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const files = examples.map((example, index) => {
      writeFileSync(join(folder, `example${index + 1}.ts`), example)
      return `example${index + 1}.ts`
    })
    const paths = Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, [resolve(source)]]))
    // Without it, all that the project has would be compiled as well.
    const declarations = resolve("src/node/fs/fs-native-extensions.d.ts")
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: resolve("tsconfig.json"), compilerOptions: { paths }, files, include: [declarations] })
    )
    assert.doesNotThrow(() => node([resolve("node_modules/typescript/bin/tsc"), "--project", folder]))
  })

  it.live("print what they say", () =>
    Effect.gen(function*() {
      assert.lengthOf(examples, 4)
      const directory = yield* temporaryFolder
      // Below node_modules, so that the programs find `effect` as a consumer's program does.
      mkdirSync("node_modules/.cache", { recursive: true })
      const file = resolve("node_modules/.cache/page-example.mjs")
      for (const example of examples) {
        writeFileSync(file, stripTypeScriptTypes(fromSources(example)))
        const said = example.split("\n").filter((line) => line.startsWith("// ")).map((line) => line.slice(3))
        assert.deepStrictEqual(node([file], directory).trimEnd().split("\n"), said)
      }
    }))
})
