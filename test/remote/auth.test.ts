/** Who asks: passwords and tokens, and to whom they are shown. */
import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Redacted, Stream } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { covers, formatScopes, parseChallenges, scopesOf } from "../../src/remote/auth/challenge.ts"
import { isRelated } from "../../src/remote/wire/Host.ts"
import { isPrivate, onlyHosts } from "../../src/remote/wire/reach.ts"
import { inMemory } from "../http/support/serving.ts"
import { image, pushImage } from "../support/images.ts"
import { answering, type Handler, password, remoteAt, withClient } from "./support/remotes.ts"

const one = image("one")
const secret = "an-open-secret"

describe("a registry with passwords", () => {
  const guarded = Effect.tap(
    inMemory({
      credentials: { users: new Map([["ada", hashSync(secret, 4)]]), tokens: [] },
      limits: { wrongLogins: 100 }
    }),
    ({ registry }) => pushImage(registry, "app", one, ["v1"])
  )

  it.live("lets in who has one", () =>
    withClient(Effect.gen(function*() {
      const remote = yield* remoteAt(yield* guarded, { credentials: password("ada", secret) })
      assert.deepStrictEqual(yield* remote.resolveTag("app", "v1"), one.descriptor)
      yield* pushImage(remote, "second", image("second"), ["v1"])
    })))

  it.live("refuses all others, with no word of the password", () =>
    withClient(Effect.gen(function*() {
      const served = yield* guarded
      const nobody = yield* remoteAt(served)
      const refused = yield* Effect.flip(nobody.resolveTag("app", "v1"))
      assert.strictEqual(refused._tag, "Unauthorized")
      assert.match(refused.message, /none is kept for it/u)
      const wrong = yield* remoteAt(served, { credentials: password("ada", `${secret}!`) })
      const failed = yield* Effect.flip(wrong.resolveTag("app", "v1"))
      assert.strictEqual(failed._tag, "Unauthorized")
      assert.notInclude(JSON.stringify(failed) + failed.message, secret)
    })))
})

/** A registry that gives tokens, and what it was asked for them. */
const withTokens = Effect.fnUntraced(function*(
  answer: (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void,
  realmAt?: (own: string) => string
) {
  const asked: Array<URL> = []
  const shown: Array<string | undefined> = []
  let own = ""
  const handler: Handler = (request, response, body) => {
    const url = new URL(request.url ?? "", own)
    if (url.pathname === "/token") {
      asked.push(url)
      shown.push(request.headers.authorization ?? Buffer.from(body).toString())
      return answer(request, response, body)
    }
    if (request.headers.authorization?.startsWith("Bearer good") !== true) {
      const realm = realmAt?.(own) ?? `${own}/token`
      return void response.writeHead(401, {
        "www-authenticate": `Bearer realm="${realm}",service="the registry",scope="repository:app:pull"`
      }).end()
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{\"tags\":[\"v1\"]}")
  }
  const server = yield* answering(handler)
  own = server.url
  return { server, asked, shown }
})

const give = (token: unknown, more: object = {}) => (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, ...more }))
}

describe("a registry with tokens", () => {
  it.live("gives one, which is used until it ends", () =>
    withClient(Effect.gen(function*() {
      const { asked, server, shown } = yield* withTokens(give("good", { expires_in: 300 }))
      const remote = yield* remoteAt(server, { credentials: password("ada", secret) })
      yield* Stream.runCollect(remote.tags("app"))
      yield* Stream.runCollect(remote.tags("app"))
      assert.deepStrictEqual(asked.map(({ search }) => search), ["?service=the+registry&scope=repository%3Aapp%3Apull"])
      assert.deepStrictEqual(shown, [`Basic ${Buffer.from(`ada:${secret}`).toString("base64")}`])
      yield* Stream.runCollect(remote.tags("other"))
      assert.strictEqual(asked[1]?.searchParams.get("scope"), "repository:other:pull")
    })))

  it.live("is asked for all that a mount needs at once", () =>
    withClient(Effect.gen(function*() {
      const { asked, server } = yield* withTokens(give("good"))
      const remote = yield* remoteAt(server)
      yield* Effect.ignore(remote.mountBlob("app", "second", one.descriptor.digest))
      assert.deepStrictEqual(asked[0]?.searchParams.getAll("scope"), [
        "repository:app:pull",
        "repository:second:pull,push"
      ])
    })))

  it.live("takes an identity token in the place of a password", () =>
    withClient(Effect.gen(function*() {
      const { server, shown } = yield* withTokens((_, response) =>
        give(undefined, { access_token: "good" })(_, response)
      )
      const remote = yield* remoteAt(server, {
        credentials: () => Effect.succeed({ _tag: "IdentityToken", token: Redacted.make(secret) })
      })
      yield* Stream.runCollect(remote.tags("app"))
      const fields = new URLSearchParams(shown[0])
      assert.deepStrictEqual(
        [fields.get("grant_type"), fields.get("refresh_token"), fields.get("service"), fields.get("scope")],
        ["refresh_token", secret, "the registry", "repository:app:pull"]
      )
    })))

  it.live("may end one early, and gives another", () =>
    withClient(Effect.gen(function*() {
      let given = 0
      const { server } = yield* withTokens((request, response) =>
        give(given++ === 0 ? "bad" : "good")(request, response)
      )
      const remote = yield* remoteAt(server)
      const refused = yield* Effect.flip(Stream.runCollect(remote.tags("app")))
      assert.strictEqual(refused._tag, "Unauthorized")
      assert.deepStrictEqual(yield* Stream.runCollect(remote.tags("app")), ["v1"] as never)
    })))

  it.live.each([
    ["a line break", "good\r\nx: y"],
    ["nothing", ""],
    ["no text", 7]
  ])("is not believed with %s for a token", ([, token]) =>
    withClient(Effect.gen(function*() {
      const { server } = yield* withTokens(give(token))
      const failed = yield* Effect.flip(Stream.runCollect((yield* remoteAt(server)).tags("app")))
      assert.match(failed.message, /no token that can be sent/u)
    })))

  it.live.each(
    [
      ["http://example.com/token", /plain HTTP/u],
      ["https://example.com/token", /not told your password/u],
      ["file:///etc/passwd", /no address on the web/u],
      ["https://ada:x@127.0.0.1/token", /no address on the web/u]
    ] as const
  )("does not get the password told to %s", ([realm, reason]) =>
    withClient(Effect.gen(function*() {
      const { asked, server } = yield* withTokens(give("good"), () => realm)
      const remote = yield* remoteAt(server, { credentials: password("ada", secret) })
      const failed = yield* Effect.flip(Stream.runCollect(remote.tags("app")))
      assert.strictEqual(failed._tag, "Unauthorized")
      assert.match(failed.message, reason)
      assert.deepStrictEqual(asked, [])
    })))
})

