/** The whole journal of a layout, and what has to be true of it whatever has happened. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { canonical } from "../../src/layout/canonical.ts"
import { replay } from "../../src/layout/evolve.ts"
import { empty, type State } from "../../src/layout/State.ts"
import type { LayoutFiles } from "../../src/node/files/layoutFiles.ts"
import type { FsError } from "../../src/node/fs/LayoutFs.ts"
import { readSegment } from "../../src/node/journal/journalFile.ts"
import { genesis, type Line } from "../../src/node/journal/journalRecord.ts"
import { committed } from "../../src/node/journal/journalRecord.ts"
import { readLines } from "../../src/node/journal/journalSegments.ts"

const valuesOf = ({ entries }: Pick<State, "entries">): ReadonlyArray<string> =>
  entries.map(({ value }) => canonical(value)).toSorted()

/**
 * All lines, in one chain from the first commit on, nothing after it; each snapshot says what the commits before it
 * lead to.
 *
 * @param text what the file that is being written holds
 */
export const wholeJournal = Effect.fnUntraced(function*(
  files: LayoutFiles,
  text: string
): Effect.fn.Return<ReadonlyArray<Line>, FsError> {
  const lines = yield* readLines(files)
  const current = yield* readSegment(files, files.journal)
  assert.strictEqual(current.length, text.split("\n").length - 1, "the lines of the journal that are a chain")
  assert.include([undefined, genesis], lines[0]?.record.prev, "the beginning of the journal")
  const happened = new Set(committed(lines))
  let state = empty()
  for (const { record } of lines) {
    if (record._tag === "Snapshot") {
      assert.deepStrictEqual(record.entries.map(canonical).toSorted(), valuesOf(state), "what a snapshot says")
    }
    if (record._tag === "Group" && happened.has(record)) {
      state = replay(state, record.commits.flatMap(({ events }) => events))
    }
  }
  return lines
})
