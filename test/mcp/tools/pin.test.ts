import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { pushImage, short } from "../support/images.ts"
import { session } from "../support/session.ts"

describe("oci_pin", () => {
  it.live("pins content and lets it go, says whether that made a difference, and what else is pinned", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const [layer] = image.layers
      const ref = `app@${layer?.digest ?? ""}`
      const { digest } = image
      assert.deepStrictEqual(yield* call("oci_pin", { ref: "app:1.0" }), {
        repository: "app",
        digest,
        pinned: true,
        changed: true,
        pins: [short(digest)]
      })
      assert.strictEqual((yield* call("oci_pin", { ref: "app:1.0" }))["changed"], false)
      assert.sameMembers(
        (yield* call("oci_pin", { ref }))["pins"] as Array<string>,
        [digest, layer?.digest ?? ""].map(short)
      )
      assert.deepStrictEqual(yield* call("oci_pin", { ref: "app:1.0", pinned: false }), {
        repository: "app",
        digest,
        pinned: false,
        changed: true,
        pins: [short(layer?.digest ?? "")]
      })
      assert.strictEqual((yield* call("oci_pin", { ref: "app:1.0", pinned: false }))["changed"], false)
      assert.deepStrictEqual(yield* Effect.map(registry.pins("app"), (pins) => pins.length), 1)
    }))

  it.live("refuses what is not there, and a server that only reads", () =>
    Effect.gen(function*() {
      const { fails } = yield* session()
      assert.match(yield* fails("oci_pin", { ref: `app@sha256:${"0".repeat(64)}` }), /^(BLOB|NAME|MANIFEST)_UNKNOWN/u)
      assert.match(yield* (yield* session({ mode: "read" })).fails("oci_pin", { ref: "app:1.0" }), /^DENIED: oci_pin /u)
    }))
})
