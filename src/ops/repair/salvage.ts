/** What can still be read of an index that is no JSON: of one in another encoding, with something behind it, or cut short. */
import { Result, type Schema } from "effect"
import { isJsonObject } from "../../oci/Descriptor.ts"
import { decodeLossy } from "../../oci/Json.ts"

interface Salvaged {
  /** The elements of `manifests` that are whole, in their order. */
  readonly entries: ReadonlyArray<Schema.JsonObject>
  /** Whether its list is read to its end. */
  readonly whole: boolean
}

export const nothingSalvaged: Salvaged = { entries: [], whole: false }

/** The list of an index, as far as it goes: whatever stands around it does not matter, nor how it is encoded. */
export const salvage = (bytes: Uint8Array): Salvaged => {
  const text = textIn(bytes)
  const list = /"manifests"\s*:\s*\[/u.exec(text)
  return list === null ? nothingSalvaged : elementsAt(text, list.index + list[0].length)
}

/** Every text that editors and shells write; in what is none, replacement characters, which are in no entry of ours. */
const textIn = (bytes: Uint8Array): string => {
  const isLittle = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0x7b && bytes[1] === 0)
  const isBig = (bytes[0] === 0xfe && bytes[1] === 0xff) || (bytes[0] === 0 && bytes[1] === 0x7b)
  return decodeLossy(bytes, isLittle ? "utf-16le" : isBig ? "utf-16be" : "utf-8")
}

/** The objects from `start` to the bracket that closes the list, or as far as they are whole. */
const elementsAt = (text: string, start: number): Salvaged => {
  const entries: Array<Schema.JsonObject> = []
  let depth = 0
  let from = start
  let inString = false
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (inString) {
      if (character === "\\") at++
      else if (character === "\"") inString = false
    } else if (character === "\"") {
      inString = true
    } else if (character === "[" || character === "{") {
      if (depth++ === 0) from = at
    } else if (character === "]" || character === "}") {
      if (depth-- === 0) return { entries, whole: true }
      const element = depth === 0 ? parsed(text.slice(from, at + 1)) : undefined
      if (element !== undefined) entries.push(element)
    }
  }
  return { entries, whole: false }
}

const parse: (text: string) => Schema.Json = JSON.parse

const parsed = (text: string): Schema.JsonObject | undefined => {
  const value = Result.getOrUndefined(Result.try(() => parse(text)))
  return isJsonObject(value) ? value : undefined
}
