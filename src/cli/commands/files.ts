/** files, find, which: what is in an image. */
import { Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { findFiles, listFiles, listLayer } from "../../image/inside/listFiles.ts"
import { whichLayers } from "../../image/inside/whichLayers.ts"
import { field } from "../../oci/field.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { table } from "../terminal/table.ts"
import { shortOf } from "../terminal/units.ts"
import {
  File,
  fileTypes,
  image,
  moreAfter,
  openImage,
  page,
  pagingOf,
  platform,
  shownFiles,
  shownPath,
  told,
  trustedOf,
  trustTables
} from "./insideImage.ts"

export const Files = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  files: Schema.Array(File),
  /** Layers, from 0, of which only their own table of contents was read. */
  trusted_layers: Schema.optionalKey(Schema.Array(Schema.Natural)),
  /** What to go on with where there are more. */
  next_start_after: Schema.optionalKey(Schema.String)
})

const files = (isLong: boolean): Answer<typeof Files.Type> => ({
  schema: Files,
  show: ({ files, next_start_after: next, trusted_layers: trusted = [] }, screen) =>
    [
      ...(isLong ? [shownFiles(screen, files)] : files.map(shownPath)),
      ...moreAfter(next),
      ...(trusted.length === 0 ? [] : [`not read: layers ${trusted.join(", ")}, whose own tables are believed`])
    ].join("\n")
})

const path = f.argument("path", "A path in the image; by default all of it").pipe(Argument.optional)

const long = f.off("long", "Also modes, owners, sizes, layers and times").pipe(f.alias("l"))

const layer = f.count("layer", "N", "Only what this layer brings, from 0")

const nextOf = (more: boolean, shown: ReadonlyArray<{ readonly path: string }>) =>
  field("next_start_after", more ? shown.at(-1)?.path : undefined)

export const filesCommand = Command.make("files", {
  image,
  path,
  recursive: f.off("recursive", "Also what is in the folders").pipe(f.alias("r")),
  long,
  layer: f.count("layer", "N", "What the archive of this layer has, from 0: whiteouts too"),
  ...page,
  trustTables,
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, image, layer, limit, long, path, platform, recursive, startAfter, trustTables, wanted, where }) =>
  answer(
    files(long),
    wanted,
    Effect.gen(function*() {
      const paging = pagingOf({ limit, startAfter })
      const opened = yield* openImage(where, image, { at, platform, trustTables })
      const trusted = field("trusted_layers", trustedOf(opened))
      if (Option.isSome(layer)) {
        if (Option.isSome(path) || Option.isSome(startAfter)) {
          return yield* Effect.fail(new Mistake("--layer lists all of a layer; leave the path and --start-after out"))
        }
        const { items } = yield* Effect.fromResult(listLayer(opened, layer.value, paging.limit))
        return { digest: opened.digest, files: items.map(told), ...trusted }
      }
      const inside = Option.getOrElse(path, () => "/")
      const { items, more } = yield* listFiles(opened, inside, { ...paging, recursive })
      return { digest: opened.digest, files: items.map(told), ...trusted, ...nextOf(more, items) }
    })
  )).pipe(
    described(
      "List the files of an image",
      "As a container would see them: all layers put together. Nothing is unpacked; a layer that was not looked at yet is " +
        "read once.",
      [
        ["files ./images/example/app:v1 /etc", "What is in a folder"],
        ["files ./images/example/app:v1 --recursive --long", "All files, with modes, owners and sizes"],
        ["files ./images/example/app:v1 --layer 2 --long", "What the third layer brings"]
      ]
    )
  )

export const find = Command.make("find", {
  image,
  path,
  name: f.text("name", "GLOB", "Names that fit * and ?; with a slash in it, whole paths"),
  type: Flag.Literals("type", fileTypes).pipe(
    Flag.withMetavar("TYPE"),
    Flag.withDescription("Only these"),
    Flag.optional
  ),
  larger: f.count("larger", "BYTES", "Only files of more bytes"),
  smaller: f.count("smaller", "BYTES", "Only files of fewer bytes"),
  newer: f.text("newer", "TIME", "Only what was changed after this time"),
  setuid: f.off("setuid", "Only files that run with the rights of their owner or group"),
  sha256: f.text("sha256", "DIGEST", "Only files of this content; its first digits will do"),
  layer,
  long,
  ...page,
  trustTables,
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, image, long, newer, path, platform, trustTables, wanted, where, ...rest }) =>
  answer(
    files(long),
    wanted,
    Effect.gen(function*() {
      const time = Option.map(newer, (text) => Date.parse(text) / 1000)
      if (Option.isSome(time) && Number.isNaN(time.value)) {
        return yield* Effect.fail(new Mistake("--newer takes a time such as 2026-11-25 or 2026-11-25T20:15:00Z"))
      }
      const opened = yield* openImage(where, image, { at, platform, trustTables })
      const { items, more } = yield* findFiles(opened, Option.getOrElse(path, () => "/"), {
        name: Option.getOrUndefined(rest.name),
        type: Option.getOrUndefined(rest.type),
        larger: Option.getOrUndefined(rest.larger),
        smaller: Option.getOrUndefined(rest.smaller),
        newer: Option.getOrUndefined(time),
        setuid: rest.setuid,
        digest: Option.getOrUndefined(rest.sha256),
        layer: Option.getOrUndefined(rest.layer)
      }, pagingOf(rest))
      const trusted = field("trusted_layers", trustedOf(opened))
      return { digest: opened.digest, files: items.map(told), ...trusted, ...nextOf(more, items) }
    })
  )).pipe(
    described("Find files in an image", "Those that are all of what is asked for, in the order of their paths.", [
      ["find ./images/example/app:v1 --name '*.so*' --larger 1000000", "Large libraries"],
      ["find ./images/example/app:v1 --setuid --long", "What runs with more rights"],
      ["find ./images/example/app:v1 /usr --sha256 4f53cda18c2b", "Where a file is, by its content"]
    ])
  )

export const Which = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  path: Schema.String,
  layers: Schema.Array(Schema.Struct({
    /** From 0. */
    layer: Schema.Natural,
    digest: Schema.String,
    did: Schema.Literals(["added", "replaced", "changed", "removed"]),
    created_by: Schema.optionalKey(Schema.String),
    /** What it is then. */
    file: Schema.optionalKey(File)
  }))
})

const touched: Answer<typeof Which.Type> = {
  schema: Which,
  show: ({ layers }, screen) =>
    table(
      screen,
      [{ title: "LAYER", align: "right" }, { title: "DIGEST" }, { title: "DID" }, { title: "CREATED BY", cut: true }],
      layers.map(({ created_by: by = "", did, digest, layer }) => [String(layer), shortOf(digest), did, by])
    )
}

export const which = Command.make("which", {
  image,
  path: f.argument("path", "A path in the image"),
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, image, path, platform, wanted, where }) =>
  answer(
    touched,
    wanted,
    Effect.gen(function*() {
      const opened = yield* openImage(where, image, { at, platform })
      const layers = yield* whichLayers(opened, path)
      return {
        digest: opened.digest,
        path,
        layers: layers.map(({ createdBy, file, ...layer }) => ({
          ...layer,
          ...field("created_by", createdBy),
          ...field("file", file === undefined ? undefined : told(file))
        }))
      }
    })
  )).pipe(
    described(
      "Show which layers touch a path",
      "Each layer that adds, replaces, changes or removes it, base first, with the instruction behind it.",
      [["which ./images/example/app:v1 /etc/passwd", "Where a file comes from"]]
    )
  )
