/** The checker of histories agrees with trying every order there is. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { linearize, type Operation, type Sequential } from "./linearize.ts"
import { isWhole } from "./share.ts"

/** A place for one letter: a write answers nothing, a swap whether it found what it expected. */
type Call = { readonly write: string } | { readonly swap: string; readonly to: string } | "read"

const letter: Sequential<string, Call, string> = {
  initial: "a",
  step: (state, call, answer) => {
    const swapped = typeof call === "object" && "swap" in call && call.swap === state
    const [expected, after] = call === "read"
      ? [state, state]
      : "write" in call
      ? ["", call.write]
      : [String(swapped), swapped ? call.to : state]
    return answer === undefined || answer === expected ? after : undefined
  },
  print: (state) => state
}

type Step = Operation<Call, string>

const ordersOf = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> =>
  steps.length === 0
    ? [[]]
    : steps.flatMap((first) => ordersOf(steps.filter((step) => step !== first)).map((rest) => [first, ...rest]))

/** Nothing happens before something that had been answered when it was asked. */
const isPossible = (order: ReadonlyArray<Step>): boolean =>
  order.every(({ asked }, at) =>
    order.slice(at + 1).every(({ answered }) => answered === undefined || answered > asked)
  )

const explains = (order: ReadonlyArray<Step>): boolean => {
  let state: string | undefined = letter.initial
  for (const { answer, call } of order) state = state === undefined ? undefined : letter.step(state, call, answer)
  return state !== undefined
}

const subsetsOf = ([first, ...rest]: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> =>
  first === undefined ? [[]] : subsetsOf(rest).flatMap((subset) => [subset, [first, ...subset]])

/** What was never answered may have happened or not. */
const bruteForce = (history: ReadonlyArray<Step>): boolean => {
  const answered = history.filter(({ answer }) => answer !== undefined)
  const others = history.filter(({ answer }) => answer === undefined)
  return subsetsOf(others).some((some) =>
    ordersOf([...answered, ...some]).some((order) => isPossible(order) && explains(order))
  )
}

const letters = fc.constantFrom("a", "b", "c")
const call: fc.Arbitrary<{ readonly call: Call; readonly answer: fc.Arbitrary<string> }> = fc.oneof(
  letters.map((write) => ({ call: { write }, answer: fc.constant("") })),
  fc.tuple(letters, letters).map(([swap, to]) => ({ call: { swap, to }, answer: fc.constantFrom("true", "false") })),
  fc.constant({ call: "read" as const, answer: letters })
)

/** Times are drawn without repetition, so that no two things happen at once. */
const history: fc.Arbitrary<ReadonlyArray<Step>> = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), {
  minLength: 2,
  maxLength: 10
}).chain((times) =>
  fc.tuple(...Array.from({ length: Math.floor(times.length / 2) }, (_, at) =>
    call.chain(({ answer, call }) => {
      const [one = 0, two = 0] = times.slice(2 * at)
      const asked = BigInt(Math.min(one, two))
      const step = answer.map((answer): Step => ({ call, asked, answer, answered: BigInt(Math.max(one, two)) }))
      return fc.oneof({ weight: 4, arbitrary: step }, { weight: 1, arbitrary: fc.constant<Step>({ call, asked }) })
    })))
)

const at = (asked: number, answered: number) => ({ asked: BigInt(asked), answered: BigInt(answered) })

describe("linearize", () => {
  it("finds an order whenever there is one, and none otherwise", () => {
    const verdicts = new Set<string>()
    fc.assert(fc.property(history, (history) => {
      const { _tag } = linearize(letter, history)
      verdicts.add(_tag)
      assert.strictEqual(_tag, bruteForce(history) ? "Linearizable" : "Refuted")
    }))
    if (isWhole) {
      assert.sameMembers(Array.from(verdicts), ["Linearizable", "Refuted"])
    }
  })

  it("lets what was never answered happen late, or not at all", () => {
    const cut = { call: { write: "b" }, asked: 0n }
    const read = (answer: string, time: number) => ({ call: "read" as const, answer, ...at(time, time + 1) })
    assert.strictEqual(linearize(letter, [cut, read("a", 10)])._tag, "Linearizable")
    assert.strictEqual(linearize(letter, [cut, read("a", 10), read("b", 20)])._tag, "Linearizable")
    assert.deepStrictEqual(linearize(letter, [cut, read("b", 10), read("a", 20)]), {
      _tag: "Refuted",
      stuck: read("a", 20),
      state: "b"
    })
  })

  it("says so when it has tried for too long", () => {
    const writes = Array.from({ length: 10 }, (_, place) => ({
      call: { write: `${place}` },
      answer: "",
      ...at(place, 100 + place)
    }))
    const read = { call: "read" as const, answer: "never written", ...at(200, 201) }
    assert.strictEqual(linearize(letter, [...writes, read], 100)._tag, "Undecided")
  })
})
