/** A large index: what one commit to it costs, and what its first reader waits for. */
import { Effect } from "effect"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Group } from "../support/Bench.ts"
import { asMuch } from "../support/Case.ts"
import { script } from "../support/command.ts"
import { makeLarge, real } from "../support/largeLayout.ts"
import { digestsOf, opened, repository } from "../support/load.ts"
import { type Contestant, inTurns, millis, millisEach } from "../support/rounds.ts"

const commitsEach = 4

const committing = (registry: LayoutRegistry): Contestant => (round) =>
  Effect.map(
    millisEach(commitsEach, (number) =>
      registry.tagManifest(repository, digestsOf(real)[(round + number) % real] ?? "", ["moving"])),
    (commit) => ({ commit })
  )

const replacing = (directory: string): Contestant => () =>
  Effect.sync(() => readFileSync(join(directory, "index.json"))).pipe(
    Effect.flatMap((bytes) =>
      millisEach(commitsEach, () =>
        Effect.sync(() => {
          const temporary = join(directory, "..", "new.json")
          writeFileSync(temporary, bytes)
          renameSync(temporary, join(directory, "..", "index.json"))
        }))
    ),
    Effect.map((replace) => ({ replace }))
  )

const starting = (directory: string, what: "open" | "parse"): Contestant => () =>
  Effect.map(script("largeIndex", directory, what), ({ milliseconds = Number.NaN }) => ({ [what]: milliseconds }))

export const largeIndex: Group = {
  name: "index",
  about: "a commit to a large index, and opening it",
  run: Effect.fnUntraced(function*({ say, scale }) {
    const directory = yield* makeLarge(scale.entries)
    const registry = yield* opened(directory)
    // The first commit takes in what another tool has written.
    say(`  the first commit to a foreign index: ${(yield* millis(committing(registry)(0))).toFixed(0)} ms`)
    const figures = yield* inTurns(scale.rounds, [
      committing(registry),
      replacing(directory),
      starting(directory, "open"),
      starting(directory, "parse")
    ])
    return [
      {
        name: `one commit at ${scale.entries} entries, none; of writing and renaming the same bytes`,
        unit: "ms",
        ours: figures["commit"],
        limit: figures["replace"],
        target: asMuch(3, "limit")
      },
      {
        name: `open and first resolve at ${scale.entries} entries; of JSON.parse of the file`,
        unit: "ms",
        ours: figures["open"],
        limit: figures["parse"],
        target: asMuch(4, "limit")
      }
    ]
  })
}
