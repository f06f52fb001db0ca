/**
 * How much of all that could be tried is tried. `npm test` tries a part; `PROPERTY_RUNS=100`, with which `.ci/run` repeats
 * the properties, is the whole: every call is made to fail once, and everything that a property claims to meet is met.
 */
import { codeSeed } from "./codeSeed.ts"

const whole = 100

/** How often a property runs. */
export const runs = Number(process.env["PROPERTY_RUNS"] ?? 10)
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error("PROPERTY_RUNS must be a whole number above 0")

const asked = process.env["PROPERTY_SEED"]

/** Where chance begins: as `PROPERTY_SEED` says, otherwise where the code says. */
export const seed = asked === undefined ? codeSeed() : asked === "new" ? Date.now() % 2 ** 31 : Number(asked)
if (!Number.isSafeInteger(seed)) throw new Error("PROPERTY_SEED must be a whole number, or `new`")

/** Whether there are so many runs that a property must have met everything that it claims to meet. */
export const isWhole = runs >= whole

/** How often a property of pure functions runs, which costs so little that it is always tried as in the whole. */
export const pureRuns = Math.max(whole, runs)

/** One in so many of the things to go through is tried: 1 where it is the whole. */
export const stride = Math.max(1, Math.round(whole / runs))

/** All of a list where it is the whole; otherwise one in every `stride`, and others with another beginning. */
export const someOf = <A>(all: ReadonlyArray<A>, beginning = seed): ReadonlyArray<A> =>
  all.filter((_, at) => at % stride === beginning % stride)
