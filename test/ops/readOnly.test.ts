/** A registry opened for reading only. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { readOnly } from "../../src/ops/readOnly.ts"

const bytes = new TextEncoder().encode("{}")
const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
const mediaType = "application/vnd.oci.image.manifest.v1+json"

describe("a registry for reading only", () => {
  it.effect("refuses every write with Denied", () =>
    Effect.gen(function*() {
      const registry = readOnly(yield* makeMemory())
      const writes = [
        registry.pushBlob("app", Stream.succeed(bytes)),
        registry.pushBlobChunked("app"),
        registry.pushBlobChunkedResume("app", "0".repeat(32)),
        registry.findUpload("0".repeat(32)),
        registry.uploads("app"),
        registry.mountBlob("app", "other", digest),
        registry.pushManifest("app", bytes, mediaType),
        registry.tagManifest("app", digest, ["v1"]),
        registry.batch([]),
        registry.deleteBlob("app", digest),
        registry.deleteManifest("app", digest),
        registry.deleteTag("app", "v1")
      ]
      for (const write of writes) {
        const error = yield* Effect.flip<unknown, { readonly _tag: string }, never>(write)
        assert.strictEqual(error._tag, "Denied")
      }
    }))

  it.effect("reads as before", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* registry.pushBlob("app", Stream.succeed(bytes))
      const { stream } = yield* readOnly(registry).getBlob("app", digest)
      assert.deepStrictEqual(yield* Stream.runCollect(stream), [bytes])
    }))
})
