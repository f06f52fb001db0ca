import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Stream } from "effect"
import { hasher } from "../../../src/memory/hasher.ts"
import { memoryStores } from "../../../src/memory/memoryStores.ts"
import { isJsonObject } from "../../../src/oci/Descriptor.ts"
import { contentDigest } from "../../../src/oci/Digest.ts"
import { octetStream } from "../../../src/oci/MediaType.ts"
import { Denied, StorageError } from "../../../src/oci/OciError.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import type { Stores } from "../../../src/ops/ports/Stores.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import { verified } from "../../support/findings.ts"
import { entryOf, foreignLayout, image, pushImage, sample, utf8 } from "../../support/images.ts"

const one = image("one")

describe("a repair", () => {
  it.effect("tells of each thing that fails, and goes on with the next", () =>
    Effect.gen(function*() {
      const { add, store, stores } = foreignLayout()
      const full = new StorageError({ operation: "write", path: "x", kind: "full", cause: "none" })
      yield* store(one.config, one)
      yield* add(entryOf(one, "app:v1"), entryOf(one, "app:v1"))
      const blobs: Stores["blobs"] = { ...stores.blobs, protect: () => Effect.fail(full) }
      const { done, left } = yield* sharedRegistry({ ...stores, blobs }, hasher).repair()
      assert.deepStrictEqual(done.map(({ code, what }) => `${code}: ${what}`), [
        "NAME_TWICE: dropped it from 1 of them"
      ])
      assert.deepStrictEqual(left.map(({ code, what }) => `${code}: ${what}`), [`BLOB_MISSING: ${full.message}`])
    }))

  it.effect("fails when the layout cannot be looked at", () =>
    Effect.gen(function*() {
      const broken = new StorageError({ operation: "read", path: "x", kind: "device", cause: "none" })
      const stores = memoryStores()
      const upkeep: Stores["upkeep"] = { ...stores.upkeep, inspect: Effect.fail(broken) }
      const failure = yield* Effect.flip(sharedRegistry({ ...stores, upkeep }, hasher).repair())
      assert.deepStrictEqual(failure, broken)
    }))

  it.effect("may only be looked at where the layout may only be read", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one.config, one)
      yield* add(entryOf(one, "app:v1"), entryOf(one, "app:v1"))
      assert.instanceOf(yield* Effect.flip(readOnly(registry).repair()), Denied)
      assert.instanceOf(yield* Effect.flip(readOnly(registry).repair({ dryRun: false })), Denied)
      const { done } = yield* readOnly(registry).repair({ dryRun: true, source: foreignLayout().registry })
      assert.deepStrictEqual(done.map(({ code }) => code), ["NAME_TWICE"])
      assert.strictEqual((yield* registry.repair({ dryRun: true })).done.length, 1)
    }))

  it.effect("fetches from wherever a source has it", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one)
      yield* add(entryOf(one, "app:v1"))
      const source = foreignLayout().registry
      yield* pushImage(source, "elsewhere", one)
      let asked = 0
      const { done } = yield* registry.repair({
        source: {
          repositories: source.repositories,
          getBlob: (repository, digest, options) => {
            asked++
            return repository === "app"
              ? source.getBlob("Not valid", digest, options)
              : source.getBlob(repository, digest, options)
          }
        }
      })
      assert.deepStrictEqual([done.length, asked], [1 + one.layers.length, 2 * (1 + one.layers.length)])
      assert.deepStrictEqual((yield* verified(registry)).lines, [])
    }))
})

describe("rebuilding an index", () => {
  it.effect("gives manifests names of their own, however alike their digests", () =>
    Effect.gen(function*() {
      const stores = memoryStores()
      const manifest = utf8(`{"schemaVersion":2,"config":${JSON.stringify(sample("{}", octetStream).descriptor)}}`)
      const hex = ["a".repeat(64), `${"a".repeat(40)}${"b".repeat(24)}`, `${"a".repeat(12)}${"c".repeat(52)}`]
      const digests = hex.map((digits) => contentDigest("sha256", digits))
      const files = digests.map((digest) =>
        ({ path: "", digest, kind: "file", size: manifest.length, readable: true }) as const
      )
      const written: Array<unknown> = []
      const registry = sharedRegistry({
        ...stores,
        blobs: { ...stores.blobs, get: () => Effect.succeed(Option.some(manifest)) },
        upkeep: {
          ...stores.upkeep,
          inspect: Effect.map(stores.upkeep.inspect, (condition) => ({
            ...condition,
            journal: Result.succeed({ begun: true, damaged: true, torn: 0 })
          })),
          restoreIndex: (entries) => {
            written.push(...entries.map((entry) => isJsonObject(entry) ? entry["annotations"] : entry))
            return Effect.succeed(Option.some("wrote it"))
          },
          blobs: Stream.fromIterable(files)
        }
      }, hasher)
      const lost = { code: "INDEX_INVALID", path: "index.json", affected: [] } as const
      const { done } = yield* registry.repair({ findings: [lost] })
      assert.deepStrictEqual(done.map(({ what }) => what), ["wrote it"])
      assert.deepStrictEqual(
        written,
        ["a".repeat(12), "a".repeat(13), `${"a".repeat(12)}c`].map((name) => ({
          "org.opencontainers.image.ref.name": `recovered:${name}`
        }))
      )
    }))
})
