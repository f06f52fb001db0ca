/** What spans and metrics say of operations. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Tracer } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { makeDisk } from "../../src/node/index.ts"
import { temporaryFolder } from "../support/folders.ts"
import { image, pushImage } from "../support/images.ts"

const one = image("one")

/** The spans that an effect makes, each with its attributes. */
const spansOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return Effect.map(
    Effect.withTracer(effect, tracer),
    () => new Map(spans.map((span) => [span.name, Object.fromEntries(span.attributes)]))
  )
}

describe("an operation", () => {
  it.effect("says on its span what it is about, and what it did", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const { digest, size } = one.descriptor
      const spans = yield* spansOf(Effect.gen(function*() {
        yield* pushImage(registry, "app", one, ["v1"])
        yield* registry.resolve("app", "v1")
        yield* registry.getManifest("app", digest)
      }))
      assert.deepInclude(spans.get("Registry.resolveTag"), { "oci.repository": "app", "oci.reference": "v1" })
      assert.deepInclude(spans.get("Registry.getManifest"), { "oci.repository": "app", "oci.digest": digest })
      assert.deepInclude(spans.get("Registry.pushManifest"), { "oci.repository": "app", "oci.revision": 1 })
      const pushed = one.layers.at(-1)?.descriptor ?? { digest, size }
      assert.deepInclude(spans.get("Registry.pushBlob"), {
        "oci.repository": "app",
        "oci.digest": pushed.digest,
        "oci.size": pushed.size
      })
    }))

  it.live("is counted", () =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: yield* temporaryFolder })
      yield* pushImage(registry, "app", one, ["v1"])
      yield* registry.resolveTag("app", "v1")
      const counted = new Map((yield* Metric.snapshot).map(({ id, state }) => [id, state]))
      assert.deepInclude(counted.get("ocilayout_commits_total"), { count: 1 })
      const bytes = [one.config, ...one.layers].reduce((sum, { descriptor }) => sum + descriptor.size, 0)
      assert.deepInclude(counted.get("ocilayout_pushed_bytes_total"), { count: bytes })
      assert.deepInclude(counted.get("ocilayout_lock_wait_seconds"), { count: 1 })
      for (const name of ["ocilayout_index_cache_hits_total", "ocilayout_index_cache_misses_total"]) {
        const state = counted.get(name)
        assert.isTrue(state !== undefined && "count" in state && state.count > 0)
      }
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})
