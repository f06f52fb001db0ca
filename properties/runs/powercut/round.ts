/** One cut: processes at work on a layout, the power goes, and what is found when it is back. */
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Durability } from "../../../src/node/index.ts"
import { checkAnswers, type History, lostOf, withoutFailures } from "../stress/check.ts"
import { lookInto } from "../stress/folder.ts"
import { drawPlans } from "../stress/Plan.ts"
import { recordsIn } from "../stress/record.ts"
import { conclude, prepare, recover, type RoundOptions, start } from "../stress/round.ts"
import { type Disk, makeDisk, type Mode } from "./ext4.ts"

export interface CutOptions {
  readonly seed: number
  readonly processes: number
  readonly durability: Durability
  readonly mode: Mode
  /** How long after they have all begun. */
  readonly afterMillis: number
}

export interface Aftermath {
  readonly acknowledged: number
  readonly unanswered: number
  readonly histories: number
  readonly lost: number
  readonly violations: ReadonlyArray<string>
}

/** More steps than anybody gets to. */
const operations = 500

/** What a reader saw may have been there for everybody and on no disk yet; only changes are promised to last. */
const looks = new Set(["getTag", "getManifest", "getBlob", "tags", "resume"])

const isAcknowledged = ({ answer }: History[number]): boolean => answer !== undefined && answer.refused === undefined

/** Processes at work, once each of them has begun. */
const begin = async (options: RoundOptions): Promise<ReadonlyArray<ChildProcess>> => {
  const workers = drawPlans(options).map(({ steps }, process) => {
    const plan = join(options.notes, `${process}.plan.json`)
    writeFileSync(plan, JSON.stringify(steps))
    const record = join(options.notes, `${process}.ndjson`)
    // After the cut they fail, each in its own way.
    return start(options.notes, "worker.ts", [options.directory, options.durability, plan, record], "ignore")
  })
  await Promise.all(workers.map((worker) => once(worker, "message")))
  return workers
}

const end = (workers: ReadonlyArray<ChildProcess>): Promise<unknown> =>
  Promise.all(workers.map(async (worker) => {
    if (worker.exitCode !== null || worker.signalCode !== null) return
    const gone = once(worker, "exit")
    worker.kill("SIGKILL")
    await gone
  }))

/** Works until the power goes, and answers what was promised by then. */
const workUntilCut = async (
  options: RoundOptions,
  disk: Disk,
  afterMillis: number
): Promise<{ readonly history: History; readonly early: ReadonlyArray<string> }> => {
  await prepare(options)
  const workers = await begin(options)
  try {
    await new Promise((resolve) => setTimeout(resolve, afterMillis))
    const cut = process.hrtime.bigint()
    const ended = workers.filter(({ exitCode }) => exitCode !== null && exitCode !== 0)
    disk.cut()
    await end(workers)
    const history = recordsIn(options.notes)
    return {
      history: withoutFailures(history).filter(({ call }) => !looks.has(call.op)),
      early: [
        ...checkAnswers(history.filter(({ answered }) => answered !== undefined && answered < cut)),
        ...ended.map(({ exitCode }) => `a process ended with ${exitCode} before the cut`)
      ]
    }
  } finally {
    await end(workers)
  }
}

const onDisk = async <A>(
  { durability, mode, processes, seed }: CutOptions,
  use: (options: RoundOptions, disk: Disk) => Promise<A>
): Promise<A> => {
  const disk = makeDisk(256, mode)
  try {
    const directory = join(disk.mounted, "layout")
    return await use({ seed, processes, operations, kills: 0, durability, directory, notes: disk.notes }, disk)
  } finally {
    await disk.remove()
  }
}

/** Nothing acknowledged may be lost. */
export const cutRound = (cut: CutOptions): Promise<Aftermath> =>
  onDisk(cut, async (options, disk) => {
    const { early, history } = await workUntilCut(options, disk, cut.afterMillis)
    await disk.restart()
    const recovery = await recover(options)
    const { histories, lost, violations } = await conclude(options, [...history, ...recovery])
    return {
      acknowledged: history.filter(isAcknowledged).length,
      unanswered: history.filter(({ answer }) => answer === undefined).length,
      histories,
      lost,
      violations: [...early, ...violations]
    }
  })

/** The same without syncs: this has to lose something, or the cut was none. */
export const controlRound = (cut: CutOptions): Promise<{ readonly acknowledged: number; readonly lost: number }> =>
  onDisk({ ...cut, durability: "none" }, async (options, disk) => {
    const { history } = await workUntilCut(options, disk, cut.afterMillis)
    await disk.restart()
    const acknowledged = history.filter(isAcknowledged).length
    const lost = await lookInto(options.directory).then(
      (found) => lostOf(history, found).length,
      // An index that is torn, or a layout that is not there, has lost everything.
      () => acknowledged
    )
    return { acknowledged, lost }
  })
