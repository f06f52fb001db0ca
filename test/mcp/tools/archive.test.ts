/** Archives taken in and written, in the allowed directories alone. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { gzipSync } from "node:zlib"
import { makeMemory } from "../../../src/memory/index.ts"
import { image, index, pushImage, pushManifest, referrerOf, utf8 } from "../../support/images.ts"
import { session } from "../support/session.ts"

const one = image("one")
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(multi, "signature")

const world = Effect.gen(function*() {
  const registry = yield* makeMemory({ defaultRepository: "app" })
  for (const part of [one, other]) yield* pushImage(registry, "app", part)
  yield* pushManifest(registry, "app", multi, ["v1"])
  yield* pushImage(registry, "app", signature)
  yield* pushImage(registry, "web", other, ["v2"])
  const empty = yield* makeMemory({ defaultRepository: "app" })
  return { ...(yield* session({ inside: true, registry, others: { mirror: empty } })), empty }
})

describe("oci_export_archive and oci_import", () => {
  it.live("bring images from one layout into another", () =>
    Effect.gen(function*() {
      const { call, empty, files } = yield* world
      const path = "/files/images.tar"
      const written = yield* call("oci_export_archive", { refs: ["app:v1", "web:v2"], path, referrers: true })
      assert.deepInclude(written, { path, images: ["app:v1", "web:v2"], size: files.contents.get(path)?.length })
      const taken = yield* call("oci_import", { path, layout: "mirror" })
      assert.deepInclude(taken, { manifests: 5 })
      assert.notProperty(taken, "left_out")
      assert.strictEqual((yield* empty.resolveTag("app", "v1")).digest, multi.descriptor.digest)
      assert.strictEqual((yield* empty.resolveTag("web", "v2")).digest, other.descriptor.digest)
      files.contents.set("/files/packed.tgz", gzipSync(files.contents.get(path) ?? ""))
      assert.deepInclude(yield* call("oci_import", { path: "/files/packed.tgz", layout: "mirror" }), {
        blobs_copied: 0
      })
    }))

  it.live("move no tag unless they are told to", () =>
    Effect.gen(function*() {
      const { call, empty, fails } = yield* world
      yield* pushImage(empty, "web", one, ["v2"])
      const path = "/files/web.tar"
      yield* call("oci_export_archive", { refs: ["web:v2"], path })
      assert.match(yield* fails("oci_import", { path, layout: "mirror" }), /^TAG_EXISTS: /u)
      assert.strictEqual((yield* empty.resolveTag("web", "v2")).digest, one.descriptor.digest)
      yield* call("oci_import", { path, layout: "mirror", move: true })
      assert.strictEqual((yield* empty.resolveTag("web", "v2")).digest, other.descriptor.digest)
    }))

  it.live("stay in the allowed directories, and replace nothing", () =>
    Effect.gen(function*() {
      const { call, fails, files } = yield* world
      yield* call("oci_export_archive", { refs: ["web:v2"], path: "/files/a.tar" })
      assert.match(yield* fails("oci_export_archive", { refs: ["web:v2"], path: "/files/a.tar" }), /^FILE_EXISTS: /u)
      assert.match(yield* fails("oci_export_archive", { refs: ["web:v2"], path: "/etc/a.tar" }), /^PATH_DENIED: /u)
      assert.match(yield* fails("oci_import", { path: "/etc/passwd" }), /^PATH_DENIED: /u)
      assert.match(yield* fails("oci_import", { path: "/files/none.tar" }), /^FILE_UNKNOWN: /u)
      files.contents.set("/files/text", utf8("hello ".repeat(200)))
      assert.match(yield* fails("oci_import", { path: "/files/text" }), /^ARCHIVE_INVALID: /u)
      assert.match(
        yield* fails("oci_export_archive", { refs: ["web:none"], path: "/files/b.tar" }),
        /^MANIFEST_UNKNOWN: /u
      )
      assert.isFalse(files.contents.has("/files/b.tar"))
    }))

  it.live("are not offered where no file may be used", () =>
    Effect.gen(function*() {
      const { client } = yield* session({ inside: true, allowed: [] })
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepStrictEqual(tools.filter(({ name }) => /import|archive/u.test(name)), [])
    }))
})
