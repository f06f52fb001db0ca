/** Whether what several processes saw can be explained by one order of their operations (Wing and Gong, with Lowe's memo). */

/** What a process asked for, when, and what was answered when; without an answer it may have happened, or not. */
export interface Operation<Call, Answer> {
  readonly call: Call
  readonly asked: bigint
  readonly answer?: Answer
  readonly answered?: bigint
}

/** What happens one after the other. */
export interface Sequential<State, Call, Answer> {
  readonly initial: State
  /** What a call leads to; nothing where this answer is impossible. Without an answer, whatever it would have done. */
  readonly step: (state: State, call: Call, answer: Answer | undefined) => State | undefined
  /** The same for equal states, and for them only. */
  readonly print: (state: State) => string
}

export type Verdict<Call, Answer> =
  | { readonly _tag: "Linearizable" }
  /** `stuck`: the first answer that nothing explains, in the order that explains the most. */
  | { readonly _tag: "Refuted"; readonly stuck: Operation<Call, Answer>; readonly state: string }
  /** More was to be tried than anybody waits for. */
  | { readonly _tag: "Undecided" }

interface Place<State> {
  readonly state: State
  /** Which operations have happened, by their place in the history. */
  readonly happened: bigint
  readonly count: number
}

const never = 2n ** 63n

/** A history of a few hundred operations that meet in one thing. Whatever ended before another began comes before it. */
export const linearize = <State, Call, Answer>(
  { initial, print, step }: Sequential<State, Call, Answer>,
  history: ReadonlyArray<Operation<Call, Answer>>,
  patience = 300_000
): Verdict<Call, Answer> => {
  const operations = history.toSorted((a, b) => (a.asked < b.asked ? -1 : 1))
  const seen = new Set<string>()
  const open: Array<Place<State>> = [{ state: initial, happened: 0n, count: 0 }]
  let furthest = open[0]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { count, happened, state } = place
    const key = `${happened} ${print(state)}`
    if (seen.has(key)) continue
    seen.add(key)
    if (seen.size > patience) return { _tag: "Undecided" }
    const rest = operations.flatMap((operation, at) => happened >> BigInt(at) & 1n ? [] : [{ operation, at }])
    const end = rest.reduce((least, { operation: { answered = never } }) => answered < least ? answered : least, never)
    // What was never answered need not have happened.
    if (end === never) return { _tag: "Linearizable" }
    if (furthest === undefined || count > furthest.count) furthest = place
    // The last one pushed is tried first: the one that was answered first.
    const next = rest.filter(({ operation }) => operation.asked < end)
      .toSorted(({ operation: { answered: a = never } }, { operation: { answered: b = never } }) => (a > b ? -1 : 1))
    for (const { at, operation: { answer, call } } of next) {
      const after = step(state, call, answer)
      if (after !== undefined) open.push({ state: after, happened: happened | 1n << BigInt(at), count: count + 1 })
    }
  }
  const { happened, state } = furthest ?? { happened: 0n, state: initial }
  const [stuck] = operations
    .filter(({ answered }, at) => answered !== undefined && (happened >> BigInt(at) & 1n) === 0n)
    .toSorted(({ answered: a = never }, { answered: b = never }) => (a < b ? -1 : 1))
  // Where everything answered has happened, the search has ended above.
  if (stuck === undefined) throw new Error("refuted without anything left")
  return { _tag: "Refuted", stuck, state: print(state) }
}
