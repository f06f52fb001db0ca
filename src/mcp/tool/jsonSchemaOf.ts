/** Effect Schema to the JSON Schema that MCP clients, and the model APIs behind them, accept. */
import { JsonPointer, Predicate, Schema } from "effect"

/** The root of a tool's schema: SDK clients drop the whole tool list over any other. */
export interface ObjectSchema {
  readonly type: "object"
  readonly properties?: { readonly [name: string]: object }
  readonly required?: ReadonlyArray<string>
  readonly [keyword: string]: unknown
}

/**
 * Inputs are decoded with `onExcessProperty: "error"` and say so (`additionalProperties: false`); outputs stay open, so
 * that a field can be added later. References are inlined, since some clients do not resolve them; a root that is no
 * object, or a recursive schema, is a mistake in a tool's declaration and throws.
 */
export const jsonSchemaOf = (schema: Schema.Constraint, side: "input" | "output"): ObjectSchema => {
  const document = Schema.toJsonSchemaDocument(schema, { onExcessProperty: side === "input" ? "error" : "ignore" })
  const root = inlined(document.schema, document.definitions, [])
  if (isObjectSchema(root)) return root
  // A struct without fields is published as `{"not": {"type": "null"}}`.
  if (Predicate.isObject(root) && "not" in root) {
    return side === "input" ? { type: "object", additionalProperties: false } : { type: "object" }
  }
  throw new TypeError(`the root of a tool's ${side} must be an object, not ${JSON.stringify(root).slice(0, 120)}`)
}

const isObjectSchema = (value: unknown): value is ObjectSchema =>
  Predicate.isObject(value) && value["type"] === "object"

type Definitions = Readonly<Record<string, unknown>>

const inlined = (node: unknown, definitions: Definitions, seen: ReadonlyArray<string>): unknown => {
  if (Array.isArray(node)) return node.map((item) => inlined(item, definitions, seen))
  if (!Predicate.isObject(node)) return node
  const reference = node["$ref"]
  if (typeof reference === "string") return resolved(reference, definitions, seen)
  return Object.fromEntries(
    Object.entries(node).filter(([key, value]) => !isNoise(node, key, value)).map(([key, value]) => [
      key,
      // `properties` maps names to schemas, so its keys are no keywords.
      key === "properties" && Predicate.isObject(value)
        ? Object.fromEntries(
          Object.entries(value).map(([name, property]) => [name, inlined(property, definitions, seen)])
        )
        : inlined(value, definitions, seen)
    ])
  )
}

const resolved = (reference: string, definitions: Definitions, seen: ReadonlyArray<string>): unknown => {
  const name = JsonPointer.unescapeToken(reference.replace(/^#\/\$defs\//u, ""))
  if (seen.includes(name)) throw new TypeError(`the schema ${name} of a tool refers to itself`)
  return inlined(definitions[name], definitions, [...seen, name])
}

/** Keywords that cost tokens in every list and tell a model nothing. */
const isNoise = (node: Definitions, key: string, value: unknown): boolean => {
  if (key === "additionalProperties") return value === true
  return node["type"] === "integer" && (key === "minimum" && value === Number.MIN_SAFE_INTEGER ||
    key === "maximum" && value === Number.MAX_SAFE_INTEGER)
}
