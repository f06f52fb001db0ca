/** Runs the command line: logs and mistakes go to standard error, results to standard output. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, References, Runtime } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli"
import process from "node:process"
import { ocilayout } from "./command.ts"
import { version } from "./version.ts"

/** A mistake is answered with what it is and where help is, not with all of the help. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        `${CliOutput.defaultFormatter({ colors: false }).formatErrors(event.errors).trim()}\n\n` +
          `${event.commandPath.join(" ")} --help shows what it takes.`
      )
      : CliOutput.defaultPresenter.present(event)
}

const layer = Layer.mergeAll(
  NodeServices.layer,
  Layer.succeed(References.LogToStderr, true),
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel] })
)

/** `runMain` would report outside of the layer, and so to standard output. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.hasInterruptsOnly(cause) || !Runtime.getErrorReported(Cause.squash(cause))
    ? Effect.void
    : Effect.logError(cause)

/** Interrupted, a command ends as shells expect, unless it has said that it was done. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && process.exitCode !== undefined
    ? onExit(Number(process.exitCode))
    : Runtime.defaultTeardown(exit, onExit)

export const run = (): void =>
  Command.run(ocilayout, { version }).pipe(
    Effect.tapCause(report),
    Effect.provide(layer),
    NodeRuntime.runMain({ disableErrorReporting: true, teardown })
  )
