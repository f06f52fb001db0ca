/** One text for equal JSON: the order of keys carries no meaning (RFC 8259, section 4). */
import type { Schema } from "effect"
import { isList } from "../oci/Descriptor.ts"

const texts = new WeakMap<object, string>()

/** The JSON text of `value` with the keys of every object in code-unit order; remembered per object. */
export const canonical = (value: Schema.Json): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const known = texts.get(value)
  if (known !== undefined) return known
  const text = isList(value)
    ? `[${value.map(canonical).join(",")}]`
    : `{${
      Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
        .join(",")
    }}`
  texts.set(value, text)
  return text
}
