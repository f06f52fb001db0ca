/** A tree of layouts, one per repository, each in the folder of its name. */
import { Effect, Scope } from "effect"
import { join } from "node:path"
import { isRepository, type Repository } from "../oci/Reference.ts"
import type { Layouts, Stores } from "../ops/ports/Stores.ts"
import { asStorage } from "./files/asStorage.ts"
import { guard, ifThere, layoutFiles, statIfThere } from "./files/layoutFiles.ts"
import type { FsError, LayoutFs } from "./fs/LayoutFs.ts"
import { layoutFs, type LayoutOptions, type OpenStores, openStoresIn } from "./stores.ts"

/** What a layout keeps beside its index; no repository is looked for in there. */
const ownNames = new Set(["blobs", ".ocilayout", "index.json", "oci-layout"])

/** A name has at most 255 characters, hence at most so many components. */
const deepest = 128

/** Layouts whose index is kept, with a file open for each; the one not used for longest is let go. */
const kept = 128

export const makeLayoutTree = Effect.fnUntraced(function*(
  base: LayoutFs,
  options: LayoutOptions
): Effect.fn.Return<Layouts, never, Scope.Scope> {
  const { directory } = options
  // One for all of them: the folders on the way to a layout are held as those in it, and are not too many.
  const fs = yield* layoutFs(base, options)
  const tree = layoutFiles(fs, directory, { durability: "none", symlinks: options.symlinks ?? "refuse" })
  const scope = yield* Effect.scope
  const opened = new Map<Repository, OpenStores>()
  const recent = new Set<OpenStores>()

  /** Makes room; the stores themselves stay, since a caller may be using them. */
  const use = (stores: OpenStores): Effect.Effect<Stores> => {
    recent.delete(stores)
    recent.add(stores)
    const [oldest] = recent
    if (recent.size <= kept || oldest === undefined) return Effect.succeed(stores)
    recent.delete(oldest)
    return Effect.as(oldest.release, stores)
  }

  const folderOf = (repository: Repository): string => join(directory, ...repository.split("/"))

  const open = (repository: Repository): Effect.Effect<OpenStores> =>
    openStoresIn(fs, { ...options, directory: folderOf(repository) }, repository, directory).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.map((stores) => {
        // Two fibers may have opened it at once; all go on with the first, so that their writes share groups.
        const first = opened.get(repository) ?? stores
        opened.set(repository, first)
        return first
      })
    )

  return {
    open: Effect.fnUntraced(function*(repository) {
      // A layout refuses links inside itself; those on the way to it lead out of the tree.
      yield* asStorage(directory)(guard(tree, join(folderOf(repository), "index.json")))
      return yield* use(opened.get(repository) ?? (yield* open(repository)))
    }),
    list: asStorage(directory)(Effect.map(walk(fs, directory, "", 0), (names) => names.toSorted()))
  }
})

const walk: (
  fs: LayoutFs,
  folder: string,
  name: string,
  depth: number
) => Effect.Effect<ReadonlyArray<Repository>, FsError> = Effect.fnUntraced(function*(fs, folder, name, depth) {
  const names = (yield* ifThere(fs.readDirectory(folder))) ?? []
  // Before its first blob or manifest, a layout may be no more than an upload that was begun.
  const here = names.includes("oci-layout") || names.includes("index.json") || names.includes(".ocilayout")
  const found: Array<Repository> = here && isRepository(name) ? [name] : []
  if (depth >= deepest) return found
  for (const child of names) {
    const path = name === "" ? child : `${name}/${child}`
    if ((here && ownNames.has(child)) || !isRepository(path)) continue
    const stat = yield* statIfThere(fs, join(folder, child))
    // A link could lead anywhere, and round in circles.
    if (stat?.kind === "directory") found.push(...(yield* walk(fs, join(folder, child), path, depth + 1)))
  }
  return found
})
