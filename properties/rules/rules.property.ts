/**
 * The rules of the disk, on a model of them: in none of the small worlds is anything lost, and each rule that is left out
 * loses something. `npm run rules` explores the large worlds too, and every pair of tools.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Explored } from "./explore.ts"
import { caughtIn } from "./planted.ts"
import { all, type Omission, without } from "./Rules.ts"
import { worlds } from "./worlds.ts"

/** Enough for most worlds to be explored to their end; of the others it is a beginning. */
const few = { states: 1500 }
const many = { states: 20_000 }

const told = ({ counterexample }: Explored): string =>
  counterexample === undefined ? "" : [...counterexample.faults, counterexample.path.join("; ")].join("\n")

describe("the rules of the disk", () => {
  const [limits, others] = [true, false].map((isLimit) =>
    Object.entries(worlds).filter(([name]) => name.startsWith("limit") === isLimit)
  )
  for (const [name, world] of others ?? []) {
    it(`lose nothing: ${name}`, () => {
      assert.strictEqual(told(explore(world, all, few)), "")
    })
  }
  for (const [name, world] of limits ?? []) {
    it(`lose what they say they lose: ${name}`, () => {
      assert.notStrictEqual(told(explore(world, all, many)), "")
    })
  }
})

describe("a rule that is left out", () => {
  const omissions: ReadonlyArray<Omission> = [
    "the bytes of the index decide on the last line",
    "no abort record is written",
    "a reader reads the journal once",
    "the index decides on a failed exchange",
    "a foreign index is merged with its base alone",
    "the age counts up to our look",
    "the identity of oci-layout is not looked at",
    "what was found and replaced is not held",
    "only manifests are completed",
    "content is put back by moving the second name",
    "a collection deletes at once",
    "content of others is not synced"
  ]
  for (const omission of omissions) {
    it(`loses something: ${omission}`, () => {
      const worldNames = caughtIn[omission]
      const found = worldNames.some((name) => {
        const world = worlds[name]
        assert.isDefined(world, name)
        return told(explore(world, without(omission), many)) !== ""
      })
      assert.isTrue(found)
    })
  }
})
