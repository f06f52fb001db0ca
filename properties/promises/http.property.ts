/** What the server has acknowledged over HTTP is there, whenever it dies and whichever call fails. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { figures } from "../support/figures.ts"
import { Acknowledged, Client, type Doing, doing, furniture } from "../support/requests.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { type Crash, crash } from "../support/simulation/Disk.ts"
import { type Call, type Fault, Machine } from "../support/simulation/Machine.ts"
import { type Instant, restarted, World } from "../support/simulation/World.ts"

const { numRuns: runs = 100 } = fc.readConfigureGlobal()

const crashes: ReadonlyArray<Crash> = ["kill", "ordered", "adversarial"]
const codes = ["EIO", "ENOSPC", "EMFILE", "EACCES"]
const forms: ReadonlyArray<Fault["form"]> = ["refused", "done", "torn"]

/** Where it is refused, files cannot be synced at all, and what is answered promises less; the log says so. */
const cannotSync = (call: Call, { code }: Fault): boolean => code === "EACCES" && /sync/iu.test(call.operation)

/** So many calls of a history are made to fail, each in a run of its own. */
const faultsTried = 15

const counts = { histories: 0, crashes: 0, faults: 0, "told of a fault": 0, "answered all the same": 0 }

interface Moment extends Instant {
  readonly told: Acknowledged
}

/** A history, and before every call of it what was on the disk and acknowledged. */
const play = async (history: ReadonlyArray<Doing>, fail: (at: number) => Fault | undefined) => {
  const moments: Array<Moment> = []
  const told = new Acknowledged()
  let calls = Number.NEGATIVE_INFINITY
  const machine: Machine = new Machine({
    before: (call) => {
      if (machine.disk !== moments.at(-1)?.disk) note()
      const fault = fail(calls++)
      return fault !== undefined && cannotSync(call, fault) ? { ...fault, code: "EIO" } : fault
    }
  })
  const world = new World(machine)
  const note = (): void => {
    moments.push({ disk: machine.disk, nowNs: machine.nowNs, names: world.names, told: told.copy() })
  }
  const client = await Client.of(world, await world.open())
  const statuses: Array<number> = []
  for (const one of furniture) statuses.push(await client.act(one, told))
  // What comes before is the same in every history, and other properties' concern.
  moments.splice(0)
  calls = 0
  for (const one of history) statuses.push(await client.act(one, told))
  note()
  return { moments, statuses, calls, client, told }
}

const checkAfter = async (moment: Moment, kind: Crash, number: number): Promise<void> => {
  const world = restarted(crash(moment.disk, kind, chanceOf(number)), moment)
  const client = await Client.of(world, await world.open())
  await client.check(moment.told)
  // It goes on as if nothing had been.
  for (const one of furniture) assert.strictEqual(await client.act(one, moment.told), 201)
  assert.strictEqual(await client.act({ does: "tag", layer: 0, tag: "after", condition: false }, moment.told), 201)
  await client.check(moment.told)
}

const histories = fc.noBias(fc.array(doing, { minLength: 2, maxLength: 5 }))
const seed = fc.integer({ min: 1, max: 2 ** 30 })

describe("what was acknowledged over HTTP", () => {
  it("is there after a crash at any call", async () => {
    const property = fc.asyncProperty(histories, seed, async (history, number) => {
      const { moments, statuses } = await play(history, () => undefined)
      counts.histories++
      assert.isTrue(statuses.every((status) => status < 500), statuses.join(" "))
      for (const moment of moments) {
        counts.crashes++
        const kind = crashes[counts.crashes % crashes.length] ?? "kill"
        await checkAfter({ ...moment, told: moment.told.copy() }, kind, number)
      }
    })
    await fc.assert(property, { numRuns: Math.ceil(runs / 50) })
  })

  it("is there whichever call has failed, and what was not is answered with an error", async () => {
    const property = fc.asyncProperty(histories, seed, async (history, number) => {
      const chance = chanceOf(number)
      const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(chance() * all.length)] ?? assert.fail("nothing")
      const { calls } = await play(history, () => undefined)
      counts.histories++
      for (let at = 0; at < calls; at++) {
        if (chance() > faultsTried / calls) continue
        counts.faults++
        const code = pick(codes)
        const fault: Fault = { code, form: code === "EMFILE" ? "refused" : pick(forms) }
        const { client, moments, statuses, told } = await play(history, (call) => call === at ? fault : undefined)
        if (statuses.some((status) => status >= 500)) counts["told of a fault"]++
        else counts["answered all the same"]++
        await client.check(told)
        const last = moments.at(-1)
        if (last !== undefined) await checkAfter({ ...last, told: told.copy() }, "adversarial", number)
      }
    })
    await fc.assert(property, { numRuns: Math.ceil(runs / 50) })
    assert.isAbove(counts["told of a fault"], 0)
  })
})

afterAll(() => figures("requests over HTTP", counts))
