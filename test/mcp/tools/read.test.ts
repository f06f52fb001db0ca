import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { ContentMismatch, ManifestUnknown } from "../../../src/oci/OciError.ts"
import { bytesOf, digestOf, imageManifest, pushBlob, pushImage, pushIndex, short } from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_resolve", () => {
  it.live("resolves tags, digests and shortened digests to the same descriptor", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const { digest, mediaType, size } = yield* pushImage(registry, { tags: ["1.0", "latest"] })
      const expected = { repository: "app", kind: "manifest", mediaType, digest, size, tags: ["1.0", "latest"] }
      const refs = [
        "app:1.0",
        "app",
        `app@${digest}`,
        `app:1.0@${digest}`,
        `app@${short(digest)}`,
        `app@${digest.slice(7, 19)}`
      ]
      for (const ref of refs) assert.deepStrictEqual(yield* call("oci_resolve", { ref }), expected, ref)
    }))

  it.live("resolves a blob after a manifest, or only one of them", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const { config, digest } = yield* pushImage(registry, { tags: ["1.0"] })
      const blob = {
        repository: "app",
        kind: "blob",
        mediaType: "application/octet-stream",
        digest: config.digest,
        size: config.size
      }
      assert.deepStrictEqual(yield* call("oci_resolve", { ref: `app@${config.digest}` }), blob)
      assert.deepStrictEqual(yield* call("oci_resolve", { ref: `app@${short(config.digest)}`, kind: "blob" }), blob)
      assert.strictEqual((yield* call("oci_resolve", { ref: `app@${digest}`, kind: "blob" }))["kind"], "blob")
      assert.match(yield* fails("oci_resolve", { ref: `app@${config.digest}`, kind: "manifest" }), /^MANIFEST_UNKNOWN/u)
    }))

  it.live("names the file that holds the bytes where there is one", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      yield* pushImage(registry, { tags: ["1.0"] })
      const { call } = yield* session({
        registry: { ...registry, blobPath: (_repository, digest) => Effect.succeedSome(`/layout/${digest.slice(7)}`) }
      })
      const { digest, path } = yield* call("oci_resolve", { ref: "app:1.0" })
      assert.strictEqual(path, `/layout/${String(digest).slice(7)}`)
      assert.isTrue(Option.isNone(yield* Effect.orDie(registry.blobPath("app", String(digest)))))
    }))

  it.live("says which tags are near when there is no such tag, and no latest", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["1.0", "1.1", "beta"] })
      assert.strictEqual(
        yield* fails("oci_resolve", { ref: "app:1.2" }),
        "MANIFEST_UNKNOWN: no manifest 1.2 in repository app\nHint: Tags of app: 1.0, 1.1, beta."
      )
      assert.strictEqual(
        yield* fails("oci_resolve", { ref: "app" }),
        "MANIFEST_UNKNOWN: no manifest latest in repository app; there is: app:1.0, app:1.1, app:beta\nHint: Tags of app: beta, 1.0, 1.1."
      )
    }))

  it.live("refuses what is ambiguous, absent or no reference", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { config, digest } = yield* pushImage(registry, { tags: ["1.0"] })
      const expand = (digest: string) => registry.expandDigest("app", digest)
      // Two digests that begin alike are not easily found, so the registry pretends.
      const both = Effect.zipWith(expand(digest), expand(config.digest), (one, other) => [...one, ...other])
      const { fails } = yield* session({
        registry: {
          ...registry,
          expandDigest: (_repository, prefix) => prefix.startsWith("a") ? both : Effect.succeed([])
        }
      })
      assert.match(yield* fails("oci_resolve", { ref: "app@aaaaaaaaaaaa" }), /^DIGEST_AMBIGUOUS: .*\nHint: /u)
      assert.match(yield* fails("oci_resolve", { ref: "app@000000000000" }), /^BLOB_UNKNOWN/u)
      assert.match(yield* fails("oci_resolve", { ref: "app@000000000000", kind: "manifest" }), /^MANIFEST_UNKNOWN/u)
      assert.match(yield* fails("oci_resolve", { ref: `app@${digestOf(bytesOf("no"))}` }), /^BLOB_UNKNOWN/u)
      assert.match(yield* fails("oci_resolve", { ref: "nope:1" }), /^NAME_UNKNOWN/u)
      assert.match(yield* fails("oci_resolve", { ref: "App:1" }), /^REFERENCE_INVALID/u)
      assert.match(yield* fails("oci_resolve", { ref: "app@sha256:abc" }), /^REFERENCE_INVALID/u)
    }))

  it.live("reads an entry by its raw name", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const raw = "localhost:5000/App:1.0"
      const descriptor = yield* Effect.orDie(registry.resolveTag("app", "1.0"))
      const { call, fails } = yield* session({
        registry: {
          ...registry,
          nameChoices: (name) =>
            name === raw
              ? Effect.succeed([descriptor])
              : Effect.fail(new ManifestUnknown({ repository: "", reference: name }))
        }
      })
      const { digest, mediaType, size } = image
      assert.deepStrictEqual(yield* call("oci_resolve", { ref: raw }), {
        name: raw,
        kind: "manifest",
        mediaType,
        digest,
        size
      })
      const { summary } = yield* call("oci_get_manifest", { ref: raw })
      assert.include(JSON.stringify(summary), short(image.config.digest))
      assert.strictEqual((yield* call("oci_inspect_image", { ref: raw }))["platform"], "linux/amd64")
      assert.match(yield* fails("oci_tag", { ref: raw, tags: ["x"] }), /^INVALID_ARGUMENT: ref: /u)
    }))
})

