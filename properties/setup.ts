/**
 * How hard every property tries, and from which seed: `PROPERTY_RUNS=1000 npm test` is a deep run, `PROPERTY_SEED=…`
 * repeats an earlier one. `PROPERTY_SHRINK` is for planted bugs: 0 stops at the first counterexample, and N ends every
 * property after so many seconds, with the smallest counterexample found until then; without one that is a failure too.
 */
import { Arbitrary } from "effect"
import fc from "fast-check"

const runs = Number(process.env["PROPERTY_RUNS"] ?? 100)
const seed = Number(process.env["PROPERTY_SEED"] ?? Date.now() % 2 ** 31)
const shrink = process.env["PROPERTY_SHRINK"]
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error("PROPERTY_RUNS must be a whole number above 0")
if (!Number.isSafeInteger(seed)) throw new Error("PROPERTY_SEED must be a whole number")

fc.configureGlobal({
  numRuns: runs,
  seed,
  endOnFailure: shrink === "0",
  ...(shrink === undefined || shrink === "0"
    ? {}
    : { interruptAfterTimeLimit: Number(shrink) * 1000, markInterruptAsFailure: true })
})
Arbitrary.configureGlobal({ check: { runs, seed } })
console.info(`properties: PROPERTY_RUNS=${runs} PROPERTY_SEED=${seed}`)
