import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { attached, given, target } from "./given.ts"

const amd64 = "sha256:713882b587a9574a6992399535de0b423e0f0f81f35c9d31654215792ec3813c"
const arm64 = "sha256:9978779d1591b8f6abb6326cab93e7ceb173d877151cd7087966914597cd3f71"

/** What belongs to what, in every way that was met. */
const shown: ReadonlyArray<readonly [path: string, reference: string, expected: ReadonlyArray<string>]> = [
  ["03-referrer-not-in-index/referrer_unlisted", "v1", ["sha256:e00a15396de3 subject"]],
  ["10-cosign-signatures-are-no-referrers/cosign_tags", "v1.13.0", [
    "sha256:ae405a80315c tag",
    "sha256:deaf88189011 tag",
    "sha256:f9210a70dd5a tag"
  ]],
  [
    "10-cosign-signatures-are-no-referrers/cosign_save",
    "sha256:a4689e969c84886b4a58df0516f4dd9e37413bae33ed6bc1bc77c95b8327aa6a",
    ["sha256:2efc3c1e70e0 kind"]
  ],
  ["10-cosign-signatures-are-no-referrers/fallback_tag_real", "v1", ["sha256:1d9e4d28d3fc subject"]],
  ["15-attestation-manifests/attestations", amd64, ["sha256:f93afc1db7f9 annotation"]],
  ["15-attestation-manifests/attestations", arm64, ["sha256:7585b49462cd annotation"]],
  ["18-verify-and-gc-disagree/old_artifact_manifest", "v1", ["sha256:1fdc0875b730 subject"]],
  ["18-verify-and-gc-disagree/referrer_subject_annotation", "v1", ["sha256:1d9e4d28d3fc subject"]],
  ["passed/07-digest-tag-that-is-the-subject/fallback_tag_is_subject", "v1", []]
]

describe("what belongs to a manifest is shown, with the way in which it does", () => {
  it.live.each(shown)("%s %s", ([path, reference, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* attached(yield* given(path), reference), expected)
    }).pipe(Effect.scoped))
})

describe("what a copy takes along", () => {
  it.live("cosign's tags are there by their names", () =>
    Effect.gen(function*() {
      const source = yield* given("10-cosign-signatures-are-no-referrers/cosign_tags")
      const out = yield* target
      const { tags } = yield* copyManifest(
        { registry: source.registry, repository: source.repository, reference: "v1.13.0" },
        { registry: out.registry, repository: "cos", tags: ["v1"] },
        { referrers: true }
      )
      const attachedTags = [".att", ".sbom", ".sig"].map((end) => `${amd64.replace(":", "-")}${end}`)
      assert.deepStrictEqual(yield* Stream.runCollect(out.registry.tags("cos")), [...attachedTags, "v1"])
      assert.deepStrictEqual(tags.toSorted(), [...attachedTags, "v1"])
    }).pipe(Effect.scoped))
})

describe("content that only a referrer without an entry needs", () => {
  it.live("is not deleted, and missed where it is not there", () =>
    Effect.gen(function*() {
      const { directory, registry, repository } = yield* given("03-referrer-not-in-index/referrer_unlisted")
      const { digest: subject } = yield* registry.resolveTag(repository, "v1")
      const [referrer] = yield* Stream.runCollect(registry.attached(repository, subject))
      assert(referrer?.isListed === false)
      const { layers: [layer] } = yield* registry.describe(repository, referrer.descriptor)
      assert(layer !== undefined)
      const neededBy = [referrer.descriptor.digest]
      assert.deepInclude(yield* registry.forecast(repository, "blob", layer.digest), { neededBy, reclaimable: 0 })
      const refused = yield* Effect.flip(registry.deleteBlob(repository, layer.digest))
      assert(refused._tag === "Referenced")
      assert.deepStrictEqual(refused.by, neededBy)
      fs.rmSync(join(directory, "blobs", layer.digest.replace(":", "/")))
      const found = yield* Stream.runCollect(registry.verify())
      const missing = found.flatMap((step) => step._tag === "Found" ? [step.finding] : [])
        .find(({ code }) => code === "BLOB_MISSING")
      assert.deepInclude(missing, { digest: layer.digest, neededBy, severity: "warning" })
    }).pipe(Effect.scoped))

  it.live("can be deleted together with the referrer", () =>
    Effect.gen(function*() {
      const { registry, repository } = yield* given("03-referrer-not-in-index/referrer_unlisted")
      const { digest: subject } = yield* registry.resolveTag(repository, "v1")
      const [referrer] = yield* Stream.runCollect(registry.attached(repository, subject))
      assert(referrer !== undefined)
      const { layers: [layer] } = yield* registry.describe(repository, referrer.descriptor)
      yield* registry.deleteBlob(repository, referrer.descriptor.digest)
      yield* registry.deleteBlob(repository, layer?.digest ?? "")
      assert.deepStrictEqual(yield* Stream.runCollect(registry.attached(repository, subject)), [])
    }).pipe(Effect.scoped))
})
