/** Runs a history on a simulated machine beside the model, and keeps what the disk was before every call. */
import { Effect, Option, Stream } from "effect"
import fc from "fast-check"
import { leastGraceMillis } from "../../../src/ops/limits.ts"
import { collection, drawn } from "../arbitraries.ts"
import type { Ask, Drawn, Op } from "../Ask.ts"
import { agree } from "../commands.ts"
import { bytesOf, digestOf, documentOf } from "../contents.ts"
import { entriesOf, listedIn, Model } from "../model.ts"
import type { Real } from "../perform.ts"
import { localSide } from "../Side.ts"
import { setEntry } from "./foreign.ts"
import { Machine, type MachineOptions } from "./Machine.ts"
import { type Instant, type Process, root, World } from "./World.ts"

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
  /** How many steps there were before the turns, and whether another tool came between the two. */
  readonly furnished: number
  readonly intruded: boolean
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
  "restore",
  "revert",
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
  drawn: fc.oneof({ weight: 12, arbitrary: drawn.filter(({ op }) => told.has(op)) }, {
    weight: 1,
    arbitrary: collection
  }),
  process: fc.constantFrom<Array<0 | 1>>(0, 0, 0, 1),
  restart: fc.nat({ max: 9 }).map((number) => number === 0)
})

interface Named {
  readonly refName: string | undefined
  readonly digest: string
}

export const sortedEntries = (entries: ReadonlyArray<Named>): string =>
  entries.map(({ digest, refName }) => `${refName} ${digest}`).toSorted().join("\n")

const viewOf = (model: Model, real: Real): View => {
  const layout = model.folders[0]?.[1]
  return {
    entries: sortedEntries(layout === undefined ? [] : entriesOf(layout)),
    blobs: new Set(layout === undefined ? [] : listedIn(layout)),
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

/** Nothing that was pushed until now is held any longer by having been pushed just now. */
export const letGrowOld = (machine: Machine): void => machine.advance(2 * leastGraceMillis + 60_000)

/** The manifest of another tool, and what it needs. */
const { bytes: foreignBytes, mediaType } = documentOf("docker")
const foreign = [foreignBytes, bytesOf("config")] as const

/** Another tool gives a name to an image of its own, and syncs what it has written. */
const intrude = async (world: World, { fs, registry }: Process): Promise<void> => {
  for (const bytes of foreign) await world.run(registry.pushBlob("app", Stream.succeed(bytes)))
  const entry = { mediaType, digest: digestOf(foreignBytes), size: foreignBytes.length, refName: "foreign:f0" }
  const habits = { writes: "in place", keepsFields: true, reorders: false, thinks: 0, hesitates: 0 } as const
  await world.run(setEntry(fs, habits, entry))
  await world.run(Effect.scoped(Effect.flatMap(fs.open(`${root}/index.json`, { access: "read" }), ({ sync }) => sync)))
}

const noteForeign = (model: Model): void => model.intrude("foreign", "f0", foreign)

/** The model after the first `count` steps. */
export const modelAfter = ({ asks, furnished, intruded }: History, count: number): Model => {
  const model = new Model(true)
  for (const [step, ask] of asks.slice(0, count).entries()) {
    if (intruded && step === furnished) noteForeign(model)
    model.answer(ask)
  }
  if (intruded && count === furnished) noteForeign(model)
  return model
}

/** @param intruded whether another tool changes the index before the turns */
export const play = async (
  furniture: ReadonlyArray<Ask>,
  turns: ReadonlyArray<Turn>,
  { intruded = false, ...options }: MachineOptions & { readonly intruded?: boolean } = {}
): Promise<History> => {
  let isIntruded = false
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
    const { ordersNames = false } = options
    moments.push({ disk: machine.disk, nowNs: machine.nowNs, names: world.names, ordersNames, step: asks.length })
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
  if (intruded && world.bytes("index.json") !== undefined) {
    isIntruded = true
    await intrude(world, await world.open())
    noteForeign(model)
    // What it did meanwhile is not promised.
    moments.splice(0)
    views[views.length - 1] = viewOf(model, { registry: (await pair.get(0)).registry, sessions })
  }
  for (const { drawn, process, restart } of turns) {
    // Before a restart, which is a moment of the same step: a repetition of the step begins there.
    if (drawn.op === "collect") letGrowOld(machine)
    if (restart) {
      pair.restart(process)
      await handOver(world, await pair.get(process), sessions)
    }
    if (possible(drawn, model)) await step(model.settle(drawn), process)
  }
  note()
  await pair.close()
  return { asks, views, moments, calls, furnished: furniture.length, intruded: isIntruded }
}
