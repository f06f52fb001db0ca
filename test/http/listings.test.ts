import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { imageIndex } from "../../src/oci/MediaType.ts"
import { digest } from "../support/entries.ts"
import { image, pushImage, referrerOf } from "../support/images.ts"
import { type Answered, inMemory, send, type Served, serving, stores } from "./support/serving.ts"

const one = image("one")
const two = image("two")

const nextOf = ({ headers }: Answered): string | undefined =>
  /^<([^>]+)>; rel="next"$/u.exec(headers.get("link") ?? "")?.[1]

const json = ({ text }: Answered): unknown => JSON.parse(text)

/** All pages of a listing. */
const pages = (served: Served, path: string) =>
  Effect.gen(function*() {
    const found: Array<Answered> = []
    for (let at: string | undefined = path; at !== undefined; at = nextOf(found.at(-1) ?? found[0]!)) {
      found.push(yield* send(served, at))
    }
    return found
  })

describe.each(stores)("listings over %s", (_name, store) => {
  it.live("tags come in order and in pages", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* pushImage(served.registry, "a/app", one, ["v2", "v1", "latest", "v10"])
      const list = (query: string) => Effect.map(send(served, `/v2/a/app/tags/list${query}`), json)
      const tags = (...tags: ReadonlyArray<string>) => ({ name: "a/app", tags })
      assert.deepStrictEqual(yield* list(""), tags("latest", "v1", "v10", "v2"))
      assert.deepStrictEqual(yield* list("?n=2"), tags("latest", "v1"))
      assert.deepStrictEqual(yield* list("?n=0"), tags())
      assert.deepStrictEqual(yield* list("?last=v1"), tags("v10", "v2"))
      assert.deepStrictEqual(yield* list("?last=nothing&n=1"), tags("v1"))
      assert.deepStrictEqual((yield* pages(served, "/v2/a/app/tags/list?n=3")).map(json), [
        tags("latest", "v1", "v10"),
        tags("v2")
      ])
      assert.lengthOf(yield* pages(served, "/v2/a/app/tags/list?n=4"), 1)
      for (const no of ["-1", "x", ""]) {
        assert.strictEqual((yield* send(served, `/v2/a/app/tags/list?n=${no}`)).status, 400, no)
      }
      assert.deepStrictEqual((yield* send(served, "/v2/other/tags/list?n=0")).codes, ["NAME_UNKNOWN"])
    }))

  it.live("repositories come in order and in pages", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      assert.deepStrictEqual(json(yield* send(served, "/v2/_catalog")), { repositories: [] })
      for (const name of ["b", "a/b", "a"]) yield* pushImage(served.registry, name, one)
      assert.deepStrictEqual((yield* pages(served, "/v2/_catalog?n=2")).map(json), [
        { repositories: ["a", "a/b"] },
        { repositories: ["b"] }
      ])
    }))

  it.live("referrers come with what they are, by type and in pages", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const empty = yield* send(served, `/v2/nobody/referrers/${digest("a")}`)
      assert.deepStrictEqual(json(empty), { schemaVersion: 2, mediaType: imageIndex, manifests: [] })
      assert.deepStrictEqual([empty.status, empty.headers.get("content-type")], [200, imageIndex])
      const sbom = referrerOf(one, "sbom", { artifactType: "application/spdx+json", annotations: { by: "us" } })
      const made = [referrerOf(one, "first"), referrerOf(one, "second"), sbom]
      for (const each of [one, ...made]) yield* pushImage(served.registry, "app", each)
      const path = `/v2/app/referrers/${one.descriptor.digest}`
      const all = (yield* pages(served, `${path}?n=2`)).map(({ text }) => text)
      assert.lengthOf(all, 2)
      for (const { descriptor } of made) assert.include(all.join(), descriptor.digest)
      const some = yield* send(served, `${path}?artifactType=application%2Fspdx%2Bjson`)
      assert.strictEqual(some.headers.get("oci-filters-applied"), "artifactType")
      assert.deepStrictEqual(json(some), {
        schemaVersion: 2,
        mediaType: imageIndex,
        manifests: [{ ...sbom.descriptor, artifactType: "application/spdx+json", annotations: { by: "us" } }]
      })
      assert.isNull((yield* send(served, path)).headers.get("oci-filters-applied"))
      assert.strictEqual((yield* send(served, "/v2/app/referrers/nothing")).status, 400)
    }))
})

describe("a listing", () => {
  it.live("has no more than a page holds, and goes on with what it was asked for", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { pageItems: 2 } })
      yield* pushImage(served.registry, "app", one, ["a", "b", "c"])
      const first = yield* send(served, "/v2/app/tags/list?n=1000000")
      assert.strictEqual(nextOf(first), "/v2/app/tags/list?n=2&last=b")
      const type = "application/vnd.example.signature"
      for (const name of ["x", "y", "z"]) yield* pushImage(served.registry, "app", referrerOf(two, name))
      const referrers = yield* send(served, `/v2/app/referrers/${two.descriptor.digest}?artifactType=${type}`)
      assert.include(nextOf(referrers), `artifactType=${encodeURIComponent(type)}`)
    }))
})
