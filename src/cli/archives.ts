/** Archives, as a command line names them. */
import { Effect, Option, type Scope, Stream } from "effect"
import { existsSync } from "node:fs"
import { dirname, resolve } from "node:path"
import {
  type ArchiveOptions,
  isArchive,
  makeArchive,
  type Saved,
  saveImages,
  type SaveOptions
} from "../archive/index.ts"
import { localFiles } from "../node/index.ts"
import { FileUnknown, type RegistryError } from "../oci/OciError.ts"
import { quoted } from "../oci/quoted.ts"
import type { LayoutRegistry } from "../ops/api/Layout.ts"
import { findArchive } from "../places/findArchive.ts"
import { type ArchivePlace, type DirectoryPlace, parsePlace } from "../places/Place.ts"
import { type Ended, type Failure, Mistake } from "./Failure.ts"
import { open } from "./input.ts"
import { tellOpened } from "./opened.ts"
import { write } from "./output.ts"

/** The archive that a text names, or begins with; nothing where it names something else. */
export const archiveNamed = Effect.fnUntraced(
  function*(text: string): Effect.fn.Return<ArchivePlace | DirectoryPlace | undefined, Failure> {
    if (text === "") return undefined
    const place = yield* Effect.fromResult(parsePlace(text))
    if (place._tag === "Archive" || place._tag === "Directory") return place
    // What is there by its whole name is a layout, or a folder of them.
    return place._tag === "Path" && !isFolder(text) ? yield* findArchive(text, isArchive) : undefined
  }
)

/** The archive that a text has to name. */
export const requireArchive = (text: string): Effect.Effect<ArchivePlace | DirectoryPlace, Failure> =>
  Effect.flatMap(archiveNamed(text), (place) => {
    if (place !== undefined) return Effect.succeed(place)
    const why = isFolder(text)
      ? "is a folder; dir:PATH says that it is one image as skopeo writes it, and ocilayout copy takes layouts"
      : existsSync(text)
      ? "is no archive: a tar is expected, also compressed, with an image layout or with what docker save writes"
      : "does not exist"
    return Effect.fail(new Mistake(`${quoted(text)} ${why}`))
  })

const isFolder = (path: string): boolean => existsSync(`${path}/.`)

/** The archive as a registry, and where it is. */
export const openArchive = Effect.fnUntraced(function*(
  place: ArchivePlace | DirectoryPlace,
  defaultRepository: Option.Option<string>
): Effect.fn.Return<{ readonly registry: LayoutRegistry; readonly directory: string }, Failure, Scope.Scope> {
  const { directory, options } = yield* archiveOptions(place, defaultRepository)
  return { registry: yield* makeArchive(options), directory }
})

/** Which archive is meant, as the library is told. */
export const archiveOptions = Effect.fnUntraced(function*(
  place: ArchivePlace | DirectoryPlace,
  defaultRepository: Option.Option<string>
): Effect.fn.Return<{ readonly options: ArchiveOptions; readonly directory: string }, Failure, Scope.Scope> {
  const file = place._tag === "Archive" ? place.file : place.directory
  const directory = file === "-" ? file : resolve(file)
  yield* tellOpened(directory)
  const options = {
    file,
    format: place._tag === "Archive" ? place.format : "dir" as const,
    defaultRepository: Option.getOrUndefined(defaultRepository),
    ...(file === "-" ? { content: Stream.mapError((yield* open("-")).content, asUnknown) } : {})
  }
  return { options, directory }
})

const asUnknown = (failure: Failure): RegistryError =>
  failure._tag === "Mistake" ? new FileUnknown({ path: "-", reason: failure.message }) : failure

/** What saving did. */
export interface Written {
  readonly file: string
  readonly manifests: number
  readonly blobs: number
  readonly base: number
  readonly baseSize: number
  readonly size: number
}

/** Writes images to a new file, or to standard output; a file appears whole or not at all. */
export const writeArchive = Effect.fnUntraced(function*(
  file: string,
  items: ReadonlyArray<Saved>,
  options: SaveOptions
): Effect.fn.Return<Written, Failure | Ended> {
  const { base, baseSize, blobs, content, manifests, size } = yield* saveImages(items, options)
  const path = file === "-" ? file : resolve(file)
  if (file === "-") yield* Stream.runForEach(content, write)
  else yield* localFiles([dirname(path)]).create(path, content)
  return { file: path, manifests, blobs, base: base.length, baseSize, size }
})
