/** Every order of the requests of a small world, depth first, each state once. */
import { hash53 } from "../support/hash53.ts"
import { faultAtRest, faultOf } from "./judge.ts"
import { read, receive, requestOf } from "./machine.ts"
import { all, type Without } from "./Rules.ts"
import { copyOf, type Machine, type Request, type State } from "./State.ts"
import { pass, perform, waits } from "./store.ts"
import { start, type World } from "./worlds.ts"

export interface Explored {
  readonly states: number
  /** Every state was reached. */
  readonly complete: boolean
  readonly counterexample?: { readonly fault: string; readonly path: ReadonlyArray<string> }
}

export interface Options {
  /** No more states than these, and no longer than that. */
  readonly states?: number
  readonly millis?: number
}

interface Node {
  readonly state: State
  readonly from: Node | undefined
  readonly label: string
}

/** What a request did can stay unanswered; what another tool and a removal of records do cannot be lost. */
const canLose = ({ kind }: Request): boolean => kind !== "foreign" && kind !== "removeRecord"

const steps = (state: State, rules: Without): ReadonlyArray<readonly [label: string, next: State]> => {
  const found: Array<readonly [string, State]> = []
  const add = (label: string, change: (next: State, machine: Machine) => void, i: number): void => {
    const next = copyOf(state)
    const machine = next.machines[i]
    if (machine === undefined) return
    change(next, machine)
    found.push([`${i} ${label}`, next])
  }
  for (const [i, machine] of state.machines.entries()) {
    if (machine.at === "end") continue
    if (state.crashes > 0) {
      add("crashes", (next, each) => {
        next.crashes--
        for (const key of Object.keys(each)) Reflect.deleteProperty(each, key)
        Object.assign(each, { ops: [], at: "end", number: 0, headAge: 0 })
      }, i)
    }
    if (waits(machine)) continue
    const request = requestOf(state, machine)
    if (request === undefined) {
      add(machine.at, (next, each) => read(next, each, rules), i)
      continue
    }
    add(request.kind, (next, each) => receive(next, each, perform(next, request, rules), rules), i)
    if (state.losses === 0 || !canLose(request)) continue
    add(`${request.kind}, its answer lost`, (next, each) => {
      next.losses--
      perform(next, request, rules)
      receive(next, each, "lost", rules)
    }, i)
    add(`${request.kind}, delayed`, (next, each) => {
      next.losses--
      next.late = [...next.late, request]
      receive(next, each, "lost", rules)
    }, i)
  }
  for (const request of state.late) {
    const next = copyOf({ ...state, late: state.late.filter((each) => each !== request) })
    perform(next, request, rules)
    found.push([`late ${request.kind} of ${request.by}`, next])
  }
  // Time that no machine waits for only makes requests be refused.
  if (state.machines.some(waits)) {
    const next = copyOf(state)
    pass(next)
    found.push(["a period passes", next])
  }
  return found
}

const pathTo = (node: Node | undefined, end: string): ReadonlyArray<string> => {
  const path = [end]
  for (let each = node; each?.from !== undefined; each = each.from) path.unshift(each.label)
  return path
}

export const explore = (world: World, rules: Without = all, options: Options = {}): Explored => {
  const { millis = 60_000, states = 300_000 } = options
  const first = start(world)
  // A set holds at most 16 million.
  const seen = [new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()] as const
  const isNew = (state: State): boolean => {
    const key = hash53(JSON.stringify(state))
    const part = seen[(key % 4) as 0 | 1 | 2 | 3]
    if (part.has(key)) return false
    part.add(key)
    return true
  }
  const count = (): number => seen.reduce((sum, { size }) => sum + size, 0)
  isNew(first)
  const stack: Array<Node> = [{ state: first, from: undefined, label: "" }]
  const began = performance.now()
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const next = steps(node.state, rules)
    const fault = next.length === 0 ? faultAtRest(node.state, rules) : undefined
    if (fault !== undefined) {
      return { states: count(), complete: false, counterexample: { fault, path: pathTo(node, "at rest") } }
    }
    for (const [label, state] of next) {
      if (!isNew(state)) continue
      const fault = faultOf(state, rules)
      if (fault !== undefined) {
        return { states: count(), complete: false, counterexample: { fault, path: pathTo(node, label) } }
      }
      stack.push({ state, from: node, label })
    }
    if (count() > states || performance.now() - began > millis) return { states: count(), complete: false }
  }
  return { states: count(), complete: true }
}
