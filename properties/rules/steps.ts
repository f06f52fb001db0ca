/** Everything that can happen next: a step of any process, time, a kill, a power cut. */
import { needed, reached } from "./contents.ts"
import { allCarriedOut, survivors } from "./durability.ts"
import { headOf } from "./journal.ts"
import { allowedOf, anything } from "./obligations.ts"
import { readerSteps } from "./readers.ts"
import type { Without } from "./Rules.ts"
import {
  ended,
  type FolderChange,
  nothing,
  recordedGroups,
  type State,
  type Step,
  step,
  type ToolState
} from "./State.ts"
import { toolSteps } from "./tools.ts"
import type { World } from "./World.ts"
import { killWriter, writerSteps } from "./writers.ts"

const timeSteps = (state: State, world: World): ReadonlyArray<Step> => {
  const tick = world.ticks?.[state.ticked]
  if (tick === undefined) return []
  const [label, clock, real] = typeof tick === "number"
    ? [`time +${tick}`, tick, tick]
    : [`the clock jumps by ${tick.jump}`, tick.jump, 0]
  return step(state, label, (draft) => {
    draft.clock += clock
    draft.realTime += real
    draft.ticked++
  })
}

const isBusy = (state: State, k: number): boolean => state.writers[k]?.phase !== "idle"

const killSteps = (state: State, world: World): ReadonlyArray<Step> =>
  state.killsLeft === 0 ?
    [] :
    state.writers.flatMap((_, k) =>
      !isBusy(state, k) ? [] : step(state, `program ${k} is killed`, (draft) => {
        draft.killsLeft--
        killWriter(draft, world, k)
      })
    )

type Fate = "whole" | "torn" | "lost"

/** What no record that survived had named is lost by the power cut, and not by us. */
const tear = (draft: State, world: World, fate: Fate): void => {
  const recorded = recordedGroups(draft)
  const owed = reached(world, needed({ ...draft, journal: recorded }, headOf(recorded)))
  const hit = draft.unsynced
  if (fate !== "whole") draft.excused = [...new Set([...draft.excused, ...hit.filter((each) => !owed.has(each))])]
  if (fate === "torn") draft.torn = [...new Set([...draft.torn, ...hit])]
  if (fate === "lost") {
    draft.blobs = draft.blobs.filter((each) => !hit.includes(each))
    draft.stamp = draft.clock
    const goes = (content: string) => hit.includes(content) && !draft.apart.includes(content)
    draft.held = Object.fromEntries(Object.entries(draft.held).filter(([content]) => !goes(content)))
  }
  draft.unsynced = []
}

const survives = (world: World, tool: ToolState, k: number): boolean =>
  tool.step === 0 || (world.tools?.[k]?.kind === "restore" && tool.step !== ended)

const cut = (draft: State, world: World, kept: ReadonlyArray<FolderChange>, records: number, fate: Fate): void => {
  const lost = draft.pending.some((change) => change.kind === "replace" && !kept.includes(change))
  draft.cutsLeft--
  for (const k of draft.writers.keys()) if (isBusy(draft, k)) killWriter(draft, world, k)
  const unsure = [
    ...lost ? Object.keys(draft.allowed) : [],
    ...(world.tools ?? []).flatMap((tool) => "name" in tool && tool.name !== undefined ? [tool.name] : [])
  ]
  for (const name of unsure) {
    draft.allowed = { ...draft.allowed, [name]: [...allowedOf(draft.allowed, name), anything] }
  }
  draft.durable = allCarriedOut(draft.durable, kept)
  draft.index = draft.durable.index
  draft.displaced = draft.durable.displaced
  draft.pending = []
  draft.journal = draft.journal.slice(0, records)
  draft.syncedRecords = records
  draft.held = Object.fromEntries(
    Object.entries(draft.held).filter(([content]) => !draft.unsyncedHolds.includes(content))
  )
  draft.unsyncedHolds = []
  tear(draft, world, fate)
  draft.tools = draft.tools.map((tool, k) => survives(world, tool, k) ? tool : { step: ended })
  draft.readers = draft.readers.map(({ tries }) => ({ phase: "done", tries }))
}

const cutSteps = (state: State, world: World): ReadonlyArray<Step> => {
  if (state.cutsLeft === 0 || !state.writers.some((_, k) => isBusy(state, k))) return []
  const fates: ReadonlyArray<Fate> = world.tears === true && state.unsynced.length > 0
    ? ["whole", "torn", "lost"]
    : ["whole"]
  const steps: Array<Step> = []
  for (const kept of survivors(state.pending, world.fileSystem)) {
    if (allCarriedOut(state.durable, kept).index === nothing) continue
    for (let records = state.syncedRecords; records <= state.journal.length; records++) {
      for (const fate of fates) {
        const what = `${kept.length} of ${state.pending.length} changes of folders`
        const label = `power cut: ${what}, ${records} of ${state.journal.length} records, unsynced content ${fate}`
        steps.push(...step(state, label, (draft) => cut(draft, world, kept, records, fate)))
      }
    }
  }
  return steps
}

/** Files that nothing names any more make no difference. */
const withoutGarbage = (state: State): State => {
  const live = new Set([
    state.index,
    state.durable.index,
    ...[...state.displaced, ...state.durable.displaced].map(({ file }) => file),
    ...state.pending.flatMap((change) =>
      change.in === "layout"
        ? [change.index]
        : change.kind === "add"
        ? [change.entry.file]
        : change.kind === "half"
        ? [change.file, ...change.by === undefined ? [] : [change.by.file]]
        : [change.file]
    ),
    ...state.tools.map(({ open }) => open ?? nothing),
    ...state.writers.map(({ waiting }) => waiting ?? nothing)
  ])
  const files = Object.fromEntries(Object.entries(state.files).filter(([id]) => live.has(Number(id))))
  return { ...state, files }
}

export const steps = (state: State, world: World, rules: Without): ReadonlyArray<Step> => {
  const processes = [
    ...state.writers.flatMap((_, k) => writerSteps(state, world, rules, k)),
    ...state.tools.flatMap((_, k) => toolSteps(state, world, k)),
    ...state.readers.flatMap((_, k) => readerSteps(state, rules, k))
  ]
  const time = processes.length > 0 ? timeSteps(state, world) : []
  return [...processes, ...time, ...killSteps(state, world), ...cutSteps(state, world)]
    .map((each) => ({ ...each, state: withoutGarbage(each.state) }))
}
