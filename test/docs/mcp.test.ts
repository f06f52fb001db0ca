/** The page about the MCP server: its flags, tools and transcripts; `--update` writes what is printed now. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { applyBundle, saveImages } from "../../src/archive/index.ts"
import { parseHttp } from "../../src/cli/mcp/httpOptions.ts"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { listTools, makeToolCatalog, type Mode } from "../../src/mcp/index.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { folderTar } from "../../src/node/making/folderTar.ts"
import { layerMaker } from "../../src/node/making/layerMaker.ts"
import { mainPath, spawnServer } from "../cli/support/server.ts"
import { memoryFiles } from "../mcp/support/memoryFiles.ts"
import { temporaryFolder } from "../support/folders.ts"
import { node, quickstart, withPrinted } from "./pages.ts"
import { sampleImage } from "./sampleImage.ts"

const path = resolve("docs/mcp.md")
const page = readFileSync(path, "utf8")

/** What a server says that listens, what it answers to who shows no token, and why another does not start. */
const refusedOverHttp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* sampleImage(join(folder, "images"))
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

describe("the page about the MCP server", () => {
  it("shows what is printed", async () => {
    const http = await Effect.runPromise(Effect.scoped(refusedOverHttp))
    const now = withPrinted(path, {
      "ocilayout mcp …/shop --allowed-dir": quickstart("quickstart"),
      "$ ocilayout mcp ./layout --http": http
    })
    await expect(now).toMatchFileSnapshot(path)
  })

  it("shows every flag of the server", () => {
    const [, usage = ""] = /^```\n(ocilayout mcp \[ID=\]DIR.*?)^```$/msu.exec(page) ?? []
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
      const [row = ""] = /^\| `oci_.*$/mu.exec(page) ?? []
      const columns = row.split("|").slice(1, -1).map((cell) =>
        Array.from(cell.matchAll(/`(oci_\w+)`/gu), ([, name = ""]) => name)
      )
      const registry = yield* makeMemory()
      const namesOf = (mode: Mode) =>
        listTools(makeToolCatalog({
          layouts: [{ id: "main", registry, perRepository: false }],
          mode,
          inside: makeInside(layerCodec),
          making: { maker: layerMaker, folderTar },
          archives: { take: applyBundle, make: saveImages },
          files: memoryFiles(["/files"])
        })).map(({ name }) => name).toSorted()
      const [reading = [], writing = []] = columns
      assert.deepStrictEqual(reading.toSorted(), namesOf("read"))
      assert.deepStrictEqual(Array.from(new Set([...reading, ...writing])).toSorted(), namesOf("write"))
      assert.deepStrictEqual(Array.from(new Set(columns.flat())).toSorted(), namesOf("delete"))
      assert.include(page, `\n${namesOf("delete").length} tools. `)
    }))
})
