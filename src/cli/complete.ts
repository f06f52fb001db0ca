/** What a command line could go on with: commands, flags, values, layouts, and the names inside them. */
import { Effect, Option, Stream } from "effect"
import type { Completions } from "effect/cli"
import { readdirSync } from "node:fs"
import { isLayout, makeDisk, makeDiskTree } from "../node/index.ts"
import type { RegistryError } from "../oci/OciError.ts"
import { isBucket } from "../places/Place.ts"
import { parseDirectory } from "./directories.ts"

type Described = Completions.CommandDescriptor

/** The most names that are offered. */
const most = 200

/** The words of a line so far, quotes and backslashes taken away; the last one is what is being written. */
export const wordsOf = (line: string): ReadonlyArray<string> => {
  const words = [""]
  let quote = ""
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    const last = words.length - 1
    if (character === "\\" && quote !== "'" && at + 1 < line.length) words[last] += line.charAt(++at)
    else if (character === quote) quote = ""
    else if (quote !== "") words[last] += character
    else if (character === "'" || character === "\"") quote = character
    else if (character !== " " && character !== "\t") words[last] += character
    else if (words[last] !== "") words.push("")
  }
  return words
}

interface Position {
  readonly command: Described
  /** The flag whose value is being written. */
  readonly flag: Completions.FlagDescriptor | undefined
  /** How many arguments stand before. */
  readonly argumentsBefore: number
  readonly layout: string | undefined
  readonly perRepository: boolean
}

/** Where in the tree of commands a line has got to. */
const positionOf = (root: Described, words: ReadonlyArray<string>): Position => {
  let command = root
  let flag: Completions.FlagDescriptor | undefined
  let argumentsBefore = 0
  let layout: string | undefined
  let perRepository = false
  for (const word of words) {
    if (flag !== undefined) {
      if (flag.name === "layout") layout = word
      flag = undefined
      continue
    }
    if (word.startsWith("-")) {
      const [name = "", value] = word.replace(/^--?/u, "").split("=", 2)
      const found = command.flags.find((one) => one.name === name || one.aliases.includes(name))
      if (found?.name === "per-repository") perRepository = true
      if (found?.name === "layout" && value !== undefined) layout = value
      if (found !== undefined && found.type._tag !== "Boolean" && value === undefined) flag = found
      continue
    }
    const below = command.subcommands.find(({ name }) => name === word)
    if (below === undefined) argumentsBefore++
    else command = below
  }
  return { command, flag, argumentsBefore, layout, perRepository }
}

const folders = (partial: string): ReadonlyArray<string> => {
  const slash = partial.lastIndexOf("/")
  const parent = partial.slice(0, slash + 1)
  try {
    return readdirSync(parent === "" ? "." : parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.startsWith(partial.slice(slash + 1)))
      .filter(({ name }) => !name.startsWith(".") || partial.slice(slash + 1).startsWith("."))
      .map(({ name }) => `${parent}${name}/`)
      .toSorted()
  } catch {
    // What cannot be listed has nothing to offer.
    return []
  }
}

/** Names inside a layout that begin so, each with what stands before it on the line. */
const namesIn = Effect.fnUntraced(
  function*(
    directory: string,
    partial: string,
    { perRepository, tags }: { readonly perRepository: boolean; readonly tags: boolean }
  ) {
    // A key that is pressed sends no requests.
    if (isBucket(directory)) return []
    const { path } = parseDirectory(directory)
    const registry = yield* perRepository
      ? makeDiskTree({ directory: path })
      : makeDisk({ directory: path })
    const at = partial.indexOf("@")
    if (at >= 0) {
      const name = partial.slice(0, at)
      const found = Stream.concat(registry.digests(name, "manifest"), registry.digests(name, "blob")).pipe(
        Stream.filter((digest) => digest.startsWith(partial.slice(at + 1))),
        Stream.take(most)
      )
      return (yield* Stream.runCollect(found)).map((digest) => `${name}@${digest}`)
    }
    const colon = partial.indexOf(":")
    if (colon >= 0) {
      const name = partial.slice(0, colon)
      const found = registry.tags(name).pipe(
        Stream.filter((tag) => tag.startsWith(partial.slice(colon + 1))),
        Stream.take(most)
      )
      return (yield* Stream.runCollect(found)).map((tag) => `${name}:${tag}`)
    }
    const found = yield* registry.repositories().pipe(
      Stream.filter((name) => name.startsWith(partial)),
      Stream.take(most),
      Stream.runCollect
    )
    return found.map((name) => tags ? `${name}:` : name)
  },
  Effect.scoped
)

/** The names that a path may end in: of the layout on it, and folders. */
const paths = Effect.fnUntraced(function*(
  partial: string,
  tags: boolean
): Effect.fn.Return<ReadonlyArray<string>, RegistryError> {
  for (let slash = partial.lastIndexOf("/"); slash > 0; slash = partial.lastIndexOf("/", slash - 1)) {
    const directory = partial.slice(0, slash)
    if (yield* isLayout(directory)) {
      const names = yield* namesIn(directory, partial.slice(slash + 1), { perRepository: false, tags })
      return names.map((name) => `${directory}/${name}`)
    }
  }
  return folders(partial)
})

const named = new Set(["reference", "repository", "target", "image", "other"])

/** Everything that the last word could become; what ends in `/`, `:` or `=` goes on. */
export const complete = (
  root: Described,
  line: string,
  layoutOfEnvironment: Option.Option<string>
): Effect.Effect<ReadonlyArray<string>, RegistryError> =>
  Effect.suspend(() => {
    const words = wordsOf(line).slice(1)
    const partial = words.at(-1) ?? ""
    const { argumentsBefore, command, flag, layout, perRepository } = positionOf(root, words.slice(0, -1))
    const beginning = (candidates: ReadonlyArray<string>) => candidates.filter((one) => one.startsWith(partial))
    if (flag !== undefined) {
      return Effect.succeed(flag.name === "layout" ? folders(partial) : valuesOf(flag.type, partial))
    }
    if (partial.startsWith("-")) {
      const flags = command.flags.map(({ name, type }) => type._tag === "Boolean" ? `--${name}` : `--${name}=`)
      return Effect.succeed(beginning([...flags, "--help"]))
    }
    if (command.subcommands.length > 0) return Effect.succeed(beginning(command.subcommands.map(({ name }) => name)))
    const last = command.arguments.at(-1)
    const argument = command.arguments[argumentsBefore] ?? (last?.variadic === true ? last : undefined)
    if (argument === undefined) return Effect.succeed([])
    if (!named.has(argument.name)) {
      const values = valuesOf(argument.type, partial)
      return Effect.succeed(argument.name === "layout" || argument.name === "directory" ? folders(partial) : values)
    }
    const tags = argument.name !== "repository"
    const given = layout ?? Option.getOrUndefined(layoutOfEnvironment)
    return given === undefined ? paths(partial, tags) : namesIn(given, partial, { perRepository, tags })
  })

const valuesOf = (type: Completions.FlagType, partial: string): ReadonlyArray<string> => {
  switch (type._tag) {
    case "Choice":
      return type.values.filter((value) => value.startsWith(partial))
    case "Path":
      return folders(partial)
    default:
      return []
  }
}
