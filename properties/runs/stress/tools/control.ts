/** Two tools at once without us: what the judge counts as lost then shows that it notices. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { orasCopy, regctlCopy, skopeoCopy, type ToolCall } from "./calls.ts"
import { allBind, lostNames, namesIn } from "./judge.ts"
import { runTool } from "./lane.ts"
import { pool } from "./names.ts"
import type { Prepared } from "./place.ts"

const copies = { skopeo: skopeoCopy, oras: orasCopy, regctl: regctlCopy }

export interface ControlReport {
  readonly tools: ReadonlyArray<string>
  /** Copies that ended well. */
  readonly entries: number
  readonly lost: number
}

/** @param copiesEach how many images each tool copies, every one to a name of its own */
export const runControl = async (prepared: Prepared, folder: string, copiesEach: number): Promise<ControlReport> => {
  const able = Object.entries(copies).filter(([tool]) => prepared.tools.includes(tool)).slice(0, 2)
  const layout = join(folder, "layout")
  mkdirSync(folder, { recursive: true })
  const place = prepared.at(layout)
  const call = (copy: typeof skopeoCopy, tool: string, at: number): ToolCall =>
    copy(place, pool[at % pool.length] ?? "", `${tool}-${at}`)
  // One process makes the layout.
  for (const [tool, copy] of able.slice(0, 1)) await runTool(place, call(copy, `${tool}-first`, 0))
  const ran = await Promise.all(able.map(async ([tool, copy]) => {
    const own = []
    for (let at = 0; at < copiesEach; at++) own.push(await runTool(place, call(copy, tool, at)))
    return own
  }))
  const writes = ran.flat().flatMap(({ write }) => write?.acknowledged === true ? [write] : [])
  return {
    tools: able.map(([tool]) => tool),
    entries: writes.length,
    lost: lostNames(namesIn(layout), writes, allBind).length
  }
}
