import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Result } from "effect"
import { type Credentials, parseRules } from "../../src/http/index.ts"
import { image, pushImage, referrerOf } from "../support/images.ts"
import { inMemory, send, type Sent, type Served } from "./support/serving.ts"

const one = image("one")
const ciToken = "a-token-of-this-test"
const credentials: Credentials = {
  users: new Map(["alice", "bob", "carol"].map((user) => [user, hashSync(user, 4)])),
  tokens: [ciToken]
}

const basic = (user: string, password = user) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const text = `
# who        where       what
alice        team/*      pull,push,delete
bob          team/shop   pull
@tokens      *           push
@users       common      pull
@anonymous   public/*    pull
`

const repositories = ["common", "public/base", "secret", "team/other", "team/shop"]

const guarded = (rules = text) =>
  Effect.tap(
    inMemory({ credentials, rules: Result.getOrThrow(parseRules(rules)) }),
    ({ registry }) => Effect.forEach(repositories, (name) => pushImage(registry, name, one, ["v1"]))
  )

type Headers = Record<string, string>

const status = (served: Served, path: string, headers: Headers, sent: Sent = {}) =>
  Effect.map(send(served, path, { ...sent, headers }), ({ status }) => status)
const pull = (served: Served, name: string, headers: Headers) => status(served, `/v2/${name}/manifests/v1`, headers)
const push = (served: Served, name: string, headers: Headers) =>
  status(served, `/v2/${name}/blobs/uploads/`, headers, { method: "POST" })
const remove = (served: Served, name: string, headers: Headers) =>
  status(served, `/v2/${name}/manifests/v1`, headers, { method: "DELETE" })

const ticket = (served: Served, headers: Headers, query = "") =>
  Effect.map(send(served, `/token${query}`, { headers }), ({ text }) => {
    const { token } = JSON.parse(text) as { readonly token: string }
    return bearer(token)
  })

describe("rules", () => {
  it.live("allow what a line of them says, and nothing else", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const expected: ReadonlyArray<readonly [Headers, string, pull: number, push: number, remove: number]> = [
        [basic("alice"), "team/other", 200, 202, 202],
        [basic("alice"), "teams", 403, 403, 403],
        [basic("alice"), "secret", 403, 403, 403],
        [basic("alice"), "public/base", 200, 403, 403],
        [basic("bob"), "team/shop", 200, 403, 403],
        [basic("bob"), "team/other", 403, 403, 403],
        [basic("carol"), "common", 200, 403, 403],
        [basic("carol"), "team/shop", 403, 403, 403],
        [bearer(ciToken), "secret", 403, 202, 403],
        // The name beside a token says nothing of who shows it.
        [basic("alice", ciToken), "team/shop", 403, 202, 403],
        [{}, "public/base", 200, 401, 401],
        [{}, "common", 401, 401, 401],
        [{}, "secret", 401, 401, 401]
      ]
      for (const [headers, name, pulled, pushed, removed] of expected) {
        const found = [
          yield* pull(served, name, headers),
          yield* push(served, name, headers),
          yield* remove(served, name, headers)
        ]
        assert.deepStrictEqual(found, [pulled, pushed, removed], `${JSON.stringify(headers)} ${name}`)
      }
    }))

  it.live("say the same of what is there and of what is not", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const [there, absent] = yield* Effect.forEach(
        ["secret", "nobody"],
        (name) => send(served, `/v2/${name}/manifests/v1`, { headers: basic("bob") })
      )
      assert.deepStrictEqual([there?.status, there?.text], [403, absent?.text])
    }))

  it.live("leave out of lists what may not be pulled", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const listed = (headers: Headers, query = "") =>
        Effect.map(send(served, `/v2/_catalog${query}`, { headers }), ({ headers: answered, text }) =>
          [
            (JSON.parse(text) as { readonly repositories: ReadonlyArray<string> }).repositories,
            answered.get("link")
          ] as const)
      assert.deepStrictEqual((yield* listed(basic("alice")))[0], ["common", "public/base", "team/other", "team/shop"])
      assert.deepStrictEqual((yield* listed({}))[0], ["public/base"])
      assert.deepStrictEqual(yield* listed(basic("bob"), "?n=2"), [
        ["common", "public/base"],
        `</v2/_catalog?n=2&last=public%2Fbase>; rel="next"`
      ])
      assert.deepStrictEqual(yield* listed(basic("bob"), "?n=2&last=public/base"), [["team/shop"], null])
      const without = yield* guarded("alice team/* pull")
      assert.strictEqual(yield* status(without, "/v2/_catalog", basic("bob")), 403)
      assert.strictEqual(yield* status(without, "/v2/", basic("bob")), 200)
    }))

  it.live("leave out of events and of referrers what may not be pulled", () =>
    Effect.gen(function*() {
      const served = yield* guarded("alice team/* pull\nbob * pull")
      const signature = referrerOf(one, "a signature")
      yield* pushImage(served.registry, "secret", signature, ["signature"])
      yield* pushImage(served.registry, "team/shop", one, ["last"])
      const heard = (headers: Headers) =>
        Effect.promise(async () => {
          const gone = new AbortController()
          const response = await fetch(`${served.url}/events?from=1`, { headers, signal: gone.signal })
          let text = ""
          for await (const chunk of response.body ?? []) {
            text += Buffer.from(chunk as Uint8Array).toString()
            if (text.includes("\"last\"")) break
          }
          gone.abort()
          return Array.from(new Set(Array.from(text.matchAll(/"repository":"([^"]*)"/gu), ([, name = ""]) => name)))
        })
      assert.sameMembers(yield* heard(basic("alice")), ["team/other", "team/shop"])
      assert.sameMembers(yield* heard(basic("bob")), [...repositories])
      const referrers = (user: string) =>
        Effect.map(
          send(served, `/v2/team/shop/referrers/${one.descriptor.digest}`, { headers: basic(user) }),
          ({ text }) => (JSON.parse(text) as { readonly manifests: ReadonlyArray<unknown> }).manifests.length
        )
      assert.deepStrictEqual([yield* referrers("alice"), yield* referrers("bob")], [0, 1])
    }))

  it.live("do not let a user mount what may not be pulled", () =>
    Effect.gen(function*() {
      const served = yield* guarded("alice team/* pull,push\nbob * pull,push")
      const blob = one.layers[0]?.descriptor.digest ?? ""
      const mount = (user: string, query: string) =>
        status(served, `/v2/team/new/blobs/uploads/?mount=${blob}${query}`, basic(user), { method: "POST" })
      assert.deepStrictEqual(
        yield* Effect.forEach(["", "&from=secret", "&from=team/shop"], (query) => mount("alice", query)),
        [202, 202, 201]
      )
      assert.deepStrictEqual(yield* Effect.forEach(["", "&from=secret"], (query) => mount("bob", query)), [201, 201])
    }))
})

