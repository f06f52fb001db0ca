/** One round: processes at work on one layout, some of them killed, and afterwards the truth. */
import { Effect, type Scope, Stream } from "effect"
import type { ChildProcess } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Durability } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Call } from "./Call.ts"
import { checkAnswers, checkOrders, checkRevisions, checkWinners, type History, lostOf } from "./check.ts"
import { collect } from "./collect.ts"
import { blobDigest, blobOf, layerOf, manifestDigest } from "./contents.ts"
import { lookInto } from "./folder.ts"
import { open } from "./open.ts"
import { anchor, drawPlans, garbage, type Plan, repositories, type Scale } from "./Plan.ts"
import { start as startScript } from "./processes.ts"
import type { Readings } from "./reader.ts"
import { makeRecorder, readOperations, recordsIn } from "./record.ts"

export interface RoundOptions extends Scale {
  /** Of the layout. */
  readonly directory: string
  /** Where plans and records are kept. */
  readonly notes: string
  readonly durability: Durability
  /** Whether a tool without a lock writes as well. */
  readonly foreign?: boolean
}

export interface Report {
  readonly operations: number
  readonly acknowledged: number
  readonly unanswered: number
  readonly kills: number
  readonly reads: number
  /** Entries that the tool without a lock added. */
  readonly foreign: number
  readonly histories: number
  readonly lost: number
  readonly violations: ReadonlyArray<string>
}

/** Runs a script of this folder. */
export const start = (
  notes: string,
  name: "worker.ts" | "reader.ts" | "foreign.ts",
  args: ReadonlyArray<string>,
  told: "inherit" | "ignore" = "inherit"
): ChildProcess => startScript(notes, new URL(name, import.meta.url), args, told)

const exited = (child: ChildProcess): Promise<string | undefined> =>
  new Promise((resolve) =>
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : signal ?? `exit ${code}`))
  )

/** Carries a plan out to its end, through all its deaths; answers how many there were. */
export const live = async (options: RoundOptions, { deaths, steps }: Plan, process: number): Promise<number> => {
  const { directory, durability, notes } = options
  const plan = join(notes, `${process}.plan.json`)
  writeFileSync(plan, JSON.stringify(steps))
  const waiting = Array.from(deaths)
  for (let died = 0;; died++) {
    const worker = start(notes, "worker.ts", [directory, durability, plan, join(notes, `${process}.ndjson`)])
    worker.on("message", (step: number) => {
      const [next] = waiting
      if (next === undefined || next.step > step) return
      waiting.shift()
      setTimeout(() => worker.kill("SIGKILL"), next.afterMillis)
    })
    const end = await exited(worker)
    if (end === undefined) return died
    if (end !== "SIGKILL") throw new Error(`process ${process} ended with ${end}`)
  }
}

/** Reads until `work` is done. A file that is truncated and written is torn for a while, which is not our doing. */
const watched = async <A>(
  { directory, foreign, notes }: RoundOptions,
  work: Promise<A>
): Promise<readonly [A, Readings]> => {
  const reader = start(notes, "reader.ts", [directory, foreign === true ? "snapshots" : "all"])
  const told: Array<Readings> = []
  reader.on("message", (readings: Readings) => told.push(readings))
  // It has nothing left to write once it has ended.
  const ended = exited(reader)
  const [result, end] = await Promise.all([work.finally(() => reader.connected && reader.send("enough")), ended])
  const [readings] = told
  if (readings === undefined) throw new Error(`the reader ended with ${end}`)
  return [result, readings]
}

/** Lets the tool without a lock write until `work` is done; answers what it added. */
const disturbed = async (
  { directory, foreign, notes }: RoundOptions,
  work: Promise<unknown>
): Promise<ReadonlyArray<string>> => {
  if (foreign !== true) return []
  const record = join(notes, "foreign.txt")
  const tool = start(notes, "foreign.ts", [directory, record])
  const ended = exited(tool)
  await work.finally(() => tool.connected && tool.send("enough"))
  const end = await ended
  if (end !== undefined) throw new Error(`the foreign tool ended with ${end}`)
  return readFileSync(record, "utf8").split("\n").slice(0, -1)
}

export const withRegistry = <A, E>(
  { directory, durability }: RoundOptions,
  use: (registry: LayoutRegistry) => Effect.Effect<A, E, Scope.Scope>
): Promise<A> => Effect.runPromise(Effect.scoped(Effect.flatMap(open(directory, durability), use)))

export const pushGarbage = (options: RoundOptions): Promise<void> =>
  withRegistry(
    options,
    (registry) =>
      Effect.forEach(garbage, (name) => registry.pushBlob(repositories[0], Stream.succeed(blobOf(name))), {
        discard: true
      })
  )

