/**
 * Everything that is measured beside what it is measured against: `npm run bench [-- GROUP... --json --quick --patient]`.
 *
 * Figures of one run are comparable, those of two runs are not. What is printed besides the cases goes to standard
 * error. `RESULTS.md` has a whole run, and says how to read it.
 */
import { Effect } from "effect"
import process from "node:process"
import { parseArgs } from "node:util"
import { blobs } from "./groups/blobs.ts"
import { commands } from "./groups/commands.ts"
import { largeIndex } from "./groups/largeIndex.ts"
import { mcp } from "./groups/mcp.ts"
import { memory } from "./groups/memory.ts"
import { processes } from "./groups/processes.ts"
import { pushes } from "./groups/pushes.ts"
import { reads } from "./groups/reads.ts"
import { referrers } from "./groups/referrers.ts"
import { removals } from "./groups/removals.ts"
import { requests } from "./groups/requests.ts"
import { starts } from "./groups/starts.ts"
import { full, type Group, quick } from "./support/Bench.ts"
import { judge, type Judged } from "./support/Case.ts"
import { makeBench } from "./support/makeBench.ts"
import { table } from "./support/print.ts"

const groups: ReadonlyArray<Group> = [
  reads,
  referrers,
  pushes,
  largeIndex,
  commands,
  blobs,
  memory,
  processes,
  starts,
  mcp,
  removals,
  requests
]

const say = (line: string): void => console.error(line)

const chosen = (names: ReadonlyArray<string>): ReadonlyArray<Group> => {
  const strangers = names.filter((name) => !groups.some((group) => group.name === name))
  if (strangers.length === 0) return names.length === 0 ? groups : groups.filter(({ name }) => names.includes(name))
  say(`no group ${strangers.join(", ")}; there are:`)
  for (const { about, name } of groups) say(`  ${name.padEnd(10)} ${about}`)
  process.exit(2)
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    patient: { type: "boolean", default: false }
  }
})
const wanted = chosen(positionals)

const measureAll = Effect.scoped(Effect.gen(function*() {
  const bench = yield* makeBench({ scale: values.quick ? quick : full, patient: values.patient, say })
  const all: Array<Judged> = []
  for (const { about, name, run } of wanted) {
    say(`${name}: ${about}`)
    const began = performance.now()
    const cases = (yield* Effect.scoped(run(bench))).map(judge)
    say(`  measured in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    if (!values.json) console.log(`${table(cases)}\n`)
    all.push(...cases)
  }
  if (values.json) console.log(JSON.stringify(all, undefined, 2))
  else {say(
      "ratio: with ≥, how many times as fast; with ≤, how many times as long or as much; else as fast as the limit"
    )}
  if (values.quick) say("these are small sizes, the targets are about the full ones")
}))

/** Broken off, it still ends its processes and removes its folders. */
const broken = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => broken.abort())
const exit = await Effect.runPromiseExit(measureAll, { signal: broken.signal })
if (broken.signal.aborted) process.exitCode = 130
else if (exit._tag === "Failure") {
  say(String(exit.cause))
  process.exitCode = 1
}
