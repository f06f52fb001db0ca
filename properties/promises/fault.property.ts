/** Whatever call fails, and however: a typed error, nothing changed or the change whole, nothing leaked, and it goes on. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import fc from "fast-check"
import type { Ask } from "../support/Ask.ts"
import { furniture } from "../support/commands.ts"
import { figures } from "../support/figures.ts"
import { perform, type Real } from "../support/perform.ts"
import { isWhole, runs, someOf } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { type Chance, crash } from "../support/simulation/Disk.ts"
import { type History, play, type Turn, turn, type View } from "../support/simulation/history.ts"
import type { Call, Fault } from "../support/simulation/Machine.ts"
import { change, withChange } from "../support/simulation/probe.ts"
import { checkJournal, checkKept, checkRaw, checkRead } from "../support/simulation/recover.ts"
import { type Process, restarted, type World } from "../support/simulation/World.ts"

/** What each code is told as. */
const kinds: Readonly<Record<string, string>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EIO: "device",
  EMFILE: "tooManyFiles",
  EACCES: "denied",
  EROFS: "readOnly",
  EINTR: "device"
}
const codes = Object.keys(kinds)
const forms: ReadonlyArray<Fault["form"]> = ["refused", "done", "torn"]

const counts = { histories: 0, steps: 0, faults: 0, "answered all the same": 0, failed: 0, unknown: 0 }

interface Planned extends Fault {
  /** Which call of the step fails, from 0. */
  readonly at: number
  /** Whether all later calls of the step fail too. */
  readonly lasting: boolean
}

/** A registry that has been open for a while, as it was before a step, with what its clients have in hand. */
const before = async (history: History, step: number, plan: { fault?: Planned | undefined; calls: Array<Call> }) => {
  // A step that was answered without a call left no moment of its own: the disk was as the next one found it.
  const moment = history.moments.find((moment) => moment.step >= step) ?? assert.fail("no such step")
  let armed = false
  const world = restarted(moment.disk, moment, {
    before: (call) => {
      if (!armed) return undefined
      const at = plan.calls.push(call) - 1
      const { fault } = plan
      if (fault === undefined) return undefined
      return at === fault.at || (fault.lasting && at > fault.at) ? fault : undefined
    }
  })
  const process = await world.open()
  await world.run(process.stores.layout.snapshot)
  const sessions: Real["sessions"] = []
  for (const { id } of history.views[step]?.sessions ?? []) {
    // Of a session that was cancelled nothing is left; one that was cancelled just now is as good.
    const another = Effect.tap(process.registry.pushBlobChunked("app"), ({ cancel }) => cancel)
    const writer = await world.run(
      Effect.catchTag(process.registry.findUpload(id), "BlobUploadUnknown", () => another)
    )
    sessions.push({ first: writer, last: writer })
  }
  const real: Real = { registry: process.registry, sessions }
  const act = async (ask: Ask) => {
    armed = true
    const exit = await world.run(Effect.exit(perform(real, ask)))
    armed = false
    return exit
  }
  return { world, process, act }
}

/** A name that could not be removed, or was made by a call that said it failed, stays until it is swept. */
const mayLeave = ({ form, lasting }: Planned, { operation, path }: Call): boolean =>
  lasting || operation === "unlink" || operation === "rmdir" || (form === "done" && operation === "open(create)") ||
  // A session is taken out of sight first, and removed then.
  path.includes("/.ocilayout/tmp/upload.")

/**
 * Whether a sync was refused as a file system refuses it that has none. Then it is said that a power cut can take back what
 * was written last, and it goes on.
 */
const isUnsynced = ({ at, code, lasting }: Planned, calls: ReadonlyArray<Call>): boolean =>
  code === "EACCES" &&
  calls.slice(at, lasting ? undefined : at + 1).some(({ operation }) => operation === "sync" || operation === "syncdir")

const checkAnswer = (exit: Exit.Exit<unknown, { readonly _tag: string }>, fault: Planned, wasRefused: boolean) => {
  if (Exit.isSuccess(exit)) {
    counts["answered all the same"]++
    return "ok"
  }
  const errors = exit.cause.reasons.map((reason) =>
    Cause.isFailReason(reason) ? reason.error : assert.fail(Cause.pretty(exit.cause))
  )
  const [error] = errors
  assert(error !== undefined)
  if (error._tag === "OutcomeUnknown") counts.unknown++
  else if (error._tag === "StorageError") {
    counts.failed++
    assert.propertyVal(error, "kind", kinds[fault.code])
  } else if (error._tag === "Broken" && !wasRefused) counts.failed++
  else assert.isTrue(wasRefused, `refused as ${error._tag}`)
  return error._tag
}