describe("challenges and scopes", () => {
  it("are read as they come", () => {
    assert.deepStrictEqual(parseChallenges(undefined), [])
    assert.deepStrictEqual(parseChallenges("Basic realm=\"a, b\""), [{ _tag: "Basic" }])
    assert.deepStrictEqual(
      parseChallenges("Negotiate, Bearer realm=\"https://a/t\" , service = b,scope=\"c:d:e f:g:h\""),
      [
        { _tag: "Bearer", realm: "https://a/t", service: "b", scope: "c:d:e f:g:h" }
      ]
    )
    assert.deepStrictEqual(parseChallenges(`Bearer realm="${"a".repeat(9000)}"`), [])
    assert.deepStrictEqual(parseChallenges("Bearer service=\"a\""), [])
  })

  it("cover one another", () => {
    const has = scopesOf(["repository:a:pull,push", "registry:catalog:*"])
    assert.isTrue(covers(has, scopesOf(["repository:a:pull"])))
    assert.isTrue(covers(has, scopesOf(["registry:catalog:anything"])))
    assert.isFalse(covers(has, scopesOf(["repository:a:delete"])))
    assert.isFalse(covers(has, scopesOf(["repository:b:pull"])))
    assert.deepStrictEqual(formatScopes(scopesOf(["repository:b:push", "repository:a:pull", "repository:b:pull"])), [
      "repository:a:pull",
      "repository:b:pull,push"
    ])
  })
})

describe("a host", () => {
  it.each([
    ["https://registry-1.docker.io", "https://auth.docker.io/token", true],
    ["https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true],
    ["https://ghcr.io", "https://ghcr.io/token", true],
    ["https://quay.io", "https://auth.quay.io/token", true],
    ["https://ghcr.io", "https://evil.io/token", false],
    ["https://shop.co.uk", "https://evil.co.uk/token", false],
    ["https://a.example.com", "https://example.com.evil.net/token", false],
    ["https://10.0.0.1", "https://10.0.0.2/token", false]
  ])("%s and its place for tokens %s: %s", (registry, realm, related) => {
    assert.strictEqual(isRelated(new URL(registry), new URL(realm)), related)
  })

  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "what"
  ])("%s is private", (address) => {
    assert.isTrue(isPrivate(address))
  })

  it.each(["8.8.8.8", "172.32.0.1", "2606:4700::1111"])("%s is public", (address) => {
    assert.isFalse(isPrivate(address))
  })

  it.effect("has to be allowed by name where it leads into a private network", () =>
    Effect.gen(function*() {
      const names: Readonly<Record<string, ReadonlyArray<string>>> = {
        "inside.example.com": ["93.184.216.34", "10.0.0.1"],
        "outside.example.com": ["93.184.216.34"]
      }
      const reach = onlyHosts(["registry.local:5000"], (name) => Effect.succeed(names[name] ?? []))
      const may = (url: string) => Effect.map(Effect.result(reach(new URL(url))), ({ _tag }) => _tag === "Success")
      assert.isTrue(yield* may("https://registry.local:5000/v2/"))
      assert.isTrue(yield* may("https://outside.example.com/blob"))
      for (
        const url of [
          "https://inside.example.com/",
          "https://registry.local/",
          "http://169.254.169.254/",
          "http://[::1]/",
          "http://localhost/"
        ]
      ) assert.isFalse(yield* may(url), url)
    }))

  it.live("that may not be reached is not, also behind a redirect", () =>
    withClient(Effect.gen(function*() {
      const inside = yield* answering((_, response) => void response.writeHead(200).end("{\"tags\":[]}"))
      const port = new URL(inside.url).port
      const outside = yield* answering((_, response) =>
        void response.writeHead(307, { location: `http://localhost:${port}/v2/app/tags/list` }).end()
      )
      const reach = onlyHosts([new URL(outside.url).host], () => Effect.succeed([]))
      const remote = yield* remoteAt(outside, { reach })
      const failed = yield* Effect.flip(Stream.runCollect(remote.tags("app")))
      assert.match(failed.message, /private network/u)
    })))
})
