import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { blobsIn, entriesOf, findings, given, target } from "./given.ts"

/** What can be read can be copied, byte for byte. */
const readable: ReadonlyArray<readonly [path: string, reference: string, repository?: string]> = [
  ["08-copy-refuses-manifest-without-layers/null_config", "nolayers"],
  ["08-copy-refuses-manifest-without-layers/null_config", "nulllayers"],
  ["17-wrong-sizes/entry_size_wrong", "v1"],
  ["17-wrong-sizes/wrong_layer_size", "latest", "docker.io/library/foo"],
  ["17-wrong-sizes/zero_layer_size", "latest"],
  ["25-nulls/nulls", "v1"],
  ["25-nulls/nulls", "v2"],
  ["25-nulls/nulls", "sha256:101bc11bfdd90835564cc881b9c253da9d75c23b5c53ab07955544a14da402ae"]
]

describe("what can be read can be copied", () => {
  it.live.each(readable)("%s %s", ([path, reference, name]) =>
    Effect.gen(function*() {
      const source = yield* given(path)
      const repository = name ?? source.repository
      const out = yield* target
      const read = (registry: typeof out.registry, at: string) =>
        reference.includes(":") ? registry.getManifest(at, reference) : registry.getTag(at, reference)
      const { bytes } = yield* read(source.registry, repository)
      const { digest } = yield* copyManifest(
        { registry: source.registry, repository, reference },
        { registry: out.registry, repository: "a", tags: reference.includes(":") ? [] : [reference] }
      )
      const copied = yield* read(out.registry, "a")
      assert.deepStrictEqual(copied.bytes, bytes)
      assert.strictEqual(copied.descriptor.size, bytes.length)
      const wrong = (yield* findings(out)).filter(({ code }) => code.endsWith("_MISSING") || code.endsWith("_CORRUPT"))
      assert.deepStrictEqual(wrong, [])
      assert.strictEqual(entriesOf(out.directory).find((entry) => entry["digest"] === digest)?.["size"], bytes.length)
    }).pipe(Effect.scoped))

  it.live("a sparse index, with what is there of it", () =>
    Effect.gen(function*() {
      const source = yield* given("13-sparse-index/docker_save_sparse")
      const from = { registry: source.registry, repository: "docker.io/library/alpine", reference: "3.20" }
      const out = yield* target
      const to = { registry: out.registry, repository: "alpine", tags: ["all"] }
      assert.strictEqual((yield* Effect.flip(copyManifest(from, to)))._tag, "ManifestUnknown")
      const { digest, missing } = yield* copyManifest(from, to, { sparse: true })
      assert.strictEqual(digest, "sha256:dad4bc5edf73f810a3091546f48fbfe2d44b1ad85c68b3f3be6c34770a9e2fdc")
      assert.lengthOf(missing, 3)
      assert.includeMembers([...blobsIn(out.directory)], [
        "sha256:713882b587a9",
        "sha256:12ff3b2bfcd7",
        "sha256:fcf0fea05555"
      ])
      const steps = yield* Stream.runCollect(out.registry.verify({ sparse: true }))
      assert.deepStrictEqual(
        steps.flatMap((step) => step._tag === "Found" && step.finding.severity !== "info" ? [step.finding] : []),
        []
      )
    }).pipe(Effect.scoped))
})

describe("content that is absent on purpose is told from damage", () => {
  for (const path of ["13-sparse-index/docker_save_sparse", "22-image-with-missing-layers/pack_sparse"]) {
    it.live(path, () =>
      Effect.gen(function*() {
        const { registry } = yield* given(path)
        const severities = (sparse: boolean) =>
          Effect.map(Stream.runCollect(registry.verify({ sparse })), (steps) =>
            Array.from(
              new Set(
                steps.flatMap((step) =>
                  step._tag === "Found" && step.finding.code.endsWith("_MISSING") ? [step.finding.severity] : []
                )
              )
            ))
        assert.deepStrictEqual(yield* severities(false), ["error"])
        assert.deepStrictEqual(yield* severities(true), ["info"])
      }).pipe(Effect.scoped))
  }
})

describe("a wrong size", () => {
  it.live("of an entry is told as such, and corrected", () =>
    Effect.gen(function*() {
      const layout = yield* given("17-wrong-sizes/entry_size_wrong")
      const wrong = (yield* findings(layout)).find(({ code }) => code === "SIZE_MISMATCH")
      assert.match(wrong?.message ?? "", /its entry says 1 bytes of .*; the content is right, and has 302/u)
      const { done } = yield* layout.registry.repair()
      assert.match(done[0]?.what ?? "", /wrote the right size, 302/u)
      assert.deepStrictEqual(entriesOf(layout.directory).map(({ size }) => size), [302])
    }).pipe(Effect.scoped))

  it.live("of a layer is told as such, and stays", () =>
    Effect.gen(function*() {
      const layout = yield* given("17-wrong-sizes/wrong_layer_size")
      const found = (yield* findings(layout)).find(({ code }) => code === "SIZE_MISMATCH")
      assert.match(found?.message ?? "", /layers\[0\] of sha256:69b3d50ed8b2.* says 1632 bytes.*right, and has 96/u)
      const { left } = yield* layout.registry.repair()
      assert.match(left[0]?.what ?? "", /its bytes are right/u)
    }).pipe(Effect.scoped))
})
