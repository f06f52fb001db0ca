import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { routeOf } from "../../src/http/names.ts"

const route = (path: string): unknown => Result.getOrUndefined(routeOf(path))
const refusal = (path: string) => Result.getOrUndefined(Result.flip(routeOf(path)))

describe("routeOf", () => {
  it.each<[string, unknown]>([
    ["/v2", { _tag: "Base" }],
    ["/v2/", { _tag: "Base" }],
    ["/v2/_catalog", { _tag: "Catalog" }],
    ["/v2/app/tags/list", { _tag: "Tags", repository: "app" }],
    ["/v2/a/b/c/manifests/v1", { _tag: "Manifest", repository: "a/b/c", reference: "v1" }],
    ["/v2/app/blobs/sha256:aa", { _tag: "Blob", repository: "app", digest: "sha256:aa" }],
    ["/v2/app/blobs/uploads", { _tag: "Uploads", repository: "app" }],
    ["/v2/app/blobs/uploads/", { _tag: "Uploads", repository: "app" }],
    ["/v2/app/blobs/uploads/0af", { _tag: "Upload", repository: "app", id: "0af" }],
    ["/v2/app/referrers/sha256:aa", { _tag: "Referrers", repository: "app", digest: "sha256:aa" }],
    ["/healthz", { _tag: "Health" }],
    ["/readyz", { _tag: "Ready" }],
    ["/metrics", { _tag: "Metrics" }],
    ["/token", { _tag: "Token" }]
  ])("%s", (path, expected) => assert.deepStrictEqual(route(path), expected))

  it("takes names that have the API's own words in them", () => {
    assert.deepStrictEqual(route("/v2/manifests/blobs/manifests/v1"), {
      _tag: "Manifest",
      repository: "manifests/blobs",
      reference: "v1"
    })
    assert.deepStrictEqual(route("/v2/blobs/uploads/tags/list"), { _tag: "Tags", repository: "blobs/uploads" })
    assert.deepStrictEqual(route("/v2/tags/list/blobs/uploads/"), { _tag: "Uploads", repository: "tags/list" })
  })

  it("decodes what clients encode, and lets no encoded slash join a path", () => {
    assert.deepStrictEqual(route("/v2/app/manifests/sha256%3Aaa"), {
      _tag: "Manifest",
      repository: "app",
      reference: "sha256:aa"
    })
    assert.deepStrictEqual(route("/v2/a%2Fb/manifests/v1"), {
      _tag: "Manifest",
      repository: "a%2Fb",
      reference: "v1"
    })
    assert.deepStrictEqual(route("/v2/%2e%2e/manifests/v1"), { _tag: "Manifest", repository: "..", reference: "v1" })
    assert.deepStrictEqual(route("/v2/a/blobs%2Fuploads/x"), undefined)
    for (const path of ["/v2/%/tags/list", "/v2/%ff/tags/list", "/v2/%zz/tags/list"]) {
      assert.strictEqual(refusal(path)?.status, 400, path)
    }
  })

  it.each(["/", "", "/v1/", "/v2x", "/V2/", "/v2/app", "/v2/app/tags", "/v2/app/tags/other", "/v2/app/nothing/x", "*"])(
    "has nothing at %s",
    (path) => assert.strictEqual(refusal(path)?.status, 404)
  )
})