const checkFault = async (history: History, step: number, fault: Planned, wasRefused: boolean, chance: Chance) => {
  counts.faults++
  const plan = { fault, calls: new Array<Call>() }
  const { act, process, world } = await before(history, step, plan)
  const old: View = history.views[step] ?? assert.fail("no view")
  const next: View = history.views[step + 1] ?? old
  const ask = history.asks[step] ?? assert.fail("no ask")
  const answer = checkAnswer(await act(ask), fault, wasRefused)
  const call = plan.calls[fault.at]
  assert(call !== undefined)
  const place = `${fault.code} ${fault.form}${fault.lasting ? ", lasting," : ""} at ${call.operation} ${call.path}`
  try {
    checkRaw(world)
    // A collection takes entries out first, then blobs, and then looks what became of them.
    const isParted = answer === "OutcomeUnknown" || ask.op === "collect"
    const states = answer === "ok" ? [next.entries] : isParted ? [old.entries, next.entries] : [old.entries]
    const found = await checkRead(world, process, states)
    // What was not removed for certain is there; of sessions those under way may be gone.
    const kept = answer === "ok" || isParted ? next : { ...next, blobs: old.blobs }
    checkKept(world, answer === "ok" ? withNewSession(world, old, next) : old, kept)
    assert.isAtMost(world.machine.open, 1, "open files")
    assert.strictEqual(world.machine.locked, 0, "locks")
    if (!mayLeave(fault, call)) assert.deepStrictEqual(world.list(".ocilayout/tmp"), [], "temporary files")
    await goOn(world, process, found, history.intruded)
    if (isUnsynced(fault, plan.calls)) return
    // Nothing that was acknowledged since hangs on what failed.
    const cut = restarted(crash(world.machine.disk, "adversarial", chance), { names: 1e6, nowNs: world.machine.nowNs })
    const later = await cut.open()
    await checkRead(cut, later, [withChange(found)])
    await checkJournal(cut, later, history.intruded)
    checkKept(cut, old, next)
  } catch (error) {
    throw new Error(`${place}, answered ${answer}`, { cause: error })
  }
}

/** A session that the step itself began has a name of its own here: a call that fails may cost a random name more. */
const withNewSession = (world: World, old: View, next: View): View => {
  const known = new Set(old.sessions.map(({ id }) => id))
  const [made, ...others] = world.list(".ocilayout/uploads").filter((id) => !known.has(id))
  if (made === undefined || others.length > 0) return next
  return { ...next, sessions: next.sessions.map((one, at) => at < old.sessions.length ? one : { ...one, id: made }) }
}

const goOn = async (world: World, process: Process, found: string, intruded: boolean): Promise<void> => {
  await world.run(change(process))
  await checkRead(world, process, [withChange(found)])
  await checkJournal(world, process, intruded)
}

/** The faults to try at the calls of a step: every call once, in a way drawn for it. */
const faultsOf = (calls: ReadonlyArray<Call>, chance: Chance): ReadonlyArray<Planned> => {
  const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(chance() * all.length)] ?? assert.fail("nothing to pick")
  return calls.map(({ operation }, at) => {
    // After a sync that failed for good nothing is known of a file any more.
    if (operation === "sync" && chance() < 0.5) return { at, code: "EIO", form: "refused", lasting: false }
    const code = pick(codes)
    // What could not be opened for want of room was not.
    return { at, code, form: code === "EMFILE" ? "refused" : pick(forms), lasting: chance() < 0.2 }
  })
}

/** @param most how many faults are tried in a history; without a limit at every call of it, where it is the whole */
const tryFaults = async (
  furnished: keyof typeof furniture,
  turns: ReadonlyArray<Turn>,
  number: number,
  most = Number.POSITIVE_INFINITY
): Promise<void> => {
  const chance = chanceOf(number)
  const history = await play([...furniture.blobs, ...furniture[furnished]], turns, { intruded: chance() < 0.5 })
  counts.histories++
  const all: Array<{ readonly step: number; readonly fault: Planned; readonly wasRefused: boolean }> = []
  for (const [step, ask] of history.asks.entries()) {
    if (step < history.furnished) continue
    counts.steps++
    const plan = { calls: new Array<Call>() }
    const { act } = await before(history, step, plan)
    const wasRefused = Exit.isFailure(await act(ask))
    all.push(...faultsOf(plan.calls, chance).map((fault) => ({ step, fault, wasRefused })))
  }
  const tried = most === Number.POSITIVE_INFINITY ? someOf(all, number) : all
  const left = Math.min(1, most / all.length)
  for (const { fault, step, wasRefused } of tried) {
    if (chance() < left) await checkFault(history, step, fault, wasRefused, chance)
  }
}

describe("a call that fails", () => {
  const furnished = fc.constantFrom<Array<keyof typeof furniture>>("nothing", "manifests")
  const turns = fc.noBias(fc.array(turn, { minLength: 1, maxLength: 5 }))
  const number = fc.integer({ min: 1, max: 2 ** 30 })

  it("is told, changes nothing or all, leaks nothing, and spoils nothing later, each of a history", async () => {
    const property = fc.asyncProperty(
      furnished,
      turns,
      number,
      (furnished, turns, number) => tryFaults(furnished, turns, number)
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 25) })
    if (isWhole) assert.isAbove(counts.failed, 0)
  })

  it("does the same wherever it comes in many histories", async () => {
    const property = fc.asyncProperty(
      furnished,
      turns,
      number,
      (furnished, turns, number) => tryFaults(furnished, turns, number, 50)
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 12) })
  })
})

afterAll(() => figures("calls that fail", counts))
