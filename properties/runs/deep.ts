/**
 * The long run: every property so often that the figures of `properties/figures.md` are reached, every call that can fail
 * in the plain tests, and the stress command. `npm run properties:deep [-- SHARE]` does that share of it,
 * 1 by default.
 */
import { spawnSync } from "node:child_process"
import process from "node:process"
import { deepRuns } from "./deepRuns.ts"

const share = Number(process.argv[2] ?? 1)
if (!(share > 0)) throw new Error("the share is a number above 0")

const run = (command: ReadonlyArray<string>, environment: NodeJS.ProcessEnv = {}): boolean => {
  const [name = "", ...rest] = command
  console.log(
    `\n${command.join(" ")} ${Object.entries(environment).map(([key, value]) => `${key}=${value}`).join(" ")}`
  )
  return spawnSync(name, rest, { stdio: "inherit", env: { ...process.env, ...environment } }).status === 0
}

const failed = deepRuns.flatMap(([file, times, test]) => {
  const chosen = test === undefined ? [] : ["--testNamePattern", test]
  const command = ["npx", "vitest", "run", "--project", "properties", `properties/${file}`, ...chosen]
  return run(command, { PROPERTY_RUNS: String(Math.ceil(times * share)) }) ? [] : [[file, test].join(" ").trim()]
})

if (!run(["npx", "vitest", "run", "--project", "test", "test/behaviour"], { PROPERTY_RUNS: "100" })) {
  failed.push("test/behaviour")
}

const kills = Math.ceil(2000 * share)
const stress = ["--processes", "8", "--operations", "400", "--rounds", "1", "--kills", String(kills)]
if (!run(["npm", "run", "stress", "--", ...stress])) failed.push("stress")

console.log(failed.length === 0 ? "\nAll as promised." : `\nFailed: ${failed.join(", ")}`)
process.exitCode = failed.length === 0 ? 0 : 1
