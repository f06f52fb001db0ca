/** How much memory a blob takes on its way in and out: it should not matter how large it is. */
import { Effect } from "effect"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Group } from "../support/Bench.ts"
import { sparseFile } from "../support/bigFile.ts"
import { asMuch, below, type Case } from "../support/Case.ts"
import { script } from "../support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { type Contestant, inTurns } from "../support/rounds.ts"

/** `getBlob` in passing pieces, as all our surfaces read, and in pieces that are the reader's to keep. */
const ways = ["pushBlob", "chunked", "getBlob", "getBlobKept"] as const

/** What the kernel tells of a process that ran: only Linux does. */
const canTell = (): boolean => existsSync("/proc/self/clear_refs")

const measuring = (folder: string, mebibytes: number): Contestant => () =>
  Effect.gen(function*() {
    const [source, layout] = [join(folder, `${mebibytes}.bin`), join(folder, "layout")]
    const figures: Record<string, number> = {}
    for (const way of ways) {
      const { mebibytes: peak = Number.NaN } = yield* script("memory", layout, source, way)
      figures[`${way} ${mebibytes}`] = peak
      // What is got is what was pushed last.
      if (way === "pushBlob") rmSync(layout, { recursive: true })
    }
    rmSync(layout, { recursive: true })
    return figures
  })

export const memory: Group = {
  name: "memory",
  about: "the peak of memory over an idle process, for blobs of two sizes",
  run: Effect.fnUntraced(function*({ say, scale }) {
    if (!canTell()) {
      say("  memory: skipped, there is no /proc")
      return []
    }
    const folder = yield* temporaryFolder
    const { large, small } = scale.memoryMebibytes
    for (const size of [small, large]) yield* sparseFile(join(folder, `${size}.bin`), size)
    const figures = yield* inTurns(scale.rounds, [measuring(folder, small), measuring(folder, large)])
    return ways.flatMap((way): ReadonlyArray<Case> => [
      {
        name: `peak memory over idle, ${way} of ${large} MiB`,
        unit: "MiB",
        ours: figures[`${way} ${large}`],
        target: below(64)
      },
      {
        name: `peak memory over idle, ${way} of ${large} MiB; of that of ${small} MiB`,
        unit: "MiB",
        ours: figures[`${way} ${large}`],
        limit: figures[`${way} ${small}`],
        target: asMuch(1.25, "limit")
      }
    ])
  })
}
