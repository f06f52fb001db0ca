/** Mutations of real JSON that mostly leave it JSON: other values, other keys, members twice or gone. */
import { mutatedBytes } from "./mutate.ts"
import type { Random } from "./random.ts"

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]|\s+/gu

const hex = "0a".repeat(32)

/** What stands in the place of a value. */
const values: ReadonlyArray<string> = [
  ["null", "true", "{}", "[]", "\"\"", "0", "-1", "-0", "1.5", "1e400", "-1e400", "9007199254740993", "9".repeat(400)],
  ["\"\\ud800\"", "\"\\u0000\"", "\"../../etc/passwd\"", "\"/\"", "\"a\\\\b\"", "\"\\u202e\"", `"${"a".repeat(5000)}"`],
  [`"sha256:${hex}"`, `"sha512:${hex}"`, `"blake3:${hex}"`, `"sha256:../../${hex}"`, "\"sha256:\"", "\"app:v1\""],
  ["{\"__proto__\":{\"digest\":1}}", "{\"constructor\":null}", "[null]", "{\"a\":1,\"a\":2}", "2", "\"text/plain\""],
  [`${"[".repeat(40)}${"]".repeat(40)}`, `${"{\"a\":".repeat(70)}1${"}".repeat(70)}`]
].flat()

const keys: ReadonlyArray<string> = [
  ["__proto__", "constructor", "toString", "digest", "size", "mediaType", "annotations", "manifests", "config"],
  ["layers", "subject", "data", "urls", "platform", "schemaVersion", "", "\\u0064igest", "\\ud800", "repository"]
].flat().map((key) => `"${key}"`)

const tokensOf = (text: string): ReadonlyArray<string> => text.match(token) ?? []

const changed = (random: Random, tokens: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = random.below(tokens.length)
  const before = tokens.slice(0, at)
  const [here = "", ...after] = tokens.slice(at)
  if (here === "{" && random.once(2)) {
    return [...before, here, random.pick(keys), ":", random.pick(values), ",", ...after]
  }
  if (here === "[" && random.once(2)) return [...before, here, random.pick(values), ",", ...after]
  if (!/^["\dtfn-]/u.test(here)) return tokens
  const isKey = after.find((next) => next.trim() !== "") === ":"
  return [...before, random.pick(isKey ? keys : values), ...after]
}

/** @param seeds JSON texts, which need not be valid */
export const jsonMutator = (seeds: ReadonlyArray<Buffer>): (random: Random) => Buffer => {
  const tokens = seeds.map((seed) => tokensOf(seed.toString("utf8")))
  return (random) => {
    if (random.once(3)) return mutatedBytes(random, seeds)
    let current = random.pick(tokens)
    for (let left = random.pick([1, 2, 2, 3, 5, 8]); left > 0; left--) current = changed(random, current)
    return Buffer.from(current.join(""))
  }
}
