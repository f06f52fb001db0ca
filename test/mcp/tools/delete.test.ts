import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bytesOf, digestOf, pushBlob, pushImage, pushIndex, short } from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_delete", () => {
  it.live("removes a tag, says what it pointed at, and leaves that readable", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session({ mode: "write" })
      const { digest } = yield* pushImage(registry, { tags: ["1.0", "latest"] })
      const answer = {
        kind: "tag",
        repository: "app",
        digest,
        tags_removed: ["1.0"],
        needed_by: [],
        dangling_referrers: 0,
        freed_bytes: 0,
        reclaimable_bytes: 0
      }
      const deletion = { kind: "tag", ref: "app:1.0", if_digest: digest }
      assert.deepStrictEqual(yield* call("oci_delete", { ...deletion, dry_run: true }), { ...answer, deleted: false })
      assert.deepStrictEqual(yield* call("oci_delete", deletion), { ...answer, deleted: true })
      assert.deepStrictEqual((yield* call("oci_resolve", { ref: `app@${digest}` }))["tags"], ["latest"])
    }))

  it.live("refuses to guess which tag, and one that has moved", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      const { digest } = yield* pushImage(registry, { tags: ["latest"] })
      for (const ref of ["app", `app@${digest}`, `app:latest@${digest}`]) {
        assert.match(yield* fails("oci_delete", { kind: "tag", ref }), /^REFERENCE_INVALID: .*repository:tag/u)
      }
      for (const dry_run of [true, false]) {
        const moved = { kind: "tag", ref: "app:latest", if_digest: digestOf(bytesOf("x")), dry_run }
        assert.match(yield* fails("oci_delete", moved), new RegExp(`^CONFLICT: .*${digest}`, "u"))
        assert.match(yield* fails("oci_delete", { kind: "tag", ref: "app:none", dry_run }), /^MANIFEST_UNKNOWN/u)
      }
      assert.match(
        yield* fails("oci_delete", { kind: "tag", ref: "app:latest", force: true }),
        /^INVALID_ARGUMENT: force: /u
      )
    }))

  it.live("removes a manifest with its tags, also a needed one when forced", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const index = yield* pushIndex(registry, [image], ["all"])
      const referrer = yield* pushImage(registry, {
        layers: ["s"],
        manifest: { subject: { mediaType: image.mediaType, digest: image.digest, size: image.size } }
      })
      const deletion = { kind: "manifest", ref: `app@${image.digest}` }
      const forecast = yield* call("oci_delete", { ...deletion, dry_run: true })
      assert.match(String(forecast["refused"]), /^DENIED: .*is still needed by/u)
      assert.deepStrictEqual({ ...forecast, needed_by: null, refused: null }, {
        refused: null,
        kind: "manifest",
        repository: "app",
        digest: image.digest,
        deleted: false,
        tags_removed: ["1.0"],
        needed_by: null,
        dangling_referrers: 1,
        freed_bytes: 0,
        reclaimable_bytes: 0
      })
      assert.deepStrictEqual(
        new Set(Array.isArray(forecast["needed_by"]) ? forecast["needed_by"] : []),
        new Set<unknown>([index.digest, referrer.digest])
      )
      assert.match(
        yield* fails("oci_delete", deletion),
        /^DENIED: .*still needed by .*\nHint: Nothing was deleted.*force/u
      )
      const forced = yield* call("oci_delete", { ...deletion, force: true })
      assert.deepStrictEqual([forced["deleted"], forced["tags_removed"]], [true, ["1.0"]])
      assert.match(yield* fails("oci_delete", deletion), /^MANIFEST_UNKNOWN/u)
    }))

  it.live("removes a blob that nothing needs, and never one that something needs", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const stray = yield* pushBlob(registry, "app", "stray")
      const answer = yield* call("oci_delete", { kind: "blob", ref: `app@${stray.digest}` })
      assert.deepStrictEqual([answer["deleted"], answer["freed_bytes"], answer["needed_by"]], [true, 5, []])
      assert.match(yield* fails("oci_delete", { kind: "blob", ref: `app@${stray.digest}` }), /^BLOB_UNKNOWN/u)
      const needed = { kind: "blob", ref: `app@${image.config.digest}` }
      assert.match(yield* fails("oci_delete", needed), new RegExp(`^DENIED: .*${image.digest}`, "u"))
      assert.match(yield* fails("oci_delete", { ...needed, force: true }), /^INVALID_ARGUMENT: force: /u)
      const forecast = yield* call("oci_delete", { ...needed, dry_run: true })
      assert.deepStrictEqual([forecast["deleted"], forecast["needed_by"], forecast["freed_bytes"]], [false, [
        image.digest
      ], 0])
      assert.strictEqual((yield* call("oci_resolve", { ref: `app@${image.config.digest}` }))["kind"], "blob")
    }))

  it.live("wants manifests and blobs named in full", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      const { digest } = yield* pushImage(registry, { tags: ["1.0"] })
      for (const kind of ["manifest", "blob"]) {
        for (const ref of ["app:1.0", `app@${short(digest)}`]) {
          assert.match(yield* fails("oci_delete", { kind, ref }), /^DIGEST_INVALID: .*full digest/u)
        }
      }
    }))

  it.live("removes no blobs unless the server allows it", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session({ mode: "write" })
      const { digest } = yield* pushImage(registry, { tags: ["1.0"] })
      const stray = yield* pushBlob(registry, "app", "stray")
      const refused = yield* fails("oci_delete", { kind: "blob", ref: `app@${stray.digest}` })
      assert.match(refused, /^INVALID_ARGUMENT: kind: expected "tag" \| "manifest"/u)
      assert.strictEqual((yield* call("oci_delete", { kind: "manifest", ref: `app@${digest}` }))["deleted"], true)
    }))

  it.live("tells how much space the last tag of a manifest holds", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const size = [image, image.config, ...image.layers].reduce((sum, part) => sum + part.size, 0)
      const ask = (kind: string, ref: string) =>
        Effect.map(call("oci_delete", { kind, ref, dry_run: true }), (answer) => answer["reclaimable_bytes"])
      assert.strictEqual(yield* ask("tag", "app:1.0"), size)
      assert.strictEqual(yield* ask("manifest", `app@${image.digest}`), size)
      yield* call("oci_tag", { ref: "app:1.0", tags: ["2.0"] })
      assert.strictEqual(yield* ask("tag", "app:1.0"), 0)
      assert.strictEqual(yield* ask("manifest", `app@${image.digest}`), size)
    }))

  it.live("removes several tags in one commit, or none", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["1", "2", "3"] })
      yield* pushImage(registry, { repository: "web", tags: ["1"] })
      const tags = Effect.map(call("oci_list_tags", { repository: "app" }), (answer) => answer["tags"])
      const refs = ["app:1", "app:2", "web:1"]
      const tried = yield* call("oci_delete", { kind: "tag", refs, dry_run: true })
      assert.deepInclude(tried, { deleted: false, tags_removed: refs })
      assert.match(yield* fails("oci_delete", { kind: "tag", refs: [...refs, "app:no"] }), /^MANIFEST_UNKNOWN/u)
      assert.deepStrictEqual(yield* tags, ["1", "2", "3"])
      assert.deepStrictEqual(yield* call("oci_delete", { kind: "tag", refs }), { ...tried, deleted: true })
      assert.deepStrictEqual(yield* tags, ["3"])
      const { commits } = yield* call("oci_history", { limit: 1 })
      assert.strictEqual(JSON.stringify(commits).match(/"from"/gu)?.length, 3)
      assert.match(yield* fails("oci_delete", { kind: "tag" }), /^INVALID_ARGUMENT: ref, refs: /u)
      assert.match(yield* fails("oci_delete", { kind: "blob", refs }), /^INVALID_ARGUMENT: ref, refs: /u)
    }))

  it.live("says beforehand what would be refused", () =>
    Effect.gen(function*() {
      const { call, fails, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1"] })
      yield* pushIndex(registry, [{ ...image, platform: { os: "linux", architecture: "amd64" } }], ["all"])
      for (
        const needed of [
          { kind: "manifest", ref: `app@${image.digest}` },
          { kind: "blob", ref: `app@${image.config.digest}` }
        ]
      ) {
        const { refused } = yield* call("oci_delete", { ...needed, dry_run: true })
        const [message = ""] = (yield* fails("oci_delete", needed)).split("\n")
        assert.strictEqual(refused, message)
      }
      const forced = { kind: "manifest", ref: `app@${image.digest}`, force: true }
      assert.notProperty(yield* call("oci_delete", { ...forced, dry_run: true }), "refused")
    }))
})
