/** Changes of maps of texts, as annotations and labels are. */
import { fieldOf, isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"

/** What is set, by its key; what is `null` is removed. */
export type Edits = Readonly<Record<string, string | null>>

/** The map with the changes; keys keep their places, and new ones come last. */
const edited = (map: JsonObject, edits: Edits): JsonObject => {
  const entries = new Map(Object.entries(map))
  for (const [key, value] of Object.entries(edits)) {
    if (value === null) entries.delete(key)
    else entries.set(key, value)
  }
  return Object.fromEntries(entries)
}

/** The document with a changed map under a key, which goes where nothing is left in it. */
export const withEdits = (document: JsonObject, key: string, edits: Edits): JsonObject => {
  if (Object.keys(edits).length === 0) return document
  const before = fieldOf(document, key)
  const after = edited(isJsonObject(before) ? before : {}, edits)
  return Object.keys(after).length === 0 ? without(document, key) : { ...document, [key]: after }
}

export const without = (document: JsonObject, key: string): JsonObject =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== key))
