/** The client against registries of other makers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { image, index, pushBlob, pushImage, pushManifest, referrerOf, sample } from "../support/images.ts"
import { otherRegistry, toolPath } from "./support/others.ts"
import { remoteAt, withClient } from "./support/remotes.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signatures = [referrerOf(multi, "first"), referrerOf(multi, "second")]
const big = sample(new Uint8Array(300_000).map((_, at) => at % 251), "application/octet-stream")

describe.each(["docker-registry", "crane"])("%s", (name) => {
  const path = toolPath(name)

  it.live(
    "takes and gives all that a copy brings",
    ({ skip }) =>
      path === undefined ? Effect.sync(() => skip(`there is no ${name}`)) : withClient(Effect.gen(function*() {
        const local = yield* makeMemory()
        for (const part of [one, other]) yield* pushImage(local, "app", part)
        yield* pushManifest(local, "app", multi, ["v1"])
        for (const signature of signatures) yield* pushImage(local, "app", signature)
        const remote = yield* remoteAt(yield* otherRegistry(name, path), { timing: { chunkBytes: 100_000 } })
        yield* remote.check

        // In chunks, and at once.
        for (const blob of [big, one.config]) {
          yield* pushBlob(remote, "app", blob)
          const parts = yield* Stream.runCollect(remote.streamBlob("app", blob.descriptor.digest))
          assert.isTrue(Buffer.concat(parts).equals(blob.bytes))
        }
        const copied = yield* copyManifest(
          { registry: local, repository: "app", reference: "v1" },
          { registry: remote, repository: "app", tags: ["v1", "v2"] },
          { referrers: true }
        )
        assert.strictEqual(copied.manifests, 5)
        assert.deepStrictEqual(
          Array.from(yield* Stream.runCollect(remote.tags("app"))).filter((tag) => tag.startsWith("v")),
          [
            "v1",
            "v2"
          ] as never
        )
        assert.deepStrictEqual(yield* Stream.runCollect(remote.repositories()), ["app"] as never)
        const referrers = yield* Stream.runCollect(remote.referrers("app", multi.descriptor.digest))
        assert.sameMembers(
          referrers.map(({ digest }) => digest),
          signatures.map(({ descriptor }) => descriptor.digest)
        )

        const within = yield* copyManifest(
          { registry: remote, repository: "app", reference: "v1" },
          { registry: remote, repository: "second", tags: ["v1"] }
        )
        assert.strictEqual(within.manifests, 3)
        const back = yield* makeMemory()
        yield* copyManifest(
          { registry: remote, repository: "second", reference: "v1" },
          { registry: back, repository: "app", tags: ["v1"] }
        )
        assert.deepStrictEqual((yield* back.getTag("app", "v1")).bytes, multi.bytes)

        const absent = yield* Effect.flip(remote.resolveTag("nothing", "v1"))
        assert.include(["ManifestUnknown", "NameUnknown"], absent._tag)
        yield* remote.deleteManifest("app", multi.descriptor.digest)
        assert.strictEqual(
          (yield* Effect.flip(remote.getManifest("app", multi.descriptor.digest)))._tag,
          "ManifestUnknown"
        )
      })),
    60_000
  )
})
