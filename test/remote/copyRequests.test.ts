/** How many requests a copy between two registries on the network makes: none that it could do without. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpClient, tapRequest } from "effect/http/HttpClient"
import { TestClock } from "effect/testing"
import { makeTurns } from "../../src/index.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { inMemory } from "../http/support/serving.ts"
import { image, index, pushImage, pushManifest } from "../support/images.ts"
import { remoteAt, withClient } from "./support/remotes.ts"

const one = image("one", {}, 2)
const other = image("other")
const third = image("third")
const releases = [["v1", index([one, other])], ["v2", index([one, third])]] as const

describe("a copy of two tags that share an image", () => {
  it.live("asks for each thing once, and the second time only for the tags", () =>
    withClient(Effect.gen(function*() {
      const [from, to] = [yield* inMemory(), yield* inMemory()]
      for (const part of [one, other, third]) yield* pushImage(from.registry, "app", part)
      for (const [tag, release] of releases) yield* pushManifest(from.registry, "app", release, [tag])
      const seen: Array<string> = []
      const client = tapRequest(yield* HttpClient, ({ method, url }) =>
        Effect.sync(() => {
          const side = url.includes(new URL(from.url).host) ? "from" : "to"
          const [, kind = "", tail = ""] = /\/v2\/app\/([a-z]+)\/(.*)$/u.exec(url) ?? []
          seen.push(`${side} ${method} ${kind}${kind === "manifests" && !tail.includes(":") ? " by tag" : ""}`)
        }))
      const copies = Effect.gen(function*() {
        const source = { registry: yield* remoteAt(from), repository: "app" }
        const target = { registry: yield* remoteAt(to), repository: "app" }
        const turns = makeTurns()
        seen.length = 0
        const done = yield* Effect.forEach(
          releases,
          ([tag]) => copyManifest({ ...source, reference: tag }, { ...target, tags: [tag] }, { turns })
        )
        const counts: Record<string, number> = {}
        for (const line of seen) counts[line] = (counts[line] ?? 0) + 1
        return { done, counts }
      }).pipe(Effect.provideService(HttpClient, client))

      const first = yield* copies
      // Blobs: three configs and four layers. Manifests: three images, of which one is read for both of the tags.
      assert.deepStrictEqual(first.counts, {
        "from GET manifests by tag": 2,
        "from GET manifests": 4,
        "from GET blobs": 7,
        "to HEAD manifests by tag": 4,
        "to HEAD manifests": 5,
        "to HEAD blobs": 7,
        "to POST blobs": 7,
        "to PUT blobs": 7,
        "to PUT manifests": 3,
        "to PUT manifests by tag": 2
      })
      assert.deepStrictEqual(first.done.map(({ blobsCopied, blobsPresent }) => [blobsCopied, blobsPresent]), [
        [5, 0],
        [2, 3]
      ])
      const second = yield* copies
      assert.deepStrictEqual(second.counts, { "from GET manifests by tag": 2, "to HEAD manifests by tag": 2 })
      for (const [tag, release] of releases) {
        assert.strictEqual((yield* to.registry.resolveTag("app", tag)).digest, release.descriptor.digest)
      }
    })))
})

describe("turns", () => {
  it.effect("leave out what was brought a short while ago, and do again what was not there or is long ago", () =>
    Effect.gen(function*() {
      const turns = makeTurns()
      const done: Array<string> = []
      const work = (key: string, isThere: boolean) => turns(key, Effect.sync(() => done.push(key) > 0 && isThere))
      assert.isFalse(yield* work("a", true))
      assert.isTrue(yield* work("a", true))
      assert.isFalse(yield* work("absent", false))
      assert.isFalse(yield* work("absent", true))
      yield* Effect.flip(turns("failed", Effect.fail("broken off")))
      assert.isFalse(yield* work("failed", true))
      yield* TestClock.adjust("11 minutes")
      assert.isFalse(yield* work("a", true))
      assert.deepStrictEqual(done, ["a", "absent", "absent", "failed", "a"])
    }))
})
