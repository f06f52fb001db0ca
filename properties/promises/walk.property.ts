/** However indexes share their children, each manifest is read once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import fc from "fast-check"
import { hasher } from "../../src/memory/hasher.ts"
import type { Descriptor } from "../../src/oci/Descriptor.ts"
import { makeManifests } from "../../src/ops/manifests/manifests.ts"
import type { BlobStore } from "../../src/ops/ports/BlobStore.ts"

const mediaType = "application/vnd.oci.image.index.v1+json"

/** For each index of a graph, which of those before it are its children, repetitions included. */
const graph = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 3 }), { minLength: 2, maxLength: 14 })

/** The manifests of a layout, and those that hold the indexes of a graph, in order. */
const laidOut = (graph: ReadonlyArray<ReadonlyArray<number>>) => {
  const stored = new Map<string, Uint8Array>()
  const made: Array<Descriptor> = []
  for (const [at, children] of graph.entries()) {
    const manifests = at === 0 ? [] : [...children, at - 1, at - 1].map((child) => made[child % at])
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests, annotations: { at: `${at}` } }))
    const digest = hasher.digest("sha256", bytes)
    stored.set(digest, bytes)
    made.push({ mediaType, digest, size: bytes.length })
  }
  const count = { reads: 0 }
  const blobs: Pick<BlobStore, "get"> = {
    get: (digest) =>
      Effect.sync(() => {
        count.reads++
        return Option.fromUndefinedOr(stored.get(digest))
      })
  }
  return { count, top: made.slice(-1), manifests: makeManifests(blobs, { digest: hasher.digest }) }
}

/** The least time of several walks over a chain of indexes, each of which names the one below it twice. */
const timeOf = async (length: number): Promise<number> => {
  const { manifests, top } = laidOut(Array.from({ length }, () => []))
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < 7; time++) {
    const began = performance.now()
    await Effect.runPromise(manifests.walk(top, true))
    least = Math.min(least, performance.now() - began)
  }
  return least
}

describe("a walk", () => {
  it("reads each manifest once", () =>
    fc.assert(fc.asyncProperty(graph, async (graph) => {
      const { count, manifests, top } = laidOut(graph)
      const walk = await Effect.runPromise(manifests.walk(top, true))
      assert.strictEqual(walk.reached.size, graph.length)
      assert.isAtMost(count.reads, graph.length)
    })))

  it("goes each way once", async () => {
    // Every way would be 64 times as many for 6 more.
    assert.isBelow(await timeOf(14) / await timeOf(8), 16)
  })
})
