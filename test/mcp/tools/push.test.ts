import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { StorageError } from "../../../src/oci/OciError.ts"
import {
  bytesOf,
  digestOf,
  imageConfig,
  imageManifest,
  layerType,
  pushBlob,
  pushImage,
  short
} from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_push_blob", () => {
  it.live("stores text, base64 and files, once", () =>
    Effect.gen(function*() {
      const { call, files } = yield* session()
      files.contents.set("/files/file", bytesOf("hello"))
      const expected = {
        repository: "app",
        mediaType: "application/octet-stream",
        digest: digestOf(bytesOf("hello")),
        size: 5
      }
      assert.deepStrictEqual(yield* call("oci_push_blob", { repository: "app", text: "hello" }), {
        ...expected,
        existed: false
      })
      for (
        const given of [{ base64: "aGVsbG8=" }, { path: "/files/file" }, {
          text: "hello",
          size: 5,
          digest: expected.digest
        }]
      ) {
        assert.deepStrictEqual(yield* call("oci_push_blob", { repository: "app", ...given }), {
          ...expected,
          existed: true
        })
      }
      const typed = yield* call("oci_push_blob", { repository: "app", text: "", media_type: "text/plain", path: null })
      assert.strictEqual(typed["mediaType"], "text/plain")
      assert.strictEqual(typed["size"], 0)
    }))

  it.live("refuses content that is not what was said, or too much, or not one thing", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* session()
      const push = (given: Record<string, unknown>) => fails("oci_push_blob", { repository: "app", ...given })
      assert.match(
        yield* push({ text: "hello", digest: digestOf(bytesOf("no")) }),
        /^DIGEST_INVALID: content hashes to sha256:2cf24.*\nHint: /u
      )
      assert.match(yield* push({ text: "hello", size: 4 }), /^SIZE_INVALID: .*\nHint: /u)
      assert.match(
        yield* push({ text: "x".repeat(65_537) }),
        /^CONTENT_TOO_LARGE: text has 65537 bytes.*\nHint: .*path/u
      )
      assert.match(yield* push({ base64: Buffer.alloc(65_537).toString("base64") }), /^CONTENT_TOO_LARGE: base64/u)
      assert.match(yield* push({ base64: "a$==" }), /^INVALID_ARGUMENT: base64: /u)
      assert.match(yield* push({ text: "\ud800" }), /^INVALID_ARGUMENT: text: .*surrogate/u)
      assert.match(yield* push({}), /^INVALID_ARGUMENT: give exactly one of path, text and base64/u)
      assert.match(yield* push({ text: "a", base64: "" }), /^INVALID_ARGUMENT: give exactly one/u)
      assert.match(yield* push({ path: "/etc/passwd" }), /^PATH_DENIED: .*\/files/u)
      assert.match(yield* push({ path: "/files/none" }), /^FILE_UNKNOWN: .*\nHint: /u)
      const largest = yield* call("oci_push_blob", { repository: "app", text: "x".repeat(65_536) })
      assert.strictEqual(largest["size"], 65_536)
    }))

  it.live("says when the disk is full, and when it is something else", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      for (const [kind, code] of [["full", "NO_SPACE"], ["device", "STORAGE_ERROR"]] as const) {
        const error = new StorageError({ operation: "write", path: "blobs", kind, cause: new Error("no") })
        const { fails } = yield* session({ registry: { ...registry, pushBlob: () => Effect.fail(error) } })
        assert.match(
          yield* fails("oci_push_blob", { repository: "app", text: "x" }),
          new RegExp(`^${code}: cannot write .*\nHint: `, "u")
        )
      }
    }))
})

