import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Result } from "effect"
import { type Credentials, parseHtpasswd, parseTokens } from "../../src/http/index.ts"
import { makeTickets, ticketSeconds } from "../../src/http/tickets.ts"
import { image, pushImage } from "../support/images.ts"
import { raw } from "./support/raw.ts"
import { inMemory, send, type Sent, type Served } from "./support/serving.ts"

const one = image("one")
const token = "a-token-of-this-test"
const credentials: Credentials = { users: new Map([["alice", hashSync("wonderland", 4)]]), tokens: [token] }

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const alice = basic("alice", "wonderland")

const read = (served: Served, headers: Record<string, string> = {}, sent: Sent = {}) =>
  send(served, "/v2/app/manifests/v1", { ...sent, headers })

const upload = (served: Served, headers: Record<string, string> = {}) =>
  send(served, "/v2/app/blobs/uploads/", { method: "POST", headers })

const guarded = (anonymousPull = false) =>
  Effect.tap(
    inMemory({ credentials, anonymousPull, limits: { wrongLogins: 3 } }),
    ({ registry }) => pushImage(registry, "app", one, ["v1"])
  )

describe("a registry with users", () => {
  it.live("lets in who has a password or a token", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      for (const shown of [alice, bearer(token), basic("whoever", token)]) {
        assert.strictEqual((yield* send(served, "/v2/", { headers: shown })).status, 200)
        assert.strictEqual((yield* read(served, shown)).status, 200)
        assert.strictEqual((yield* upload(served, shown)).status, 202)
      }
    }))

  it.live("asks all others to log in, for every request", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      for (const path of ["/v2/", "/v2/_catalog", "/v2/app/manifests/v1", "/v2/nobody/tags/list"]) {
        const { codes, headers, status } = yield* send(served, path)
        assert.deepStrictEqual([status, codes], [401, ["UNAUTHORIZED"]], path)
        assert.strictEqual(headers.get("www-authenticate"), "Basic realm=\"ocilayout\"")
        assert.strictEqual(headers.get("docker-distribution-api-version"), "registry/2.0")
      }
      assert.strictEqual((yield* upload(served)).status, 401)
      assert.strictEqual((yield* send(served, "/healthz")).status, 200)
      assert.strictEqual((yield* send(served, "/token")).status, 401)
    }))

  it.live.each([
    basic("alice", "Wonderland"),
    basic("alice", ""),
    basic("bob", "wonderland"),
    basic("", "wonderland"),
    bearer(`${token}x`),
    bearer("e30.e30"),
    { authorization: "Digest alice" },
    { authorization: "Basic" },
    { authorization: "Basic ***" }
  ])("sends away %o", (shown) =>
    Effect.gen(function*() {
      const served = yield* guarded(true)
      const { codes, status } = yield* read(served, shown)
      // What holds no user and no password is as if nothing had been shown.
      if (shown.authorization === "Basic ***") assert.strictEqual(status, 200)
      else assert.deepStrictEqual([status, codes], [401, ["UNAUTHORIZED"]])
      assert.strictEqual((yield* upload(served, shown)).status, 401)
    }))

  it.live("limits tries of passwords, and a right one starts again", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const wrong = read(served, basic("alice", "guess"))
      for (const _ of [1, 2]) assert.strictEqual((yield* wrong).status, 401)
      assert.strictEqual((yield* read(served, alice)).status, 200)
      for (const _ of [1, 2, 3]) assert.strictEqual((yield* wrong).status, 401)
      for (const shown of [basic("alice", "guess"), alice]) {
        const { codes, headers, status } = yield* read(served, shown)
        assert.deepStrictEqual([status, codes], [429, ["TOOMANYREQUESTS"]])
        assert.isAtLeast(Number(headers.get("retry-after")), 1)
      }
      assert.strictEqual((yield* read(served)).status, 401)
    }))
})

