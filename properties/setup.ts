/**
 * How hard every property tries, and from which seed: `PROPERTY_RUNS=100 npm test` is the whole, `PROPERTY_SEED=…`
 * repeats an earlier one, and `PROPERTY_SEED=new` draws a seed that was not tried before. Without it the code decides
 * the seed, so that a check that passed passes again. `PROPERTY_SHRINK` is for planted bugs: 0 stops at the first
 * counterexample, and N ends every property after so many seconds, with the smallest counterexample found until then;
 * without one that is a failure too.
 */
import { Arbitrary } from "effect"
import fc from "fast-check"
import { pureRuns, runs, seed } from "./support/share.ts"

const shrink = process.env["PROPERTY_SHRINK"]

fc.configureGlobal({
  numRuns: pureRuns,
  seed,
  endOnFailure: shrink === "0",
  ...(shrink === undefined || shrink === "0"
    ? {}
    : { interruptAfterTimeLimit: Number(shrink) * 1000, markInterruptAsFailure: true })
})
Arbitrary.configureGlobal({ check: { runs: pureRuns, seed } })
console.info(`properties: PROPERTY_RUNS=${runs} PROPERTY_SEED=${seed}`)
