/** Runs other tools one after the other, each to its end unless it is killed, and writes down what they said. */
import { spawn } from "node:child_process"
import { statSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Random } from "../../../support/random.ts"
import { drawCall, folderOf, type Place, type ToolCall } from "./calls.ts"
import { now, type Write } from "./Write.ts"

export interface Ran {
  readonly tool: string
  readonly outcome: "done" | "failed" | "killed"
  readonly write: Write | undefined
}

/** How a tool dies: after so many milliseconds, or in the middle of writing a file of more than so many bytes. */
export type Death =
  | { readonly kind: "time"; readonly millis: number }
  | { readonly kind: "size"; readonly bytes: number }

const patienceMillis = 30_000

/** The unit of `ulimit -f`. */
const blockBytes = 512

/** Runs a tool once, to its end or its death. */
export const runTool = (place: Place, { args, means, tool }: ToolCall, death?: Death): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const started = now()
    const options = { cwd: folderOf(place), stdio: "ignore" } as const
    const child = death?.kind === "size"
      ? spawn(
        "sh",
        ["-c", `ulimit -f ${Math.floor(death.bytes / blockBytes)} && exec "$@"`, "sh", tool, ...args],
        options
      )
      : spawn(tool, args, options)
    const killed = setTimeout(() => child.kill("SIGKILL"), death?.kind === "time" ? death.millis : patienceMillis)
    child.once("error", reject)
    child.once("exit", (code) => {
      clearTimeout(killed)
      const outcome = code === 0 ? "done" : death === undefined ? "failed" : "killed"
      const write = means === undefined
        ? undefined
        : { ...means, by: tool, started, ended: now(), acknowledged: outcome === "done" }
      resolve({ tool, outcome, write })
    })
  })

export interface LaneOptions {
  readonly place: Place
  readonly tools: ReadonlyArray<string>
  readonly random: Random
  /** One call of so many is killed; none at 0. */
  readonly killOneOf: number
  /** While this says so, nothing is started. */
  readonly isHalted: () => boolean
  readonly enough: AbortSignal
  readonly fresh: () => string
}

/** So much every file may have but the index. */
const leastBytes = 1024

const drawDeath = ({ layout }: Place, random: Random): Death =>
  random.once(2)
    ? { kind: "time", millis: random.below(60) }
    : { kind: "size", bytes: leastBytes + random.below(statSync(join(layout, "index.json")).size) }

export const runLane = async (
  { enough, fresh, isHalted, killOneOf, place, random, tools }: LaneOptions
): Promise<ReadonlyArray<Ran>> => {
  const ran: Array<Ran> = []
  while (!enough.aborted) {
    if (isHalted()) {
      await sleep(20)
      continue
    }
    const call = drawCall(random.pick(tools), place, random, fresh)
    const dies = killOneOf > 0 && random.once(killOneOf)
    ran.push(await runTool(place, call, dies ? drawDeath(place, random) : undefined))
    await sleep(random.below(80))
  }
  return ran
}
