/**
 * The long run: every property so often that the figures of `properties/figures.md` are reached, and the stress command.
 * `npm run properties:deep [-- SHARE]` does that share of it, 1 by default.
 */
import { spawnSync } from "node:child_process"
import process from "node:process"

/** How often each property runs, by the beginning of the name of its file, and of some by a part of its own. */
const runs: ReadonlyArray<readonly [file: string, times: number, test?: string]> = [
  ["crash", 8500],
  ["fault", 5000, "each of a history"],
  ["fault", 120_000, "in many histories"],
  ["collect", 5000],
  ["linearizable", 50_000],
  ["hostile", 5100],
  ["leases", 2000],
  ["core", 5000],
  ["sweep", 5000],
  ["undo", 5000],
  ["indexText", 5000],
  ["hashing", 5000],
  ["interleaving", 1000],
  ["layoutModel", 1000]
]

const share = Number(process.argv[2] ?? 1)
if (!(share > 0)) throw new Error("the share is a number above 0")

const run = (command: ReadonlyArray<string>, environment: NodeJS.ProcessEnv = {}): boolean => {
  const [name = "", ...rest] = command
  console.log(
    `\n${command.join(" ")} ${Object.entries(environment).map(([key, value]) => `${key}=${value}`).join(" ")}`
  )
  return spawnSync(name, rest, { stdio: "inherit", env: { ...process.env, ...environment } }).status === 0
}

const failed = runs.flatMap(([file, times, test]) => {
  const chosen = test === undefined ? [] : ["--testNamePattern", test]
  const command = ["npx", "vitest", "run", "--project", "properties", `properties/${file}`, ...chosen]
  return run(command, { PROPERTY_RUNS: String(Math.ceil(times * share)) }) ? [] : [[file, test].join(" ").trim()]
})

const kills = Math.ceil(2000 * share)
const stress = ["--processes", "8", "--operations", "400", "--rounds", "1", "--kills", String(kills)]
if (!run(["npm", "run", "stress", "--", ...stress])) failed.push("stress")

console.log(failed.length === 0 ? "\nAll as promised." : `\nFailed: ${failed.join(", ")}`)
process.exitCode = failed.length === 0 ? 0 : 1
