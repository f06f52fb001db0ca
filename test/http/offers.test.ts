import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { StorageError } from "../../src/oci/OciError.ts"
import { readOnly } from "../../src/ops/readOnly.ts"
import { image, pushImage } from "../support/images.ts"
import { inMemory, send, serving } from "./support/serving.ts"

const one = image("one")
const { digest } = one.descriptor

describe("what a registry offers", () => {
  it.live("is told where something else is asked for", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      const asked: ReadonlyArray<readonly [string, string, string]> = [
        ["POST", "/v2/", "GET, HEAD"],
        ["PUT", "/v2/app/tags/list", "GET, HEAD"],
        ["POST", `/v2/app/manifests/v1`, "GET, HEAD, PUT, DELETE"],
        ["PUT", `/v2/app/blobs/${digest}`, "GET, HEAD, DELETE"],
        ["GET", "/v2/app/blobs/uploads/", "POST"],
        ["POST", "/v2/app/blobs/uploads/0af", "GET, HEAD, PATCH, PUT, DELETE"],
        ["OPTIONS", "/v2/_catalog", "GET, HEAD"]
      ]
      for (const [method, path, allow] of asked) {
        const { codes, headers, status } = yield* send(served, path, { method })
        assert.deepStrictEqual([status, codes, headers.get("allow")], [405, ["UNSUPPORTED"], allow], path)
      }
    }))

  it.live("can be reading alone, and deleting nothing, or no blobs", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const reading = yield* serving(readOnly(registry), {
        offers: { push: false, delete: false, deleteBlobs: false }
      })
      for (
        const [method, path] of [
          ["PUT", "/v2/app/manifests/v1"],
          ["POST", "/v2/app/blobs/uploads/"],
          ["PATCH", "/v2/app/blobs/uploads/0af"],
          ["DELETE", "/v2/app/manifests/v1"],
          ["DELETE", `/v2/app/blobs/${digest}`]
        ] as const
      ) {
        assert.strictEqual((yield* send(reading, path, { method })).status, 405, path)
      }
      assert.strictEqual((yield* send(reading, "/v2/app/manifests/v1")).status, 200)
      const keeping = yield* serving(registry, { offers: { push: true, delete: true, deleteBlobs: false } })
      assert.strictEqual((yield* send(keeping, `/v2/app/blobs/${digest}`, { method: "DELETE" })).status, 405)
      assert.strictEqual((yield* send(keeping, "/v2/app/manifests/v1", { method: "DELETE" })).status, 202)
    }))

  it.live("can be what was at some point", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* registry.deleteTag("app", "v1")
      const then = yield* serving(registry.at({ revision: 1 }), {
        offers: { push: false, delete: false, deleteBlobs: false }
      })
      assert.deepStrictEqual((yield* send(then, "/v2/app/manifests/v1")).bytes, one.bytes)
      assert.strictEqual((yield* send(yield* serving(registry), "/v2/app/manifests/v1")).status, 404)
    }))

  it.live("is alive, and ready where the layout can be read", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      for (const path of ["/healthz", "/readyz"]) assert.strictEqual((yield* send(served, path)).text, "ok\n")
      const cause = new Error("the disk is gone")
      const broken = new StorageError({ operation: "read", path: "index.json", kind: "device", root: "/secret", cause })
      const failing = yield* serving({
        ...served.registry,
        check: Effect.fail(broken),
        tags: () => Stream.die(cause)
      })
      const { codes, status, text } = yield* send(failing, "/readyz")
      assert.deepStrictEqual([status, codes], [500, ["STORAGE_ERROR"]])
      assert.notInclude(text, "/secret")
      assert.strictEqual((yield* send(failing, "/healthz")).status, 200)
      const unexpected = yield* send(failing, "/v2/app/tags/list")
      assert.deepStrictEqual([unexpected.status, unexpected.codes], [500, ["UNKNOWN"]])
      assert.notInclude(unexpected.text, cause.message)
    }))
})
