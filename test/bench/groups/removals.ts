/** What a collection of many small blobs costs, beside a Node that does nothing but move as many files. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type { Group } from "../support/Bench.ts"
import { asMuch } from "../support/Case.ts"
import { run, scriptPath } from "../support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { makeLayout } from "../support/load.ts"
import { type Contestant, inTurns, millis } from "../support/rounds.ts"

const program = fileURLToPath(new URL("../../../dist/bin/ocilayout.js", import.meta.url))

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
      figures[name] = yield* millis(run(process.execPath, [program, "gc", layout, "--yes", "--quiet", ...options]))
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
  run: Effect.fnUntraced(function*({ say, scale }) {
    if (!existsSync(program)) {
      say("  removals: skipped, `npm run build` comes first")
      return []
    }
    const many = scale.removals
    const few = many / 10
    const layout = yield* makeLayout(10)
    const tenth = yield* inTurns(1, [collecting(layout, few)])
    const figures = yield* inTurns(1, [collecting(layout, many), moving(yield* temporaryFolder, many)])
    return ([["gc --yes", "take"], ["gc --yes --now", "delete"]] as const).flatMap(([name, figure]) => [
      {
        name: `${name} of ${many} blobs; of moving as many files`,
        unit: "ms" as const,
        ours: figures[figure],
        limit: figures["move"]
      },
      {
        name: `${name} of ${many} blobs; of ten times that of ${few}`,
        unit: "ms" as const,
        ours: figures[figure],
        limit: 10 * (tenth[figure] ?? Number.NaN),
        target: asMuch(1.2, "limit")
      }
    ])
  })
}
