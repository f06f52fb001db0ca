/** `index.json` as text: what is not ours to change keeps its spelling, its order and its indentation. */
import type { Schema } from "effect"
import { generation as generationKey } from "../../oci/Annotations.ts"
import { isJsonObject } from "../../oci/Descriptor.ts"
import { endOfString } from "../../oci/Json.ts"
import { comma, isClosing, isOpening, isSpace, quote } from "./jsonCodes.ts"

/** The members of an object or the elements of an array, as they are written, and what stands around them. */
interface Written {
  /** Between the opening bracket and the first item. */
  readonly lead: string
  readonly separator: string
  /** Between the last item and the closing bracket. */
  readonly trail: string
  readonly items: ReadonlyArray<string>
}

/** An index without its entries; from it and the entries the file is written again. */
export interface IndexText {
  readonly members: Written
  readonly manifests: Written
  /** The spelling of every element of `manifests` that was read or written before. */
  readonly spellings: WeakMap<object, string>
  /** One step of indentation; empty when all is on one line. */
  readonly indent: string
  /** After the closing brace, usually a line break or nothing. */
  readonly end: string
}

/** What a new layout's index says. */
export const emptyIndex = `{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": []
}
`

/**
 * Takes a valid index apart.
 *
 * @param text the JSON text of an object
 * @param entries the elements of its `manifests`, parsed from the same text
 */
export const takeApart = (text: string, entries: ReadonlyArray<Schema.Json>): IndexText => {
  const start = text.indexOf("{")
  const { end, written: members } = itemsAt(text, start)
  const indent = indentOf(members.separator) ?? indentOf(members.lead) ?? ""
  const spellings = new WeakMap<object, string>()
  const own = members.items[placeOf(members.items, "manifests")]
  const list = own === undefined ? -1 : own.indexOf("[", own.indexOf(":"))
  const manifests = own === undefined || list < 0 ? undefined : itemsAt(own, list).written
  for (const [position, entry] of entries.entries()) {
    const spelling = manifests?.items[position]
    if (isJsonObject(entry) && spelling !== undefined) spellings.set(entry, spelling)
  }
  return {
    members,
    manifests: manifests === undefined || manifests.items.length === 0
      ? listStyle(indent)
      : withSeparator(manifests, indent),
    spellings,
    indent,
    end: text.slice(end)
  }
}

/** The text of an index with these entries and this generation; without one, annotations stay as they are. */
export const putTogether = (
  text: IndexText,
  entries: ReadonlyArray<Schema.Json>,
  generation: string | undefined
): string => {
  const { after, before } = frame(text, entries.length === 0, generation)
  return before + entries.map((entry) => spell(text, entry)).join(text.manifests.separator) + after
}

/** What stands before the first entry of an index, and after the last. */
export const frame = (
  { end, indent, manifests, members }: IndexText,
  isEmpty: boolean,
  generation: string | undefined
): { readonly before: string; readonly after: string } => {
  const space = indent === "" && !members.separator.includes(" ") ? "" : " "
  const items = [...members.items]
  if (placeOf(items, "manifests") < 0) items.push(`"manifests":${space}`)
  if (generation !== undefined) {
    const place = placeOf(items, "annotations")
    const item = place < 0 ? `"annotations":${space}` : keyOf(items[place] ?? "")
    items.splice(
      place < 0 ? items.length : place,
      1,
      item + annotationsWith(members.items[place] ?? "", generation, indent)
    )
  }
  const place = placeOf(items, "manifests")
  const { lead, separator, trail } = withSeparator(members, indent, 0)
  const first = [...items.slice(0, place), keyOf(items[place] ?? "")].join(separator)
  const rest = ["", ...items.slice(place + 1)].join(separator)
  return {
    before: `{${lead}${first}[${isEmpty ? "" : manifests.lead}`,
    after: `${isEmpty ? "" : manifests.trail}]${rest}${trail}}${end}`
  }
}

