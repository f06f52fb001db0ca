/** Holds a promise against many cheap inputs, and shrinks the first one that breaks it. */
import { figures } from "./figures.ts"
import { type Random, randomOf } from "./random.ts"
import { isWhole, runs, seed } from "./share.ts"

/** Something that can be made smaller by leaving a piece out. */
type Input = string | Uint8Array

export interface Fuzz<A extends Input> {
  /** What the inputs are, for the figures. */
  readonly name: string
  /** How many are drawn for each run that `PROPERTY_RUNS` asks for. */
  readonly perRun: number
  readonly draw: (random: Random) => A
  /** Throws when the promise is broken; what it answers is counted, and every kind of answer has to be met. */
  readonly hold: (input: A) => string
  readonly kinds: ReadonlyArray<string>
}

export const assertHolds = <A extends Input>({ draw, hold, kinds, name, perRun }: Fuzz<A>): void => {
  const inputs = perRun * runs
  const met = new Map(kinds.map((kind) => [kind, 0]))
  for (let at = 0; at < inputs; at++) {
    const input = draw(randomOf(seed + at))
    try {
      const kind = hold(input)
      met.set(kind, (met.get(kind) ?? 0) + 1)
    } catch (cause) {
      const least = shrunk(input, (smaller) => fails(hold, smaller))
      throw new Error(
        `${name}: PROPERTY_SEED=${seed}, input ${at}, shrunk to ${shown(least)}: ${messageOf(hold, least)}`,
        { cause }
      )
    }
  }
  figures(name, { inputs, ...Object.fromEntries(met) })
  const unmet = kinds.filter((kind) => met.get(kind) === 0)
  if (isWhole && unmet.length > 0) throw new Error(`${name}: no input was ever ${unmet.join(" or ")}`)
}

const fails = <A>(hold: (input: A) => unknown, input: A): boolean => messageOf(hold, input) !== undefined

const messageOf = <A>(hold: (input: A) => unknown, input: A): string | undefined => {
  try {
    hold(input)
    return undefined
  } catch (cause) {
    return cause instanceof Error ? `${cause.name}: ${cause.message.slice(0, 500)}` : String(cause)
  }
}

/** Leaves out pieces, large ones first, as long as what is left still fails. */
const shrunk = <A extends Input>(input: A, fails: (input: A) => boolean): A => {
  let least = input
  for (let piece = input.length >> 1; piece >= 1; piece >>= 1) {
    for (let from = 0; from < least.length;) {
      const smaller = without(least, from, from + piece)
      if (fails(smaller)) least = smaller
      else from += piece
    }
  }
  return least
}

const without = <A extends Input>(input: A, from: number, to: number): A =>
  (typeof input === "string"
    ? input.slice(0, from) + input.slice(to)
    : Buffer.concat([input.subarray(0, from), input.subarray(to)])) as A

const shown = (input: Input): string =>
  typeof input === "string"
    ? JSON.stringify(input)
    : `${JSON.stringify(Buffer.from(input).toString("latin1"))} (bytes as latin1)`
