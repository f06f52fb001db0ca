/** A machine goes down while the journal goes on in a new segment, beside a tool that changes names: all of it is there. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import { bytesOf, digestOf, documentOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { runs, someOf } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { type Chance, type Crash, crash } from "../support/simulation/Disk.ts"
import { type Habits, setEntry } from "../support/simulation/foreign.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { change } from "../support/simulation/probe.ts"
import { checkJournal, checkRaw } from "../support/simulation/recover.ts"
import { type Instant, type Process, restarted, root, World } from "../support/simulation/World.ts"

const { bytes: manifest, mediaType } = documentOf("docker")
const digest = digestOf(manifest)

/** So many that the journal goes on in a new segment several times. */
const commits = 5

interface Told {
  readonly revision: number
  readonly actor: string
  readonly changes: ReadonlyArray<unknown>
}

/** A moment, and the commits that had been acknowledged by then. */
interface Moment extends Instant {
  readonly told: ReadonlyArray<Told>
}

const counts = { segments: 0, moments: 0, states: 0 }

const historyOf = (world: World, { registry }: Process): Promise<ReadonlyArray<Told>> =>
  world.run(Effect.map(
    Stream.runCollect(registry.history()),
    (found) => found.map(({ actor, changes, revision }) => ({ actor, changes, revision })).toReversed()
  ))

/** Another tool sets a name, and syncs what it has written: what it loses of its own is not promised. */
const intrude = async ({ run }: World, { fs }: Process, refName: string): Promise<void> => {
  const habits: Habits = { writes: "in place", keepsFields: true, reorders: false, thinks: 0, hesitates: 0 }
  await run(setEntry(fs, habits, { mediaType, digest, size: manifest.length, refName }))
  await run(Effect.scoped(Effect.flatMap(fs.open(`${root}/index.json`, { access: "read" }), ({ sync }) => sync)))
}

const segmentsOf = (world: World): number => world.list(".ocilayout/journal/2").length

/**
 * What there was before each call of the commits that begin a segment, of several; before some of them another tool sets
 * a name.
 */
const play = async (chance: Chance, ordersNames: boolean): Promise<ReadonlyArray<Moment>> => {
  const moments: Array<Moment> = []
  let told: ReadonlyArray<Told> = []
  let noted = false
  const machine: Machine = new Machine({
    ordersNames,
    before: () => {
      if (noted && machine.disk !== moments.at(-1)?.disk) {
        moments.push({ disk: machine.disk, nowNs: machine.nowNs, names: world.names, ordersNames, told })
      }
      return undefined
    }
  })
  const world = new World(machine)
  const process = await world.open()
  for (const bytes of [manifest, bytesOf("config")]) {
    await world.run(process.registry.pushBlob("app", Stream.succeed(bytes)))
  }
  await world.run(process.registry.pushManifest("app", manifest, mediaType, { tags: ["t0"] }))
  for (let number = 1; number < commits; number++) {
    told = await historyOf(world, process)
    if (chance() < 0.5) await intrude(world, process, `foreign:f${number}`)
    const [first, begun] = [moments.length, segmentsOf(world)]
    noted = true
    await world.run(process.registry.tagManifest("app", digest, [`t${number}`]))
    noted = false
    if (segmentsOf(world) > begun) counts.segments++
    else moments.length = first
  }
  await process.close()
  return moments
}

const crashesOf = ({ ordersNames = false }: Instant): ReadonlyArray<Crash> =>
  ordersNames ? ["kill", "ordered"] : ["kill", "ordered", "adversarial"]

const checkCrash = async (moment: Moment, kind: Crash, chance: Chance): Promise<void> => {
  counts.states++
  const world = restarted(crash(moment.disk, kind, chance), moment)
  checkRaw(world)
  const process = await world.open()
  const found = await historyOf(world, process)
  assert.deepStrictEqual(found.slice(0, moment.told.length), moment.told, "what was acknowledged")
  await world.run(change(process))
  await checkJournal(world, process, true)
  assert.deepStrictEqual((await historyOf(world, process)).slice(0, moment.told.length), moment.told, "and later")
}

describe("the journal, while it goes on in a new segment", () => {
  it("loses no commit and tells none twice, at whatever call the machine goes down", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.boolean(),
      async (seed, ordersNames) => {
        const chance = chanceOf(seed)
        for (const moment of someOf(await play(chance, ordersNames), seed)) {
          counts.moments++
          for (const kind of crashesOf(moment)) await checkCrash(moment, kind, chance)
        }
      }
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 20) })
  })
})

afterAll(() => {
  figures("segments", counts)
  assert.isAbove(counts.segments, 0)
})
