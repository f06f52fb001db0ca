import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { UploadBusy } from "../../../src/oci/OciError.ts"
import { bytesOf, digestOf } from "../support/images.ts"
import { session } from "../support/session.ts"

const digest = digestOf(bytesOf("hello, world"))

describe("a chunked upload", () => {
  it.live("tells of the others that are under way", () =>
    Effect.gen(function*() {
      const { call } = yield* session()
      const lost = yield* call("oci_upload_start", { repository: "app" })
      assert.isUndefined(lost["others"])
      yield* call("oci_upload_append", { upload_id: lost["upload_id"], offset: 0, text: "abc" })
      const { others, upload_id } = yield* call("oci_upload_start", { repository: "app" })
      const [found] = others as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual([found?.["upload_id"], found?.["offset"]], [lost["upload_id"], 3])
      assert.isUndefined((yield* call("oci_upload_start", { repository: "web" }))["others"])
      yield* call("oci_upload_cancel", { upload_id: lost["upload_id"] })
      assert.isUndefined((yield* call("oci_upload_start", { repository: "app", upload_id }))["others"])
      for (let started = 0; started < 12; started++) yield* call("oci_upload_start", { repository: "app" })
      const many = yield* call("oci_upload_start", { repository: "app", upload_id })
      assert.lengthOf(many["others"] as ReadonlyArray<unknown>, 10)
    }))

  it.live("is started, continued, committed, and committed again", () =>
    Effect.gen(function*() {
      const { call, files } = yield* session()
      files.contents.set("/files/file", bytesOf("say, world!"))
      const started = yield* call("oci_upload_start", { repository: "app", chunk_size: 1000 })
      const upload_id = started["upload_id"]
      assert.match(String(upload_id), /^[0-9a-f]{32}$/u)
      assert.deepStrictEqual([started["repository"], started["offset"], started["chunk_size"]], ["app", 0, 1000])
      assert.isAbove(Date.parse(String(started["expires_at"])), Date.now() + 23 * 3_600_000)
      assert.deepStrictEqual(yield* call("oci_upload_append", { upload_id, offset: 0, text: "hel" }), {
        upload_id,
        offset: 3
      })
      assert.deepStrictEqual(yield* call("oci_upload_append", { upload_id, offset: 3, base64: "bG8=" }), {
        upload_id,
        offset: 5
      })
      const resumed = yield* call("oci_upload_start", { repository: "app", upload_id })
      assert.strictEqual(resumed["offset"], 5)
      assert.strictEqual(
        (yield* call("oci_upload_append", { upload_id, offset: 5, path: "/files/file", path_offset: 3, length: 7 }))[
          "offset"
        ],
        12
      )
      const blob = { repository: "app", mediaType: "application/octet-stream", digest, size: 12 }
      assert.deepStrictEqual(yield* call("oci_upload_commit", { upload_id, digest, size: 12 }), blob)
      assert.deepStrictEqual(yield* call("oci_upload_commit", { upload_id, digest }), blob)
      assert.deepStrictEqual(yield* call("oci_upload_cancel", { upload_id }), { upload_id, discarded_bytes: 0 })
      assert.strictEqual((yield* call("oci_read_blob", { ref: `app@${digest}` }))["data"], "hello, world")
    }))

  it.live("writes nothing twice and nothing at the wrong place", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* session()
      const { upload_id } = yield* call("oci_upload_start", { repository: "app" })
      yield* call("oci_upload_append", { upload_id, offset: 0, text: "hello" })
      for (const offset of [0, 4, 6]) {
        assert.match(
          yield* fails("oci_upload_append", { upload_id, offset, text: "hello" }),
          /^RANGE_INVALID: .*5 bytes.*\nHint: Continue from offset 5/u
        )
      }
    }))

  it.live("stays as it was when the digest or size is another", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* session()
      const { upload_id } = yield* call("oci_upload_start", { repository: "app" })
      yield* call("oci_upload_append", { upload_id, offset: 0, text: "hello" })
      assert.match(yield* fails("oci_upload_commit", { upload_id, digest }), /^DIGEST_INVALID: /u)
      assert.match(yield* fails("oci_upload_commit", { upload_id, digest, size: 12 }), /^SIZE_INVALID: /u)
      assert.strictEqual((yield* call("oci_upload_start", { repository: "app", upload_id }))["offset"], 5)
      assert.deepStrictEqual(yield* call("oci_upload_cancel", { upload_id }), { upload_id, discarded_bytes: 5 })
      assert.deepStrictEqual(yield* call("oci_upload_cancel", { upload_id }), { upload_id, discarded_bytes: 0 })
      assert.match(
        yield* fails("oci_upload_append", { upload_id, offset: 5, text: "x" }),
        /^BLOB_UPLOAD_UNKNOWN: .*\nHint: /u
      )
    }))

  it.live("is refused when it is unknown, another repository's, or busy", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { call, fails } = yield* session({ registry })
      const { upload_id } = yield* call("oci_upload_start", { repository: "app" })
      const unknown = "0".repeat(32)
      assert.match(yield* fails("oci_upload_start", { repository: "other", upload_id }), /^BLOB_UPLOAD_UNKNOWN/u)
      assert.match(
        yield* fails("oci_upload_append", { upload_id: unknown, offset: 0, text: "" }),
        /^BLOB_UPLOAD_UNKNOWN/u
      )
      assert.match(yield* fails("oci_upload_commit", { upload_id: unknown, digest }), /^BLOB_UPLOAD_UNKNOWN/u)
      assert.deepStrictEqual(yield* call("oci_upload_cancel", { upload_id: unknown }), {
        upload_id: unknown,
        discarded_bytes: 0
      })
      assert.match(
        yield* fails("oci_upload_cancel", { upload_id: "../x" }),
        /^INVALID_ARGUMENT: upload_id: expected an upload_id/u
      )
      const busy = yield* session({
        registry: {
          ...registry,
          findUpload: (id) =>
            Effect.map(registry.findUpload(id), (writer) => ({
              ...writer,
              append: () => Effect.fail(new UploadBusy({ upload: unknown }))
            }))
        }
      })
      assert.match(
        yield* busy.fails("oci_upload_append", { upload_id, offset: 0, text: "" }),
        /^UPLOAD_BUSY: .*\nHint: /u
      )
    }))

  it.live("takes content the way a push does", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* session()
      const { upload_id } = yield* call("oci_upload_start", { repository: "app" })
      const append = (given: Record<string, unknown>) => fails("oci_upload_append", { upload_id, offset: 0, ...given })
      assert.match(yield* append({}), /^INVALID_ARGUMENT: give exactly one/u)
      assert.match(yield* append({ text: "x", length: 1 }), /^INVALID_ARGUMENT: path_offset and length go with path/u)
      assert.match(yield* append({ text: "x".repeat(70_000) }), /^CONTENT_TOO_LARGE/u)
      assert.match(yield* append({ path: "/x" }), /^PATH_DENIED/u)
      assert.match(yield* append({ offset: -1, text: "" }), /^INVALID_ARGUMENT: offset: /u)
    }))
})
