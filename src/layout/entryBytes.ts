/** How many bytes an entry can take in an index, whichever tool writes it. */
import type { Schema } from "effect"

/** What an entry can take in an index that is indented by up to eight columns. */
export const mostBytes = (value: Schema.Json): number => utf8Bytes(JSON.stringify([[value]], undefined, 8))

/** What an entry takes in the fewest bytes. */
export const leastBytes = (value: Schema.Json): number =>
  utf8Bytes(JSON.stringify(value, (_key, field: unknown) => typeof field === "number" ? 0 : field))

/** `JSON.stringify` escapes lone surrogates, so any that are left come in pairs, of four bytes. */
const utf8Bytes = (text: string): number => {
  let bytes = 0
  for (let unit = 0; unit < text.length; unit++) {
    const code = text.charCodeAt(unit)
    bytes += code < 0x80 ? 1 : code < 0x800 || (code & 0xf800) === 0xd800 ? 2 : 3
  }
  return bytes
}
