import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { imageConfig, pushBlob, pushImage, pushIndex, short } from "../support/images.ts"
import { session } from "../support/session.ts"

const config = {
  created: "2026-01-02T03:04:05Z",
  os: "linux",
  architecture: "amd64",
  config: {
    Entrypoint: ["/bin/app"],
    Cmd: ["--serve"],
    Env: ["PATH=/bin", "MODE=x"],
    User: "1000",
    WorkingDir: "/srv",
    ExposedPorts: { "8080/tcp": {} },
    Volumes: { "/data": {} },
    Labels: { maintainer: "me\u202e", long: "l".repeat(2000) }
  },
  history: [
    { created_by: "ADD rootfs.tar /" },
    { created_by: "ENV MODE=x", empty_layer: true },
    { created_by: "RUN make\u0007\u200b install" }
  ]
}

describe("oci_inspect_image", () => {
  it.live("explains an image in one call", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"], config, layers: ["rootfs", "made it"] })
      yield* pushImage(registry, {
        config: {},
        configType: "application/vnd.oci.empty.v1+json",
        layers: ["s"],
        manifest: {
          artifactType: "application/spdx+json",
          subject: { mediaType: image.mediaType, digest: image.digest, size: image.size }
        }
      })
      const [first, second] = image.layers
      const answer = yield* call("oci_inspect_image", { ref: "app:1.0", history: true })
      assert.deepStrictEqual(answer, {
        repository: "app",
        digest: image.digest,
        mediaType: image.mediaType,
        platform: "linux/amd64",
        created: "2026-01-02T03:04:05Z",
        config_digest: image.config.digest,
        config: {
          entrypoint: ["/bin/app"],
          cmd: ["--serve"],
          env: ["PATH=/bin", "MODE=x"],
          user: "1000",
          workdir: "/srv",
          ports: ["8080/tcp"],
          volumes: ["/data"],
          labels: { maintainer: "me", long: `${"l".repeat(511)}…` }
        },
        layers: [
          { digest: short(first?.digest ?? ""), size: 6, created_by: "ADD rootfs.tar /" },
          { digest: short(second?.digest ?? ""), size: 7, created_by: "RUN make install" }
        ],
        total_size: image.config.size + 13,
        referrers: { "application/spdx+json": 1 }
      })
      const plain = yield* call("oci_inspect_image", { ref: "app:1.0" })
      assert.notInclude(JSON.stringify(plain), "created_by")
    }))

  it.live("lists platforms, chooses one, and takes the only one there is", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const amd = yield* pushImage(registry, { layers: ["amd"] })
      const arm = yield* pushImage(registry, { layers: ["arm"] })
      const attestation = {
        ...(yield* pushImage(registry, { layers: ["att"] })),
        platform: { os: "unknown", architecture: "unknown" }
      }
      const amd64 = { ...amd, platform: { os: "linux", architecture: "amd64" } }
      const arm64 = { ...arm, platform: { os: "linux", architecture: "arm64" } }
      const inner = yield* pushIndex(registry, [arm64], [])
      const index = yield* pushIndex(registry, [amd64, arm64, attestation], ["all"])
      yield* pushIndex(registry, [amd64, attestation], ["one"])
      yield* pushIndex(registry, [amd64, inner], ["nested"])
      assert.deepStrictEqual(yield* call("oci_inspect_image", { ref: "app:all" }), {
        repository: "app",
        digest: index.digest,
        mediaType: index.mediaType,
        platforms: [
          { platform: "linux/amd64", digest: short(amd.digest), size: amd.size },
          { platform: "linux/arm64", digest: short(arm.digest), size: arm.size }
        ],
        attestations: [{ digest: short(attestation.digest) }]
      })
      assert.strictEqual(
        (yield* call("oci_inspect_image", { ref: "app:all", platform: "linux/arm64/v8" }))["digest"],
        arm.digest
      )
      assert.strictEqual((yield* call("oci_inspect_image", { ref: "app:one" }))["digest"], amd.digest)
      assert.strictEqual(
        (yield* call("oci_inspect_image", { ref: "app:nested", platform: "linux/arm64" }))["digest"],
        arm.digest
      )
      assert.match(
        yield* fails("oci_inspect_image", { ref: "app:all", platform: "plan9/386" }),
        /^PLATFORM_UNKNOWN: .*linux\/amd64, linux\/arm64/u
      )
    }))

  it.live("stays within a result however much an image says about itself", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const many = Array.from({ length: 3000 }, (_, index) => `V${index}=${"x".repeat(40)}`)
      yield* pushImage(registry, {
        tags: ["1.0"],
        config: { config: { Env: many, Labels: Object.fromEntries(many.map((name) => [name, name])) } }
      })
      const answer = yield* call("oci_inspect_image", { ref: "app:1.0" })
      assert.isAtMost(JSON.stringify(answer).length, 25_000)
      const truncated = answer["truncated"] as Record<string, number>
      assert.deepStrictEqual(Object.keys(truncated), ["env", "labels"])
      for (const count of Object.values(truncated)) assert.isAbove(count, 0)
    }))

  it.live("refuses an artifact, a config that is no JSON, and what is not there", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["artifact"], configType: "application/vnd.example+json" })
      assert.match(yield* fails("oci_inspect_image", { ref: "app:artifact" }), /^UNSUPPORTED: .*oci_get_manifest/u)
      const broken = yield* pushBlob(registry, "app", "{]")
      yield* pushImage(registry, { tags: ["broken"], manifest: { config: { ...broken, mediaType: imageConfig } } })
      assert.match(yield* fails("oci_inspect_image", { ref: "app:broken" }), /^MANIFEST_INVALID: .*config sha256:/u)
      assert.match(yield* fails("oci_inspect_image", { ref: "app:none" }), /^MANIFEST_UNKNOWN/u)
    }))
})
