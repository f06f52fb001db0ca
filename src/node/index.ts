/** Registries on disk. */
import { Config, Effect, Layer, type Scope } from "effect"
import { join, resolve } from "node:path"
import process from "node:process"
import type { WriteFault } from "../oci/faults.ts"
import { type LayoutNotFound, type ReferenceInvalid, Unsupported } from "../oci/OciError.ts"
import { parseRepository, type Repository } from "../oci/Reference.ts"
import type { Bookmarks } from "../ops/api/Bookmarks.ts"
import type { OpenError } from "../ops/api/errors.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../ops/api/Layout.ts"
import type { Registry } from "../ops/api/Registry.ts"
import { sharedRegistry, treeRegistry } from "../ops/makeRegistry.ts"
import type { LocalFiles } from "../ops/ports/LocalFiles.ts"
import { findLayout as findLayoutBy, type FoundLayout } from "../ops/refs/findLayout.ts"
import { asStorage } from "./files/asStorage.ts"
import { hasher } from "./files/hasher.ts"
import { layoutFiles } from "./files/layoutFiles.ts"
import { makeLocalFiles } from "./files/localFiles.ts"
import { nodeFs } from "./fs/nodeFs.ts"
import { refusalOf } from "./fs/runtime.ts"
import { makeLayoutTree } from "./layoutTree.ts"
import { contentBeside, hasLayout, layoutNotFound, treeNotFound } from "./repair/recognise.ts"
import { makeBookmarks } from "./sidecars/bookmarkFiles.ts"
import { derivedRepository, keptRepository } from "./sidecars/defaultRepository.ts"
import { type LayoutOptions, openStores } from "./stores.ts"

export type { Bookmark, Bookmarks } from "../ops/api/Bookmarks.ts"
export { Layout } from "../ops/api/Layout.ts"
export { Registry } from "../ops/api/Registry.ts"
export type { FoundLayout } from "../ops/refs/findLayout.ts"
export type { Durability, HoldPolicy, SymlinkPolicy } from "./files/layoutFiles.ts"
export { type Extracted, type ExtractError, extractFiles, type ExtractOptions } from "./layers/extractFiles.ts"
export { layerCodec } from "./layers/layerCodec.ts"
export { regexMatcher } from "./layers/regexMatcher.ts"
export { folderTar } from "./making/folderTar.ts"
export { layerMaker } from "./making/layerMaker.ts"
export { type ArtifactPulled, pullArtifact, type PullArtifactError, type PulledFile } from "./making/pullArtifact.ts"
export type { HistoryOptions, LayoutOptions } from "./stores.ts"

/** Where a tree of layouts is, and how it is opened. */
export interface DiskTreeOptions extends LayoutOptions {
  /**
   * Whether opening fails with `LayoutNotFound` where there is nothing to read: a path that does not exist, a file, a
   * directory of other things, one layout in the place of a tree of them, or a tree in the place of one layout. False
   * by default: the first write creates what is missing.
   */
  readonly mustExist?: boolean | undefined
}

/** Where a layout is, and how it is opened. */
export interface DiskOptions extends DiskTreeOptions {
  /**
   * The repository that bare tags and nameless entries belong to. By default what `.ocilayout` says, which the first
   * change writes down, and before it the name of the directory: in lower case, with dashes in the place of what no
   * repository can be called.
   */
  readonly defaultRepository?: string | undefined
}

/**
 * One layout directory that holds every repository. It need not exist unless `mustExist`: the first write creates it.
 * `NameInvalid` for the default repository, `LayoutNotFound` with `mustExist`, `Unsupported` where layouts cannot be
 * opened at all; other faults of the directory are told by the operation that meets them.
 */
export const makeDisk = (options: DiskOptions): Effect.Effect<LayoutRegistry, OpenError, Scope.Scope> =>
  Effect.gen(function*() {
    const { directory, mustExist = false } = options
    yield* supported
    if (mustExist) yield* expectLayout(directory)
    return sharedRegistry(yield* openStores(nodeFs, rooted(options), yield* defaultRepositoryOf(options)), hasher)
  })

/** What is said, or else what is written down, or else what the directory is called. */
const defaultRepositoryOf = Effect.fnUntraced(function*(
  options: Pick<DiskOptions, "defaultRepository" | "directory" | "symlinks">
): Effect.fn.Return<Repository, OpenError> {
  if (options.defaultRepository !== undefined) {
    return yield* Effect.fromResult(parseRepository(options.defaultRepository))
  }
  const { directory, symlinks = "refuse" } = rooted(options)
  const files = layoutFiles(nodeFs, directory, { durability: "none", symlinks })
  return (yield* asStorage(directory)(keptRepository(files))) ?? derivedRepository(directory)
})

