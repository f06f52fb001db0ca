/** The files of the page, and what a browser may do with them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { shown } from "../support/page.ts"
import { inMemory, send } from "../support/serving.ts"

const served = Effect.flatMap(makeMemory(), (registry) => shown(registry))

/** The parts of a policy, by their names. */
const policyOf = (headers: Headers): ReadonlyMap<string, string> =>
  new Map(
    (headers.get("content-security-policy") ?? "").split("; ").map((part) => {
      const [name = "", ...values] = part.split(" ")
      return [name, values.join(" ")]
    })
  )

describe("the page", () => {
  it.live("is there where it is asked for, and nowhere else", () =>
    Effect.gen(function*() {
      const page = yield* served
      assert.strictEqual((yield* send(page, "/ui/")).text, "<!doctype html>")
      assert.strictEqual(
        (yield* send(page, "/ui/page.js")).headers.get("content-type"),
        "text/javascript; charset=utf-8"
      )
      const names = ["../app.ts", "%2e%2e/page.js", "constructor", "api", "index.html/", "THIRD"]
      for (const name of names) assert.strictEqual((yield* send(page, `/ui/${name}`)).status, 404, name)
      assert.strictEqual((yield* send(page, "/ui/", { method: "POST" })).status, 405)
      const without = yield* inMemory()
      for (const path of ["/ui", "/ui/", "/ui/login", "/ui/api/session"]) {
        assert.strictEqual((yield* send(without, path)).status, 404, path)
      }
    }))

  it.live("is found without the slash", () =>
    Effect.gen(function*() {
      const { url } = yield* served
      const response = yield* Effect.promise(() => fetch(`${url}/ui`, { redirect: "manual" }))
      assert.deepStrictEqual([response.status, response.headers.get("location")], [303, "/ui/"])
    }))

  it.live("loads nothing from elsewhere, runs nothing that stands in it, and is shown in no frame", () =>
    Effect.gen(function*() {
      const page = yield* served
      for (const path of ["/ui/", "/ui/page.js"]) {
        const { headers } = yield* send(page, path)
        const policy = policyOf(headers)
        assert.strictEqual(policy.get("default-src"), "'none'")
        for (const kind of ["script-src", "style-src", "img-src", "connect-src"]) {
          assert.strictEqual(policy.get(kind), "'self'", kind)
        }
        for (const kind of ["base-uri", "form-action", "frame-ancestors"]) {
          assert.strictEqual(policy.get(kind), "'none'", kind)
        }
        assert.strictEqual(policy.get("require-trusted-types-for"), "'script'")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.strictEqual(headers.get("cross-origin-resource-policy"), "same-origin")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
      }
    }))

  it.live("is compressed where it may be, and not sent where it is known", () =>
    Effect.gen(function*() {
      const { url } = yield* served
      const get = (headers: Record<string, string>) =>
        Effect.promise(() => fetch(`${url}/ui/page.js`, { headers: { "accept-encoding": "identity", ...headers } }))
      const plain = yield* get({})
      assert.isNull(plain.headers.get("content-encoding"))
      const etag = plain.headers.get("etag") ?? ""
      const again = yield* get({ "if-none-match": `W/${etag}` })
      assert.deepStrictEqual([again.status, again.headers.get("cache-control")], [304, "no-cache"])
      const other = yield* get({ "if-none-match": "\"another\"" })
      assert.strictEqual(other.status, 200)
    }))

  it.live("is answered so that no cache keeps it and nothing in it runs", () =>
    Effect.gen(function*() {
      const { headers } = yield* send(yield* served, "/ui/api/session")
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.strictEqual(policyOf(headers).get("default-src"), "'none'")
      assert.strictEqual(headers.get("cross-origin-resource-policy"), "same-origin")
    }))
})