/** The generation an index was written with, if it was written by us or from something that was. */
export const generationOf = (index: Schema.JsonObject): string | undefined => {
  const annotations = index["annotations"]
  const value = isJsonObject(annotations) && Object.hasOwn(annotations, generationKey)
    ? annotations[generationKey]
    : undefined
  return typeof value === "string" ? value : undefined
}

/** An entry as it is written, or as it would be. */
export const spell = ({ indent, spellings }: IndexText, entry: Schema.Json): string => {
  if (!isJsonObject(entry)) return JSON.stringify(entry)
  const known = spellings.get(entry)
  if (known !== undefined) return known
  const spelling = indented(entry, indent, 2)
  spellings.set(entry, spelling)
  return spelling
}

const annotationsWith = (item: string, generation: string, indent: string): string => {
  const value = item === "" ? {} : parsed(item.slice(keyOf(item).length))
  return indented({ ...(isJsonObject(value) ? value : {}), [generationKey]: generation }, indent, 1)
}

/** JSON whose first line stands at some level of indentation. */
const indented = (value: Schema.Json, indent: string, level: number): string =>
  indent === ""
    ? JSON.stringify(value)
    : JSON.stringify(value, undefined, indent).replaceAll("\n", `\n${indent.repeat(level)}`)

const listStyle = (indent: string): Written =>
  indent === ""
    ? { lead: "", separator: ",", trail: "", items: [] }
    : {
      lead: `\n${indent.repeat(2)}`,
      separator: `,\n${indent.repeat(2)}`,
      trail: `\n${indent}`,
      items: []
    }

/** A list of one shows how it begins and ends, but not how its items are kept apart. */
const withSeparator = (written: Written, indent: string, level = 1): Written =>
  written.items.length > 1 ? written : {
    ...written,
    separator: indent === "" ? "," : `,\n${indent.repeat(level + 1)}`
  }

const indentOf = (space: string): string | undefined => /\n([ \t]+)/u.exec(space)?.[1]

/** Where the last member of a name is, which is the one that counts, in every tool. */
const placeOf = (items: ReadonlyArray<string>, name: string): number =>
  items.findLastIndex((item) => nameOf(item) === name)

const nameOf = (item: string): string => {
  const name = parsed(item.slice(0, endOfString(item, 0)))
  return typeof name === "string" ? name : ""
}

/** The text was found valid before it was taken apart. */
const parsed: (text: string) => Schema.Json = JSON.parse

/** A member up to its value: the key, the colon and the space around it. */
const keyOf = (item: string): string => {
  let at = item.indexOf(":", endOfString(item, 0)) + 1
  while (isSpace(item.charCodeAt(at))) at++
  return item.slice(0, at)
}

/** The items of the object or array that begins at `start` of valid JSON text, and where it ends. */
const itemsAt = (text: string, start: number): { readonly written: Written; readonly end: number } => {
  const items: Array<string> = []
  let depth = 0
  let from = afterSpace(text, start + 1)
  const lead = text.slice(start + 1, from)
  let separator: string | undefined
  let at = from
  while (true) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfString(text, at)
      continue
    }
    if (depth === 0 && (code === comma || isClosing(code))) {
      const last = beforeSpace(text, at)
      if (last > from) items.push(text.slice(from, last))
      if (isClosing(code)) {
        const trail = items.length === 0 ? "" : text.slice(last, at)
        return { written: { lead, separator: separator ?? ",", trail, items }, end: at + 1 }
      }
      from = afterSpace(text, at + 1)
      separator ??= text.slice(last, from)
      at = from
      continue
    }
    if (isOpening(code)) depth++
    if (isClosing(code)) depth--
    at++
  }
}

const afterSpace = (text: string, start: number): number => {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

const beforeSpace = (text: string, end: number): number => {
  let at = end
  while (isSpace(text.charCodeAt(at - 1))) at--
  return at
}
