/** Reads JSON from outside: I-JSON (RFC 7493) of bounded depth, in time linear in its length. */
import { Option, Result, type Schema } from "effect"
import { quoted } from "./quoted.ts"

/** Declared here because this folder compiles without the types of any platform; every one has it. */
declare const TextDecoder: new(
  label: "utf-8" | "utf-16le" | "utf-16be",
  options?: { readonly fatal: boolean; readonly ignoreBOM: boolean }
) => { readonly decode: (bytes: Uint8Array) => string }

declare const TextEncoder: new() => { readonly encode: (text: string) => Uint8Array }

/** A value as JSON, in UTF-8. */
export const jsonBytes = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** How deep an index, a manifest or a config may be nested. */
export const jsonDepth = 64

export interface JsonOptions {
  /** Arrays and objects inside one another, at most. */
  readonly maxDepth: number
  /** What becomes of an object that has one key twice; `lastWins` is what every other tool does. */
  readonly duplicateKeys: "refuse" | "lastWins"
}

/** The value in `bytes`, or a reason that continues a sentence: "is empty", "has the key a twice". */
export const parseJson = (bytes: Uint8Array, options: JsonOptions): Result.Result<Schema.Json, string> => {
  if (bytes.length === 0) return Result.fail("is empty")
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return Result.fail("starts with a byte order mark")
  const { deep, huge } = survey(bytes, options.maxDepth)
  if (deep) return Result.fail(`is nested more than ${options.maxDepth} deep`)
  return Result.gen(function*() {
    const text = yield* decodeText(bytes)
    const value = yield* parse(text, huge)
    if (options.duplicateKeys === "lastWins") return value
    const twice = findDuplicateKey(text)
    return Option.isNone(twice) ? value : yield* Result.fail(`has the key ${twice.value} twice`)
  })
}

/** As every other tool reads it, up to the depth that a document of a layout may have. */
export const readJson = (bytes: Uint8Array): Result.Result<Schema.Json, string> =>
  parseJson(bytes, { maxDepth: jsonDepth, duplicateKeys: "lastWins" })

/** Bytes as UTF-8 text, or why they are none. */
export const decodeText = (bytes: Uint8Array): Result.Result<string, string> =>
  Result.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    catch: (cause) => cause instanceof TypeError ? "is not valid UTF-8" : "is too long for one string"
  })

/** Bytes as text in an encoding; a replacement character stands for every byte that is none. */
export const decodeLossy = (bytes: Uint8Array, encoding: "utf-8" | "utf-16le" | "utf-16be"): string =>
  new TextDecoder(encoding).decode(bytes)

/** `JSON.parse`, with the type of what it gives. */
const parsed: (text: string, reviver?: (key: string, value: unknown) => unknown) => Schema.Json = JSON.parse

/** A number beyond the range of doubles would be infinite, which no JSON can say: it is read as JSON would write it. */
const finite = (_key: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? null : value

const parse = (text: string, huge = false): Result.Result<Schema.Json, string> =>
  Result.try({
    try: () => huge ? parsed(text, finite) : parsed(text),
    catch: (cause) => `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`
  })

const quote = 0x22
const backslash = 0x5c

/** More digits than the largest double has. */
const manyDigits = 308

/**
 * Whether brackets nest too deep, and whether a number may be beyond the range of doubles. It runs before anything is
 * parsed and on any bytes at all: those of a character outside ASCII are never mistaken for a bracket, since UTF-8
 * keeps them above 0x7f.
 */
const survey = (bytes: Uint8Array, maxDepth: number): { readonly deep: boolean; readonly huge: boolean } => {
  let depth = 0
  let digits = 0
  let huge = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    if (byte >= 0x30 && byte <= 0x39) {
      digits++
      if (digits > manyDigits) huge = true
      continue
    }
    if (byte === quote) {
      i++
      while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1
    } else if (byte === 0x5b || byte === 0x7b) {
      depth++
      if (depth > maxDepth) return { deep: true, huge }
    } else if (byte === 0x5d || byte === 0x7d) depth--
    else if (digits > 0 && (byte | 0x20) === 0x65) huge = true
    digits = 0
  }
  return { deep: false, huge }
}

/** An object being read, with the keys seen, or an array, with the place in it. */
interface Level {
  readonly keys: Set<string> | undefined
  /** The latest key of an object. */
  key: string
  /** The current element of an array. */
  index: number
}

/**
 * The path, like `layers[0].annotations["a.b"]`, of the first key that its object has twice; none in text that is not
 * JSON, as far as that can be told. Escapes are read, so `"a"` and `"\\u0061"` are one key.
 */
export const findDuplicateKey = (text: string): Option.Option<string> => {
  const levels: Array<Level> = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    const level = levels.at(-1)
    if (character === "{") levels.push({ keys: new Set(), key: "", index: 0 })
    else if (character === "[") levels.push({ keys: undefined, key: "", index: 0 })
    else if (character === "}" || character === "]") levels.pop()
    else if (character === "," && level !== undefined) level.index++
    else if (character === "\"") {
      const end = endOfString(text, i)
      if (level?.keys !== undefined && isKey(text, end)) {
        level.key = unescaped(text.slice(i, end))
        if (level.keys.has(level.key)) return Option.some(pathOf(levels))
        level.keys.add(level.key)
      }
      i = end - 1
    }
  }
  return Option.none()
}

/** The offset just after the string that starts at `start` of JSON text. */
export const endOfString = (text: string, start: number): number => {
  let i = start + 1
  while (i < text.length && text.charCodeAt(i) !== quote) i += text.charCodeAt(i) === backslash ? 2 : 1
  return Math.min(i + 1, text.length)
}

/** Whether a colon follows, which in JSON it does after keys and nowhere else. */
const isKey = (text: string, end: number): boolean => {
  let i = end
  while (text[i] === " " || text[i] === "\n" || text[i] === "\r" || text[i] === "\t") i++
  return text[i] === ":"
}

const unescaped = (token: string): string => {
  if (!token.includes("\\")) return token.slice(1, -1)
  return Result.getOrElse(Result.map(parse(token), String), () => token)
}

const pathOf = (levels: ReadonlyArray<Level>): string =>
  levels.reduce(
    (path, level) => level.keys === undefined ? elementOf(path, level.index) : memberOf(path, level.key),
    ""
  )

/** The JSON path of a member of the object at `path`; the empty path is the document. */
export const memberOf = (path: string, key: string): string => {
  if (!/^[A-Za-z_$][\w$]{0,63}$/u.test(key)) return `${path}[${quoted(key)}]`
  return path === "" ? key : `${path}.${key}`
}

/** The JSON path of an element of the array at `path`. */
export const elementOf = (path: string, index: number): string => `${path}[${index}]`
