/** What documents and comments refer to is in this repository. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path/posix"

const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "" && existsSync(path))

const documents = tracked.filter((path) => path.endsWith(".md") && !path.startsWith("test/fixtures/"))
const sources = tracked.filter((path) => /^(src|test|properties)\/.*\.ts$/u.test(path))

const wordsIn = (text: string, form: RegExp): ReadonlyArray<string> =>
  Array.from(text.matchAll(form), ([, word = ""]) => word)

const rules = new Set(wordsIn(readFileSync("docs/protocol.md", "utf8"), /^- \*\*(R\d+)\.\*\*/gmu))

/** Documents that are not in this repository, so that no comment may cite them. */
const foreign = /\b(DESIGN|RELIABILITY|PEERS|STYLE|OCI\.md|MCP\.md|disk-lab|bucket-lab|inside-lab)\b/u

describe("documents", () => {
  it("have the rules of the protocol in order", () => {
    assert.deepStrictEqual(Array.from(rules), Array.from({ length: 22 }, (_, at) => `R${at + 1}`))
  })

  it.each(documents)("%s leads only to what is there", (path) => {
    const text = readFileSync(path, "utf8")
    const links = wordsIn(text, /\]\(([^)#\s]+)[^)]*\)/gu).filter((link) => !/^[a-z]+:/u.test(link))
    const lost = links.filter((link) => !existsSync(join(dirname(path), link)))
    const files = wordsIn(text, /`((?:src|test|properties|docs|schemas)\/[\w./-]+)`/gu)
    assert.deepStrictEqual([...lost, ...files.filter((file) => !existsSync(file))], [])
  })

  it("name functions that their files have", () => {
    const text = readFileSync("docs/architecture.md", "utf8").replaceAll("\n", " ")
    const named = Array.from(text.matchAll(/`(\w+)`[^`]{0,10}\(`(src\/[\w./-]+\.ts)`/gu))
    assert.isAbove(named.length, 8)
    const wrong = named.filter(([, name = "", path = ""]) => !readFileSync(path, "utf8").includes(name))
    assert.deepStrictEqual(wrong.map(([all]) => all), [])
  })
})

describe("comments", () => {
  it("cite no document outside the repository", () => {
    const wrong = sources.filter((path) => path !== "test/docs/citations.test.ts").flatMap((path) => {
      const lines = readFileSync(path, "utf8").split("\n")
      return lines.flatMap((line, at) =>
        foreign.test(line) && /\/\/|^\s*\*|\/\*/u.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : []
      )
    })
    assert.deepStrictEqual(wrong, [])
  })

  it("cite rules that there are", () => {
    const wrong = sources.flatMap((path) =>
      readFileSync(path, "utf8").split("\n").flatMap((line) =>
        /\/\/|^\s*\*|\/\*/u.test(line)
          ? wordsIn(line, /\b(R\d+)\b/gu).filter((rule) => !rules.has(rule)).map((rule) => `${path}: ${rule}`)
          : []
      )
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("resolve nothing outside the repository", () => {
    const wrong = sources.flatMap((path) =>
      wordsIn(readFileSync(path, "utf8"), /new URL\(\s*["'`]((?:\.\.\/)+[^"'`]*)["'`]/gu)
        .filter((target) => normalize(join(dirname(path), target)).startsWith(".."))
        .map((target) => `${path}: ${target}`)
    )
    assert.deepStrictEqual(wrong, [])
  })
})
