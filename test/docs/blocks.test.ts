/** Every block of every page has a test that runs it or holds it to the code; a block of another kind is not written. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"

/** How blocks of a page begin, with the test that has them. */
const tested: Readonly<Record<string, ReadonlyArray<readonly [RegExp, string]>>> = {
  "README.md": [
    [/^sh\nnpm ci && npm run quickstart /u, "here"],
    [/^console\n\$ ocilayout serve /u, "test/docs/serve.test.ts"],
    [/^console\n\$ ocilayout tag set /u, "test/docs/serve.test.ts"],
    [/^ts\n/u, "test/docs/library.test.ts"],
    [/^json\n/u, "test/docs/readme.test.ts"],
    [/^sh\nnpm ci +#[^\n]*\nnpm pack /u, "test/package/install.test.ts"],
    [/^sh\nnpm install /u, "test/package/install.test.ts"],
    [/^\noci ← layout, /u, "test/architecture.test.ts"]
  ],
  "docs/bucket.md": [[/^sh\nocilayout init s3:/u, "test/bucket/places.test.ts"]],
  "docs/commands.md": [[/^\n\$ ocilayout inspect /u, "test/docs/commands.test.ts"]],
  "docs/history.md": [[/^ts\n/u, "test/docs/library.test.ts"]],
  "docs/copy.md": [[/^console\n/u, "test/docs/copy.test.ts"]],
  "docs/inside.md": [[/^console\n/u, "test/docs/inside.test.ts"]],
  "docs/making.md": [[/^console\n/u, "test/docs/making.test.ts"]],
  "docs/library.md": [[/^ts\n/u, "test/docs/library.test.ts"]],
  "docs/mcp.md": [
    [/^\nocilayout mcp \[ID=\]DIR/u, "test/docs/mcp.test.ts"],
    [/^\n\$ ocilayout mcp \.\/layout --http /u, "test/docs/mcp.test.ts"],
    [/^\nocilayout mcp …\/shop --allowed-dir/u, "test/docs/mcp.test.ts"]
  ],
  "docs/repair.md": [[/^\nocilayout mcp …\/shop …\/mirror/u, "test/docs/repair.test.ts"]],
  "docs/architecture.md": [[
    /^\n(?:oci|api|fs|files|store|data|tar, ports|documents, tar, ports, content|tool|conf, wire) ← /u,
    "test/architecture.test.ts"
  ]],
  "docs/agents.md": [[/^text\n/u, "test/docs/agents.test.ts"]],
  "docs/clients.md": [[/^(?:json|toml|sh)\n/u, "test/clients.test.ts"]],
  "docs/conformance.md": [[/^sh\nnpm ci\nnpm run conformance /u, "here"]],
  "docs/serve.md": [
    [/^console\n/u, "test/docs/serve.test.ts"],
    [/^\n# who +where +what\n/u, "test/docs/serve.test.ts"]
  ],
  "docs/scripts.md": [[/^console\n/u, "test/docs/scripts.test.ts"]]
}

const pages = ["README.md", "SECURITY.md", ...globSync("docs/*.md").map((path) => path.replaceAll("\\", "/"))]

const blocksIn = (path: string): ReadonlyArray<string> =>
  Array.from(readFileSync(path, "utf8").matchAll(/^```(.*?\n.*?)^```$/gmsu), ([, block = ""]) => block)

describe("blocks of pages", () => {
  it.each(pages)("of %s are all tested", (path) => {
    const kinds = tested[path] ?? []
    const blocks = blocksIn(path)
    const untested = blocks.filter((block) => !kinds.some(([begins]) => begins.test(block)))
    assert.deepStrictEqual(untested, [])
    for (const [begins] of kinds) assert.isTrue(blocks.some((block) => begins.test(block)), `${path}: ${begins}`)
  })

  it("name commands of npm that there are", () => {
    const about: unknown = JSON.parse(readFileSync("package.json", "utf8"))
    const names = pages.flatMap((path) =>
      Array.from(readFileSync(path, "utf8").matchAll(/npm run ([a-z][\w:-]*)/gu), ([, name = ""]) => name)
    )
    assert.isAbove(new Set(names).size, 5)
    for (const name of names) assert.nestedProperty(about, `scripts.${name}`)
  })
})
