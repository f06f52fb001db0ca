/** `npm run rules`: explores the model of the rules of the disk. */
import { parseArgs } from "node:util"
import { type Counterexample, explore, type Explored, type Options } from "./explore.ts"
import { pairs } from "./pairs.ts"
import { caughtIn } from "./planted.ts"
import { all, type Omission, omissions, rules, without } from "./Rules.ts"
import type { World } from "./World.ts"
import { worlds } from "./worlds.ts"

const usage = `npm run rules -- worlds [pattern]    explores the named worlds, shortest counterexample first
npm run rules -- planted [pattern]   leaves out one rule at a time; one of its worlds has to notice
npm run rules -- pairs [pattern]     two tools each beside several shapes of ours, deep first

  --states N    at most so many states in each world
  --seconds N   at most so long in each world
  --minutes N   pairs: how long all of them may take, 10 by default; those that are not reached are counted
  --from N      pairs: leaves out the first N, to go on with an earlier run of the same seed
  --seed N      pairs: in which order, and in which order of steps, 1 by default
  --help        prints this`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    states: { type: "string" },
    seconds: { type: "string" },
    minutes: { type: "string", default: "10" },
    from: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false }
  }
})

const [mode = "worlds", pattern = ""] = positionals

const optionsOf = (states: number, seconds: number): Options => ({
  states: Number(values.states ?? states),
  millis: Number(values.seconds ?? seconds) * 1000
})

const matching = <A>(named: Readonly<Record<string, A>>): ReadonlyArray<readonly [string, A]> =>
  Object.entries(named).filter(([name]) => new RegExp(pattern, "u").test(name))

const figuresOf = ({ complete, judged, rests, states }: Explored): string =>
  `${states} states, ${rests} rests, ${judged} judged${complete ? ", complete" : ""}`

const tell = ({ faults, path }: Counterexample): void => {
  for (const fault of faults) console.log(`   ${fault}`)
  console.log(`      ${path.join("; ")}`)
}

const sum = (all: ReadonlyArray<Explored>, of: (each: Explored) => number): number =>
  all.reduce((total, each) => total + of(each), 0)

const tellTotals = (results: ReadonlyArray<Explored>, among: number): void => {
  const complete = results.filter((each) => each.complete).length
  const found = results.filter(({ counterexample }) => counterexample !== undefined).length
  console.log(
    `${results.length} of ${among} worlds (${complete} complete), ${sum(results, ({ states }) => states)} states, ` +
      `${sum(results, ({ judged }) => judged)} judged, ${found} with a counterexample`
  )
}

/** Whether a world says what its name says: a limit loses, every other one does not. */
const exploreWorlds = (): boolean => {
  const chosen = matching(worlds)
  let right = true
  const results = chosen.map(([name, world]) => {
    const result = explore(world, all, optionsOf(300_000, 20))
    const { counterexample } = result
    const isLimit = name.startsWith("limit")
    if (isLimit !== (counterexample !== undefined)) right = false
    const verdict = counterexample === undefined ? "nothing lost" : isLimit ? "loses, as stated" : "COUNTEREXAMPLE"
    console.log(`${name}: ${verdict}, ${figuresOf(result)}`)
    if (counterexample !== undefined) tell(counterexample)
    return result
  })
  tellTotals(results, chosen.length)
  return right
}

const plant = (): boolean => {
  const chosen = matching(omissions)
  const missed = chosen.filter(([name, rule]) => {
    for (const world of caughtIn[name as Omission]) {
      const { counterexample } = explore(worlds[world] as World, without(name as Omission), optionsOf(120_000, 15))
      if (counterexample === undefined) continue
      console.log(`caught: rule ${rule}, ${name} (${world})`)
      console.log(`   ${rules[rule]}`)
      tell(counterexample)
      return false
    }
    console.log(`MISSED: rule ${rule}, ${name}`)
    return true
  })
  console.log(`${chosen.length - missed.length} of ${chosen.length} caught`)
  return missed.length === 0
}

const explorePairs = (): boolean => {
  const seed = Number(values.seed)
  const chosen = pairs(seed).filter(({ name }) => new RegExp(pattern, "u").test(name)).slice(Number(values.from))
  const until = performance.now() + Number(values.minutes) * 60_000
  const results: Array<Explored> = []
  for (const { name, world } of chosen) {
    if (performance.now() > until) break
    const result = explore(world, all, { ...optionsOf(40_000, 2), deep: { seed } })
    results.push(result)
    if (result.counterexample === undefined) continue
    console.log(`${name}: COUNTEREXAMPLE, ${figuresOf(result)}`)
    tell(result.counterexample)
  }
  tellTotals(results, chosen.length)
  return results.every(({ counterexample }) => counterexample === undefined)
}

const modes: Readonly<Record<string, () => boolean>> = { worlds: exploreWorlds, planted: plant, pairs: explorePairs }
const run = modes[mode]
if (values.help || run === undefined) console.log(usage)
if (!values.help) process.exitCode = run?.() === true ? 0 : 1
