/** Every planted bug has its place in `src` as it is now, and so do the properties that find them. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { literally, type Mutant, plant } from "./Mutant.ts"
import { mutants } from "./mutants.ts"
import { sources } from "./sources.ts"
import { type Source, stringsIn } from "./syntax.ts"

const project = fileURLToPath(new URL("../../..", import.meta.url))

describe("a planted bug", () => {
  const tree = sources()
  for (const mutant of mutants) {
    it(`has its place: ${mutant.name}`, () => {
      const { path, text } = plant(tree, mutant)
      assert.notStrictEqual(text, tree.find((source) => source.path === path)?.text)
    })
  }

  it("is found by a test that there is", () => {
    for (const { caughtBy: { file, test }, name } of mutants) {
      const titles = stringsIn(readFileSync(join(project, file), "utf8"))
      const isTitle = (pieces: ReadonlyArray<string>) =>
        pieces.join("").length > 10 &&
        new RegExp(`${pieces.flatMap((piece) => piece.split(/%[is]/u)).map(literally).join(".*")}$`, "u").test(test)
      assert.isTrue(titles.some(isTitle), `${name}: ${file} has no ${test}`)
    }
  })

  it("has a name and a place of its own", () => {
    const planted = mutants.map((mutant) => JSON.stringify(plant(tree, mutant)))
    assert.strictEqual(new Set(planted).size, mutants.length)
    assert.strictEqual(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })
})

describe("planting", () => {
  const source: Source = {
    path: "src/a.ts",
    text: `// first
export const first = (files) => {
  // As it is.
  if ((files.size   > 0) &&
    files.isOpen) return 'a'
  other(files, { head: 1, rest: [2], },)
}
const second = other(0, { head: 1 })
`
  }
  const plantIn = (changes: Partial<Mutant>, ...sources: ReadonlyArray<Source>) =>
    plant(sources.length === 0 ? [source] : sources, {
      name: "n",
      breaks: "b",
      in: "first",
      find: "other($files, { head: 1, ...$$rest })",
      replace: "other($files, { head: 2, ...$$rest })",
      caughtBy: { file: "", test: "" },
      ...changes
    })

  it("finds code however it is written, and keeps what the pattern leaves open", () => {
    assert.include(plantIn({}).text, "other(files, { head: 2, rest: [2] })")
    const { text } = plantIn({
      find: "if (files.size > 0 && files.isOpen) return \"a\"\n$other",
      replace: "$other\nreturn \"b\""
    })
    assert.include(text, "=> {\n  // As it is.\n  other(files, { head: 1, rest: [2], },)\nreturn \"b\"\n}")
  })

  it("finds it in any file that declares it", () => {
    const empty = { path: "src/b.ts", text: "export const third = 1\n" }
    assert.strictEqual(plantIn({}, empty, { ...source, path: "src/c.ts" }).path, "src/c.ts")
  })

  it("leaves out what there is none of", () => {
    assert.include(plantIn({ in: "second" }).text, "second = other(0, { head: 2,  })")
  })

  it("is refused where nothing is found, more than once, or no code is left", () => {
    assert.throws(() => plantIn({ in: "gone" }), "n: gone is declared nowhere")
    assert.throws(() => plantIn({ find: "nothing" }), "n: first has its code 0 times, not once")
    assert.throws(() => plantIn({ find: "files", replace: "" }), "n: first has its code 4 times, not once")
    assert.throws(() => plantIn({ find: "files.size > 0", replace: "" }), "Parse failed")
    assert.throws(() => plantIn({ replace: "$gone" }), "the pattern has no $gone")
  })
})
