/** Flags about what an image is to be, and what they say. */
import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { parsePlatform } from "../../make/documents/platform.ts"
import type { ImageEdit } from "../../make/images/makeImage.ts"
import { type LayerInput, madeBy } from "../../make/layers/pushLayer.ts"
import type { Compressing } from "../../make/ports/LayerMaker.ts"
import { patternsOf } from "../../make/tar/ignored.ts"
import { folderTar } from "../../node/index.ts"
import * as limits from "../../ops/limits.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { editsOf } from "./made.ts"

/** Several words of one command: a JSON array, or a single word. */
const command = (name: string, description: string) =>
  f.text(name, "WORD|JSON", `${description}: a JSON array of words, or one word; empty to remove it`)

/** What a container of the image is run with, and what is said of it. */
export const settingFlags = {
  entrypoint: command("entrypoint", "What is run; without --cmd, the command goes"),
  cmd: command("cmd", "What is run by default, or what the entrypoint is given"),
  env: f.several("env", "NAME=VALUE", "A variable; NAME= removes it; repeat for several"),
  labels: f.several("label", "KEY=VALUE", "A label; KEY= removes it; repeat for several"),
  annotations: f.several(
    "annotation",
    "KEY=VALUE",
    "An annotation of the manifest; KEY= removes it; repeat for several"
  ),
  user: f.text("user", "USER[:GROUP]", "Who runs it; empty to remove it"),
  workdir: f.text("workdir", "PATH", "The folder that it starts in; empty to remove it"),
  expose: f.several("expose", "PORT[/PROTOCOL]", "A port that it listens on; repeat for several"),
  volumes: f.several("volume", "PATH", "A path that is mounted; repeat for several"),
  stopSignal: f.text("stop-signal", "SIGNAL", "What stops it; empty to remove it"),
  author: f.text("author", "TEXT", "Who made it; empty to remove it"),
  history: f.text("history", "TEXT", "A step of the history that made no layer"),
  mediaTypes: Flag.Literals("media-types", ["oci", "docker"]).pipe(
    Flag.withMetavar("FAMILY"),
    Flag.withDescription("Whose media types it has"),
    Flag.optional
  )
}

const time = "TIME: 2026-11-30T12:00:00Z, or seconds since 1970"

/** When an image was made, where that is not said by the surroundings. */
export const created = f.text("created", "TIME", `When it was made, as a ${time}; empty to remove it`)

/** As `created`, for what is made anew. */
export const createdNow = Flag.String("created").pipe(
  Flag.withMetavar("TIME"),
  Flag.withDescription(
    `When it was made, and the latest time of its files, as a ${time}; nothing by default. Also SOURCE_DATE_EPOCH`
  ),
  Flag.withFallbackConfig(Config.String("SOURCE_DATE_EPOCH")),
  Flag.optional
)

/** How layers are compressed. */
export const compressFlags = {
  compress: Flag.Literals("compress", ["gzip", "zstd", "none"]).pipe(
    Flag.withMetavar("KIND"),
    Flag.withDescription("How layers are compressed; gzip by default, and what is compressed already stays as it is"),
    Flag.optional
  ),
  level: f.count("level", "N", "How much: 1 to 9 for gzip, 1 to 19 for zstd; 6 and 3 by default")
}

/** How folders become layers. */
export const layerFlags = {
  at: f.text("to", "PATH", "Where folders go in the image; the root by default"),
  owners: f.off("owners", "Files keep their owners; by default all of them are root's"),
  exclude: f.several(
    "exclude",
    "PATTERN",
    "Leave out of folders what matches, as in .dockerignore: node_modules, **/*.log, !keep.log; repeat for several"
  ),
  excludeFrom: f.text("exclude-from", "FILE", "A file of such patterns, which come first: .dockerignore itself, say"),
  createdBy: f.text("created-by", "TEXT", "What the history says made the layers")
}

interface Settings {
  readonly entrypoint: Option.Option<string>
  readonly cmd: Option.Option<string>
  readonly env: ReadonlyArray<string>
  readonly labels: ReadonlyArray<string>
  readonly annotations: ReadonlyArray<string>
  readonly user: Option.Option<string>
  readonly workdir: Option.Option<string>
  readonly expose: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
  readonly stopSignal: Option.Option<string>
  readonly author: Option.Option<string>
  readonly created: Option.Option<string>
  readonly history: Option.Option<string>
  readonly mediaTypes: Option.Option<"oci" | "docker">
}

