/** Programs of others that a test may need; a machine without one skips what needs it, and says so. */
import { execFileSync } from "node:child_process"

/** Runs a program to its end; fails with what it says on standard error. */
export const run = (command: string, ...args: ReadonlyArray<string>): Buffer =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 })

/** What makes these say that they are there, where it is not `--version`. */
const asked: Readonly<Record<string, string>> = { crane: "version", oras: "version", regctl: "version" }

/** Whether a program says that it is there. */
export const isInstalled = (command: string): boolean => {
  try {
    run(command, asked[command] ?? "--version")
    return true
  } catch {
    return false
  }
}

/** Those that are missing, told once for each file of tests. */
export const missingOf = (tests: string, commands: ReadonlyArray<string>): ReadonlySet<string> => {
  const missing = commands.filter((command) => !isInstalled(command))
  if (missing.length > 0) console.info(`${tests}: skipped in part; not installed: ${missing.join(", ")}`)
  return new Set(missing)
}
