/** Writes JSON texts, and says of each what is in it: the other side of what reads them. */
import type { Random } from "./random.ts"

export interface JsonText {
  readonly text: string
  /** Arrays and objects inside one another. */
  readonly depth: number
  /** Whether some object has a key twice, however it is spelled. */
  readonly twice: boolean
}

const keys = ["a", "b", "digest", "manifests", "__proto__", "constructor", "", "a\"b", "\u00e9", "\ud800", "\0", "a.b"]
const scalars = [
  "null",
  "true",
  "0",
  "-0",
  "1e400",
  "-1e400",
  "9007199254740993",
  "1.5e-400",
  "\"\"",
  "\"{[\"",
  "\"\\\\\""
]
const spaces = ["", "", "", " ", "\n\t", "\r\n"]

const escaped = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")

const keyText = (random: Random, key: string): string => random.once(4) ? `"${escaped(key)}"` : JSON.stringify(key)

/** Any JSON, at most so deep. */
export const jsonText = (random: Random, deepest: number): JsonText => {
  const space = random.pick(spaces)
  if (deepest === 0 || random.once(4)) {
    return { text: `${space}${random.pick(scalars)}${space}`, depth: 0, twice: false }
  }
  const isObject = random.once(2)
  const items = Array.from({ length: random.below(4) }, () => jsonText(random, deepest - 1))
  const names = items.map(() => random.pick(keys))
  const texts = items.map(({ text }, at) =>
    isObject ? `${space}${keyText(random, names[at] ?? "")}${space}:${text}` : text
  )
  return {
    text: `${space}${isObject ? `{${texts.join(",")}${space}}` : `[${texts.join(",")}${space}]`}`,
    depth: 1 + Math.max(0, ...items.map(({ depth }) => depth)),
    twice: items.some(({ twice }) => twice) || (isObject && new Set(names).size < names.length)
  }
}
