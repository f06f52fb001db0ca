/** Commands run in this process, with streams that keep what is written. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Runtime, type Scope } from "effect"
import { CliError, Command } from "effect/cli"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ocilayout } from "../../../src/cli/command.ts"
import { Screen } from "../../../src/cli/terminal/Screen.ts"
import { Streams } from "../../../src/cli/terminal/Streams.ts"

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly bytes: Uint8Array
  readonly err: string
}

export interface Terminal {
  readonly columns?: number
  readonly colour?: boolean
  /** After how many writes the output is read no longer. */
  readonly gone?: number
}

/** Runs a command line to its end. */
export const ocl = (args: ReadonlyArray<string>, terminal: Terminal = {}): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    const out: Array<Buffer> = []
    let err = ""
    const exit = yield* Command.runWith(ocilayout, { version: "0" })(args).pipe(
      Effect.provideService(Screen, {
        columns: terminal.columns,
        colour: terminal.colour ?? false,
        now: Date.now()
      }),
      Effect.provideService(Streams, {
        out: (content) =>
          Effect.sync(() => {
            if (out.length >= (terminal.gone ?? Number.POSITIVE_INFINITY)) return false
            out.push(Buffer.from(content))
            return true
          }),
        err: (text) =>
          Effect.sync(() => {
            err += text
          }),
        errColumns: () => undefined,
        canAsk: () => false
      }),
      Effect.provide(NodeServices.layer),
      Effect.exit
    )
    const bytes = Buffer.concat(out)
    return { code: codeOf(exit), out: bytes.toString("utf8"), bytes, err }
  })

const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  const error = Cause.squash(exit.cause)
  return CliError.isCliError(error) ? 2 : Runtime.getErrorExitCode(error)
}

export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "ocilayout-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** The answer as JSON. */
export const json = (args: ReadonlyArray<string>): Effect.Effect<Record<string, unknown>> =>
  Effect.map(ocl([...args, "--json"]), ({ code, err, out }) => {
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err}`)
    return JSON.parse(out) as Record<string, unknown>
  })
