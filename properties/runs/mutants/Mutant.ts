/** A bug that could be in `src`, and how it is planted there. */
import { fillHoles, type Place, placesOf, requireCode, type Source } from "./syntax.ts"

export interface Mutant {
  readonly name: string
  /** What is wrong with it, in one sentence. */
  readonly breaks: string
  /** What the code that has it is declared as, at the top of a file of `src`. */
  readonly in: string
  /** Code that occurs there once, as a pattern: see `syntax.ts`. */
  readonly find: string
  readonly replace: string
  readonly caughtBy: Check
  /** How often the property is tried, where that is not 100 times, and from which seed, where that is not 1. */
  readonly runs?: number
  readonly seed?: number
}

/** A property, or a plain test. */
export interface Check {
  readonly file: string
  /** The end of its full name. */
  readonly test: string
}

export const property = (file: string, test: string): Check => ({
  file: `properties/${file.startsWith("hostile") ? "hostile" : "promises"}/${file}.property.ts`,
  test
})

export const plainTest = (file: string, test: string): Check => ({ file: `test/${file}.test.ts`, test })

/** A regular expression for a text as it stands. */
export const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`)

/** The one place that a bug is planted in. */
const placeOf = (sources: ReadonlyArray<Source>, { find, in: declared, name }: Mutant): Place => {
  const { declarations, places } = placesOf(sources, declared, find)
  const [place, ...others] = places
  if (place !== undefined && others.length === 0) return place
  const found = declarations === 0 ? "is declared nowhere" : `has its code ${places.length} times, not once`
  throw new Error(`${name}: ${declared} ${found}`)
}

/** The file that a bug is planted in, as it is with it. */
export const plant = (sources: ReadonlyArray<Source>, mutant: Mutant): Source => {
  const { end, holes, source: { path, text }, start } = placeOf(sources, mutant)
  const planted = text.slice(0, start) + fillHoles(mutant.replace, holes) + text.slice(end)
  requireCode(planted)
  return { path, text: planted }
}
