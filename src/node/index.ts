/** Registries on disk. */
import { Effect, Layer, type Scope } from "effect"
import { resolve } from "node:path"
import type { NameInvalid, ReferenceInvalid } from "../oci/OciError.ts"
import { parseRepository } from "../oci/Reference.ts"
import { findLayout as findLayoutBy, type FoundLayout } from "../ops/findLayout.ts"
import { sharedRegistry, treeRegistry } from "../ops/makeRegistry.ts"
import type { LocalFiles, RegistryError } from "../ops/ports.ts"
import { Registry, type RegistryShape } from "../ops/Registry.ts"
import { asStorage } from "./asStorage.ts"
import { hasher } from "./hasher.ts"
import { ifThere } from "./layoutFiles.ts"
import { makeLayoutTree } from "./layoutTree.ts"
import { makeLocalFiles } from "./localFiles.ts"
import { nodeFs } from "./nodeFs.ts"
import { type LayoutOptions, openStores } from "./stores.ts"

export type { Durability, HoldPolicy, SymlinkPolicy } from "./layoutFiles.ts"
export type { LayoutOptions } from "./stores.ts"

export interface SharedOptions extends LayoutOptions {
  /** The repository that bare tags and nameless entries belong to. */
  readonly defaultRepository?: string | undefined
}

/**
 * One layout directory that holds every repository. It need not exist: the first write creates it. `NameInvalid` for
 * the default repository; whatever is wrong about the directory is told by the operation that meets it.
 */
export const openShared = (options: SharedOptions): Effect.Effect<RegistryShape, NameInvalid, Scope.Scope> =>
  Effect.gen(function*() {
    const { defaultRepository } = options
    const repository = defaultRepository === undefined
      ? undefined
      : yield* Effect.fromResult(parseRepository(defaultRepository))
    return sharedRegistry(yield* openStores(nodeFs, rooted(options), repository), hasher)
  })

/** A tree of layouts below a directory, one per repository. */
export const openPerRepository = (options: LayoutOptions): Effect.Effect<RegistryShape, never, Scope.Scope> =>
  Effect.map(makeLayoutTree(nodeFs, rooted(options)), (layouts) => treeRegistry(layouts, hasher))

export const layerShared = (options: SharedOptions): Layer.Layer<Registry, NameInvalid> =>
  Layer.effect(Registry, openShared(options))

export const layerPerRepository = (options: LayoutOptions): Layer.Layer<Registry> =>
  Layer.effect(Registry, openPerRepository(options))

/** Files inside these directories, given as absolute paths; one that does not exist allows nothing. */
export const localFiles = (allowed: ReadonlyArray<string>): LocalFiles => makeLocalFiles(nodeFs, allowed)

/** Whether there is a layout in this very directory. */
export const isLayout = (directory: string): Effect.Effect<boolean, RegistryError> =>
  asStorage(resolve(directory))(Effect.map(
    ifThere(nodeFs.stat(resolve(directory, "oci-layout"))),
    (stat) => stat?.kind === "file"
  ))

/** The layout that a path leads to, and the reference inside it; see `ops/findLayout`. */
export const findLayout = (path: string): Effect.Effect<FoundLayout, ReferenceInvalid | RegistryError> =>
  findLayoutBy(path, isLayout)

/** Makes an empty layout where there is none; whether there was none. `LayoutInvalid` for what is none. */
export const createLayout = (options: LayoutOptions): Effect.Effect<boolean, RegistryError> =>
  Effect.scoped(Effect.gen(function*() {
    const existed = yield* isLayout(options.directory)
    const { establish } = yield* openStores(nodeFs, rooted(options), undefined)
    yield* establish
    return !existed
  }))

const rooted = <A extends LayoutOptions>(options: A): A => ({ ...options, directory: resolve(options.directory) })
