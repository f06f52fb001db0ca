/** A registry that lives in memory: for tests, for trying things out, and where there is no file system. */
import { Effect, Layer } from "effect"
import type { NameInvalid } from "../oci/OciError.ts"
import { parseRepository, type Repository } from "../oci/Reference.ts"
import { Registry, type RegistryShape } from "../ops/api/Registry.ts"
import { sharedRegistry, treeRegistry } from "../ops/makeRegistry.ts"
import type { Layouts, Stores } from "../ops/ports/ports.ts"
import { hasher } from "./hasher.ts"
import { memoryStores } from "./memoryStores.ts"

/** How a registry in memory is made. */
export interface MemoryOptions {
  /** The repository that bare tags and nameless entries belong to. */
  readonly defaultRepository?: string
}

/** One layout that holds every repository. */
export const makeRegistry = (options: MemoryOptions = {}): Effect.Effect<RegistryShape, NameInvalid> =>
  Effect.map(
    options.defaultRepository === undefined
      ? Effect.succeed(undefined)
      : Effect.fromResult(parseRepository(options.defaultRepository)),
    (defaultRepository) => sharedRegistry(memoryStores(defaultRepository), hasher)
  )

/** One layout per repository. */
export const makeRegistryPerRepository: Effect.Effect<RegistryShape> = Effect.sync(() => {
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

/** The registry as a layer; every build is a registry of its own. */
export const layer = (options: MemoryOptions = {}): Layer.Layer<Registry, NameInvalid> =>
  Layer.effect(Registry, makeRegistry(options))
