/** Whatever order the fibers of two processes run in, their answers can be explained by one after the other. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { Answer, TagCall } from "../runs/stress/Call.ts"
import { carryOut } from "../runs/stress/carryOut.ts"
import { blobOf, layerOf, manifestDigest, manifestOf, mediaType } from "../runs/stress/contents.ts"
import { tags } from "../runs/stress/models.ts"
import { figures } from "../support/figures.ts"
import { interleave } from "../support/interleave.ts"
import { linearize, type Operation } from "../support/linearize.ts"
import { runs } from "../support/share.ts"
import { type Habits, pass, setEntry } from "../support/simulation/foreign.ts"
import { sortedEntries } from "../support/simulation/history.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { notesOf, type Program, program, repository, tagNames } from "../support/simulation/program.ts"
import { type Instant, type Process, restarted, World } from "../support/simulation/World.ts"

const counts = { interleavings: 0, operations: 0, refused: 0, torn: 0, histories: 0, rewrites: 0 }

const anchors = ["anchor", "buoy"]

const anchored = (refName: string, note: string) => ({
  mediaType,
  digest: manifestDigest(note),
  size: manifestOf(note).length,
  refName
})

/** A tool that finds the index half written by another gives up, as they all do. */
const rewrite = ({ fs }: Process, habits: Habits, entry: ReturnType<typeof anchored>): Effect.Effect<boolean> =>
  setEntry(fs, habits, entry).pipe(
    Effect.as(true),
    Effect.orElseSucceed(() => false)
  )

/** Operations with the time that passed for all of them alike. */
class Recorder {
  readonly operations: Array<Operation<TagCall, Answer>>
  #now: bigint

  constructor(before: ReadonlyArray<Operation<TagCall, Answer>> = []) {
    this.operations = [...before]
    this.#now = BigInt(2 * before.length)
  }

  /** Does what is asked. That a tool is in the middle of writing the index is no answer, and changes nothing. */
  record(registry: LayoutRegistry, call: TagCall): Effect.Effect<void> {
    return Effect.suspend(() => {
      const asked = this.#now++
      return Effect.map(carryOut(registry, call), (answer) => {
        if (answer.refused === "IndexInvalid") {
          counts.torn++
          return
        }
        counts.operations++
        if (answer.refused !== undefined) counts.refused++
        this.operations.push({ call, answer, asked, answered: this.#now++ })
      })
    })
  }
}

interface Furnished extends Instant {
  readonly operations: ReadonlyArray<Operation<TagCall, Answer>>
}

/**
 * What is there before: the layers of all manifests, two manifests of each tag, the first one tagged, and one more that
 * keeps the repository from being unknown.
 */
const furnish = async (tickNs: bigint): Promise<Furnished> => {
  const world = new World(new Machine({ tickNs }))
  const recorder = new Recorder()
  const process = await world.open()
  const { registry } = process
  for (const note of [...anchors, ...tagNames.flatMap(notesOf)]) {
    await world.run(registry.pushBlob(repository, Stream.succeed(blobOf(layerOf(note)))))
  }
  for (const note of anchors) await world.run(registry.pushManifest(repository, manifestOf(note), mediaType))
  for (const tag of tagNames) {
    for (const [at, note] of notesOf(tag).slice(0, 2).entries()) {
      const digest = manifestDigest(note)
      const push: TagCall = { op: "pushManifest", tagged: at === 0, condition, note, digest, repository, tag }
      await world.run(recorder.record(registry, push))
    }
  }
  await process.close()
  const { disk, nowNs } = world.machine
  return { disk, nowNs, names: world.names, operations: recorder.operations }
}

const condition = { kind: "none" } as const

const furnished = new Map<bigint, Promise<Furnished>>()

/** @param stores how many processes the fibers are spread over */
const run = async (fuzzed: fc.Scheduler, { fibers, foreign, tickNs }: Program, stores: number): Promise<void> => {
  counts.interleavings++
  const before = furnished.get(tickNs) ?? furnish(tickNs)
  furnished.set(tickNs, before)
  const { disk, operations, ...moment } = await before
  const world = restarted(disk, moment, { tickNs, yielding: true })
  const processes = await Promise.all(Array.from({ length: stores }, () => world.open()))
  const [first, other] = [processes[0], await world.open()]
  assert(first !== undefined)
  const recorder = new Recorder(operations)
  const set = new Map<string, string>()
  const tool = Effect.gen(function*() {
    if (foreign === undefined) return
    for (const [time, wait] of foreign.waits.entries()) {
      const entry = anchored(`foreign:f${foreign.moves ? 0 : time}`, anchors[time] ?? "anchor")
      yield* pass(wait)
      counts.rewrites++
      if (yield* rewrite(other, foreign, entry)) set.set(entry.refName, entry.digest)
    }
  })
  const asking = fibers.map((calls, at) => {
    const { registry } = processes[at % stores] ?? first
    return Effect.forEach(calls, (call) => recorder.record(registry, call), { discard: true })
  })
  const all = Effect.all([tool, ...asking], { concurrency: "unbounded", discard: true })
  await interleave(fuzzed, world.within(all), Number.MAX_SAFE_INTEGER)

  // No tool goes on with an index that has changed since it was read.
  const fresh = await world.open()
  const now = await entriesIn(world, fresh)
  for (const process of processes) assert.strictEqual(await entriesIn(world, process), now)
  // What was put in the place of the index was there for a moment, so it is merged before anybody is answered.
  const seen = foreign?.writes === "by rename" ? Array.from(set, ([name, digest]) => `${name} ${digest}`) : []
  assert.includeMembers(now.split("\n"), seen)

  // A later process sees what they left, and takes in what a tool wrote.
  const last = await world.open()
  await world.run(last.registry.pushManifest("later", manifestOf("anchor"), mediaType, { tags: ["v1"] }))
  for (const tag of tagNames) await world.run(recorder.record(last.registry, { op: "getTag", repository, tag }))
  for (const tag of tagNames) {
    counts.histories++
    const history = recorder.operations.filter(({ call }) => call.tag === tag)
    assert.deepStrictEqual(linearize(tags, history), { _tag: "Linearizable" }, JSON.stringify(history, printed, 1))
  }
  const { entries } = await world.run(last.stores.layout.snapshot)
  const names = new Map(entries.map(({ digest, refName }) => [refName, digest]))
  for (const [name, digest] of set) assert.strictEqual(names.get(name), digest, `what a tool has set ${name} to`)
  for (const process of [...processes, other, fresh, last]) await process.close()
  assert.deepStrictEqual([world.machine.open, world.machine.locked], [0, 0], "open files and locks")
}

const entriesIn = async (world: World, { stores }: Process): Promise<string> =>
  sortedEntries((await world.run(stores.layout.snapshot)).entries)

const printed = (_: string, value: unknown): unknown => typeof value === "bigint" ? Number(value) : value

describe.each([1, 2])("what fibers of %i processes are told", (stores) => {
  it("is what one after the other would have been told, and a tool beside them loses nothing", () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), program, (fuzzed, program) => run(fuzzed, program, stores)),
      { numRuns: runs }
    ))
})

afterAll(() => figures("interleavings", counts))
