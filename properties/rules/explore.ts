/** Every order in which the steps of a world can happen, until something that has to hold does not. */
import { hash53 } from "../support/hash53.ts"
import { judge } from "./judge.ts"
import { all, type Without } from "./Rules.ts"
import { ended, idleWriter, initialState, nothing, type State, type Writer } from "./State.ts"
import { steps } from "./steps.ts"
import { day, hour, minute, type World } from "./World.ts"
import { writerSteps } from "./writers.ts"

/** The world before its first step: after what one of our programs did, and as much later as it says. */
const begin = (world: World, rules: Without): State => {
  const state = initialState(world)
  if (world.history === undefined) return state
  const { age, commands } = world.history
  const alone: World = { ...world, programs: [{ commands }], tools: [], readers: 0, ticks: [] }
  let current: State = { ...state, writers: [idleWriter], tools: [], readers: [] }
  for (;;) {
    const [next] = writerSteps(current, alone, rules, 0)
    if (next === undefined) break
    current = next.state
  }
  const { readers, tools, writers } = state
  return { ...current, clock: age, realTime: age, readers, tools, writers }
}

const writerKey = ({ record, ...rest }: Writer): unknown => [rest, record?.hash]

/** Numbers of writes are renamed by order, so that states that differ in nothing else are one. */
const keyOf = (state: State): number => {
  const { aside, journal, writers, writes: _, ...rest } = state
  const text = JSON.stringify([
    rest,
    journal.map(({ hash }) => hash),
    aside.map((each) => [each.journal.map(({ hash }) => hash), each.time]),
    writers.map(writerKey)
  ])
  const order = new Map<string, number>()
  return hash53(text.replace(/#(\d+)/gu, (_, digits: string) => {
    const known = order.get(digits) ?? order.size
    order.set(digits, known)
    return `#${known}`
  }))
}

/** Nothing is half done. */
const isAtRest = (state: State, world: World): boolean =>
  state.lock === -1 &&
  state.writers.every(({ at }, k) => world.programs[k]?.commands[at] === undefined) &&
  state.tools.every(({ step }, k) =>
    step === 0 || step === ended || (world.tools?.[k]?.kind === "wipe" && step === 2 && state.index !== nothing)
  ) &&
  state.readers.every(({ phase }) => phase === "done" || phase === "index")

export interface Options {
  /** No more states than these, and no longer than that. */
  readonly states?: number
  readonly millis?: number
  /** The newest state first, in an order that the seed decides: finds more in a large world that is cut short. */
  readonly deep?: { readonly seed: number }
}

export interface Counterexample {
  readonly faults: ReadonlyArray<string>
  readonly path: ReadonlyArray<string>
}

export interface Explored {
  readonly states: number
  readonly rests: number
  readonly judged: number
  /** Every state was reached. */
  readonly complete: boolean
  /** A shortest one, unless the search was deep. */
  readonly counterexample: Counterexample | undefined
}

const shuffle = <A>(all: ReadonlyArray<A>, next: () => number): ReadonlyArray<A> => {
  const result = [...all]
  for (let i = result.length - 1; i > 0; i--) {
    const k = next() % (i + 1)
    const [one, other] = [result[i], result[k]]
    if (one !== undefined && other !== undefined) [result[i], result[k]] = [other, one]
  }
  return result
}

const randomFrom = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state >>> 8
  }
}

/** How a state was reached: from which one, and by what. */
interface Origin {
  readonly from: number
  readonly label: string
}

const pathTo = (key: number, origins: ReadonlyMap<number, Origin | undefined>): ReadonlyArray<string> => {
  const path: Array<string> = []
  for (let origin = origins.get(key); origin !== undefined; origin = origins.get(origin.from)) {
    path.unshift(origin.label)
  }
  return path
}

export const explore = (world: World, rules: Without = all, options: Options = {}): Explored => {
  const { deep, millis = 60_000, states: limit = 300_000 } = options
  const delays = world.delays ?? [minute, hour, day]
  const random = randomFrom(deep?.seed ?? 1)
  const first = begin(world, rules)
  const origins = new Map<number, Origin | undefined>([[keyOf(first), undefined]])
  const queue: Array<readonly [key: number, state: State]> = [[keyOf(first), first]]
  const began = performance.now()
  let head = 0
  let rests = 0
  let judged = 0
  const result = (complete: boolean, counterexample?: Counterexample): Explored => ({
    states: origins.size,
    rests,
    judged,
    complete,
    counterexample
  })
  for (;;) {
    const item = deep === undefined ? queue[head++] : queue.pop()
    if (item === undefined) return result(true)
    /** What is behind is forgotten from time to time. */
    if (head > 10_000) {
      queue.splice(0, head)
      head = 0
    }
    const [key, state] = item
    if (isAtRest(state, world)) {
      rests++
      for (const delay of delays) {
        for (const collects of [false, true]) {
          judged++
          const reacts = world.reactive !== false && delay === delays[0]
          const faults = judge(state, world, rules, { collects, delay, reacts })
          if (faults.length === 0) continue
          const end = `then our look${collects ? " and our collection" : ""}, ${delay} later`
          return result(false, { faults, path: [...pathTo(key, origins), end] })
        }
      }
    }
    if (origins.size > limit || performance.now() - began > millis) return result(false)
    const next = steps(state, world, rules)
    for (const { label, state: reached } of deep === undefined ? next : shuffle(next, random)) {
      const reachedKey = keyOf(reached)
      if (origins.has(reachedKey)) continue
      origins.set(reachedKey, { from: key, label })
      queue.push([reachedKey, reached])
    }
  }
}
