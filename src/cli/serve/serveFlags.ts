/** Flags that a variable of the environment, or of a file of them, stands in for: `--tls-cert` is also OCILAYOUT_TLS_CERT. */
import { Config } from "effect"
import { Flag } from "effect/cli"

const known = new Set<string>()

/** The variables of all flags that have been made. */
export const knownVariables: ReadonlySet<string> = known

/** The variable of a flag. */
export const variableOf = (flag: string): string => {
  const variable = `OCILAYOUT_${flag.toUpperCase().replaceAll("-", "_")}`
  known.add(variable)
  return variable
}

export const value = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.withFallbackConfig(Config.String(variableOf(name)))
  )

export const text = (name: string, metavar: string, description: string) =>
  Flag.optional(value(name, metavar, description))

export const off = (name: string, description: string) =>
  Flag.Boolean(name).pipe(
    Flag.withDescription(description),
    Flag.withoutNegation,
    Flag.withFallbackConfig(Config.Boolean(variableOf(name))),
    Flag.withDefault(false)
  )

/** One of a few words; the first is the default. */
export const choice = <const Words extends readonly [string, ...ReadonlyArray<string>]>(
  name: string,
  words: Words,
  metavar: string,
  description: string
) =>
  Flag.Literals(name, words).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.withFallbackConfig(Config.Literals(words, variableOf(name))),
    Flag.withDefault<Words[number]>(words[0])
  )

/** A whole number from `least` on. */
export const number = (name: string, least: number, description: string, most = Number.MAX_SAFE_INTEGER) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withFallbackConfig(Config.Int(variableOf(name))),
    Flag.filter(
      (value) => value >= least && value <= most,
      (value) =>
        most === Number.MAX_SAFE_INTEGER
          ? `${value} is less than ${least}`
          : `${value} is not between ${least} and ${most}`
    ),
    Flag.withDescription(description),
    Flag.optional
  )

/** Repeated on the command line; in a variable, with spaces between. */
export const several = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.atLeast(1),
    Flag.withFallbackConfig(
      Config.map(Config.String(variableOf(name)), (text) => text.split(/\s+/u).filter((part) => part !== ""))
    ),
    Flag.withDefault<ReadonlyArray<string>>([])
  )
