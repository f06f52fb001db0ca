/** Other programs: those that we are measured against, and our own in a process of their own. */
import { Data, Effect, type Scope } from "effect"
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"

export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly command: string
  readonly message: string
}> {}

export interface CommandOptions {
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A process that does not outlive the scope. */
export const start = (
  command: string,
  args: ReadonlyArray<string>,
  { directory, environment = {} }: CommandOptions = {}
): Effect.Effect<ChildProcessWithoutNullStreams, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(command, args, { stdio: "pipe", cwd: directory, env: { ...process.env, ...environment } })
        // Told by the caller that waits for its end; without a listener it would end this process.
        .on("error", () => undefined)
    ),
    (child) =>
      Effect.callback<void>((resume) => {
        const isOver = child.pid === undefined || child.exitCode !== null || child.signalCode !== null
        if (isOver) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void)).kill("SIGKILL")
      })
  )

/** Runs it to its end; what it printed. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: CommandOptions = {}
): Effect.Effect<string, CommandFailed> =>
  Effect.scoped(
    Effect.flatMap(start(command, args, options), (child) =>
      Effect.callback<string, CommandFailed>((resume) => {
        const fail = (message: string): void => resume(Effect.fail(new CommandFailed({ command, message })))
        let [printed, told] = ["", ""]
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          printed += text
        })
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          told += text
        })
        child.once("error", ({ message }) => fail(message))
        child.once("close", (code) => {
          if (code === 0) resume(Effect.succeed(printed))
          else fail(told.trim().split("\n").at(-1)?.trim() ?? `exit code ${code}`)
        })
        child.stdin.end()
      }))
  )

/** Runs a script of `processes/` to its end; the figures that it printed as JSON. */
export const script = (name: string, ...args: ReadonlyArray<string | number>) =>
  Effect.map(
    run(process.execPath, [scriptPath(name), ...args.map(String)]),
    (printed) => JSON.parse(printed) as Readonly<Record<string, number>>
  )

export const scriptPath = (name: string): string => fileURLToPath(new URL(`../processes/${name}.ts`, import.meta.url))

export const exists = (command: string): boolean =>
  spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined
