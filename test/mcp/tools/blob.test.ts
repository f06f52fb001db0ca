import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bytesOf, digestOf, pushBlob, pushImage, short } from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_read_blob", () => {
  it.live("returns a window of text and where to go on", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const { digest, size } = yield* pushBlob(registry, "app", "hello, world")
      const ref = `app@${digest}`
      const head = { digest, size, encoding: "utf8", verified: true }
      assert.deepStrictEqual(yield* call("oci_read_blob", { ref, length: 5 }), {
        ...head,
        offset: 0,
        returned: 5,
        data: "hello",
        next_offset: 5
      })
      assert.deepStrictEqual(yield* call("oci_read_blob", { ref, offset: 7 }), {
        ...head,
        offset: 7,
        returned: 5,
        data: "world"
      })
      assert.deepStrictEqual(yield* call("oci_read_blob", { ref: `app@${short(digest)}`, offset: size }), {
        ...head,
        offset: size,
        returned: 0,
        data: ""
      })
    }))

  it.live("never cuts a character in two, and pages over all of them", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const text = "aé€😀".repeat(40)
      const { digest } = yield* pushBlob(registry, "app", text)
      let read = ""
      let offset: unknown = 0
      while (offset !== undefined) {
        const window: Record<string, unknown> = yield* call("oci_read_blob", {
          ref: `app@${digest}`,
          offset,
          length: 7
        })
        assert.strictEqual(window["encoding"], "utf8")
        read += String(window["data"])
        offset = window["next_offset"]
      }
      assert.strictEqual(read, text)
    }))

  it.live("shows what is no text as a hex preview, or as asked", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const bytes = Uint8Array.from({ length: 600 }, (_, index) => index % 256)
      const ref = `app@${(yield* pushBlob(registry, "app", bytes)).digest}`
      const preview = yield* call("oci_read_blob", { ref })
      assert.strictEqual(preview["data"], Buffer.from(bytes.subarray(0, 256)).toString("hex"))
      assert.strictEqual(preview["next_offset"], 256)
      assert.strictEqual(
        (yield* call("oci_read_blob", { ref, encoding: "hex" }))["data"],
        Buffer.from(bytes).toString("hex")
      )
      assert.strictEqual(
        (yield* call("oci_read_blob", { ref, encoding: "base64" }))["data"],
        Buffer.from(bytes).toString("base64")
      )
      assert.match(yield* fails("oci_read_blob", { ref, encoding: "utf8" }), /^INVALID_ARGUMENT: encoding: /u)
      const zeros = `app@${(yield* pushBlob(registry, "app", "tar\u{0}\u{0}")).digest}`
      assert.strictEqual((yield* call("oci_read_blob", { ref: zeros }))["encoding"], "hex")
    }))

  it.live("stays within a result with any bytes", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      for (const content of ["\u{1}".repeat(40_000), "x".repeat(40_000), "é".repeat(20_000)]) {
        const ref = `app@${(yield* pushBlob(registry, "app", content)).digest}`
        for (const encoding of ["auto", "utf8", "hex", "base64"]) {
          const window = yield* call("oci_read_blob", { ref, length: 32_768, encoding })
          assert.isAtMost(JSON.stringify(window).length, 25_000)
          assert.strictEqual(window["next_offset"], window["returned"])
          assert.isAbove(Number(window["returned"]), 3_000)
        }
      }
    }))

  it.live("reads a manifest too, with its media type", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const answer = yield* call("oci_read_blob", { ref: "app:1.0", length: 20 })
      assert.strictEqual(answer["mediaType"], image.mediaType)
      assert.strictEqual(answer["data"], Buffer.from(image.bytes).toString().slice(0, 20))
    }))

  it.live("refuses an offset beyond the end, and a blob that is not there", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      const { digest } = yield* pushBlob(registry, "app", "hello")
      assert.match(
        yield* fails("oci_read_blob", { ref: `app@${digest}`, offset: 6 }),
        /^RANGE_INVALID: .*5 bytes.*\nHint: /u
      )
      assert.match(
        yield* fails("oci_read_blob", { ref: `app@${digestOf(bytesOf("no"))}` }),
        /^BLOB_UNKNOWN: .*\nHint: /u
      )
      assert.match(
        yield* fails("oci_read_blob", { ref: `app@${digest}`, length: 40_000 }),
        /^INVALID_ARGUMENT: length: /u
      )
    }))
})

describe("oci_export_blob", () => {
  it.live("writes a new file and never another's", () =>
    Effect.gen(function*() {
      const { call, fails, files, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const [layer] = image.layers
      assert.deepStrictEqual(yield* call("oci_export_blob", { ref: `app@${layer?.digest}`, path: "/files/layer" }), {
        path: "/files/layer",
        mediaType: "application/octet-stream",
        digest: layer?.digest,
        size: 9
      })
      assert.strictEqual(Buffer.from(files.contents.get("/files/layer") ?? []).toString(), "layer one")
      const manifest = yield* call("oci_export_blob", { ref: "app:1.0", path: "/files/manifest.json" })
      assert.strictEqual(manifest["mediaType"], image.mediaType)
      assert.deepStrictEqual(Buffer.from(files.contents.get("/files/manifest.json") ?? []), Buffer.from(image.bytes))
      assert.match(yield* fails("oci_export_blob", { ref: "app:1.0", path: "/files/layer" }), /^FILE_EXISTS: /u)
      assert.match(
        yield* fails("oci_export_blob", { ref: "app:1.0", path: "/etc/x" }),
        /^PATH_DENIED: .*\/files.*\nHint: /u
      )
    }))
})
