/** du: what takes the space of an image. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { layoutSizes } from "../../image/inside/layoutSizes.ts"
import { sizesOf } from "../../image/inside/sizes.ts"
import { field } from "../../oci/field.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { locate } from "../target.ts"
import type { Screen } from "../terminal/Screen.ts"
import { bar, facts, table } from "../terminal/table.ts"
import { shortOf, sizeOf } from "../terminal/units.ts"
import { LayoutSizes, shownSizes, toldSizes } from "./duLayout.ts"
import { File, inside, openImage, platform, shownPath, told } from "./insideImage.ts"

const Sizes = Schema.Struct({
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

/** Of an image, or of a layout. */
export const AllSizes = Schema.Union([Sizes, LayoutSizes])

const shownImage = (
  { blobs, files, folders, hidden, largest, layers, repeated, visible }: typeof Sizes.Type,
  screen: Screen
): string =>
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

const shown = (most: number): Answer<typeof AllSizes.Type> => ({
  schema: AllSizes,
  show: (sizes, screen) => "images" in sizes ? shownSizes(screen, sizes, most) : shownImage(sizes, screen)
})

export const du = Command.make("du", {
  target: f.argument("target", "A layout, or an image: PATH/repository:tag or PATH/repository@digest"),
  limit: f.count("limit", "N", "So many of each list; 10 by default"),
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, limit, platform, target, wanted, where }) =>
  answer(
    shown(Option.getOrElse(limit, () => 10)),
    wanted,
    Effect.gen(function*() {
      const { name, registry } = yield* locate(where, Option.some(target))
      if (name === undefined && Option.isNone(where.layout)) return toldSizes(yield* layoutSizes(registry, inside))
      const opened = yield* openImage(where, target, { at, platform })
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
      "Show what takes the space of an image, or of all images of a layout",
      "Of an image by layer, folder and file; of a layout by image and layer, and what several share. And what is there for " +
        "nothing: files that later layers replace or delete, and files that are there more than once.",
      [
        ["du ./images/example/app:v1", "Why an image is so large"],
        ["du ./images", "Which images take the space of a layout"]
      ]
    )
  )