/** A tree of layouts below a directory, one per repository; `Unsupported` and, with `mustExist`, `LayoutNotFound`. */
export const makeDiskTree = (options: DiskTreeOptions): Effect.Effect<LayoutRegistry, OpenError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* supported
    if (options.mustExist ?? false) yield* expectTree(options.directory)
    return treeRegistry(yield* makeLayoutTree(nodeFs, rooted(options)), hasher)
  })

/** How far receivers have been told the history of a layout, or of each layout of a tree. */
export const bookmarksOf = (options: LayoutOptions): Bookmarks => {
  const { directory, durability = "power", symlinks = "refuse" } = rooted(options)
  return makeBookmarks((repository) => {
    const root = repository === undefined ? directory : join(directory, ...repository.split("/"))
    return layoutFiles(nodeFs, root, { durability, symlinks })
  })
}

/** `makeDisk` as a layer: the registry and its layout, open for as long as the layer is. */
export const layerDisk = (options: DiskOptions): Layer.Layer<Registry | Layout, OpenError> =>
  Layer.effectContext(Effect.map(makeDisk(options), contextOf))

/** As `layerDisk`, with options that are read from the configuration. */
export const layerDiskConfig = (
  options: Config.Wrap<DiskOptions>
): Layer.Layer<Registry | Layout, OpenError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerDisk))

/** `makeDiskTree` as a layer. */
export const layerDiskTree = (options: DiskTreeOptions): Layer.Layer<Registry | Layout, OpenError> =>
  Layer.effectContext(Effect.map(makeDiskTree(options), contextOf))

/** As `layerDiskTree`, with options that are read from the configuration. */
export const layerDiskTreeConfig = (
  options: Config.Wrap<DiskTreeOptions>
): Layer.Layer<Registry | Layout, OpenError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerDiskTree))

/** Files inside these directories, given as absolute paths; one that does not exist allows nothing. */
export const localFiles = (allowed: ReadonlyArray<string>): LocalFiles => makeLocalFiles(nodeFs, allowed)

/** Whether there is a layout in this very directory. */
export const isLayout = (directory: string): Effect.Effect<boolean, OpenError> =>
  asStorage(resolve(directory))(hasLayout(nodeFs, resolve(directory)))

/** Fails with `LayoutNotFound` and what is there instead, unless there is a layout in this very directory. */
export const expectLayout = (directory: string): Effect.Effect<void, OpenError> =>
  Effect.flatMap(
    isLayout(directory),
    (there) => there ? Effect.void : Effect.flatMap(whyNoLayout(directory), Effect.fail)
  )

/** Fails with `LayoutNotFound` and what is there instead, unless it is a tree of layouts, or empty. */
export const expectTree = (directory: string): Effect.Effect<void, OpenError> =>
  asStorage(resolve(directory))(Effect.flatMap(
    treeNotFound(nodeFs, resolve(directory)),
    (told): Effect.Effect<void, OpenError> => told === undefined ? Effect.void : Effect.fail(told)
  ))

/** What lies where a layout was expected, as the error that says so. */
export const whyNoLayout = (directory: string): Effect.Effect<LayoutNotFound, OpenError> =>
  asStorage(resolve(directory))(layoutNotFound(nodeFs, resolve(directory)))

/** The names in a directory that is no layout, but for those that a layout has itself. */
export const besideLayout = (directory: string): Effect.Effect<ReadonlyArray<string>, OpenError> =>
  asStorage(resolve(directory))(contentBeside(nodeFs, resolve(directory)))

/** The layout that a path leads to, and the reference inside it; see `ops/refs/findLayout.ts`. */
export const findLayout = (path: string): Effect.Effect<FoundLayout, ReferenceInvalid | OpenError> =>
  findLayoutBy(path, isLayout)

/**
 * Makes an empty layout where there is none; whether there was none. `LayoutInvalid` for what is none, `Unsupported`
 * where layouts cannot be opened at all.
 */
export const createLayout = (options: DiskOptions): Effect.Effect<boolean, OpenError | WriteFault> =>
  Effect.scoped(Effect.gen(function*() {
    yield* supported
    const existed = yield* isLayout(options.directory)
    const { establish } = yield* openStores(nodeFs, rooted(options), yield* defaultRepositoryOf(options))
    yield* establish
    return !existed
  }))

/** Fails where no layout can be opened. */
const supported: Effect.Effect<void, Unsupported> = Effect.suspend(() => {
  const refused = refusalOf(process)
  return refused === undefined ? Effect.void : Effect.fail(new Unsupported(refused))
})

const rooted = <A extends Pick<LayoutOptions, "directory">>(options: A): A => ({
  ...options,
  directory: resolve(options.directory)
})
