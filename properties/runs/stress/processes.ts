/** Processes that a stress run starts; none of them outlives it. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"

const running = new Set<ChildProcess>()

// Before anything else is cleared away.
process.prependListener("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** Runs a script; what it imports is compiled once for all that keep their notes in the same folder. */
export const start = (
  notes: string,
  script: URL,
  args: ReadonlyArray<string>,
  told: "inherit" | "ignore" = "inherit"
): ChildProcess => {
  const child = fork(script, args, {
    env: { ...process.env, NODE_COMPILE_CACHE: join(notes, "compiled") },
    execArgv: [],
    stdio: ["ignore", told, told, "ipc"]
  })
  running.add(child)
  child.once("exit", () => running.delete(child))
  return child
}
