/** What the commands share that look into images: opening one, and files as they are told. */
import { Effect, Option, Schema } from "effect"
import type { FileRow } from "../../image/inside/FileRow.ts"
import { makeInside, type OpenImage } from "../../image/inside/openImage.ts"
import { layerCodec } from "../../node/index.ts"
import { field } from "../../oci/field.ts"
import { sentence } from "../../oci/quoted.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import * as f from "../flags.ts"
import { atPoint, locateRef } from "../target.ts"
import type { Screen } from "../terminal/Screen.ts"
import { table } from "../terminal/table.ts"
import { sizeOf } from "../terminal/units.ts"

export const inside = makeInside(layerCodec)

export const fileTypes = ["file", "directory", "symlink", "hardlink", "character", "block", "fifo"] as const

/** A file of an image. Text in it is as the layer has it. */
export const File = Schema.Struct({
  /** Bytes that are no UTF-8 are lone surrogates, U+DC80 to U+DCFF. */
  path: Schema.String,
  type: Schema.Literals([...fileTypes, "other", "whiteout"]),
  size: Schema.Natural,
  /** In octal digits. */
  mode: Schema.String,
  uid: Schema.Finite,
  gid: Schema.Finite,
  modified: Schema.optionalKey(Schema.String),
  /** What a link leads to. */
  target: Schema.optionalKey(Schema.String),
  /** SHA-256 of its content. */
  digest: Schema.optionalKey(Schema.String),
  /** The layer that it comes from, from 0. */
  layer: Schema.Natural,
  /** How many names it has, where it has several. */
  names: Schema.optionalKey(Schema.Natural),
  xattrs: Schema.optionalKey(Schema.Array(Schema.String))
})

export const told = ({ mode, mtime, ...row }: FileRow): typeof File.Type => ({
  ...row,
  mode: mode.toString(8).padStart(4, "0"),
  ...field("modified", timeOf(mtime))
})

/** A time may be any number. */
const timeOf = (seconds: number | undefined): string | undefined => {
  const time = new Date((seconds ?? Number.NaN) * 1000)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

/** Files as people read them, a line each. */
export const shownPath = ({ path, target, type }: typeof File.Type): string =>
  sentence(`${path}${type === "directory" && path !== "/" ? "/" : ""}${target === undefined ? "" : ` -> ${target}`}`)

export const shownFiles = (screen: Screen, files: ReadonlyArray<typeof File.Type>): string =>
  table(
    screen,
    [
      { title: "MODE" },
      { title: "OWNER" },
      { title: "SIZE", align: "right" },
      { title: "LAYER", align: "right" },
      { title: "MODIFIED" },
      { title: "PATH", cut: true }
    ],
    files.map((file) => [
      `${letters[file.type]}${file.mode}`,
      `${file.uid}:${file.gid}`,
      sizeOf(file.size),
      String(file.layer),
      (file.modified ?? "").slice(0, 10),
      shownPath(file)
    ])
  )

const letters = {
  file: "-",
  directory: "d",
  symlink: "l",
  hardlink: "h",
  character: "c",
  block: "b",
  fifo: "p",
  other: "?",
  whiteout: "w"
} as const

/** That there is more than was printed. */
export const moreAfter = (next: string | undefined): ReadonlyArray<string> =>
  next === undefined ? [] : [`… there are more: --start-after ${sentence(JSON.stringify(next))}`]

export const image = f.argument("image", "PATH/repository:tag or PATH/repository@digest")

export const platform = f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform")

export const trustTables = f.off(
  "trust-tables",
  "Believe the table that a layer of eStargz or zstd:chunked has of itself; do not read the layer"
)

/** The layers whose own tables were believed. */
export const trustedOf = ({ tables }: OpenImage): ReadonlyArray<number> | undefined => {
  const trusted = Array.from(tables.entries()).flatMap(([at, { own }]) => own === undefined ? [] : [at])
  return trusted.length === 0 ? undefined : trusted
}

/** How many lines a command prints by default. */
export const page = {
  limit: f.count("limit", "N", "At most so many; 1000 by default"),
  startAfter: f.text("start-after", "PATH", "Only what comes after this path: the last one of the page before")
}

export const pagingOf = (
  { limit, startAfter }: { readonly limit: Option.Option<number>; readonly startAfter: Option.Option<string> }
) => ({ limit: Option.getOrElse(limit, () => 1000), startAfter: Option.getOrUndefined(startAfter) })

/** The image that a reference names, opened. */
export const openImage = Effect.fnUntraced(function*(
  where: Parameters<typeof locateRef>[0],
  reference: string,
  { at, platform, trustTables = false }: {
    readonly at: Option.Option<string>
    readonly platform: Option.Option<string>
    readonly trustTables?: boolean | "always"
  }
) {
  const target = yield* atPoint(yield* locateRef(where, reference), at)
  const wanted = Option.getOrUndefined(platform)
  const source = yield* sourceFor(yield* findManifest(target, target.name), wanted)
  const opened: OpenImage = yield* inside.open(source, wanted, { trustTables })
  return opened
})
