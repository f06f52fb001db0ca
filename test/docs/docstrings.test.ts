/** Everything that an entry point exports says what it is for. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"

interface Exported {
  readonly path: string
  readonly name: string
}

const declaration = /^export (?:declare )?(?:const|interface|type|class|function\*?) (\w+)/gmu

/** What a module exports itself. */
const declaredIn = (path: string): ReadonlyArray<Exported> =>
  Array.from(readFileSync(path, "utf8").matchAll(declaration), ([, name = ""]) => ({ path, name }))

/** What a module exports, with the modules that declare it. */
const exportedBy = (path: string): ReadonlyArray<Exported> => {
  const text = readFileSync(path, "utf8")
  const all = Array.from(text.matchAll(/^export (?:type )?\*(?: as \w+)? from "([^"]+)"/gmu))
    .flatMap(([, from = ""]) => exportedBy(join(dirname(path), from)))
  const named = Array.from(text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gmu))
    .flatMap(([, names = "", from = ""]) =>
      names.split(",").map((name) => name.trim().replace(/^type /u, "").replace(/ as \w+$/u, "")).filter((name) => name)
        .map((name) => ({ path: join(dirname(path), from), name }))
    )
  return [...declaredIn(path), ...all, ...named]
}

/** The module that declares what another one passes on. */
const declaring = ({ name, path }: Exported): Exported => {
  if (declaredIn(path).some((one) => one.name === name)) return { name, path }
  const passed = exportedBy(path).find((one) => one.name === name)
  return passed === undefined ? assert.fail(`${path} exports ${name}`) : declaring(passed)
}

/** Whether a docstring stands right before the first declaration of a name. */
const isDocumented = ({ name, path }: Exported): boolean => {
  const text = readFileSync(path, "utf8")
  const at = text.search(
    new RegExp(`^export (?:declare )?(?:const|interface|type|class|function\\*?) ${name}\\b`, "mu")
  )
  return /\/\*\*(?:(?!\*\/)[^])+\*\/\n$/u.test(text.slice(0, at))
}

const entries = ["index", "node/index", "memory/index", "mcp/index"].map((entry) => join("src", `${entry}.ts`))

describe("what is exported", () => {
  it.each(entries)("from %s has a docstring", (entry) => {
    const all = exportedBy(entry)
    assert.isAbove(all.length, 3)
    const bare = all.filter((one) => !isDocumented(declaring(one))).map(({ name, path }) => `${path}: ${name}`)
    assert.deepStrictEqual(bare, [])
  })
})
