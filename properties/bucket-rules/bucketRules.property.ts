/**
 * The rules of the bucket, on a model of them: in none of the small worlds is anything lost, and each mistake loses
 * something. `npm run bucket-rules` explores the large worlds to their end.
 */
import { assert, describe, it } from "@effect/vitest"
import { explore, type Explored } from "./explore.ts"
import { caughtIn } from "./planted.ts"
import { all, type Mistake } from "./Rules.ts"
import { type World, worlds } from "./worlds.ts"

/** Enough for most worlds without a collection; of the others it is a beginning. */
const few = { states: 1000 }
const many = { states: 6000 }

const told = ({ counterexample }: Explored): string =>
  counterexample === undefined ? "" : [counterexample.fault, counterexample.path.join("; ")].join("\n")

describe("the rules of the bucket", () => {
  for (const [name, world] of Object.entries(worlds)) {
    it(`lose nothing: ${name}`, () => {
      assert.strictEqual(told(explore(world, all, few)), "")
    })
  }
})

describe("a mistake", () => {
  const seenSoon: ReadonlyArray<Mistake> = [
    "the index is put without a condition",
    "a record is put without a condition",
    "a reader trusts the index",
    "answered before the index is published",
    "a lost answer is decided again",
    "refused is taken for not done",
    "foreign bytes are taken in twice",
    "garbage is removed without being condemned",
    "a blob is deleted without a condition",
    "a refreshed blob keeps its ETag",
    "a push relies on what is hidden",
    "an upload leaves hidden what it finds",
    "what was hidden comes back",
    "signed when sent"
  ]
  for (const mistake of seenSoon) {
    it(`loses something: ${mistake}`, () => {
      const [name = ""] = caughtIn[mistake]
      assert.notStrictEqual(told(explore(worlds[name] as World, new Set([mistake]), many)), "")
    })
  }
})
