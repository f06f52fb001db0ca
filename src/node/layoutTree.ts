/** A tree of layouts, one per repository, each in the folder of its name. */
import { Effect, Scope } from "effect"
import { join } from "node:path"
import type { Repository } from "../oci/Reference.ts"
import type { Layouts, Stores } from "../ops/ports/Stores.ts"
import { layoutsBelow } from "../ops/repositories/layoutsBelow.ts"
import { openedOnce } from "../ops/repositories/openedOnce.ts"
import { asStorage } from "./files/asStorage.ts"
import { guard, ifThere, layoutFiles, statIfThere } from "./files/layoutFiles.ts"
import type { LayoutFs } from "./fs/LayoutFs.ts"
import { layoutFs, type LayoutOptions, type OpenStores, openStoresIn } from "./stores.ts"

/** Layouts whose index is kept, with a file open for each; the one not used for longest is let go. */
const mostOpenLayouts = 128

export const makeLayoutTree = Effect.fnUntraced(function*(
  base: LayoutFs,
  options: LayoutOptions
): Effect.fn.Return<Layouts, never, Scope.Scope> {
  const { directory } = options
  // One for all of them: the folders on the way to a layout are held as those in it, and are not too many.
  const fs = yield* layoutFs(base, options)
  const tree = layoutFiles(fs, directory, { durability: "none", symlinks: options.symlinks ?? "refuse" })
  const scope = yield* Effect.scope
  const recent = new Set<OpenStores>()

  /** Makes room; the stores themselves stay, since a caller may be using them. */
  const use = (stores: OpenStores): Effect.Effect<Stores> => {
    recent.delete(stores)
    recent.add(stores)
    const [oldest] = recent
    if (recent.size <= mostOpenLayouts || oldest === undefined) return Effect.succeed(stores)
    recent.delete(oldest)
    return Effect.as(oldest.release, stores)
  }

  const folderOf = (repository: Repository): string => join(directory, ...repository.split("/"))

  const open = openedOnce((repository): Effect.Effect<OpenStores> =>
    openStoresIn(fs, { ...options, directory: folderOf(repository) }, repository, directory).pipe(
      Effect.provideService(Scope.Scope, scope)
    )
  )

  return {
    open: Effect.fnUntraced(function*(repository) {
      // A layout refuses links inside itself; those on the way to it lead out of the tree.
      yield* asStorage(directory)(guard(tree, join(folderOf(repository), "index.json")))
      return yield* use(yield* open(repository))
    }),
    list: asStorage(directory)(layoutsBelow({
      names: (folder) => Effect.map(ifThere(fs.readDirectory(join(directory, folder))), (names) => names ?? []),
      // A link could lead anywhere, and round in circles.
      isFolder: (path) => Effect.map(statIfThere(fs, join(directory, path)), (stat) => stat?.kind === "directory"),
      atOnce: 1
    }))
  }
})
