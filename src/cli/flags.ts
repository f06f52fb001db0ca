/** Flags and arguments that several commands have. */
import { Config } from "effect"
import { Argument, Flag } from "effect/cli"

export const off = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))

export const alias = (short: string) => <A>(flag: Flag.Flag<A>): Flag.Flag<A> => Flag.withAlias(flag, short)

export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

export const required = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))

export const several = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.atLeast(0))

export const count = (name: string, metavar: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar(metavar),
    Flag.filter((value) => value >= 0, () => "a number that is not less than 0"),
    Flag.withDescription(description),
    Flag.optional
  )

export const wanted = {
  json: off("json", "Answer in JSON; failures are one line of JSON on standard error"),
  quiet: off("quiet", "Say nothing where something was done")
}

export const durability = Flag.Literals("durability", ["power", "process", "none"]).pipe(
  Flag.withMetavar("LEVEL"),
  Flag.withDescription(
    "What an acknowledged change survives: a power cut (default), the end of the process, or nothing"
  ),
  Flag.withDefault("power" as const)
)

export const hold = Flag.Literals("hold", ["always", "day", "never"]).pipe(
  Flag.withMetavar("TIME"),
  Flag.withDescription(
    "How long content has a second name that other tools' garbage collections do not know: as long as it is needed " +
      "(default), a day, or never"
  ),
  Flag.withDefault("always" as const)
)

export const symlinks = Flag.Literals("symlinks", ["refuse", "inside", "follow"]).pipe(
  Flag.withMetavar("POLICY"),
  Flag.withDescription(
    "What becomes of symbolic links in a layout: refuse (default), follow inside it, or follow anywhere"
  ),
  Flag.withDefault("refuse" as const)
)

export const endpoint = text(
  "endpoint",
  "URL",
  "The store of layouts named s3://BUCKET/PREFIX, where it is not that of AWS. Also AWS_ENDPOINT_URL"
)

export const sse = Flag.String("sse").pipe(
  Flag.withMetavar("METHOD"),
  Flag.withDescription(
    "How the store of s3://BUCKET/PREFIX encrypts what is written: AES256, aws:kms or aws:kms=KEY; by default as the " +
      "bucket does. Also OCILAYOUT_SSE"
  ),
  Flag.withFallbackConfig(Config.String("OCILAYOUT_SSE")),
  Flag.optional
)

/** Which layout is meant, where the reference is not a path. */
export const where = {
  layout: Flag.String("layout").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("The layout; references are then plain names inside it. Also OCILAYOUT_LAYOUT"),
    Flag.withFallbackConfig(Config.String("OCILAYOUT_LAYOUT")),
    Flag.optional
  ),
  perRepository: off("per-repository", "The layout is a tree of layouts, one per repository"),
  defaultRepository: text(
    "default-repository",
    "NAME",
    "The repository of entries that are only a tag; by default what the layout has kept, or else its directory's name"
  ),
  endpoint,
  sse,
  symlinks
}

/** As `where`, for commands that change something. */
export const writing = { ...where, durability, hold }

export const at = text(
  "at",
  "POINT",
  "As it was then: a revision (12), a time (2026-11-25T20:15:00Z), or -N for the Nth previous value of the tag"
)

const argument = (name: string, description: string) =>
  Argument.String(name).pipe(Argument.withMetavar(name), Argument.withDescription(description))

export const reference = argument(
  "reference",
  "PATH/repository:tag or PATH/repository@digest; digests may be shortened to 12 digits for reading"
)

export const blob = argument("reference", "PATH/repository@digest; digests may be shortened to 12 digits for reading")

export const pushed = argument(
  "reference",
  "PATH/repository[:tag][@digest]; with a digest, it has to be that of the file"
)

export const tagged = argument("reference", "PATH/repository:tag")

export const addressed = argument("reference", "PATH/repository@digest, with the digest in full")

export const repository = argument("repository", "PATH/repository; with --layout, repository")

export const target = argument(
  "target",
  "A layout, or a repository or reference in it; by default --layout, or else the current directory"
).pipe(Argument.optional)

export const whole = argument(
  "layout",
  "The layout; by default --layout, or else the current directory. Of a tree (--layout DIR --per-repository), a repository"
).pipe(Argument.optional)

export const layout = argument(
  "layout",
  "The layout; by default --layout, or else the current directory"
).pipe(Argument.optional)

export const file = argument("file", "A file, or - for standard input")

export { argument }