const wordsOf = (
  name: string,
  text: Option.Option<string>
): Effect.Effect<ReadonlyArray<string> | null | undefined, Mistake> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<string> | null | undefined, Mistake> => {
    if (Option.isNone(text)) return Effect.undefined
    if (text.value === "") return Effect.succeed(null)
    if (!text.value.startsWith("[")) return Effect.succeed([text.value])
    const wrong = new Mistake(`${name} ${text.value}: write a JSON array of words, such as ["/bin/app","serve"]`)
    return Effect.flatMap(
      Effect.try({ try: (): unknown => JSON.parse(text.value), catch: () => wrong }),
      (words) =>
        Array.isArray(words) && words.every((word): word is string => typeof word === "string")
          ? Effect.succeed(words)
          : Effect.fail(wrong)
    )
  })

/** Nothing where nothing was said, and `null` where it was empty. */
const changeOf = (text: Option.Option<string>): string | null | undefined =>
  Option.getOrUndefined(Option.map(text, (value) => value === "" ? null : value))

/** Seconds since 1970 as a config has times. */
const timeOf = (text: string): Effect.Effect<string, Mistake> => {
  if (!/^\d+$/u.test(text)) return Effect.succeed(text)
  const time = new Date(Number(text) * 1000)
  return Number.isNaN(time.getTime())
    ? Effect.fail(new Mistake(`${text} seconds after 1970 is no time`))
    : Effect.succeed(time.toISOString().replace(".000Z", "Z"))
}

/** What the flags say. */
export const editOf = Effect.fnUntraced(
  function*(given: Settings): Effect.fn.Return<Omit<ImageEdit, "layers">, Mistake> {
    const { created } = given
    return {
      entrypoint: yield* wordsOf("--entrypoint", given.entrypoint),
      cmd: yield* wordsOf("--cmd", given.cmd),
      env: yield* editsOf("--env", given.env),
      labels: yield* editsOf("--label", given.labels),
      annotations: yield* editsOf("--annotation", given.annotations),
      user: changeOf(given.user),
      workdir: changeOf(given.workdir),
      ports: given.expose,
      volumes: given.volumes,
      stopSignal: changeOf(given.stopSignal),
      author: changeOf(given.author),
      created: Option.isNone(created)
        ? undefined
        : created.value === ""
        ? null
        : yield* timeOf(created.value),
      history: Option.getOrUndefined(given.history),
      mediaTypes: Option.getOrUndefined(given.mediaTypes)
    }
  }
)

export const compressingOf = (
  { compress, level }: {
    readonly compress: Option.Option<Compressing["kind"]>
    readonly level: Option.Option<number>
  }
): Compressing | undefined =>
  Option.isNone(compress) && Option.isNone(level)
    ? undefined
    : { kind: Option.getOrElse(compress, () => "gzip" as const), level: Option.getOrUndefined(level) }

export const platformOf = (text: Option.Option<string>) =>
  Option.match(text, {
    onNone: () => Effect.undefined,
    onSome: (value) => {
      const platform = parsePlatform(value)
      return platform === undefined
        ? Effect.fail(new Mistake(`${value} is no platform; write OS/ARCH[/VARIANT]`))
        : Effect.succeed(platform)
    }
  })

const textIn = Effect.fnUntraced(function*(file: string) {
  const bytes = yield* collectBytes((yield* open(file)).content, (size) =>
    size > limits.manifestBytes
      ? Effect.fail(new Mistake(`${file} is too large to be a list of patterns`))
      : Effect.void)
  return new TextDecoder().decode(bytes)
})

/** Folders and tars as layers. */
export const layersOf = Effect.fnUntraced(function*(
  inputs: ReadonlyArray<string>,
  { at, created, createdBy, exclude: own, excludeFrom, owners }: {
    readonly at: Option.Option<string>
    readonly owners: boolean
    readonly createdBy: Option.Option<string>
    readonly exclude: ReadonlyArray<string>
    readonly excludeFrom: Option.Option<string>
    readonly created: string | null | undefined
  }
) {
  const latest = typeof created === "string" ? Math.floor(Date.parse(created) / 1000) : Number.NaN
  const exclude = [...(Option.isNone(excludeFrom) ? [] : patternsOf(yield* textIn(excludeFrom.value))), ...own]
  return yield* Effect.forEach(
    inputs,
    Effect.fnUntraced(function*(input) {
      const described = (usual: string) => ({ name: input, createdBy: Option.getOrElse(createdBy, () => usual) })
      if (input !== "-" && statSync(input, { throwIfNoEntry: false })?.isDirectory() === true) {
        const content = folderTar(resolve(input), {
          at: Option.getOrUndefined(at),
          owners,
          exclude,
          ...(Number.isNaN(latest) ? {} : { latest })
        })
        return { ...described(madeBy.folder(Option.getOrUndefined(at))), content } satisfies LayerInput<Failure>
      }
      return { ...described(madeBy.tar), content: (yield* open(input)).content } satisfies LayerInput<Failure>
    })
  )
})
