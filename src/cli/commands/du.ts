/** du: what takes the space of an image. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { sizesOf } from "../../image/inside/sizes.ts"
import { described } from "../described.ts"
import { field } from "../fields.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { bar, facts, table } from "../terminal/table.ts"
import { shortOf, sizeOf } from "../terminal/units.ts"
import { File, image, openImage, platform, shownPath, told } from "./insideImage.ts"

export const Sizes = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  /** Bytes of all layers as they are stored. */
  blobs: Schema.Natural,
  /** Bytes of all files in all layers, and of those that can be seen. */
  files: Schema.Natural,
  visible: Schema.Natural,
  /** Bytes of files that later layers replace or delete. */
  hidden: Schema.Natural,
  /** Bytes of files whose content the image has under another name as well, hard links aside. */
  repeated: Schema.Natural,
  layers: Schema.Array(Schema.Struct({
    digest: Schema.String,
    blob: Schema.Natural,
    files: Schema.Natural,
    count: Schema.Natural,
    hidden: Schema.Natural,
    created_by: Schema.optionalKey(Schema.String)
  })),
  /** The folders at the top, and the files, the largest first. */
  folders: Schema.Array(Schema.Struct({ path: Schema.String, bytes: Schema.Natural, count: Schema.Natural })),
  largest: Schema.Array(File)
})

const barWidth = 12

const shown: Answer<typeof Sizes.Type> = {
  schema: Sizes,
  show: ({ blobs, files, folders, hidden, largest, layers, repeated, visible }, screen) =>
    [
      facts(screen, [
        ["stored", sizeOf(blobs)],
        ["files", `${sizeOf(files)}, of which ${sizeOf(visible)} can be seen`],
        ["hidden", hidden === 0 ? undefined : `${sizeOf(hidden)} of files that later layers replace or delete`],
        ["repeated", repeated === 0 ? undefined : `${sizeOf(repeated)} of files that are there more than once`]
      ]),
      table(
        screen,
        [
          { title: "LAYER", align: "right" },
          { title: "DIGEST" },
          { title: "STORED", align: "right" },
          { title: "FILES", align: "right" },
          { title: "HIDDEN", align: "right" },
          { title: "CREATED BY", cut: true }
        ],
        layers.map(({ blob, created_by: by = "", digest, files, hidden }, at) => [
          String(at),
          shortOf(digest),
          sizeOf(blob),
          sizeOf(files),
          sizeOf(hidden),
          by
        ])
      ),
      table(
        screen,
        [{ title: "BYTES", align: "right" }, { title: "SHARE" }, { title: "FOLDER", cut: true }],
        folders.map(({ bytes, path }) => [sizeOf(bytes), bar(bytes / Math.max(1, visible), barWidth), path])
      ),
      table(
        screen,
        [{ title: "BYTES", align: "right" }, { title: "LAYER", align: "right" }, { title: "FILE", cut: true }],
        largest.map((file) => [sizeOf(file.size), String(file.layer), shownPath(file)])
      )
    ].filter((part) => part !== "").join("\n\n")
}

export const du = Command.make("du", {
  image,
  limit: f.count("limit", "N", "So many folders, and files; 10 by default"),
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, image, limit, platform, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      const opened = yield* openImage(where, image, { at, platform })
      const { largest, layers, ...sizes } = sizesOf(opened, Math.min(1000, Option.getOrElse(limit, () => 10)))
      return {
        digest: opened.digest,
        ...sizes,
        layers: layers.map(({ createdBy, ...layer }) => ({ ...layer, ...field("created_by", createdBy) })),
        largest: largest.map(told)
      }
    })
  )).pipe(
    described(
      "Show what takes the space of an image",
      "By layer, folder and file, and what is there for nothing: files that later layers replace or delete, and files that " +
        "are there more than once.",
      [["du ./images/example/app:v1", "Why it is so large"]]
    )
  )
