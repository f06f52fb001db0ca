/** `npm run bucket-rules`: explores the model of the rules of the bucket. */
import { parseArgs } from "node:util"
import { explore } from "./explore.ts"
import { caughtIn } from "./planted.ts"
import { all, type Mistake, mistakes } from "./Rules.ts"
import { type World, worlds } from "./worlds.ts"

const usage = `npm run bucket-rules -- worlds [pattern]    explores the worlds whose name has a match
npm run bucket-rules -- planted [pattern]   makes one mistake at a time; one of its worlds has to notice

  --states N    at most so many states in each world, 300000 by default
  --seconds N   at most so long in each world, 60 by default
  --help        prints this`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    states: { type: "string", default: "300000" },
    seconds: { type: "string", default: "60" },
    help: { type: "boolean", default: false }
  }
})
const [mode = "worlds", pattern = ""] = positionals
const options = { states: Number(values.states), millis: Number(values.seconds) * 1000 }
const matching = <A>(named: Readonly<Record<string, A>>): ReadonlyArray<readonly [string, A]> =>
  Object.entries(named).filter(([name]) => new RegExp(pattern, "u").test(name))

const exploreWorlds = (): boolean =>
  matching(worlds).map(([name, world]) => {
    const { complete, counterexample, states } = explore(world, all, options)
    console.log(`${name}: ${counterexample?.fault ?? "ok"}, ${states} states${complete ? ", complete" : ""}`)
    for (const step of counterexample?.path ?? []) console.log(`   ${step}`)
    return counterexample === undefined
  }).every(Boolean)

const plant = (): boolean =>
  matching(mistakes).map(([name, rule]) => {
    for (const world of caughtIn[name as Mistake]) {
      const { counterexample, states } = explore(
        worlds[world] as World,
        new Set([name as Mistake]),
        options
      )
      if (counterexample === undefined) continue
      console.log(`caught: ${name} (${rule}): ${counterexample.fault}, in "${world}" after ${states} states`)
      return true
    }
    console.log(`MISSED: ${name} (${rule})`)
    return false
  }).every(Boolean)

const run = { worlds: exploreWorlds, planted: plant }[mode]
if (values.help || run === undefined) console.log(usage)
else process.exitCode = run() ? 0 : 1
