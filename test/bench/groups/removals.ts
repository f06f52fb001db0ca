/** What a collection of many small blobs costs, beside a Node that does nothing but move as many files. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type { Group } from "../support/Bench.ts"
import { asMuch } from "../support/Case.ts"
import { run, scriptPath } from "../support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { makeLayout } from "../support/load.ts"
import { type Contestant, inTurns, millis } from "../support/rounds.ts"

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

const dayMillis = 24 * 60 * 60 * 1000

/** So many blobs that nothing needs, old enough to be collected, as another tool would leave them. */
const scatter = (folder: string, count: number): void => {
  mkdirSync(folder, { recursive: true })
  const old = new Date(Date.now() - 3 * dayMillis)
  for (let number = 0; number < count; number++) {
    const bytes = `garbage ${number}`
    const path = join(folder, createHash("sha256").update(bytes).digest("hex"))
    writeFileSync(path, bytes)
    utimesSync(path, old, old)
  }
}

const collecting = (layout: string, count: number): Contestant => () =>
  Effect.gen(function*() {
    const figures: Record<string, number> = {}
    for (const [name, ...options] of [["delete", "--now"], ["take"]] as const) {
      scatter(join(layout, "blobs", "sha256"), count)
      figures[name] = yield* millis(run(process.execPath, [main, "gc", layout, "--yes", "--quiet", ...options]))
    }
    rmSync(join(layout, ".ocilayout", "trash"), { recursive: true })
    return figures
  })

const moving = (folder: string, count: number): Contestant => () =>
  Effect.gen(function*() {
    const [from, to] = [join(folder, "from"), join(folder, "to")]
    scatter(from, count)
    const move = yield* millis(run(process.execPath, [scriptPath("moveFiles"), from, to]))
    rmSync(to, { recursive: true })
    return { move }
  })

export const removals: Group = {
  name: "removals",
  about: "a collection of many blobs, as a process of its own",
  run: Effect.fnUntraced(function*({ scale }) {
    const count = scale.removals
    const layout = yield* makeLayout(10)
    const figures = yield* inTurns(1, [collecting(layout, count), moving(yield* temporaryFolder, count)])
    const caseOf = (name: string, figure: string, times: number) => ({
      name: `${name} of ${count} blobs; of moving as many files`,
      unit: "ms" as const,
      ours: figures[figure],
      limit: figures["move"],
      target: asMuch(times, "limit")
    })
    return [caseOf("gc --yes", "take", 10), caseOf("gc --yes --now", "delete", 10)]
  })
}
