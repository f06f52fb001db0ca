/** One text for equal JSON: the order of keys carries no meaning (RFC 8259, section 4). */
import type { Schema } from "effect"
import { isList } from "../oci/Descriptor.ts"

/** The JSON text of `value` with the keys of every object in code-unit order. */
export const canonical = (value: Schema.Json): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonical).join(",")}]`
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`
}
