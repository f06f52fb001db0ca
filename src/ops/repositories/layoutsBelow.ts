/** Finds the layouts of a tree by the names that lie in its folders. */
import { Effect } from "effect"
import { isRepository, type Repository } from "../../oci/Reference.ts"

/** What a layout keeps beside its index; no repository is looked for in there. */
const ownNames = new Set(["blobs", ".ocilayout", "index.json", "oci-layout"])

/** A name has at most 255 characters, hence at most so many components. */
const deepest = 128

/** A folder of a tree, by its path below the root; the root's is empty. */
export interface Folders<E> {
  /** The names in it; none where it is gone. */
  readonly names: (folder: string) => Effect.Effect<ReadonlyArray<string>, E>
  readonly isFolder: (path: string) => Effect.Effect<boolean, E>
  /** How many are looked at at a time. */
  readonly atOnce: number
}

/** The repositories whose layouts exist, in lexical order. */
export const layoutsBelow = <E>(
  { atOnce, isFolder, names }: Folders<E>
): Effect.Effect<ReadonlyArray<Repository>, E> => {
  const walk: (folder: string, depth: number) => Effect.Effect<ReadonlyArray<Repository>, E> = Effect.fnUntraced(
    function*(folder, depth) {
      const all = yield* names(folder)
      // Before its first blob or manifest, a layout may be no more than an upload that was begun.
      const here = all.includes("oci-layout") || all.includes("index.json") || all.includes(".ocilayout")
      const own: ReadonlyArray<Repository> = here && isRepository(folder) ? [folder] : []
      if (depth >= deepest) return own
      const paths = all.filter((name) => !here || !ownNames.has(name))
        .map((name) => folder === "" ? name : `${folder}/${name}`)
        .filter(isRepository)
      const found = yield* Effect.forEach(
        paths,
        (path) => Effect.flatMap(isFolder(path), (is) => is ? walk(path, depth + 1) : Effect.succeed([])),
        { concurrency: atOnce }
      )
      return [...own, ...found.flat()]
    }
  )
  return Effect.map(walk("", 0), (found) => found.toSorted())
}
