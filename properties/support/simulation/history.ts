/** Runs a history on a simulated machine beside the model, and keeps what the disk was before every call. */
import { Effect, Option } from "effect"
import fc from "fast-check"
import { drawn } from "../arbitraries.ts"
import type { Ask, Drawn, Op } from "../Ask.ts"
import { agree } from "../commands.ts"
import { entriesOf, Model } from "../model.ts"
import type { Real } from "../perform.ts"
import { localSide } from "../Side.ts"
import { Machine, type MachineOptions } from "./Machine.ts"
import { type Instant, type Process, World } from "./World.ts"

/** What has been acknowledged at some point of a history. */
export interface View {
  /** Names and digests of the entries, one a line. */
  readonly entries: string
  readonly blobs: ReadonlySet<string>
  readonly sessions: ReadonlyArray<{ readonly id: string; readonly bytes: Uint8Array; readonly over: boolean }>
}

/** What was there before a call, while the step of this number was under way. */
export interface Moment extends Instant {
  readonly step: number
}

export interface History {
  readonly asks: ReadonlyArray<Ask>
  /** Before the first step, and after each. */
  readonly views: ReadonlyArray<View>
  readonly moments: ReadonlyArray<Moment>
  readonly calls: number
}

const told = new Set<Op>([
  "append",
  "batch",
  "cancel",
  "commit",
  "deleteBlob",
  "deleteManifest",
  "deleteTag",
  "getBlob",
  "getTag",
  "mountBlob",
  "pushBlob",
  "pushBlobChunked",
  "pushBlobChunkedResume",
  "pushManifest",
  "tagManifest"
])

/** What happens in a history: one step of one of two processes, or that a process dies and another takes its place. */
export interface Turn {
  readonly drawn: Drawn
  readonly process: 0 | 1
  /** Whether the process is a new one from here on. */
  readonly restart: boolean
}

export const turn: fc.Arbitrary<Turn> = fc.record({
  drawn: drawn.filter(({ op }) => told.has(op)),
  process: fc.constantFrom<Array<0 | 1>>(0, 0, 0, 1),
  restart: fc.nat({ max: 9 }).map((number) => number === 0)
})

export const sortedEntries = (
  entries: ReadonlyArray<{ readonly refName: string | undefined; readonly digest: string }>
) => entries.map(({ digest, refName }) => `${refName} ${digest}`).toSorted().join("\n")

const viewOf = (model: Model, real: Real): View => {
  const layout = model.folders[0]?.[1]
  return {
    entries: layout === undefined ? "" : sortedEntries(entriesOf(layout)),
    blobs: new Set(layout?.blobs.keys()),
    sessions: model.sessions.map(({ bytes, over }, at) => ({
      id: real.sessions[at]?.first.id ?? "",
      bytes,
      over: over !== undefined
    }))
  }
}

/** Only who has a writer can use it. */
const possible = (drawn: Drawn, model: Model): boolean => !("writer" in drawn) || drawn.session < model.sessions.length

/** Two processes that can be replaced. */
class Pair {
  readonly #world: World
  readonly #open: Array<Process | undefined> = [undefined, undefined]

  constructor(world: World) {
    this.#world = world
  }

  async get(place: 0 | 1): Promise<Process> {
    const open = this.#open[place] ?? await this.#world.open()
    this.#open[place] = open
    return open
  }

  restart(place: 0 | 1): void {
    const open = this.#open[place]
    this.#open[place] = undefined
    if (open !== undefined) this.#world.machine.kill(open.id)
  }

  async close(): Promise<void> {
    for (const open of this.#open) await open?.close()
  }
}

/** Sessions live longer than the writers of a process that is gone. */
const handOver = async (world: World, { registry }: Process, sessions: Real["sessions"]): Promise<void> => {
  for (const [at, { first }] of sessions.entries()) {
    const writer = await world.run(Effect.option(registry.findUpload(first.id)))
    if (Option.isSome(writer)) sessions[at] = { first: writer.value, last: writer.value }
  }
}

export const play = async (
  furniture: ReadonlyArray<Ask>,
  turns: ReadonlyArray<Turn>,
  options: MachineOptions = {}
): Promise<History> => {
  const moments: Array<Moment> = []
  const views: Array<View> = []
  const asks: Array<Ask> = []
  let calls = 0
  const machine: Machine = new Machine({
    ...options,
    before: () => {
      calls++
      if (machine.disk !== moments.at(-1)?.disk || moments.at(-1)?.step !== asks.length) note()
      return undefined
    }
  })
  const world = new World(machine)
  const note = (): void => {
    moments.push({ disk: machine.disk, nowNs: machine.nowNs, names: world.names, step: asks.length })
  }
  const model = new Model(true)
  const sessions: Real["sessions"] = []
  const pair = new Pair(world)
  const step = async (ask: Ask, place: 0 | 1): Promise<void> => {
    const real: Real = { registry: (await pair.get(place)).registry, sessions }
    await agree(model, [localSide(real.registry, sessions, world.run)], ask)
    asks.push(ask)
    views.push(viewOf(model, real))
  }
  views.push(viewOf(model, { registry: (await pair.get(0)).registry, sessions }))
  for (const ask of furniture) await step(ask, 0)
  for (const { drawn, process, restart } of turns) {
    if (restart) {
      pair.restart(process)
      await handOver(world, await pair.get(process), sessions)
    }
    if (possible(drawn, model)) await step(model.settle(drawn), process)
  }
  note()
  await pair.close()
  return { asks, views, moments, calls }
}
