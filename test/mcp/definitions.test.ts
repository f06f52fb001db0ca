/**
 * What clients are told of every tool, one committed file each, and what it costs. `npx vitest run -u
 * test/mcp/definitions.test.ts` writes the files; a missing one fails where `CI` is set.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { listTools } from "../../src/mcp/requests/callTool.ts"
import type { ToolDefinition } from "../../src/mcp/tool/Tool.ts"
import { lists, otherwise, tools } from "./support/budgets.ts"
import { byDefault, catalogueOf, type Kind, longest } from "./support/catalogues.ts"
import { tokensSent, tokensShown } from "./support/tokens.ts"

const folder = fileURLToPath(new URL("definitions", import.meta.url))

/** In which order variants of a tool are looked for; the first one gives the file without a suffix. */
const variants: ReadonlyArray<readonly [name: string, kind: Kind]> = [
  ["", { ...byDefault, files: true }],
  ["read", { ...byDefault, mode: "read" }],
  ["delete", { ...byDefault, mode: "delete" }],
  ["several", { ...byDefault, layouts: "several" }],
  ["per-repository", { ...byDefault, perRepository: true }],
  ["no-files", byDefault],
  ["registries", { ...byDefault, files: true, registries: true }]
]

const toolsOf = (kind: Kind) => Effect.map(catalogueOf(kind), listTools)

/** The argument is the same in every tool, and `catalog/toolCatalog.test.ts` says what it is. */
const withoutLayout = (definition: ToolDefinition): ToolDefinition => {
  const { layout: _, ...properties } = definition.inputSchema.properties ?? {}
  const { properties: had, ...inputSchema } = definition.inputSchema
  return had === undefined || Object.keys(properties).length === 0
    ? { ...definition, inputSchema }
    : { ...definition, inputSchema: { ...definition.inputSchema, properties } }
}

interface File {
  readonly name: string
  readonly definition: ToolDefinition
}

/** A file for each tool, and a further one for what some servers say differently. */
const files = Effect.gen(function*() {
  const found: Array<File & { readonly json: string }> = []
  for (const [variant, kind] of variants) {
    for (const tool of yield* toolsOf(kind)) {
      const definition = withoutLayout(tool)
      const json = JSON.stringify(definition)
      const known = found.filter(({ definition: { name } }) => name === tool.name)
      if (known.some((file) => file.json === json)) continue
      found.push({ name: `${tool.name}${known.length === 0 ? "" : `.${variant}`}.json`, definition, json })
    }
  }
  return found
})

const matchFile = (text: string, name: string): Promise<void> =>
  expect(text).toMatchFileSnapshot(`${folder}/${name}`, name)

const tokensOf = (definition: ToolDefinition) => ({ shown: tokensShown(definition), sent: tokensSent(definition) })

describe("the definition of a tool", () => {
  it.effect("is what its file says, and nothing else has one", () =>
    Effect.gen(function*() {
      const all = yield* files
      for (const { definition, name } of all) {
        const text = `${JSON.stringify({ tokens: tokensOf(definition), definition }, undefined, 2)}\n`
        yield* Effect.promise(() => matchFile(text, name))
      }
      // What is missing is written when the run ends, so here only files without a tool can be seen.
      const names = new Set(all.map(({ name }) => name))
      assert.deepStrictEqual(readdirSync(folder).filter((name) => !names.has(name)), [])
    }))

  it.effect("costs no more than it may, and may cost little more than it does", () =>
    Effect.gen(function*() {
      const shown = new Map<string, number>()
      for (const { definition } of yield* files) {
        shown.set(definition.name, Math.max(shown.get(definition.name) ?? 0, tokensShown(definition)))
      }
      for (const [name, tokens] of shown) {
        const { [name]: budget = otherwise } = tools
        assert.isAtMost(tokens, budget, `${name} costs ${tokens} tokens, more than its budget of ${budget}`)
      }
      for (const [name, budget] of Object.entries(tools)) {
        const tokens = shown.get(name)
        assert.isDefined(tokens, `${name} has a budget, and is no tool`)
        const least = budget - Math.max(20, budget / 5)
        assert.isAtLeast(tokens ?? 0, least, `${name} costs only ${tokens} tokens: lower its budget of ${budget}`)
      }
    }))
})

describe("the list of tools", () => {
  const cases: ReadonlyArray<readonly [name: string, kind: Kind, budget: number]> = [
    ["of a server that only reads", { ...byDefault, mode: "read" }, lists.read],
    ["of a server without flags", byDefault, lists.byDefault],
    ["at its longest", longest, lists.longest]
  ]
  for (const [name, kind, budget] of cases) {
    it.effect(`${name} costs at most ${budget} tokens`, ({ annotate }) =>
      Effect.gen(function*() {
        const tools = yield* toolsOf(kind)
        const sum = (count: (tool: ToolDefinition) => number) => tools.reduce((total, tool) => total + count(tool), 0)
        const shown = sum(tokensShown)
        const said = `${tools.length} tools: ${shown} tokens shown, ${sum(tokensSent)} sent; the budget is ${budget}`
        yield* Effect.promise(() => annotate(said))
        assert.isAtMost(shown, budget, said)
        assert.isAtLeast(shown, budget * 0.9, said)
      }))
  }
})
