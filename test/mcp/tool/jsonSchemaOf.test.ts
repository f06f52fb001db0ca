import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { jsonSchemaOf } from "../../../src/mcp/tool/jsonSchemaOf.ts"

class Point extends Schema.Class<Point>("Point")({ x: Schema.Int, properties: Schema.optionalKey(Schema.String) }) {}

interface Tree {
  readonly children: ReadonlyArray<Tree>
}

describe("jsonSchemaOf", () => {
  it("says that inputs are closed and outputs are open", () => {
    const schema = Schema.Struct({ a: Schema.String })
    assert.deepStrictEqual(jsonSchemaOf(schema, "input"), {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false
    })
    assert.deepStrictEqual(jsonSchemaOf(schema, "output"), {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"]
    })
  })

  it("knows an object without fields", () => {
    assert.deepStrictEqual(jsonSchemaOf(Schema.Struct({}), "input"), { type: "object", additionalProperties: false })
    assert.deepStrictEqual(jsonSchemaOf(Schema.Struct({}), "output"), { type: "object" })
  })

  it("inlines references and leaves out noise", () => {
    assert.deepStrictEqual(jsonSchemaOf(Schema.Struct({ at: Point, all: Schema.Array(Point) }), "output"), {
      type: "object",
      properties: {
        at: { type: "object", properties: { x: { type: "integer" }, properties: { type: "string" } }, required: ["x"] },
        all: {
          type: "array",
          items: {
            type: "object",
            properties: { x: { type: "integer" }, properties: { type: "string" } },
            required: ["x"]
          }
        }
      },
      required: ["at", "all"]
    })
  })

  it("refuses a root that is no object, and a schema that refers to itself", () => {
    assert.throws(() => jsonSchemaOf(Schema.String, "input"), /must be an object/u)
    const Tree = Schema.Struct({ children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)) }).annotate({
      identifier: "Tree"
    })
    assert.throws(() => jsonSchemaOf(Schema.Struct({ tree: Tree }), "output"), /refers to itself/u)
  })
})
