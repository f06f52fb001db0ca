/**
 * How hard every property tries, and from which seed: `PROPERTY_RUNS=1000 npm test` is a deep run, `PROPERTY_SEED=…`
 * repeats an earlier one.
 */
import { Arbitrary } from "effect"
import fc from "fast-check"

const runs = Number(process.env["PROPERTY_RUNS"] ?? 100)
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31)
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error("PROPERTY_RUNS must be a whole number above 0")
if (!Number.isSafeInteger(seed)) throw new Error("PROPERTY_SEED must be a whole number")

fc.configureGlobal({ numRuns: runs, seed, endOnFailure: false })
Arbitrary.configureGlobal({ check: { runs, seed } })
console.info(`properties: PROPERTY_RUNS=${runs} PROPERTY_SEED=${seed}`)
