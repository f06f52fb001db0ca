/** `npm run stress -- --tools`: real tools beside processes of ours, all of them killed at random, round after round. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runControl } from "./control.ts"
import { type Prepared, preparePlace } from "./place.ts"
import { runToolRound, type ToolReport } from "./round.ts"

export interface ToolStressOptions {
  readonly seed: number
  readonly minutes: number
  /** Of one round. */
  readonly seconds: number
  /** Only two tools without us. */
  readonly control: boolean
}

/** How many images each of the two tools copies. */
const copiesEach = 80

const control = async (prepared: Prepared, folder: string): Promise<void> => {
  const { entries, lost, tools } = await runControl(prepared, folder, copiesEach)
  console.log(`${tools.join(" and ")} without us: ${entries} entries, each told to be there; lost ${lost}`)
  if (lost > 0) return
  console.error("nothing was lost: this run does not show that the judge would notice")
  process.exitCode = 1
}

const sumOf = (
  reports: ReadonlyArray<ToolReport>,
  field: "operations" | "acknowledged" | "kills" | "torn" | "lostByTools"
) => reports.reduce((sum, report) => sum + report[field], 0)

const rounds = async (prepared: Prepared, { minutes, seconds, seed }: ToolStressOptions, folder: string) => {
  const began = performance.now()
  const reports: Array<ToolReport> = []
  let isKept = false
  for (let round = 0; round === 0 || performance.now() - began < minutes * 60_000; round++) {
    const own = join(folder, `round-${round}`)
    // In turns and at once, with and without deaths of tools.
    const lanes = round % 2 === 0 ? 1 : 2 + round % 3
    const killOneOf = round % 4 === 0 ? 0 : 7
    const report = await runToolRound(prepared, {
      seed: seed + round,
      processes: 2 + round % 3,
      lanes,
      killOneOf,
      durability: round % 3 === 2 ? "process" : "power",
      seconds,
      folder: own
    })
    reports.push(report)
    const { acknowledged, kills, lost, ran, torn } = report
    console.log(
      `round ${round}: ${acknowledged} acknowledged, ${kills} kills of ours, ${ran.length} calls of tools, ${lanes} at once, ${torn} torn, lost ${lost.length}`
    )
    if (lost.length === 0) rmSync(own, { recursive: true })
    else {
      isKept = true
      console.error(`what there is of round ${round} is kept in ${own}`)
      for (const one of lost.slice(0, 20)) console.error(`  ${one}`)
      process.exitCode = 1
    }
  }
  const ran = reports.flatMap(({ ran }) => ran)
  const byTool = Array.from(Map.groupBy(ran, ({ tool }) => tool), ([tool, own]) => {
    const count = (outcome: string) => own.filter((one) => one.outcome === outcome).length
    return `${tool} ${own.length} (${count("done")} done, ${count("failed")} failed, ${count("killed")} killed)`
  })
  const refusals = new Map<string, number>()
  for (const [refusal, times] of reports.flatMap((report) => Array.from(report.refusals))) {
    refusals.set(refusal, (refusals.get(refusal) ?? 0) + times)
  }
  console.log(
    [
      `${reports.length} rounds in ${Math.round((performance.now() - began) / 1000)} s`,
      `${sumOf(reports, "operations")} operations of ours: ${sumOf(reports, "acknowledged")} acknowledged`,
      `refused: ${Array.from(refusals, ([refusal, times]) => `${times} ${refusal}`).join(", ") || "none"}`,
      `${sumOf(reports, "kills")} kills of ours`,
      `calls of tools: ${byTool.join(", ")}`,
      `${sumOf(reports, "torn")} times torn by a tool that was killed, and repaired`,
      `${sumOf(reports, "lostByTools")} names or contents that tools have taken from each other`,
      `lost ${reports.reduce((sum, { lost }) => sum + lost.length, 0)}`
    ].join("\n")
  )
  return isKept
}

export const stressTools = async (options: ToolStressOptions): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "ocilayout-tools-"))
  const prepared = await preparePlace(folder)
  let isKept = false
  try {
    if (prepared.tools.length === 0) return console.log("none of the tools is installed: nothing was done")
    if (options.control) await control(prepared, join(folder, "control"))
    else isKept = await rounds(prepared, options, folder)
  } finally {
    prepared.end()
    if (!isKept) rmSync(folder, { recursive: true, force: true })
  }
}