describe("a registry with anonymous pull", () => {
  it.live("refuses a push without a login", () =>
    Effect.gen(function*() {
      const served = yield* guarded(true)
      for (const shown of [{}, basic("", "")]) {
        assert.strictEqual((yield* read(served, shown)).status, 200)
        const refused = yield* upload(served, shown)
        assert.strictEqual(refused.status, 401)
        assert.strictEqual(
          refused.headers.get("www-authenticate"),
          `Bearer realm="${served.url}/token",service="ocilayout",scope="repository:app:pull,push"`
        )
        assert.strictEqual((yield* read(served, shown, { method: "DELETE" })).status, 401)
        assert.strictEqual((yield* send(served, "/v2/app/blobs/uploads/0af", { headers: shown })).status, 401)
      }
      assert.strictEqual((yield* upload(served, alice)).status, 202)
    }))

  it.live("gives tickets after a login, and for anonymous pull", () =>
    Effect.gen(function*() {
      const served = yield* guarded(true)
      assert.match((yield* send(served, "/v2/")).headers.get("www-authenticate") ?? "", /^Bearer realm=/u)
      const ticket = (headers: Record<string, string>) =>
        Effect.map(send(served, "/token?service=ocilayout", { headers }), ({ text }) => {
          const { expires_in, token } = JSON.parse(text) as { readonly expires_in: number; readonly token: string }
          assert.strictEqual(expires_in, ticketSeconds)
          return bearer(token)
        })
      const aliceTicket = yield* ticket(alice)
      for (const path of ["/v2/", "/v2/app/manifests/v1"]) {
        assert.strictEqual((yield* send(served, path, { headers: aliceTicket })).status, 200)
      }
      assert.strictEqual((yield* upload(served, aliceTicket)).status, 202)
      const nobodys = yield* ticket({})
      assert.strictEqual((yield* send(served, "/v2/", { headers: nobodys })).status, 200)
      assert.strictEqual((yield* read(served, nobodys)).status, 200)
      assert.strictEqual((yield* upload(served, nobodys)).status, 401)
      assert.strictEqual((yield* send(served, "/token", { headers: basic("alice", "guess") })).status, 401)
      const elsewhere = yield* guarded(true)
      assert.strictEqual((yield* read(elsewhere, aliceTicket)).status, 401)
    }))

  it.live("asks for a ticket that is good for a mount, and mounts what everybody may pull", () =>
    Effect.gen(function*() {
      const served = yield* guarded(true)
      const { digest } = one.config.descriptor
      const mount = (from: string, headers: Record<string, string>) =>
        send(served, `/v2/other/blobs/uploads/?mount=${digest}&from=${from}`, { method: "POST", headers })
      const scopeOf = (headers: Headers) => /scope="([^"]*)"/u.exec(headers.get("www-authenticate") ?? "")?.[1]
      const both = "repository:other:pull,push repository:app:pull"
      assert.strictEqual(scopeOf((yield* mount("app", {})).headers), both)
      for (const strange of ["a%0d%0ab", "a%22b", "a%20b"]) {
        assert.strictEqual(scopeOf((yield* mount(strange, {})).headers), "repository:other:pull,push")
      }
      const { text } = yield* send(served, "/token?scope=repository:other:pull,push", { headers: alice })
      const narrow = bearer((JSON.parse(text) as { readonly token: string }).token)
      assert.strictEqual((yield* mount("app", narrow)).status, 201)
    }))

  it.live("names itself as its clients do, and nothing that they could put into the challenge", () =>
    Effect.gen(function*() {
      const served = yield* guarded(true)
      const { headers } = yield* send(served, "/v2/a%22,x=%22/blobs/uploads/", {
        method: "POST",
        headers: { "x-forwarded-proto": "https" }
      })
      const challenge = headers.get("www-authenticate") ?? ""
      assert.strictEqual(challenge, `Bearer realm="https://127.0.0.1:${served.port}/token",service="ocilayout"`)
      const client = yield* raw(served.port)
      client.write("GET /v2/ HTTP/1.1\r\nHost: a\",service=\"b\r\nConnection: close\r\n\r\n")
      assert.include(yield* client.closed, `realm="http://aserviceb/token",service="ocilayout"`)
    }))
})

describe("an open registry", () => {
  it.live("asks for nothing, and has no tickets to give", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      assert.strictEqual((yield* send(served, "/v2/", { headers: basic("whoever", "whatever") })).status, 200)
      assert.strictEqual((yield* send(served, "/token")).status, 404)
    }))
})

describe("a ticket", () => {
  const secret = Buffer.from("a secret of this test")
  const { issue, read } = makeTickets(credentials, secret)

  it("is good until it is over, and only as it was given out", () => {
    const who = { _tag: "User", name: "alice" } as const
    const scopes = [{ type: "repository", name: "app", actions: ["pull"] }]
    const ticket = issue({ who }, 0)
    assert.deepStrictEqual(read(ticket, ticketSeconds * 1000 - 1), { who })
    assert.isUndefined(read(ticket, ticketSeconds * 1000))
    assert.deepStrictEqual(read(issue({ who: { _tag: "Anonymous" }, scopes }, 0), 1), {
      who: { _tag: "Anonymous" },
      scopes
    })
    assert.deepStrictEqual(makeTickets(credentials, secret).read(ticket, 1), { who })
    assert.isUndefined(makeTickets({ ...credentials, tokens: [] }, secret).read(ticket, 1))
    const [text = "", signature = ""] = ticket.split(".")
    const forged = Buffer.from(Buffer.from(text, "base64url").toString().replace("alice", "admin")).toString(
      "base64url"
    )
    for (
      const no of [
        `${forged}.${signature}`,
        text,
        `${text}.`,
        `${ticket}.x`,
        "",
        makeTickets(credentials).issue({ who }, 0)
      ]
    ) {
      assert.isUndefined(read(no, 1), no)
    }
  })
})

describe("files of users and tokens", () => {
  it("are read", () => {
    const hash = hashSync("x", 4)
    const users = parseHtpasswd(`# ours\n\nalice:${hash}\nbob:${hash.replace("$2b", "$2y")}\r\n`)
    assert.deepStrictEqual(Array.from(Result.getOrThrow(users).keys()), ["alice", "bob"])
    assert.deepStrictEqual(Result.getOrThrow(parseTokens(`\n${token}\n# old\n${token}2\n`)), [token, `${token}2`])
  })

  it("are refused without a word of what is in them", () => {
    const hash = hashSync("x", 4)
    const refusals: ReadonlyArray<readonly [Result.Result<unknown, string>, RegExp]> = [
      [parseHtpasswd(""), /no user/u],
      [parseHtpasswd("alice:secret"), /^line 1 .*bcrypt/u],
      [parseHtpasswd("alice:$apr1$secret$x"), /^line 1 .*bcrypt/u],
      [parseHtpasswd(`alice:${hash}\nalice:${hash}`), /^line 2 has a user/u],
      [parseTokens(" \n"), /no token/u],
      [parseTokens("\nshort-secret"), /^line 2 .*16/u],
      [parseTokens("a long enough secret"), /^line 1 .*16/u]
    ]
    for (const [read, form] of refusals) {
      const reason = Result.getOrThrow(Result.flip(read))
      assert.match(reason, form)
      assert.notInclude(reason, "secret")
    }
  })
})