describe("oci_mount_blob", () => {
  it.live("answers the descriptor, and what to push when there is no such blob", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const { digest, size } = yield* pushBlob(registry, "app", "hello")
      assert.deepStrictEqual(
        yield* call("oci_mount_blob", { from_repository: "app", to_repository: "other", digest }),
        {
          repository: "other",
          mediaType: "application/octet-stream",
          digest,
          size
        }
      )
      const missing = { from_repository: "app", to_repository: "other", digest: digestOf(bytesOf("no")) }
      assert.match(yield* fails("oci_mount_blob", missing), /^BLOB_UNKNOWN: .*\nHint: Check the digest/u)
      assert.match(
        yield* fails("oci_mount_blob", { ...missing, digest: short(digest) }),
        /^INVALID_ARGUMENT: digest: expected a full digest/u
      )
    }))

  it.live("says which repository of a tree has the blob", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const { fails } = yield* session({ registry, perRepository: true })
      const { layers: [layer] } = yield* pushImage(registry, { repository: "base/os", tags: ["1"] })
      yield* pushImage(registry, { repository: "app", tags: ["1"], layers: ["other"] })
      assert.match(
        yield* fails("oci_mount_blob", { from_repository: "app", to_repository: "x", digest: layer?.digest }),
        /^BLOB_UNKNOWN: .*\nHint: Repositories that have it: base\/os; oci_mount_blob makes it readable here\.$/u
      )
    }))
})

