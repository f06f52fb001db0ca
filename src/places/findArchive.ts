/** Finds the archive that a path without a transport begins with. */
import { Effect } from "effect"
import { PlaceAmbiguous } from "../oci/OciError.ts"
import type { ArchivePlace } from "./Place.ts"

/**
 * `FILE`, `FILE:NAME` or `FILE/NAME` where the file is an archive, as `isArchive` tells; nothing where none of them is.
 * `PlaceAmbiguous` where the path can be cut in more than one way.
 */
export const findArchive = Effect.fnUntraced(
  function*<E>(
    path: string,
    isArchive: (file: string) => Effect.Effect<boolean, E>
  ): Effect.fn.Return<ArchivePlace | undefined, E | PlaceAmbiguous> {
    const [only, ...others] = yield* Effect.filter(cutsOf(path), ({ file }) => isArchive(file))
    if (only === undefined || others.length === 0) return only
    return yield* new PlaceAmbiguous({
      input: path,
      candidates: [only, ...others].map(({ file, name }) =>
        // A transport ends the path at the first colon, so that a file with one in its name is written as a path.
        name === undefined ? `./${file.replace(/^\.\//u, "")}` : `oci-archive:${file}:${name}`
      )
    })
  }
)

const cutsOf = (path: string): ReadonlyArray<ArchivePlace> => {
  const cuts: Array<ArchivePlace> = [{ _tag: "Archive", format: "any", file: path }]
  for (let at = 1; at < path.length - 1; at++) {
    const isCut = path[at] === ":" || path[at] === "/"
    if (isCut) cuts.push({ _tag: "Archive", format: "any", file: path.slice(0, at), name: path.slice(at + 1) })
  }
  return cuts
}
