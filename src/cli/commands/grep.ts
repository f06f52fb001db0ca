/** grep: lines of the files of an image. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { grepFiles } from "../../image/inside/grepFiles.ts"
import { plainMatcher } from "../../image/ports/LineMatcher.ts"
import { regexMatcher } from "../../node/index.ts"
import { field } from "../../oci/field.ts"
import { sentence } from "../../oci/quoted.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { image, moreAfter, openImage, page, pagingOf, platform } from "./insideImage.ts"

export const Grep = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  files: Schema.Array(Schema.Struct({
    path: Schema.String,
    layer: Schema.Natural,
    lines: Schema.Array(Schema.Struct({ line: Schema.Natural, text: Schema.String })),
    /** Whether the file may have more than the lines that are told. */
    more_lines: Schema.Boolean
  })),
  /** What to go on with where there are more files. */
  next_start_after: Schema.optionalKey(Schema.String)
})

const shown: Answer<typeof Grep.Type> = {
  schema: Grep,
  show: ({ files, next_start_after: next }) =>
    [
      ...files.flatMap(({ lines, more_lines: more, path }) => [
        ...lines.map(({ line, text }) => sentence(`${path}:${line}:${text}`)),
        ...(more ? [sentence(`${path}: there are more lines`)] : [])
      ]),
      ...moreAfter(next)
    ].join("\n")
}

const regexOf = (pattern: string, ignoreCase: boolean): Effect.Effect<RegExp, Mistake> =>
  Effect.try({
    try: () => new RegExp(pattern, ignoreCase ? "iu" : "u"),
    catch: (cause) => new Mistake(cause instanceof Error ? cause.message : "no regular expression")
  })

export const grep = Command.make("grep", {
  image,
  pattern: f.argument("pattern", "Text that the lines have; with --regex, a regular expression of JavaScript"),
  glob: f.argument("glob", "Only files whose name fits * and ?; with a slash in it, whose whole path does").pipe(
    Argument.optional
  ),
  regex: f.off("regex", "The pattern is a regular expression").pipe(f.alias("E")),
  ignoreCase: f.off("ignore-case", "Capitals do not matter").pipe(f.alias("i")),
  path: f.text("path", "PATH", "Only below this folder of the image"),
  ...page,
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, glob, ignoreCase, image, limit, path, pattern, platform, regex, startAfter, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      if (pattern === "") return yield* Effect.fail(new Mistake("an empty pattern fits every line"))
      const matcher = regex
        ? yield* regexMatcher(yield* regexOf(pattern, ignoreCase))
        : plainMatcher(pattern, ignoreCase)
      const opened = yield* openImage(where, image, { at, platform })
      const { items, more } = yield* grepFiles(opened, matcher, {
        ...pagingOf({ limit, startAfter }),
        name: Option.getOrUndefined(glob),
        path: Option.getOrUndefined(path)
      })
      return {
        digest: opened.digest,
        files: items.map(({ more, ...file }) => ({ ...file, more_lines: more })),
        ...field("next_start_after", more ? items.at(-1)?.path : undefined)
      }
    })
  )).pipe(
    described(
      "Find lines in the files of an image",
      "In text files, by a piece of text or a regular expression; at most 100 lines of a file are printed. Every file that " +
        "may have it is read, and an expression that takes too long is given up.",
      [
        ["grep ./images/example/app:v1 password '*.conf'", "A word in files of a name"],
        ["grep ./images/example/app:v1 '^PermitRoot' --regex --path /etc/ssh", "A regular expression, below a folder"]
      ]
    )
  )
