/**
 * Which files of a folder are left out, by patterns as `.dockerignore` has them: `*` and `?` stay in one name, `**` is any
 * number of folders, a pattern begins at the folder that is taken, what matches goes with all below it, `!` brings back,
 * and the last pattern that matches a path decides.
 */
import { Result } from "effect"
import { InputUnsuitable } from "../../oci/OciError.ts"

/** What patterns say of paths below a folder. */
export interface Ignored {
  /** Of a path without a slash at its beginning or end. */
  readonly isLeftOut: (path: string) => boolean
  /** Whether something below a folder that is left out may be brought back. */
  readonly bringsBack: boolean
}

interface Rule {
  readonly isException: boolean
  readonly pattern: RegExp
}

/** The patterns of a list, one a line: without comments, which begin with `#`, and empty lines. */
export const patternsOf = (text: string): ReadonlyArray<string> =>
  text.replace(/^\u{feff}/u, "").split(/\r?\n/u).filter((line) => !line.startsWith("#")).map((line) => line.trim())
    .filter((line) => line !== "")

/** `InputUnsuitable` for what is no pattern. */
export const ignoredBy = (patterns: ReadonlyArray<string>): Result.Result<Ignored, InputUnsuitable> =>
  Result.gen(function*() {
    const rules: Array<Rule> = []
    for (const pattern of patterns) rules.push(...(yield* ruleOf(pattern)))
    return {
      bringsBack: rules.some(({ isException }) => isException),
      isLeftOut: (path) => rules.findLast(({ pattern }) => pattern.test(path))?.isException === false
    }
  })

const ruleOf = (written: string): Result.Result<ReadonlyArray<Rule>, InputUnsuitable> => {
  const refused = (reason: string) => Result.fail(new InputUnsuitable({ input: written, reason }))
  const isException = written.startsWith("!")
  const names = (isException ? written.slice(1) : written).trim().split("/").filter((name) => !["", "."].includes(name))
  if (names.includes("..")) return refused("is a pattern that leads out of the folder")
  // A pattern of the folder itself says nothing, as in Docker.
  if (names.length === 0) return written.trim() === "!" ? refused("is no pattern") : Result.succeed([])
  const parts = names.map((name) => name === "**" ? anyFolders : nameOf(name))
    .filter((part, at, all) => part !== anyFolders || all[at + 1] !== anyFolders)
  if (parts.includes(undefined)) return refused("is no pattern: a [ is without its ]")
  const text = parts.map((part, at) =>
    part === anyFolders ? (at === parts.length - 1 ? ".*" : part) : `${part}${at === parts.length - 1 ? "" : "/"}`
  )
  // What is below a match matches too.
  return Result.try({
    try: () => [{ isException, pattern: new RegExp(`^${text.join("")}(?:/.*)?$`, "su") }],
    catch: () => new InputUnsuitable({ input: written, reason: "is no pattern: a range in [ ] runs backwards" })
  })
}

const anyFolders = "(?:.*/)?"

/** One name as a regular expression; none for classes of characters that do not end. */
const nameOf = (name: string): string | undefined => {
  const pieces = name.match(/\[\^?(?:\\.|[^\]\\])+\]|\\.|\*+|\?|[^[\\]|./gsu) ?? []
  const all = pieces.map((piece) => {
    if (piece.length > 2 && piece.startsWith("[")) return classOf(piece.slice(1, -1))
    if (piece.startsWith("*")) return "[^/]*"
    if (piece === "?") return "[^/]"
    if (piece === "[" || piece === "\\") return undefined
    return escaped(piece.startsWith("\\") ? piece.slice(1) : piece)
  })
  return all.includes(undefined) ? undefined : all.join("")
}

const classOf = (inner: string): string => {
  const isNot = inner.startsWith("^")
  const members = Array.from(
    (isNot ? inner.slice(1) : inner).matchAll(/\\(.)|(-)|(.)/gsu),
    ([, own, range, plain]) => range ?? escaped(own ?? plain ?? "")
  )
  return `[${isNot ? "^/" : ""}${members.join("")}]`
}

const escaped = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&")
