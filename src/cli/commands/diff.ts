/** diff: what two images have different files of. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { diffImages } from "../../image/inside/diffImages.ts"
import { paged } from "../../image/inside/listFiles.ts"
import { diffSettings, textDiffOf } from "../../image/inside/textDiff.ts"
import { field } from "../../oci/field.ts"
import { quoted, sentence } from "../../oci/quoted.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { sizeOf } from "../terminal/units.ts"
import { File, image, moreAfter, openImage, page, pagingOf, platform, told } from "./insideImage.ts"

export const Diff = Schema.Struct({
  /** Of the manifests of both images. */
  from: Schema.String,
  to: Schema.String,
  /** How many layers both begin with. */
  shared_layers: Schema.Natural,
  changes: Schema.Array(Schema.Struct({
    path: Schema.String,
    change: Schema.Literals(["added", "removed", "changed"]),
    /** Of what was changed: in what. */
    aspects: Schema.optionalKey(
      Schema.Array(Schema.Literals(["type", "content", "target", "mode", "owner", "xattrs", "time"]))
    ),
    from: Schema.optionalKey(File),
    to: Schema.optionalKey(File),
    /** What has changed in the text, as a unified diff. */
    text_diff: Schema.optionalKey(Schema.String)
  })),
  /** In what the configs differ, on the first page. */
  settings: Schema.Array(Schema.Struct({
    setting: Schema.String,
    from: Schema.optionalKey(Schema.String),
    to: Schema.optionalKey(Schema.String)
  })),
  /** What to go on with where there are more. */
  next_start_after: Schema.optionalKey(Schema.String)
})

const signs = { added: "+", removed: "-", changed: "~" } as const

const shown: Answer<typeof Diff.Type> = {
  schema: Diff,
  show: ({ changes, next_start_after: next, settings }) =>
    [
      ...settings.map(({ from, setting, to }) => {
        const sign = from === undefined ? "+" : to === undefined ? "-" : "~"
        const values = [from, to].flatMap((value) => value === undefined ? [] : [quoted(value)])
        return sentence(`${sign} config: ${setting}  (${values.join(" to ")})`)
      }),
      ...changes.map(({ aspects = [], change, from, path, text_diff: text, to }) => {
        const sizes = from?.type === "file" && to?.type === "file" && from.size !== to.size
          ? `, ${sizeOf(from.size)} to ${sizeOf(to.size)}`
          : ""
        const how = aspects.length === 0 ? "" : `  (${aspects.join(", ")}${sizes})`
        return [
          sentence(`${signs[change]} ${path}${how}`),
          ...(text === undefined ? [] : text.trimEnd().split("\n").map((line) => sentence(`    ${line}`)))
        ].join("\n")
      }),
      ...moreAfter(next)
    ].join("\n")
}

export const diff = Command.make("diff", {
  from: image,
  to: f.argument("other", "The image it is compared with"),
  times: f.off("times", "Also files of which only the time differs"),
  text: f.off("text", "Show what has changed in text files, as a unified diff"),
  trustTables: f.off(
    "trust-tables",
    "Of the first image, believe the tables that layers of eStargz and zstd:chunked have of themselves"
  ),
  ...page,
  platform,
  where: f.where,
  wanted: f.wanted
}, ({ from, limit, platform, startAfter, text, times, to, trustTables, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([
        openImage(where, from, { at: Option.none(), platform, ...(trustTables ? { trustTables: "always" } : {}) }),
        openImage(where, to, { at: Option.none(), platform })
      ])
      const { items, more } = paged(diffImages(a, b, { times }), pagingOf({ limit, startAfter }), (change) => change)
      const unshared = a.tables.findIndex(({ digest }, at) => b.tables[at]?.digest !== digest)
      const changes = yield* Effect.forEach(
        items,
        Effect.fnUntraced(function*(change) {
          const { from, to, ...rest } = change
          return {
            ...rest,
            ...field("from", from === undefined ? undefined : told(from)),
            ...field("to", to === undefined ? undefined : told(to)),
            ...field("text_diff", text ? yield* textDiffOf(a, b, change) : undefined)
          }
        })
      )
      return {
        from: a.digest,
        to: b.digest,
        shared_layers: unshared < 0 ? a.tables.length : unshared,
        settings: Option.isNone(startAfter) ? diffSettings(a, b) : [],
        changes,
        ...field("next_start_after", more ? items.at(-1)?.path : undefined)
      }
    })
  )).pipe(
    described(
      "Compare the files of two images",
      "What the second has that the first has not (+), has no longer (-), or has otherwise (~), in content, mode, owner, " +
        "target or type; and in what their configs differ.",
      [
        ["diff ./images/example/app:v1 ./images/example/app:v2", "What changed between two versions"],
        ["diff ./images/example/app:v1 ./images/example/app:v2 --text", "And how, in text files"],
        [
          "diff ./images/example/app:v1 ./images/example/app:v1 --trust-tables",
          "Whether the own tables of its layers say something else than the layers"
        ]
      ]
    )
  )
