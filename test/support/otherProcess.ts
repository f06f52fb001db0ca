/** Real second processes: the scripts in `processes/`, run from source. */
import { Effect, Queue, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface OtherProcess {
  readonly pid: number
  /** The next line it prints. */
  readonly line: Effect.Effect<string>
  /** Its death by SIGKILL, waited for. */
  readonly kill: Effect.Effect<void>
  /** Its end, with its exit code. */
  readonly ended: Effect.Effect<number>
}

const exited = (child: ChildProcess): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    const tell = (): void => resume(Effect.succeed(child.exitCode ?? -1))
    if (child.exitCode === null && child.signalCode === null) child.once("exit", tell)
    else tell()
  })

const killed = (child: ChildProcess): Effect.Effect<void> =>
  Effect.andThen(Effect.sync(() => child.kill("SIGKILL")), Effect.asVoid(exited(child)))

/** @param script the name of a script in `processes/`, which is given the other arguments */
export const otherProcess = Effect.fnUntraced(function*(
  script: "appendUpload" | "exchangeFolder" | "holdLock" | "pushAs" | "setTags",
  ...args: ReadonlyArray<string>
): Effect.fn.Return<OtherProcess, never, Scope.Scope> {
  const lines = yield* Queue.unbounded<string>()
  const path = fileURLToPath(new URL(`processes/${script}.ts`, import.meta.url))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "inherit"] })),
    killed
  )
  createInterface(child.stdout).on("line", (line) => Queue.offerUnsafe(lines, line))
  return { pid: child.pid ?? -1, line: Queue.take(lines), kill: killed(child), ended: exited(child) }
})
