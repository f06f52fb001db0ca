/** What takes the space of the images of a layout, for `du`. */
import { Schema } from "effect"
import type { LayoutSizes as Found } from "../../image/inside/layoutSizes.ts"
import { sentence } from "../../oci/quoted.ts"
import type { Screen } from "../terminal/Screen.ts"
import { bar, facts, table } from "../terminal/table.ts"
import { counted, shortOf, sizeOf } from "../terminal/units.ts"

export const LayoutSizes = Schema.Struct({
  /** Bytes of all layers, each once. */
  blobs: Schema.Natural,
  images: Schema.Array(Schema.Struct({
    digest: Schema.String,
    names: Schema.Array(Schema.String),
    blobs: Schema.Natural,
    unique: Schema.Natural,
    hidden: Schema.Natural,
    repeated: Schema.Natural
  })),
  layers: Schema.Array(Schema.Struct({
    digest: Schema.String,
    blob: Schema.Natural,
    files: Schema.Natural,
    alike: Schema.Natural,
    images: Schema.Natural
  })),
  failures: Schema.Array(Schema.Struct({ names: Schema.Array(Schema.String), failure: Schema.String }))
})

export const toldSizes = ({ failures, ...sizes }: Found): typeof LayoutSizes.Type => ({
  ...sizes,
  failures: failures.map(({ failure, names }) => ({ names, failure: failure.message }))
})

const barWidth = 12

export const shownSizes = (
  screen: Screen,
  { blobs, failures, images, layers }: typeof LayoutSizes.Type,
  most: number
): string =>
  [
    facts(screen, [["stored", `${sizeOf(blobs)} in ${counted(layers.length, "layer")}`]]),
    table(
      screen,
      [
        { title: "STORED", align: "right" },
        { title: "UNIQUE", align: "right" },
        { title: "SHARE" },
        { title: "HIDDEN", align: "right" },
        { title: "REPEATED", align: "right" },
        { title: "IMAGE", cut: true }
      ],
      images.slice(0, most).map(({ blobs: own, hidden, names, repeated, unique }) => [
        sizeOf(own),
        sizeOf(unique),
        bar(unique / Math.max(1, blobs), barWidth),
        sizeOf(hidden),
        sizeOf(repeated),
        sentence(names.join(", "))
      ])
    ),
    table(
      screen,
      [
        { title: "STORED", align: "right" },
        { title: "FILES", align: "right" },
        { title: "ALIKE", align: "right" },
        { title: "IMAGES", align: "right" },
        { title: "LAYER" }
      ],
      layers.slice(0, most).map(({ alike, blob, digest, files, images }) => [
        sizeOf(blob),
        sizeOf(files),
        sizeOf(alike),
        String(images),
        shortOf(digest)
      ])
    ),
    ...failures.map(({ failure, names }) => sentence(`not looked into: ${names.join(", ")}: ${failure}`))
  ].filter((part) => part !== "").join("\n\n")
