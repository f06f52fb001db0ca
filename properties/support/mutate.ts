/** Mutations of real texts and bytes, with everything in it that a reader may stumble over. */
import type { Random } from "./random.ts"

/** Pieces of text that have broken a parser or a path before. */
const pieces: ReadonlyArray<string> = [
  "\0\n\r\t\b\"\\/:@.,-_%+ ~*?[]{}<>|&;$'`aAzZ09".split(""),
  ["..", "../", "/..", "/../../", "//", "./", "..\\", "C:\\", "/etc/passwd", "~root", "%2e%2e%2f", "%00", "a//b"],
  ["\ufeff", "\ud800", "\udfff", "\udc00\ud800", "\u2028", "\u202e", "\u00e9", "\u{1d4b3}", "\u0130", "\uff0e"],
  ["__proto__", "constructor", "toString", "blobs", "index.json", "oci-layout", ".ocilayout"],
  ["sha256:", "sha512:", "blake3:", `sha256:${"a".repeat(64)}`, `sha512:${"0".repeat(128)}`, "@sha256:", ":latest"],
  ["-".repeat(300), "_".repeat(40), ".a".repeat(130), "a/".repeat(130), "a".repeat(129), "a".repeat(5000), "__-__"]
].flat()

/** Pieces of JSON: numbers that no double is, keys that objects have anyway, nesting, escapes. */
const jsonPieces: ReadonlyArray<string> = [
  ["1e400", "-1e400", "1e-400", "9007199254740993", "-9007199254740993", "-0", "-1", "1.5", "9".repeat(400), "01"],
  ["\"__proto__\":{\"a\":1},", "\"constructor\":null,", "\"digest\":\"x\",", "\"manifests\":[],", "\"\":0,"],
  ["\"\\ud800\"", "\"\\u0000\"", "\"\\u005f_proto__\":1,", "null", "true", "{}", "[]", "[[]]", "\"\"", "{", "}", "["],
  ["[".repeat(70), "{\"a\":".repeat(70), `${"[".repeat(63)}${"]".repeat(63)}`, "[".repeat(5000), "//", "NaN"]
].flat()

/** Bytes that are no UTF-8, or look like something else. */
const bytePieces: ReadonlyArray<Buffer> = [
  ...["ff", "c0af", "eda080", "f4908080", "80", "e2", "efbbbf", "feff", "00", "0000000000000000", "1f8b08", "f0288c28"]
    .map((hex) => Buffer.from(hex, "hex")),
  ...[...pieces, ...jsonPieces].map((piece) => Buffer.from(piece))
]

/** Anything that can be cut and joined. */
interface Kind<A> {
  readonly slice: (input: A, from: number, to: number) => A
  readonly join: (...parts: ReadonlyArray<A>) => A
  readonly length: (input: A) => number
  readonly pieces: ReadonlyArray<A>
  /** One unit of `input` changed in place. */
  readonly flip: (random: Random, input: A, at: number) => A
}

const mutation = <A>({ flip, join, length, pieces, slice }: Kind<A>) => (random: Random, input: A, other: A): A => {
  const size = length(input)
  const at = random.below(size + 1)
  const to = Math.min(size, at + 1 + random.below(random.once(3) ? size : 8))
  const [head, middle, tail] = [slice(input, 0, at), slice(input, at, to), slice(input, to, size)]
  switch (random.below(7)) {
    case 0:
      return head
    case 1:
      return join(head, tail)
    case 2:
      return join(head, middle, middle, tail)
    case 3:
      return join(head, random.pick(pieces), middle, tail)
    case 4:
      return join(head, random.pick(pieces), tail)
    case 5:
      return join(head, slice(other, random.below(length(other)), length(other)))
    default:
      return size === 0 ? random.pick(pieces) : flip(random, input, Math.min(at, size - 1))
  }
}

const ofText: Kind<string> = {
  slice: (input, from, to) => input.slice(from, to),
  join: (...parts) => parts.join(""),
  length: (input) => input.length,
  pieces: [...pieces, ...jsonPieces],
  flip: (random, input, at) =>
    input.slice(0, at) + String.fromCharCode(input.charCodeAt(at) ^ (1 << random.below(random.once(4) ? 16 : 7)))
    + input.slice(at + 1)
}

const ofBytes: Kind<Buffer> = {
  slice: (input, from, to) => input.subarray(from, to),
  join: (...parts) => Buffer.concat(parts),
  length: (input) => input.length,
  pieces: bytePieces,
  flip: (random, input, at) => {
    const copy = Buffer.from(input)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
    return copy
  }
}

/** Mostly one mutation, so that much of what is real is left; seldom none, often enough several. */
const times = (random: Random): number => random.pick([0, 1, 1, 1, 1, 2, 2, 3, 5])

const mutated = <A>(kind: Kind<A>) => {
  const mutate = mutation(kind)
  return (random: Random, seeds: ReadonlyArray<A>): A => {
    let input = random.pick(seeds)
    for (let left = times(random); left > 0; left--) input = mutate(random, input, random.pick(seeds))
    return input
  }
}

export const mutatedText = mutated(ofText)
export const mutatedBytes = mutated(ofBytes)
