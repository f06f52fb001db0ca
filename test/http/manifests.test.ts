import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import { dockerManifest, imageManifest } from "../../src/oci/MediaType.ts"
import { digest } from "../support/entries.ts"
import { image, index, pushBlob, pushImage, pushManifest, referrerOf, type Sample, sample } from "../support/images.ts"
import {
  type Answered,
  inMemory,
  locationOf,
  send,
  type Sent,
  type Served,
  serving,
  stores
} from "./support/serving.ts"

const one = image("one")
const two = image("two")
const signature = referrerOf(one, "signature")
const oneDigest = one.descriptor.digest
const twoDigest = two.descriptor.digest

const put = (
  served: Served,
  reference: string,
  { bytes, descriptor }: Sample,
  sent: Sent = {}
): Effect.Effect<Answered> =>
  send(served, `/v2/app/manifests/${reference}`, {
    method: "PUT",
    body: bytes,
    ...sent,
    headers: { "content-type": descriptor.mediaType, ...sent.headers }
  })

const get = (served: Served, reference: string, headers: Record<string, string> = {}, method = "GET") =>
  send(served, `/v2/app/manifests/${reference}`, { headers, method })

/** What images need besides their manifests. */
const withParts = (served: Served) =>
  Effect.forEach(
    [one, two, signature].flatMap(({ config, layers }) => [config, ...layers]),
    (blob) => pushBlob(served.registry, "app", blob)
  )

describe.each(stores)("manifests over %s", (_name, store) => {
  it.live("are pushed by tag and by digest, and read as they were pushed", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* withParts(served)
      const pushed = yield* put(served, "v1", one)
      assert.deepStrictEqual([pushed.status, locationOf(pushed)], [201, `/v2/app/manifests/${oneDigest}`])
      assert.strictEqual(pushed.headers.get("docker-content-digest"), oneDigest)
      assert.strictEqual((yield* put(served, twoDigest, two)).status, 201)
      for (const [reference, wanted] of [["v1", one], [oneDigest, one], [twoDigest, two]] as const) {
        const read = yield* get(served, reference, { accept: "text/plain" })
        assert.deepStrictEqual(read.bytes, wanted.bytes)
        const head = yield* get(served, reference, {}, "HEAD")
        for (const { headers, status } of [read, head]) {
          assert.strictEqual(status, 200)
          assert.strictEqual(headers.get("content-type"), imageManifest)
          assert.strictEqual(headers.get("content-length"), String(wanted.bytes.length))
          assert.strictEqual(headers.get("docker-content-digest"), wanted.descriptor.digest)
          assert.strictEqual(headers.get("etag"), `"${wanted.descriptor.digest}"`)
        }
        assert.strictEqual(head.text, "")
      }
    }))

  it.live("are pushed by sha512, with several tags at once", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* withParts(served)
      const sha512 = `sha512:${createHash("sha512").update(one.bytes).digest("hex")}`
      const pushed = yield* put(served, `${sha512}?tag=v1&tag=latest`, one)
      assert.deepStrictEqual([pushed.status, pushed.headers.get("oci-tag")], [201, "v1, latest"])
      for (const reference of ["v1", "latest", sha512]) {
        assert.strictEqual((yield* get(served, reference)).headers.get("docker-content-digest"), sha512)
      }
      const many = Array.from({ length: 101 }, (_, at) => `tag=t${at}`).join("&")
      assert.strictEqual((yield* put(served, `${oneDigest}?${many}`, one)).status, 414)
    }))

  it.live("need not be read again", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* pushImage(served.registry, "app", one, ["v1"])
      for (const method of ["GET", "HEAD"]) {
        const known = yield* get(served, "v1", { "if-none-match": `"${oneDigest}"` }, method)
        assert.deepStrictEqual([known.status, known.text], [304, ""])
        assert.strictEqual((yield* get(served, "v1", { "if-none-match": `"${twoDigest}"` }, method)).status, 200)
      }
    }))

  it.live("move a tag only from where it has to be", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* withParts(served)
      const conditional = (condition: Record<string, string>, what: Sample) =>
        Effect.map(put(served, "v1", what, { headers: condition }), ({ codes, headers, status, text }) => ({
          status,
          codes,
          etag: headers.get("etag"),
          text
        }))
      assert.strictEqual((yield* conditional({ "if-match": "*" }, one)).status, 412)
      assert.strictEqual((yield* conditional({ "if-match": `"${oneDigest}"` }, two)).status, 412)
      assert.strictEqual((yield* conditional({ "if-none-match": "*" }, one)).status, 201)
      const exists = yield* conditional({ "if-none-match": "*" }, two)
      assert.deepStrictEqual([exists.status, exists.codes, exists.etag], [412, ["TAG_EXISTS"], `"${oneDigest}"`])
      const elsewhere = yield* conditional({ "if-match": `"${twoDigest}"` }, two)
      assert.deepStrictEqual([elsewhere.status, elsewhere.codes, elsewhere.etag], [
        412,
        ["CONFLICT"],
        `"${oneDigest}"`
      ])
      assert.include(elsewhere.text, `"digest":"${oneDigest}"`)
      assert.strictEqual((yield* conditional({ "if-match": `"${oneDigest}"` }, two)).status, 201)
      assert.strictEqual((yield* conditional({ "if-match": "*" }, one)).status, 201)
      for (const unclear of [{ "if-match": `"${oneDigest}", "${twoDigest}"` }, { "if-none-match": `"${oneDigest}"` }]) {
        assert.strictEqual((yield* conditional(unclear, two)).status, 400)
      }
      const remove = (condition: string) =>
        send(served, "/v2/app/manifests/v1", { method: "DELETE", headers: { "if-match": condition } })
      assert.strictEqual((yield* remove(`"${twoDigest}"`)).status, 412)
      assert.strictEqual((yield* remove(`"${oneDigest}"`)).status, 202)
      assert.strictEqual((yield* remove("*")).status, 404)
    }))

  it.live("tell of subjects, and of what they leave behind", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* withParts(served)
      const early = yield* put(served, signature.descriptor.digest, signature)
      assert.deepStrictEqual([early.status, early.headers.get("oci-subject")], [201, oneDigest])
      assert.include(early.headers.get("warning"), `the subject ${oneDigest} is not in app`)
      assert.isNull((yield* put(served, "v1", one)).headers.get("warning"))
      assert.isNull((yield* put(served, signature.descriptor.digest, signature)).headers.get("warning"))
      const moved = yield* put(served, "v1", two)
      assert.strictEqual(moved.headers.get("warning"), `299 - "tag v1 pointed at ${oneDigest} before"`)
      assert.isNull(moved.headers.get("oci-subject"))
    }))

  it.live("need their parts, unless they may be sparse", () =>
    Effect.gen(function*() {
      const registry = yield* store
      const strict = yield* serving(registry)
      yield* pushImage(registry, "app", one)
      const some = index([one, two])
      const refused = yield* put(strict, "v1", some)
      assert.deepStrictEqual([refused.status, refused.codes], [404, ["MANIFEST_BLOB_UNKNOWN"]])
      assert.include(refused.text, `"detail":{"digest":"${twoDigest}","path":"manifests[1]"}`)
      assert.strictEqual((yield* put(yield* serving(registry, { sparse: true }), "v1", some)).status, 201)
    }))

  it.live("are deleted at once: a tag alone, or a manifest with its tags", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* pushImage(served.registry, "app", one, ["v1", "v2"])
      yield* pushImage(served.registry, "app", signature)
      const remove = (reference: string) => send(served, `/v2/app/manifests/${reference}`, { method: "DELETE" })
      assert.strictEqual((yield* remove("v1")).status, 202)
      assert.deepStrictEqual((yield* get(served, "v1")).codes, ["MANIFEST_UNKNOWN"])
      assert.strictEqual((yield* get(served, oneDigest)).status, 200)
      const parent = yield* pushManifest(served.registry, "app", index([one]))
      const needed = yield* remove(oneDigest)
      assert.deepStrictEqual([needed.status, needed.codes], [409, ["DENIED"]])
      yield* remove(parent.descriptor.digest)
      assert.strictEqual((yield* remove(oneDigest)).status, 202)
      for (const gone of ["v2", oneDigest]) assert.strictEqual((yield* get(served, gone)).status, 404)
      assert.strictEqual((yield* get(served, signature.descriptor.digest)).status, 200)
      assert.strictEqual((yield* remove("v2")).status, 404)
    }))
})

