/** What clients, and the model APIs behind them, rely on, for every kind of server there is. */
import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Effect, Predicate } from "effect"
import { listTools } from "../../src/mcp/requests/callTool.ts"
import type { ToolDefinition } from "../../src/mcp/tool/Tool.ts"
import { catalogueOf, kinds, nameOf } from "./support/catalogues.ts"
import { tour } from "./support/tour.ts"

/** Descriptions that say all there is to say in fewer words than it usually takes. */
const brief = new Set([
  "oci_diff",
  "oci_find_files",

  "oci_mount_blob",
  "oci_read_file",
  "oci_upload_cancel",
  "oci_upload_commit"
])

/** All that our schemas are made of; some model API or other fails for what is not here, first of all for `$ref`. */
const keywords = new Set(
  "type properties required additionalProperties items enum description default pattern minimum maximum minItems maxItems"
    .split(" ")
)

type Node = Readonly<Record<string, unknown>>

const isNode = (value: unknown): value is Node => Predicate.isObject(value) && !Array.isArray(value)

const isText = (value: unknown): boolean => typeof value === "string" && value.trim() !== ""

interface Place {
  readonly path: string
  readonly node: Node
  /** Whether it is the schema of a named property. */
  readonly isProperty: boolean
}

/** Every schema inside a schema, itself included. */
const placesIn = (node: unknown, path: string, isProperty = false): ReadonlyArray<Place> => {
  assert.isTrue(isNode(node), `${path} is a schema`)
  if (!isNode(node)) return []
  const { additionalProperties, items, properties } = node
  return [
    { path, node, isProperty },
    ...(isNode(properties) ? Object.entries(properties) : [])
      .flatMap(([name, property]) => placesIn(property, `${path}.${name}`, true)),
    ...(items === undefined ? [] : placesIn(items, `${path}[]`)),
    ...(isNode(additionalProperties) ? placesIn(additionalProperties, `${path}.*`) : [])
  ]
}

const schemasOf = ({ inputSchema, name, outputSchema }: ToolDefinition) =>
  [
    { side: "input", schema: inputSchema, places: placesIn(inputSchema, `${name} input`) },
    { side: "output", schema: outputSchema, places: placesIn(outputSchema, `${name} output`) }
  ] as const

const drafts = { "draft-07": new Ajv({ strict: true }), "2020-12": new Ajv2020({ strict: true }) }

const holds = ({ annotations, description, name, title }: ToolDefinition): void => {
  assert.match(name, /^oci_[a-z]+(?:_[a-z]+)*$/u)
  assert.isAtMost(name.length, 24, name)
  assert.match(title, /^[A-Z][^.]+$/u, name)
  assert.strictEqual(annotations.title, title, name)
  const { destructiveHint, idempotentHint, openWorldHint, readOnlyHint } = annotations
  for (const hint of [destructiveHint, idempotentHint, openWorldHint, readOnlyHint]) assert.isBoolean(hint, name)
  assert.isFalse(openWorldHint, name)
  assert.isFalse(readOnlyHint && destructiveHint, `${name} cannot destroy anything without changing it`)
  assert.isBelow(Buffer.byteLength(description), 2048, name)
  assert.match(description, /\.$/u, name)
  const words = description.split(/\s+/u).length
  assert.isAtMost(words, 110, name)
  assert.strictEqual(words < 40, brief.has(name), `${name} has a description of ${words} words`)
}

describe("the tools of a server", () => {
  for (const kind of kinds) {
    it.effect(`keep what clients rely on: ${nameOf(kind)}`, () =>
      Effect.gen(function*() {
        const catalogue = yield* catalogueOf(kind)
        const tools = listTools(catalogue)
        assert.strictEqual(new Set(tools.map(({ name }) => name)).size, tools.length)
        for (const tool of tools) {
          holds(tool)
          for (const mentioned of JSON.stringify(tool).match(/\boci_[a-z_]+/gu) ?? []) {
            assert.isTrue(catalogue.tools.has(mentioned), `${tool.name} mentions ${mentioned}, which is not offered`)
          }
          for (const { places, schema, side } of schemasOf(tool)) {
            assert.strictEqual(schema.type, "object", tool.name)
            for (const { isProperty, node, path } of places) {
              assert.isString(node["type"], path)
              for (const keyword of Object.keys(node)) assert.isTrue(keywords.has(keyword), `${path} says ${keyword}`)
              if (side === "input" && isProperty) assert.isTrue(isText(node["description"]), `${path} is described`)
              if (side === "input" && "properties" in node) assert.isFalse(node["additionalProperties"], path)
              // A field that is added later must not break a client that knows the schema of today.
              if (side === "output") assert.notStrictEqual(node["additionalProperties"], false, path)
            }
            for (const [draft, ajv] of Object.entries(drafts)) {
              assert.isFunction(ajv.compile(schema), `${tool.name} in ${draft}`)
              for (const { node, path } of places.filter(({ node }) => "default" in node)) {
                assert.isTrue(ajv.validate(node, node["default"]), `the default of ${path} is one of its values`)
              }
            }
          }
        }
      }))

    it.live(`answer as their output schemas say: ${nameOf(kind)}`, () =>
      Effect.gen(function*() {
        const catalogue = yield* catalogueOf(kind)
        const schemas = new Map(listTools(catalogue).map(({ name, outputSchema }) => [name, outputSchema]))
        const answered = new Set<string>()
        yield* tour(catalogue, (name, output) => {
          answered.add(name)
          for (const [draft, ajv] of Object.entries(drafts)) {
            assert.isTrue(
              ajv.validate(schemas.get(name) ?? false, output),
              `${name} in ${draft}: ${ajv.errorsText()}\n${JSON.stringify(output)}`
            )
          }
        })
        assert.sameMembers(Array.from(answered), Array.from(schemas.keys()))
      }))
  }
})
