/** What a command costs. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Cost {
  readonly seconds: number
  /** Of all of its processes; not a number where there is no GNU `time`, as `mebibytes` is. */
  readonly cpuSeconds: number
  /** The largest of its processes. */
  readonly mebibytes: number
}

export const hasCommand = (name: string): boolean => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0

const hasTime = hasCommand("/usr/bin/time") && spawnSync("/usr/bin/time", ["-f", "%e", "true"]).status === 0

/** Its output is thrown away. */
export const costOf = (command: string): Cost => {
  const report = join(fs.mkdtempSync(join(tmpdir(), "ocilayout-time-")), "report")
  const timing = hasTime ? ["/usr/bin/time", "-o", report, "-f", "%U %S %M"] : []
  const [program, ...args] = [...timing, "sh", "-c", `{ ${command}; } > /dev/null`]
  const began = performance.now()
  const { status, stderr } = spawnSync(program, args, { maxBuffer: 64 * 1024 * 1024 })
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`${command}: ${stderr.toString().slice(0, 500)}`)
  const [user = Number.NaN, system = Number.NaN, kibibytes = Number.NaN] = hasTime
    ? fs.readFileSync(report, "utf8").trim().split(" ").map(Number)
    : []
  fs.rmSync(join(report, ".."), { recursive: true, force: true })
  return { seconds, cpuSeconds: user + system, mebibytes: kibibytes / 1024 }
}

export const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
