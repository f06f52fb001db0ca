import { assert, describe, it } from "@effect/vitest"
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Stream } from "effect"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import { imageManifest, pushImage, pushIndex } from "../support/images.ts"
import { memoryFiles } from "../support/memoryFiles.ts"
import { session } from "../support/session.ts"

const other = Effect.orDie(makeMemory())

describe("oci_copy", () => {
  it.live("copies to another repository of the same layout, sending nothing", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const { digest } = yield* pushImage(registry, { tags: ["1"] })
      assert.deepStrictEqual(yield* call("oci_copy", { ref: "app:1", to_repository: "team/app", tags: ["a", "b"] }), {
        repository: "team/app",
        digest,
        tags: ["a", "b"],
        manifests: 1,
        blobs_copied: 0,
        blobs_present: 2,
        bytes_copied: 0
      })
      assert.strictEqual((yield* call("oci_resolve", { ref: "team/app:b" }))["digest"], digest)
    }))

  it.live("copies to another layout, and back, by shortened digest", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { call, registry } = yield* session({ others: { mirror } })
      const { digest } = yield* pushImage(registry, { tags: ["1"], layers: ["one", "two"] })
      const there = yield* call("oci_copy", { ref: "app:1", to_layout: "mirror", to_repository: "app", tags: ["1"] })
      assert.deepInclude(there, { digest, blobs_copied: 3, blobs_present: 0 })
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1", layout: "mirror" }))["digest"], digest)
      const back = yield* call("oci_copy", {
        ref: `app@${digest.slice(0, 19)}`,
        layout: "mirror",
        to_layout: "main",
        to_repository: "back"
      })
      assert.deepInclude(back, { repository: "back", tags: [], blobs_copied: 0, blobs_present: 3 })
    }))

  it.live("stays in the layout it is told, where it is told no other", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { call } = yield* session({ others: { mirror } })
      const { digest } = yield* pushImage(mirror, { tags: ["1"] })
      yield* call("oci_copy", { ref: "app:1", layout: "mirror", to_repository: "web", tags: ["1"] })
      assert.strictEqual((yield* mirror.resolveTag("web", "1")).digest, digest)
    }))

  it.live("takes several references in one commit, or none of them", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { call, fails, registry } = yield* session({ others: { mirror } })
      const one = yield* pushImage(registry, { tags: ["1", "one"] })
      const two = yield* pushImage(registry, { tags: ["2"], layers: ["two"] })
      const to = { to_layout: "mirror", to_repository: "app" }
      const copied = yield* call("oci_copy", { refs: ["app:1", "app:one", "app:2"], ...to })
      assert.deepInclude(copied, { repository: "app", tags: ["1", "one", "2"] })
      assert.notProperty(copied, "digest")
      assert.strictEqual((yield* mirror.resolveTag("app", "one")).digest, one.digest)
      assert.strictEqual((yield* mirror.resolveTag("app", "2")).digest, two.digest)
      assert.lengthOf(yield* Stream.runCollect(mirror.history({ repository: "app" })), 1)

      yield* pushImage(registry, { tags: ["2", "3"], layers: ["three"] })
      assert.match(yield* fails("oci_copy", { refs: ["app:3", "app:2"], ...to }), /^TAG_EXISTS/u)
      assert.deepStrictEqual(yield* Stream.runCollect(mirror.tags("app")), ["1", "2", "one"])
      assert.match(yield* fails("oci_copy", { refs: ["app:3", "app"], ...to }), /^INVALID_ARGUMENT/u)
      assert.match(yield* fails("oci_copy", { refs: ["app:3"], tags: ["x"], ...to }), /^INVALID_ARGUMENT/u)
      assert.match(yield* fails("oci_copy", to), /^INVALID_ARGUMENT/u)
      const bare = yield* registry.resolveTag("app", "3")
      yield* registry.batch([{ _tag: "DeleteTag", repository: "app", tag: "3" }])
      assert.match(yield* fails("oci_copy", { refs: [`app@${bare.digest}`], ...to }), /^INVALID_ARGUMENT/u)
    }))

  it.live("takes one platform, and what is attached", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { call, fails, registry } = yield* session({ others: { mirror } })
      const amd64 = yield* pushImage(registry)
      const arm64 = yield* pushImage(registry, { config: { os: "linux", architecture: "arm64" }, layers: ["arm"] })
      const subject = { mediaType: imageManifest, digest: arm64.digest, size: arm64.size }
      yield* pushImage(registry, { layers: ["sbom"], manifest: { artifactType: "application/spdx+json", subject } })
      yield* pushIndex(registry, [
        { ...amd64, platform: { os: "linux", architecture: "amd64" } },
        { ...arm64, platform: { os: "linux", architecture: "arm64" } }
      ], ["multi"])
      const to = { to_layout: "mirror", to_repository: "app" }
      const copied = yield* call("oci_copy", { ref: "app:multi", platform: "linux/arm64", referrers: true, ...to })
      assert.deepInclude(copied, { digest: arm64.digest, manifests: 2 })
      assert.match(
        yield* fails("oci_copy", { ref: "app:multi", platform: "linux/s390x", ...to }),
        /^PLATFORM_UNKNOWN: .*it has: linux\/amd64, linux\/arm64/u
      )
      const whole = yield* call("oci_copy", { ref: "app:multi", ...to, tags: ["all"] })
      assert.deepInclude(whole, { manifests: 3 })
    }))

  it.live("is refused where a tag points elsewhere, a name is wrong or the target may not be written", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { call, fails, registry } = yield* session({ others: { mirror, locked: readOnly(yield* other) } })
      yield* pushImage(registry, { tags: ["1"] })
      yield* pushImage(mirror, { tags: ["1"], layers: ["another"] })
      const to = { ref: "app:1", to_repository: "app", tags: ["1"] }
      assert.match(yield* fails("oci_copy", { ...to, to_layout: "mirror" }), /^TAG_EXISTS: /u)
      assert.match(yield* fails("oci_copy", { ...to, to_layout: "locked" }), /^DENIED: /u)
      assert.match(
        yield* fails("oci_copy", { ...to, to_layout: "none" }),
        /^INVALID_ARGUMENT: to_layout: expected "main" \| "mirror" \| "locked"/u
      )
      assert.match(yield* fails("oci_copy", { ...to, ref: "app:2" }), /^MANIFEST_UNKNOWN: .*\nHint: Tags of app: 1/u)
      assert.deepInclude(yield* call("oci_list_tags", { repository: "app", layout: "mirror" }), { tags: ["1"] })
    }))

  it.live("offers another layout only where there is one", () =>
    Effect.gen(function*() {
      const registry = yield* other
      const layout = (id: string) => ({ id, path: `/${id}`, registry, perRepository: false })
      const inputOf = (...ids: ReadonlyArray<string>) => {
        const catalogue = makeToolCatalog({
          layouts: [layout("main"), ...ids.map(layout)],
          mode: "write",
          files: memoryFiles([])
        })
        return catalogue.tools.get("oci_copy")?.definition.inputSchema.properties ?? {}
      }
      assert.notProperty(inputOf(), "to_layout")
      assert.deepStrictEqual(inputOf("mirror")["to_layout"], {
        type: "string",
        enum: ["main", "mirror"],
        description: "Layout to copy to, if not the same"
      })
    }))

  it.live("reports how far it has got", () =>
    Effect.gen(function*() {
      const mirror = yield* other
      const { client, registry } = yield* session({ others: { mirror } })
      yield* pushImage(registry, { tags: ["1"], layers: [Buffer.alloc(4 * 1024 * 1024, 1)] })
      const totals = new Set<number | undefined>()
      yield* Effect.promise(() =>
        client.callTool(
          { name: "oci_copy", arguments: { ref: "app:1", to_layout: "mirror", to_repository: "app" } },
          CallToolResultSchema,
          { onprogress: ({ total }) => void totals.add(total) }
        )
      )
      assert.strictEqual(totals.size, 1)
      assert.isAbove(Array.from(totals)[0] ?? 0, 4 * 1024 * 1024)
    }))
})
