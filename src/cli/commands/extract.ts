/** extract: files of an image, as files of this machine. */
import { Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { resolve } from "node:path"
import { extractFiles } from "../../node/index.ts"
import { sentence } from "../../oci/quoted.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"
import { sizeOf } from "../terminal/units.ts"
import { image, openImage, platform } from "./insideImage.ts"

export const Extracted = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  /** The folder, absolute. */
  directory: Schema.String,
  files: Schema.Natural,
  folders: Schema.Natural,
  links: Schema.Natural,
  bytes: Schema.Natural,
  /** What could not be made; at most a hundred. */
  skipped: Schema.Array(Schema.Struct({ path: Schema.String, reason: Schema.String })),
  skipped_count: Schema.Natural,
  /** Files and folders without the setuid and setgid bits that they have in the image. */
  plain_modes: Schema.Natural,
  /** Files, folders and links without the extended attributes that they have in the image. */
  without_xattrs: Schema.Natural,
  /** Files, folders and links that do not belong to root in the image, and belong to the user here. */
  without_owners: Schema.Natural
})

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const lost = (what: string, count: number): ReadonlyArray<string> =>
  count === 0 ? [] : [`without ${what}: ${count === 1 ? "1 entry" : `${count} entries`}`]

const shown: Answer<typeof Extracted.Type> = {
  schema: Extracted,
  show: ({ bytes, files, folders, links, skipped, skipped_count: all, ...without }) =>
    [
      `${counted(files, "file")} (${sizeOf(bytes)}), ${counted(folders, "folder")}, ${counted(links, "link")}`,
      ...lost("setuid and setgid bits", without.plain_modes),
      ...lost("extended attributes", without.without_xattrs),
      ...lost("owners other than root", without.without_owners),
      ...skipped.map(({ path, reason }) => sentence(`not made: ${path} ${reason}`)),
      ...(all === skipped.length ? [] : [`not made: ${all - skipped.length} more`])
    ].join("\n")
}

export const extract = Command.make("extract", {
  image,
  paths: Argument.String("[path] directory").pipe(
    Argument.withDescription("A path in the image, by default all of it, and the folder to write into"),
    Argument.variadic({ min: 1, max: 2 })
  ),
  owners: f.off("owners", "Files belong to whom the image says, and keep setuid and setgid bits; only root can"),
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, image, owners, paths, platform, wanted, where }) =>
  report(
    shown,
    wanted,
    Effect.gen(function*() {
      const directory = resolve(paths.at(-1) ?? ".")
      const opened = yield* openImage(where, image, { at, platform })
      const path = paths.length > 1 ? paths[0] ?? "/" : "/"
      const { plainModes, skippedCount, withoutOwners, withoutXattrs, ...done } = yield* extractFiles(
        opened,
        path,
        directory,
        {
          owners
        }
      )
      return {
        digest: opened.digest,
        directory,
        ...done,
        skipped_count: skippedCount,
        plain_modes: plainModes,
        without_xattrs: withoutXattrs,
        without_owners: withoutOwners
      }
    })
  )).pipe(
    described(
      "Write files of an image into a folder",
      "A file or folder under its own name; of a whole image its content. Nothing is written outside of the folder, and " +
        "nothing that is there is replaced. Each file is checked against its hash before it has its name.",
      [
        ["extract ./images/example/app:v1 ./root", "All of an image"],
        ["extract ./images/example/app:v1 /etc ./out", "One folder, as ./out/etc"]
      ]
    )
  )
