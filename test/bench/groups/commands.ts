/** What a command costs on a large index when it is a process of its own, as in a script: nothing is open before. */
import { Effect } from "effect"
import { copyFileSync, existsSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type { Group } from "../support/Bench.ts"
import { asMuch, type Case } from "../support/Case.ts"
import { run, scriptPath } from "../support/command.ts"
import { makeLarge } from "../support/largeLayout.ts"
import { repository } from "../support/load.ts"
import { type Contestant, inTurns, millis } from "../support/rounds.ts"

const program = fileURLToPath(new URL("../../../dist/bin/ocilayout.js", import.meta.url))

/** For as long, a file is young: its times may not tell that it was changed. */
const young = "2500 millis"

const node = (...args: ReadonlyArray<string>) => run(process.execPath, args)

const commanding = (directory: string, untouched: string): Contestant => () =>
  Effect.gen(function*() {
    rmSync(join(directory, ".ocilayout"), { recursive: true, force: true })
    copyFileSync(untouched, join(directory, "index.json"))
    yield* Effect.sleep(young)
    const name = `${directory}/${repository}`
    const set = (tag: string) => millis(node(program, "tag", "set", `${name}:v1`, tag))
    const first = yield* set("first")
    // The last line of the journal is still that of all that was there.
    yield* set("second")
    const times = []
    for (const tag of ["a", "b", "c", "d", "e"]) times.push(yield* set(tag))
    return {
      first,
      later: times.reduce((sum, time) => sum + time, 0) / times.length,
      delete: yield* millis(node(program, "tag", "delete", `${name}:a`)),
      resolve: yield* millis(node(program, "resolve", `${name}:v1`)),
      history: yield* millis(node(program, "history", directory, "--limit", "3"))
    }
  })

const replacing = (untouched: string): Contestant => () => {
  const path = join(dirname(untouched), "replaced.json")
  copyFileSync(untouched, path)
  return Effect.map(millis(node(scriptPath("replaceIndex"), path)), (replace) => ({ replace }))
}

export const commands: Group = {
  name: "commands",
  about: "commands on a large index, each a process of its own",
  run: Effect.fnUntraced(function*({ say, scale }) {
    if (!existsSync(program)) {
      say("  commands: skipped, `npm run build` comes first")
      return []
    }
    const cases: Array<Case> = []
    for (const [entries, rounds] of [[scale.entries, scale.rounds], [scale.mostEntries, 1]] as const) {
      const directory = yield* makeLarge(entries, { real: 300, named: 98 })
      const untouched = join(directory, "..", "untouched.json")
      copyFileSync(join(directory, "index.json"), untouched)
      const figures = yield* inTurns(rounds, [commanding(directory, untouched), replacing(untouched)])
      const caseOf = (name: string, figure: string, times?: number): Case => ({
        name: `${name} at ${entries} entries; of parsing, writing and renaming the file`,
        unit: "ms",
        ours: figures[figure],
        limit: figures["replace"],
        ...(times === undefined ? {} : { target: asMuch(times, "limit") })
      })
      cases.push(
        caseOf("the first tag set", "first", 8),
        caseOf("every later tag set", "later", 4),
        caseOf("tag delete", "delete"),
        caseOf("resolve", "resolve", 4),
        caseOf("history --limit 3", "history")
      )
    }
    return cases
  })
}