describe("a ticket under rules", () => {
  it.live("is good for no more than was asked for, and than its user may", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const asked = "?scope=repository:team/shop:pull,push&scope=repository:secret:pull%20repository:team/other:*"
      const alice = yield* ticket(served, basic("alice"), asked)
      assert.strictEqual(yield* status(served, "/v2/", alice), 200)
      assert.deepStrictEqual([yield* pull(served, "team/shop", alice), yield* push(served, "team/shop", alice)], [
        200,
        202
      ])
      assert.strictEqual(yield* pull(served, "secret", alice), 403)
      assert.strictEqual(yield* remove(served, "team/other", alice), 202)
      const refused = yield* send(served, "/v2/team/shop/manifests/v1", { method: "DELETE", headers: alice })
      assert.strictEqual(refused.status, 401)
      assert.include(
        refused.headers.get("www-authenticate"),
        `scope="repository:team/shop:delete",error="insufficient_scope"`
      )
      assert.strictEqual(yield* status(served, "/v2/_catalog", alice), 401)
      const catalog = yield* ticket(served, basic("alice"), "?scope=registry:catalog:*")
      assert.deepStrictEqual([
        yield* status(served, "/v2/_catalog", catalog),
        yield* pull(served, "team/shop", catalog)
      ], [200, 401])
      const all = yield* ticket(served, basic("alice"))
      assert.deepStrictEqual([yield* remove(served, "team/shop", all), yield* pull(served, "secret", all)], [202, 403])
      const nobodys = yield* ticket(served, {}, "?scope=repository:public/base:pull,push")
      assert.deepStrictEqual(
        [yield* pull(served, "public/base", nobodys), yield* push(served, "public/base", nobodys)],
        [200, 401]
      )
    }))

  it.live("that is asked for nothing that may be had is good for nothing", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const bob = yield* ticket(served, basic("bob"), "?scope=repository:secret:pull&scope=nonsense")
      assert.deepStrictEqual([yield* pull(served, "team/shop", bob), yield* pull(served, "secret", bob)], [401, 403])
    }))
})

describe("a file of rules", () => {
  it.each([
    ["", /no rule/u],
    ["alice team/*", /^line 1 is no WHO/u],
    ["\nalice team/* pull push", /^line 2 is no WHO/u],
    ["@everybody * pull", /^line 1 begins with none/u],
    ["alice Team pull", /^line 1 has neither/u],
    ["alice */shop pull", /^line 1 has neither/u],
    ["alice team/* pull,admin", /^line 1 has actions/u],
    ["alice team/* pull,", /^line 1 has actions/u],
    ["@anonymous public/* pull,push", /^line 1 lets those push/u]
  ])("is refused: %s", (text, reason) => {
    assert.match(Result.getOrThrow(Result.flip(parseRules(text))), reason)
  })
})