describe("oci_push_manifest", () => {
  it.live("stores an object as compact JSON, and text and files byte for byte", () =>
    Effect.gen(function*() {
      const { call, files, registry } = yield* session()
      const config = { ...(yield* pushBlob(registry, "app", {})), mediaType: imageConfig }
      const layer = yield* pushBlob(registry, "app", "layer")
      const manifest = { schemaVersion: 2, mediaType: imageManifest, config, layers: [layer] }
      const pushed = yield* call("oci_push_manifest", { repository: "app", manifest, tags: ["1.0", "latest"] })
      assert.deepStrictEqual(pushed, {
        repository: "app",
        mediaType: imageManifest,
        digest: digestOf(bytesOf(manifest)),
        size: bytesOf(manifest).length,
        tags: ["1.0", "latest"],
        existed: false
      })
      const raw = JSON.stringify(
        { ...manifest, subject: { mediaType: imageManifest, digest: pushed["digest"], size: 1 } },
        null,
        2
      )
      files.contents.set("/files/manifest.json", bytesOf(raw))
      for (const [given, existed] of [[{ raw }, false], [{ path: "/files/manifest.json" }, true]] as const) {
        const answer = yield* call("oci_push_manifest", { repository: "app", ...given, digest: digestOf(bytesOf(raw)) })
        assert.deepStrictEqual([answer["digest"], answer["subject"], answer["existed"]], [
          digestOf(bytesOf(raw)),
          pushed["digest"],
          existed
        ])
      }
      // The list is made for the one that exists already as well.
      const fallback = String(pushed["digest"]).replace(":", "-")
      assert.deepStrictEqual(yield* registry.tagsOf("app", digestOf(bytesOf(raw))), [])
      yield* call("oci_push_manifest", { repository: "app", raw, fallback_tag: true })
      const list = JSON.parse(Buffer.from((yield* registry.getTag("app", fallback)).bytes).toString()) as {
        readonly manifests: ReadonlyArray<{ readonly digest: string }>
      }
      assert.deepStrictEqual(list.manifests.map(({ digest }) => digest), [digestOf(bytesOf(raw))])
      const { mediaType: _, ...bare } = manifest
      const declared = yield* call("oci_push_manifest", {
        repository: "app",
        manifest: bare,
        media_type: imageManifest
      })
      assert.strictEqual(declared["mediaType"], imageManifest)
    }))

  it.live("never moves a tag", () =>
    Effect.gen(function*() {
      const { fails, call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const other = yield* pushImage(registry, { layers: ["other"] })
      const raw = Buffer.from(other.bytes).toString()
      assert.match(
        yield* fails("oci_push_manifest", { repository: "app", raw, tags: ["new", "1.0"] }),
        new RegExp(`^TAG_EXISTS: app:1\\.0 .*${image.digest}\nHint: .*oci_tag`, "u")
      )
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app" }))["tags"], ["1.0"])
    }))

  it.live("says what is missing or wrong", () =>
    Effect.gen(function*() {
      const { fails } = yield* session()
      const push = (given: Record<string, unknown>) => fails("oci_push_manifest", { repository: "app", ...given })
      const layer = { mediaType: layerType, digest: digestOf(bytesOf("x")), size: 1 }
      const manifest = {
        schemaVersion: 2,
        mediaType: imageManifest,
        config: { ...layer, mediaType: imageConfig },
        layers: [layer]
      }
      assert.match(
        yield* push({ manifest }),
        /^MANIFEST_BLOB_UNKNOWN: .*config sha256:.*layers\[0\] sha256:.*\nHint: /u
      )
      assert.match(
        yield* push({ manifest: { ...manifest, schemaVersion: 1 } }),
        /^MANIFEST_INVALID: .*schemaVersion.*\nHint: /u
      )
      assert.match(yield* push({ raw: "{" }), /^MANIFEST_INVALID: .*JSON/u)
      assert.match(yield* push({ manifest: { ...manifest, mediaType: "text/plain" } }), /^UNSUPPORTED: .*\nHint: /u)
      assert.match(yield* push({ manifest: { layers: [] } }), /^INVALID_ARGUMENT: media_type: required/u)
      assert.match(
        yield* push({ manifest, raw: "{}" }),
        /^INVALID_ARGUMENT: give exactly one of manifest, raw and path/u
      )
      assert.match(yield* push({ manifest, tags: ["not a tag"] }), /^INVALID_ARGUMENT: tags\[0\]: expected a tag/u)
      assert.match(yield* push({ manifest: { x: "y".repeat(70_000) } }), /^CONTENT_TOO_LARGE: manifest/u)
    }))
})

describe("oci_tag", () => {
  it.live("creates, leaves and moves tags, and says where they pointed", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const one = yield* pushImage(registry, { tags: ["1", "latest"] })
      const two = yield* pushImage(registry, { tags: ["2"], layers: ["two"] })
      assert.deepStrictEqual(yield* call("oci_tag", { ref: `app@${short(two.digest)}`, tags: ["2", "2.0"] }), {
        repository: "app",
        digest: two.digest,
        created: ["2.0"],
        unchanged: ["2"],
        moved: []
      })
      assert.match(yield* fails("oci_tag", { ref: "app:2", tags: ["new", "latest"] }), /^TAG_EXISTS: app:latest/u)
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app", prefix: "n" }))["tags"], [])
      assert.deepStrictEqual((yield* call("oci_tag", { ref: "app:2", tags: ["latest"], move: true }))["moved"], [
        { tag: "latest", from: one.digest }
      ])
    }))

  it.live("moves only what is still where it was seen", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const one = yield* pushImage(registry, { tags: ["latest"] })
      const two = yield* pushImage(registry, { tags: ["2"], layers: ["two"] })
      assert.match(
        yield* fails("oci_tag", { ref: "app:2", tags: ["latest"], if_digest: two.digest }),
        new RegExp(`^CONFLICT: .*${one.digest}.*\nHint: `, "u")
      )
      assert.match(
        yield* fails("oci_tag", { ref: "app:2", tags: ["new"], if_digest: one.digest }),
        /^CONFLICT: .*does not exist/u
      )
      const moved = yield* call("oci_tag", { ref: "app:2", tags: ["latest"], if_digest: one.digest })
      assert.deepStrictEqual(moved["moved"], [{ tag: "latest", from: one.digest }])
      assert.deepStrictEqual((yield* call("oci_tag", { ref: "app:latest", tags: ["latest"], move: true }))["moved"], [])
    }))

  it.live("refuses what is not there, and no tags", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["1"] })
      assert.match(yield* fails("oci_tag", { ref: "app:9", tags: ["x"] }), /^MANIFEST_UNKNOWN/u)
      assert.match(yield* fails("oci_tag", { ref: "app:1", tags: [] }), /^INVALID_ARGUMENT: tags: /u)
    }))
})
