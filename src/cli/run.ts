/** Runs the command line: logs and mistakes go to standard error, results to standard output. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, ConfigProvider, Console, Effect, Exit, Layer, References, Runtime } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { constants } from "node:os"
import process from "node:process"
import { printableJson, quoted, sentence } from "../oci/quoted.ts"
import { ocilayout } from "./command.ts"
import { exitCodes } from "./exitCodes.ts"
import { makeRoom } from "./leave.ts"
import { configuration } from "./serve/configFile.ts"
import { version } from "./version.ts"

/** Never offered in the place of what was mistyped: what they do cannot be taken back, or changes what is there. */
const destructive = new Set(["gc", "rm", "delete", "repair", "restore", "revert", "unpin", "cancel"])

const meant = (suggestions: ReadonlyArray<string>): string => {
  const harmless = suggestions.filter((name) => !destructive.has(name))
  return harmless.length === 0 ? "" : `; did you mean ${harmless.join(" or ")}?`
}

/** What was typed wrong, in the form that other failures have: a clause without a capital. */
const mistakeOf = (error: CliError.CliError): string => {
  if (error instanceof CliError.UnknownSubcommand) {
    const parent = error.parent === undefined ? "" : ` of ${error.parent.join(" ")}`
    return `${quoted(error.subcommand)} is no subcommand${parent}${meant(error.suggestions)}`
  }
  if (error instanceof CliError.UnrecognizedOption) {
    const command = error.command === undefined ? "this command" : error.command.join(" ")
    return `${error.option} is no flag of ${command}${meant(error.suggestions)}`
  }
  if (error instanceof CliError.MissingArgument) return `the argument ${error.argument} is missing`
  if (error instanceof CliError.MissingOption) return `the flag --${error.option} is missing`
  if (error instanceof CliError.InvalidValue) {
    const name = error.kind === "argument" ? error.option : `--${error.option}`
    if (error.value === "" && error.kind !== "argument") return `--${error.option} has no value`
    const expected = error.expected.replace(/^Expected:?\s*/u, "").replace(
      /^a string representing a finite number$/u,
      "a number"
    )
    return `${quoted(error.value)} is no value of ${name}: expected ${expected}`
  }
  const text = error.message.trim().replace(/\s+/gu, " ")
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** A mistake is answered as other failures are, with where help is, and not with all of the help. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const hint = `${event.commandPath.join(" ")} --help shows what it takes.`
    const message = event.errors.map(mistakeOf).join("; ")
    return Console.error(
      isForScripts(process.argv)
        ? printableJson({ error: { code: "INVALID_ARGUMENT", message, hint } })
        : `error: ${sentence(message)}\n${hint}`
    )
  }
}

/** The flags could not be read, so that all there is to go by is what was typed. */
const isForScripts = (args: ReadonlyArray<string>): boolean => {
  const end = args.indexOf("--")
  return (end < 0 ? args : args.slice(0, end)).includes("--json")
}

const layer = Layer.mergeAll(
  NodeServices.layer,
  Layer.succeed(References.LogToStderr, true),
  ConfigProvider.layer(configuration(process.argv, process.env)),
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.LogLevel] })
)

/** `runMain` would report outside of the layer, and so to standard output. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.hasInterruptsOnly(cause) || !Runtime.getErrorReported(Cause.squash(cause))
    ? Effect.void
    : Effect.logError(cause)

/** What a shell adds to the number of the signal that ended a process. */
const bySignal = 128
let signal: number = constants.signals.SIGINT

/**
 * A command that was interrupted ends as shells expect, unless it has said that it was done; one that was given what
 * makes no sense tells that by its code.
 */
const teardown: Runtime.Teardown = (exit, onExit) => {
  makeRoom()
  if (Exit.isSuccess(exit)) return Runtime.defaultTeardown(exit, onExit)
  if (Cause.hasInterruptsOnly(exit.cause)) return onExit(Number(process.exitCode ?? bySignal + signal))
  if (CliError.isCliError(Cause.squash(exit.cause))) return onExit(exitCodes.invalid)
  return Runtime.defaultTeardown(exit, onExit)
}

export const run = (): void => {
  process.once("SIGTERM", () => {
    signal = constants.signals.SIGTERM
  })
  // Without a listener, a pipe whose reader has gone would end the process before it has put things in order.
  process.stdout.on("error", () => undefined)
  process.stderr.on("error", () => undefined)
  Command.run(ocilayout, { version }).pipe(
    Effect.tapCause(report),
    Effect.provide(layer),
    NodeRuntime.runMain({ disableErrorReporting: true, teardown })
  )
}
