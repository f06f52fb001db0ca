/** The names that the package makes public: all of them in a file that shows what changes, documented, and nameable. */
import { assert, describe, expect, it } from "@effect/vitest"
import { type Declared, exportsOf, resolveName } from "./support/publicNames.ts"

const entries = {
  ocilayout: "src/index.ts",
  "ocilayout/node": "src/node/index.ts",
  "ocilayout/memory": "src/memory/index.ts",
  "ocilayout/mcp": "src/mcp/index.ts",
  "ocilayout/bucket": "src/bucket/index.ts",
  "ocilayout/remote": "src/remote/index.ts",
  "ocilayout/archive": "src/archive/index.ts"
}

const all = Object.entries(entries).map(([entry, file]) => ({ entry, exported: exportsOf(file) }))

const declarations = all.flatMap(({ entry, exported }) =>
  Array.from(exported).flatMap((
    [name, declared]
  ): ReadonlyArray<Declared & { readonly entry: string; readonly as: string }> =>
    "namespace" in declared ? [] : [{ ...declared, entry, as: name }]
  )
)

describe("the public names", () => {
  it("are those of the report", async () => {
    const report = all.map(({ entry, exported }) => {
      const lines = Array.from(exported)
        .toSorted(([a], [b]) => a < b ? -1 : 1)
        .map(([name, declared]) =>
          "namespace" in declared
            ? `${name}: the names ${Array.from(exportsOf(declared.namespace).keys()).join(", ")}`
            : `${name}: ${declared.text}`
        )
      return `${entry}\n${"=".repeat(entry.length)}\n\n${lines.join("\n")}\n`
    })
    await expect(report.join("\n")).toMatchFileSnapshot("names.txt")
  })

  it("have a docstring each", () => {
    assert.isAbove(declarations.length, 250)
    const bare = declarations.filter(({ isDocumented }) => !isDocumented)
    assert.deepStrictEqual(bare.map(({ as, entry }) => `${entry}: ${as}`), [])
  })

  it("are enough to name every type in their signatures", () => {
    const known = new Set(declarations.flatMap(({ as, file, name }) => [as, `${file}#${name}`]))
    const unnamed = declarations.flatMap(({ as, entry, file, types }) =>
      Array.from(types).flatMap((type) => {
        const declared = resolveName(file, type)
        return declared === undefined || known.has(type) || known.has(`${declared.file}#${declared.name}`)
          ? []
          : [`${type} of ${entry}: ${as}`]
      })
    )
    assert.deepStrictEqual(unnamed, [])
  })
})
