/** A registry that lives in memory: for tests, for trying things out, and where there is no file system. */
import { Config, Effect, Layer } from "effect"
import type { NameInvalid } from "../oci/OciError.ts"
import { parseRepository, type Repository } from "../oci/Reference.ts"
import { contextOf, type Layout, type LayoutRegistry } from "../ops/api/Layout.ts"
import type { Registry } from "../ops/api/Registry.ts"
import { sharedRegistry, treeRegistry } from "../ops/makeRegistry.ts"
import type { Layouts, Stores } from "../ops/ports/Stores.ts"
import { hasher } from "./hasher.ts"
import { memoryStores } from "./memoryStores.ts"

/** What a registry in memory is told. */
export interface MemoryOptions {
  /** The repository that bare tags and nameless entries belong to. */
  readonly defaultRepository?: string | undefined
}

/** One layout that holds every repository. */
export const makeMemory = (options: MemoryOptions = {}): Effect.Effect<LayoutRegistry, NameInvalid> =>
  Effect.map(
    options.defaultRepository === undefined
      ? Effect.succeed(undefined)
      : Effect.fromResult(parseRepository(options.defaultRepository)),
    (defaultRepository) => sharedRegistry(memoryStores(defaultRepository), hasher)
  )

/** One layout per repository. */
export const makeMemoryTree: Effect.Effect<LayoutRegistry> = Effect.sync(() => {
  const stores = new Map<Repository, Stores>()
  const layouts: Layouts = {
    open: (repository) =>
      Effect.sync(() => {
        const known = stores.get(repository) ?? memoryStores(repository)
        stores.set(repository, known)
        return known
      }),
    list: Effect.sync(() => Array.from(stores.keys()).toSorted())
  }
  return treeRegistry(layouts, hasher)
})

/** `makeMemory` as a layer; every build is a registry of its own. */
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<Registry | Layout, NameInvalid> =>
  Layer.effectContext(Effect.map(makeMemory(options), contextOf))

/** As `layerMemory`, with options that are read from the configuration. */
export const layerMemoryConfig = (
  options: Config.Wrap<MemoryOptions>
): Layer.Layer<Registry | Layout, NameInvalid | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerMemory))

/** `makeMemoryTree` as a layer; every build is a registry of its own. */
export const layerMemoryTree: Layer.Layer<Registry | Layout> = Layer.effectContext(
  Effect.map(makeMemoryTree, contextOf)
)
