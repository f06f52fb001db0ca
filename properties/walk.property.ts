/** However indexes share their children, each manifest is read once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import fc from "fast-check"
import { hasher } from "../src/memory/hasher.ts"
import type { Descriptor } from "../src/oci/Descriptor.ts"
import { makeManifests } from "../src/ops/manifests.ts"
import type { BlobStore } from "../src/ops/ports.ts"

const mediaType = "application/vnd.oci.image.index.v1+json"

/** For each index of a graph, which of those before it are its children, repetitions included. */
const graph = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 3 }), { minLength: 2, maxLength: 14 })

describe("a walk", () => {
  it("reads each manifest once", () =>
    fc.assert(fc.asyncProperty(graph, async (graph) => {
      const stored = new Map<string, Uint8Array>()
      const made: Array<Descriptor> = []
      for (const [at, children] of graph.entries()) {
        const manifests = at === 0 ? [] : [...children, at - 1, at - 1].map((child) => made[child % at])
        const bytes = Buffer.from(
          JSON.stringify({ schemaVersion: 2, mediaType, manifests, annotations: { at: `${at}` } })
        )
        const digest = hasher.digest("sha256", bytes)
        stored.set(digest, bytes)
        made.push({ mediaType, digest, size: bytes.length })
      }
      let reads = 0
      const blobs: Pick<BlobStore, "get"> = {
        get: (digest) =>
          Effect.sync(() => {
            reads++
            return Option.fromUndefinedOr(stored.get(digest))
          })
      }
      const manifests = makeManifests(blobs, { digest: hasher.digest })
      const walk = await Effect.runPromise(manifests.walk(made.slice(-1), true))
      assert.strictEqual(walk.reached.size, graph.length)
      assert.isAtMost(reads, graph.length)
    })))
})
