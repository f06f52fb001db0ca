/** A file of variables that stand in for flags of `ocilayout serve`; what the environment says wins over it. */
import { ConfigProvider, Result } from "effect"
import { readFileSync } from "node:fs"
import { knownVariables, variableOf } from "./serveFlags.ts"

/** Where it is: a flag, or else a variable. */
const pathOf = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): string | undefined => {
  const at = args.findIndex((arg) => arg === "--config" || arg.startsWith("--config="))
  const given = args[at]
  if (given === undefined) return environment[variableOf("config")]
  return given === "--config" ? args[at + 1] : given.slice("--config=".length)
}

/** What configuration is read from, for these arguments of the program; a file that cannot be read says nothing here. */
export const configuration = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): ConfigProvider.ConfigProvider => {
  const fromEnvironment = ConfigProvider.fromEnv()
  const path = args.includes("serve") ? pathOf(args, environment) : undefined
  if (path === undefined) return fromEnvironment
  try {
    const text = readFileSync(path, "utf8")
    return ConfigProvider.orElse(fromEnvironment, ConfigProvider.fromDotEnvContents(text))
  } catch {
    // `checkConfig` tells it, once the command line is understood.
    return fromEnvironment
  }
}

/** Refuses a line that sets nothing: a variable that is mistyped would leave open what it was to close. */
export const checkConfig = (text: string): Result.Result<void, string> => {
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim()
    if (trimmed === "" || trimmed.startsWith("#")) continue
    const [, name] = /^(?:export +)?([A-Za-z_]\w*) *=/u.exec(trimmed) ?? []
    if (name === undefined) return Result.fail(`line ${index + 1} is no VARIABLE=VALUE`)
    if (!knownVariables.has(name)) return Result.fail(`line ${index + 1} sets ${name}, which is no variable of a flag`)
  }
  return Result.void
}