describe("a manifest that is pushed", () => {
  it.live("has to be one, and what its name says", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      yield* withParts(served)
      const refusals: ReadonlyArray<readonly [string, Sample, Sent, number, string]> = [
        [twoDigest, one, {}, 400, "DIGEST_INVALID"],
        ["sha256:short", one, {}, 400, "DIGEST_INVALID"],
        ["-v1", one, {}, 400, "TAG_INVALID"],
        ["v1", sample("no JSON", imageManifest), {}, 400, "MANIFEST_INVALID"],
        ["v1", one, { headers: { "content-type": "text/plain" } }, 415, "UNSUPPORTED"],
        ["v1", one, { headers: { "content-type": dockerManifest } }, 400, "MANIFEST_INVALID"],
        ["v1", one, { body: new Uint8Array(4 * 1024 * 1024 + 1) }, 413, "SIZE_INVALID"]
      ]
      for (const [reference, what, sent, status, code] of refusals) {
        const refused = yield* put(served, reference, what, sent)
        assert.deepStrictEqual([refused.status, refused.codes], [status, [code]], reference)
      }
      assert.strictEqual((yield* send(served, "/v2/App/manifests/v1")).codes[0], "NAME_INVALID")
      assert.strictEqual((yield* get(served, "v1")).codes[0], "NAME_UNKNOWN")
    }))

  it.live("is what its document says where its type is left out or has parameters", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      yield* withParts(served)
      const type = (header: string) => put(served, "v1", one, { headers: { "content-type": header } })
      assert.strictEqual((yield* type(`${imageManifest}; charset=utf-8`)).status, 201)
      assert.strictEqual((yield* type("")).status, 201)
      assert.strictEqual((yield* get(served, "v1")).headers.get("content-type"), imageManifest)
    }))

  it.live("is nothing that a name could be which is none", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      yield* pushImage(served.registry, "app", one, ["v1"])
      for (const reference of [".hidden", "a%20b", "x".repeat(129)]) {
        assert.deepStrictEqual((yield* get(served, reference)).codes, ["MANIFEST_UNKNOWN"])
      }
      assert.deepStrictEqual((yield* get(served, digest("f"))).codes, ["MANIFEST_UNKNOWN"])
    }))

  it.live("is recorded as what a user of HTTP did", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      yield* withParts(served)
      yield* put(served, "v1", one)
      const [commit] = yield* Stream.runCollect(served.registry.history())
      assert.strictEqual(commit?.actor, "http:anonymous")
    }))
})
