/** cat: a manifest, or a file of an image. */
import { Effect, Option, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import { readPath } from "../../image/inside/readPath.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { bytes } from "../output.ts"
import { openImage, trustTables } from "./insideImage.ts"
import { printManifest } from "./printManifest.ts"

export const cat = Command.make("cat", {
  reference: f.reference,
  path: f.argument("path", "A file in the image; by default its manifest is printed").pipe(Argument.optional),
  offset: f.count("offset", "BYTES", "Of a file, only what comes after so many bytes"),
  length: f.count("length", "BYTES", "Of a file, only so many bytes"),
  trustTables,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform"),
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ length, offset, path, ...rest }) => {
  const wrong = Option.isNone(path)
    ? Option.isSome(offset) || Option.isSome(length) ? "--offset and --length go with a path" : undefined
    : rest.wanted.json
    ? "a file is printed as it is; leave --json out"
    : undefined
  if (wrong !== undefined) return bytes(Stream.fail(new Mistake(wrong)), rest.wanted)
  if (Option.isNone(path)) return printManifest(rest)
  return bytes(Stream.unwrap(Effect.gen(function*() {
    const opened = yield* openImage(rest.where, rest.reference, rest)
    const window = Option.isNone(offset) && Option.isNone(length) ? undefined : {
      offset: Option.getOrElse(offset, () => 0),
      length: Option.getOrElse(length, () => Number.MAX_SAFE_INTEGER)
    }
    return (yield* readPath(opened, path.value, window)).content
  })))
}).pipe(
  described(
    "Print a manifest, or a file of an image",
    "Byte for byte. A whole file is checked against its hash on the way: the command fails where it is damaged.",
    [
      ["cat ./images/example/app:v1", "The manifest"],
      ["cat ./images/example/app:v1 /etc/os-release", "A file; links are followed inside of the image"],
      ["cat ./images/example/app:v1 /usr/bin/tool --length 4", "The beginning of one"]
    ]
  )
)