describe("oci_get_manifest", () => {
  it.live("summarises an image, an artifact and an index", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, {
        tags: ["1.0"],
        manifest: { annotations: { "org.opencontainers.image.title": "The\u202e App", long: "x".repeat(5000) } }
      })
      const attestation = yield* pushImage(registry, { layers: ["att"] })
      const index = yield* pushIndex(registry, [
        { ...image, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
        { ...attestation, platform: { os: "unknown", architecture: "unknown" } }
      ], ["all"])
      const { summary, ...head } = yield* call("oci_get_manifest", { ref: "app:1.0" })
      assert.deepStrictEqual(head, {
        repository: "app",
        mediaType: imageManifest,
        digest: image.digest,
        size: image.size
      })
      assert.deepStrictEqual(summary, {
        kind: "image",
        config: short(image.config.digest),
        layers: image.layers.map(({ digest, mediaType, size }) => ({ digest: short(digest), mediaType, size })),
        annotations: { "org.opencontainers.image.title": "The App", long: `${"x".repeat(511)}…` }
      })
      assert.deepStrictEqual((yield* call("oci_get_manifest", { ref: "app:all" }))["summary"], {
        kind: "index",
        manifests: [
          { digest: short(image.digest), platform: "linux/arm64/v8", size: image.size },
          { digest: short(attestation.digest), platform: "attestation", size: attestation.size }
        ]
      })
      for (const platform of ["linux/arm64", "linux/arm64/v8"]) {
        const chosen = yield* call("oci_get_manifest", { ref: "app:all", platform })
        assert.strictEqual(chosen["digest"], image.digest)
      }
      assert.match(
        (yield* call("oci_get_manifest", { ref: `app@${index.digest}` }))["mediaType"] as string,
        /image\.index/u
      )
    }))

  it.live("gives the whole document, or the exact bytes, without touching either", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"], manifest: { annotations: { evil: "\u202ea\u200b" } } })
      const text = Buffer.from(image.bytes).toString()
      assert.strictEqual((yield* call("oci_get_manifest", { ref: "app:1.0", format: "raw" }))["raw"], text)
      assert.deepStrictEqual(
        (yield* call("oci_get_manifest", { ref: "app:1.0", format: "json" }))["manifest"],
        JSON.parse(text)
      )
    }))

  it.live("cuts a long summary and refuses a long document", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const annotations = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`key${i}`, "v".repeat(400)]))
      yield* pushImage(registry, { tags: ["1.0"], manifest: { annotations } })
      const answer = yield* call("oci_get_manifest", { ref: "app:1.0" })
      assert.isAtMost(JSON.stringify(answer).length, 25_000)
      assert.include(JSON.stringify(answer), `"omitted":`)
      for (const format of ["json", "raw"]) {
        assert.match(
          yield* fails("oci_get_manifest", { ref: "app:1.0", format }),
          /^CONTENT_TOO_LARGE: the manifest has \d+ characters.*\nHint: .*summary/u
        )
      }
    }))

  it.live("says which platforms there are", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      const image = yield* pushImage(registry)
      yield* pushIndex(registry, [{ ...image, platform: { os: "linux", architecture: "amd64" } }], ["all"])
      assert.strictEqual(
        yield* fails("oci_get_manifest", { ref: "app:all", platform: "windows/amd64" }),
        "PLATFORM_UNKNOWN: the index has no image for windows/amd64; it has: linux/amd64\nHint: Pass one of these as platform."
      )
    }))

  it.live("passes on that stored bytes are damaged or no manifest", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const damaged = new ContentMismatch({
        digest: image.digest,
        actual: digestOf(bytesOf("")),
        reason: "it has other bytes"
      })
      const { fails } = yield* session({ registry: { ...registry, getManifest: () => Effect.fail(damaged) } })
      assert.match(yield* fails("oci_get_manifest", { ref: "app:1.0" }), /^CONTENT_MISMATCH: .*\nHint: /u)
      const blob = yield* pushBlob(registry, "app", "not a manifest")
      const other = yield* session({
        registry: {
          ...registry,
          getManifest: () =>
            Effect.map(
              Effect.orDie(registry.getManifest("app", image.digest)),
              (content) => ({ ...content, bytes: bytesOf("[]") })
            )
        }
      })
      assert.match(yield* other.fails("oci_get_manifest", { ref: "app:1.0" }), /^MANIFEST_INVALID/u)
      assert.strictEqual((yield* other.call("oci_get_manifest", { ref: "app:1.0", format: "raw" }))["raw"], "[]")
      assert.match(yield* other.fails("oci_get_manifest", { ref: `app@${blob.digest}` }), /^MANIFEST_UNKNOWN/u)
    }))
})