/** A layout with its anchors, from which every round starts. */
export const prepare = (options: RoundOptions): Promise<void> => {
  mkdirSync(options.notes, { recursive: true })
  return pushGarbage(options).then(() => {
    // As after some hours.
    rmSync(join(options.directory, ".ocilayout", "leases"), { recursive: true })
    const then = new Date(Date.now() - 3 * 60 * 60 * 1000)
    for (const name of garbage) {
      utimesSync(join(options.directory, "blobs", blobDigest(name).replace(":", "/")), then, then)
    }
    return anchorAll(options, anchor)
  })
}

/** What was not asked for again is gone in the end. */
const leftOf = async (options: RoundOptions, history: History): Promise<ReadonlyArray<string>> => {
  await withRegistry(options, collect)
  const { blobs } = await lookInto(options.directory)
  const asked = new Set(history.map(({ call }) => "blob" in call ? call.blob : ""))
  return garbage.filter((name) => !asked.has(name) && blobs.has(blobDigest(name)))
    .map((name) => `${name} was garbage and is still there`)
}

/** The first writer after a crash brings everything in order. */
export const recover = async (options: RoundOptions): Promise<History> => {
  await anchorAll(options, "recovered")
  return readOperations(join(options.notes, "recovered.ndjson"))
}

export const anchorAll = (options: RoundOptions, tag: string): Promise<void> => {
  const recorder = makeRecorder(join(options.notes, `${tag}.ndjson`))
  return withRegistry(options, (registry) =>
    Effect.forEach(repositories, (repository) => {
      const note = `${tag} of ${repository}`
      const blob = layerOf(note)
      return Effect.andThen(
        recorder.ask(registry, { op: "pushBlob", repository, blob, digest: blobDigest(blob) }),
        recorder.ask(registry, {
          op: "pushManifest",
          repository,
          tag,
          tagged: true,
          condition: { kind: "none" },
          note,
          digest: manifestDigest(note)
        })
      )
    }, { discard: true }))
}

/** Looks once at everything that anybody did anything to: what is there now ends every history. */
export const lookAtAll = async (options: RoundOptions, history: History): Promise<History> => {
  const calls = new Map<string, Call>()
  const look = (call: Call): void => void calls.set(JSON.stringify(call), call)
  for (const { call } of history) {
    const { repository } = call
    if ("tag" in call) look({ op: "getTag", repository, tag: call.tag })
    if ("note" in call) {
      look({ op: "getManifest", repository, tag: call.tag, note: call.note, digest: call.digest })
    }
    if ("blob" in call) look({ op: "getBlob", repository, blob: call.blob, digest: call.digest })
    if ("id" in call) look({ op: "resume", repository, id: call.id })
  }
  for (const repository of repositories) look({ op: "tags", repository })
  const path = join(options.notes, "end.ndjson")
  rmSync(path, { force: true })
  const recorder = makeRecorder(path)
  await withRegistry(
    options,
    (registry) => Effect.forEach(calls.values(), (call) => recorder.ask(registry, call), { discard: true })
  )
  return readOperations(path)
}

/** The truth after everybody is gone. */
export const conclude = async (
  options: RoundOptions,
  history: History
): Promise<Pick<Report, "histories" | "lost" | "violations">> => {
  const end = await lookAtAll(options, history)
  const all = [...history, ...end]
  const found = await lookInto(options.directory)
  const lost = lostOf(history, found)
  const orders = checkOrders(all)
  return {
    histories: orders.histories,
    lost: lost.length,
    violations: [
      ...found.violations,
      ...checkAnswers(all),
      ...lost,
      ...orders.violations,
      ...checkWinners(all),
      ...checkRevisions(all, found)
    ]
  }
}

export const runRound = async (options: RoundOptions): Promise<Report> => {
  await prepare(options)
  const plans = drawPlans(options)
  const work = Promise.all(plans.map((plan, process) => live(options, plan, process)))
  const [[deaths, readings], added] = await Promise.all([watched(options, work), disturbed(options, work)])
  const history = recordsIn(options.notes)
  // What the tool wrote last is taken in by the next writer.
  const recovery = options.foreign === true ? await recover(options) : []
  const { histories, lost, violations } = await conclude(options, [...history, ...recovery])
  const left = await leftOf(options, history)
  const { entries } = await lookInto(options.directory)
  const missing = added.filter((digest) => !entries.has(`foreign ${digest}`))
  return {
    operations: history.length,
    acknowledged: history.filter(({ answer }) => answer !== undefined && answer.refused === undefined).length,
    unanswered: history.filter(({ answer }) => answer === undefined).length,
    kills: deaths.reduce((sum, died) => sum + died, 0),
    reads: readings.indexes + readings.snapshots,
    foreign: added.length,
    histories,
    lost: lost + missing.length,
    violations: [
      ...readings.violations,
      ...violations,
      ...left,
      ...missing.map((digest) => `${digest}, added by a tool without a lock, is lost`)
    ]
  }
}
