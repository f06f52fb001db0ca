/** No page of another origin changes anything, and none reads anything. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMemory } from "../../../src/memory/index.ts"
import { image, pushImage } from "../../support/images.ts"
import { changing, fromPage, shown } from "../support/page.ts"
import { send } from "../support/serving.ts"

const one = image("one")
const two = image("two")

const withTag = Effect.gen(function*() {
  const registry = yield* makeMemory()
  yield* pushImage(registry, "app", two)
  yield* pushImage(registry, "app", one, ["v1"])
  const served = yield* shown(registry)
  const tag = Effect.map(registry.resolveTag("app", "v1"), ({ digest }) => digest)
  return { served, registry, tag }
})

const move = { repository: "app", tag: "v1", digest: two.descriptor.digest, ifDigest: one.descriptor.digest }

describe("a change", () => {
  it.live("is made for the page, and for a browser that says it is of this origin", () =>
    Effect.gen(function*() {
      for (const headers of [{}, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "same-origin", proxy: "" }]) {
        const { served, tag } = yield* withTag
        // A proxy may call this server by another name than the browser does.
        const own = { ...headers, origin: "proxy" in headers ? "https://registry.example" : served.url }
        assert.strictEqual((yield* changing(served, "tag", move, { headers: own })).status, 200)
        assert.strictEqual(yield* tag, two.descriptor.digest)
      }
    }))

  it.live.each<readonly [string, Record<string, string>]>([
    ["a form", { "content-type": "application/x-www-form-urlencoded", "x-ocilayout-page": "" }],
    ["text, which needs no permission of ours", { "content-type": "text/plain", "x-ocilayout-page": "" }],
    ["JSON without the header", { "x-ocilayout-page": "" }],
    ["the header without JSON", { "content-type": "text/plain" }],
    ["a page of another site", { "sec-fetch-site": "cross-site" }],
    ["a page of a neighbour", { "sec-fetch-site": "same-site" }],
    ["another origin", { origin: "https://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["a page without an origin", { origin: "null" }]
  ])("is refused to %s", ([, headers]) =>
    Effect.gen(function*() {
      const { served, tag } = yield* withTag
      const refused = yield* changing(served, "tag", move, { headers })
      assert.deepStrictEqual([refused.status, refused.codes], [403, ["DENIED"]])
      const deletion = { method: "DELETE", body: JSON.stringify({ ...move, ifDigest: one.descriptor.digest }) }
      const headersOfAll = { ...fromPage, ...headers }
      assert.strictEqual((yield* send(served, "/ui/api/tag", { ...deletion, headers: headersOfAll })).status, 403)
      assert.strictEqual(yield* tag, one.descriptor.digest)
    }))

  it.live("is no use to ask permission for: no other origin gets one", () =>
    Effect.gen(function*() {
      const { served } = yield* withTag
      const asked = yield* send(served, "/ui/api/tag", {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "POST" }
      })
      assert.strictEqual(asked.status, 403)
      assert.isNull(asked.headers.get("access-control-allow-origin"))
    }))

  it.live("of the registry is refused to a page of another origin as well", () =>
    Effect.gen(function*() {
      const { served } = yield* withTag
      const upload = (headers: Record<string, string>) =>
        Effect.map(send(served, "/v2/app/blobs/uploads/", { method: "POST", headers }), ({ status }) => status)
      assert.strictEqual(yield* upload({}), 202)
      assert.strictEqual(yield* upload({ "sec-fetch-site": "cross-site" }), 403)
      assert.strictEqual(yield* upload({ origin: "https://evil.example" }), 403)
    }))
})

describe("a question", () => {
  it.live("is answered to this origin alone, and to programs", () =>
    Effect.gen(function*() {
      const { served } = yield* withTag
      const status = (headers: Record<string, string>) =>
        Effect.map(send(served, "/ui/api/repositories", { headers }), ({ status }) => status)
      assert.strictEqual(yield* status({}), 200)
      assert.strictEqual(yield* status({ "sec-fetch-site": "same-origin" }), 200)
      assert.strictEqual(yield* status({ "sec-fetch-site": "cross-site" }), 403)
      assert.strictEqual(yield* status({ "sec-fetch-site": "same-site" }), 403)
      assert.strictEqual(yield* status({ origin: "https://evil.example" }), 403)
    }))

  it.live("is one, where a change would have to be asked for otherwise", () =>
    Effect.gen(function*() {
      const { served, tag } = yield* withTag
      for (
        const [method, path, allow] of [
          ["GET", "tag", "POST, DELETE"],
          ["GET", "collect", "POST"],
          ["POST", "repositories", "GET, HEAD"],
          ["PUT", "tag", "POST, DELETE"]
        ] as const
      ) {
        const { headers, status } = yield* send(served, `/ui/api/${path}`, { method, headers: fromPage })
        assert.deepStrictEqual([status, headers.get("allow")], [405, allow], path)
      }
      assert.strictEqual((yield* send(served, "/ui/api/constructor")).status, 404)
      assert.strictEqual(yield* tag, one.descriptor.digest)
    }))
})
