/** What is read while other writers wait. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { hasher } from "../../src/memory/hasher.ts"
import { memoryStores } from "../../src/memory/memoryStores.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import type { Stores } from "../../src/ops/ports/Stores.ts"
import { image, pushImage } from "../support/images.ts"

const one = image("one")
const two = image("two")

/** Stores that tell how much content was read under the lock. */
const observed = (stores: Stores): { readonly stores: Stores; readonly reads: () => number } => {
  let isLocked = false
  let reads = 0
  return {
    reads: () => reads,
    stores: {
      ...stores,
      blobs: {
        ...stores.blobs,
        get: (digest, limit) =>
          Effect.suspend(() => {
            if (isLocked) reads++
            return stores.blobs.get(digest, limit)
          })
      },
      layout: {
        ...stores.layout,
        transact: ({ decide, evidence }) =>
          stores.layout.transact({
            decide,
            evidence: (state) => {
              isLocked = true
              return Effect.ensuring(
                evidence(state),
                Effect.sync(() => {
                  isLocked = false
                })
              )
            }
          })
      }
    }
  }
}

const changes: Readonly<
  Record<string, (registry: LayoutRegistry, earlier: LayoutRegistry) => Effect.Effect<unknown, RegistryError>>
> = {
  "a removal of a manifest": (registry) => registry.deleteManifest("app", two.descriptor.digest),
  "a removal of a blob": (registry) => Effect.exit(registry.deleteBlob("app", one.config.descriptor.digest)),
  "a pin": (registry) => registry.pin("app", one.descriptor.digest),
  "a collection": (registry, earlier) =>
    Effect.gen(function*() {
      yield* earlier.deleteTag("app", "two")
      yield* TestClock.adjust("2 hours")
      const { id } = yield* earlier.planGarbage({ undoWindow: 0, grace: 0, untagged: true })
      yield* registry.collectGarbage(yield* Effect.fromOption(id).pipe(Effect.orDie))
    })
}

describe("under the lock of a layout", () => {
  for (const [name, change] of Object.entries(changes)) {
    it.effect(`no manifest is read that was there before: ${name}`, () =>
      Effect.gen(function*() {
        const stores = memoryStores()
        const earlier = sharedRegistry(stores, hasher)
        yield* pushImage(earlier, "app", one, ["one"])
        yield* pushImage(earlier, "app", two, ["two"])
        // As a new process, that remembers nothing.
        const anew = observed(stores)
        yield* change(sharedRegistry(anew.stores, hasher), earlier)
        // The deletion left a manifest and its config without an entry. The check of unlisted content reads these two blobs.
        assert.strictEqual(anew.reads(), name === "a collection" ? 2 : 0)
      }))
  }
})
