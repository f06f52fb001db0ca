/** What the page may do is what the registry's API may do, with the same logins and rules. */
import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Result } from "effect"
import { parseRules, type ServeOptions } from "../../../src/http/index.ts"
import * as answers from "../../../src/http/ui/answers.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import { image, pushImage } from "../../support/images.ts"
import { asked, changing, shown } from "../support/page.ts"
import { send, type Served } from "../support/serving.ts"

const one = image("one")
const two = image("two")
const users = ["alice", "bob", "root"]
const credentials = { users: new Map(users.map((user) => [user, hashSync(user, 4)])), tokens: [] }
const as = (user: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${user}`).toString("base64")}` })

const rules = Result.getOrThrow(parseRules(`
alice       team/*   pull,push,delete
bob         team/*   pull
root        *        pull,push,delete
@anonymous  public   pull
`))

const filled = Effect.gen(function*() {
  const registry = yield* makeMemory()
  for (const name of ["public", "secret", "team/shop"]) {
    yield* pushImage(registry, name, two)
    yield* pushImage(registry, name, one, ["v1"])
    yield* pushImage(registry, name, two, ["v2"])
  }
  return registry
})

const guarded = (options: Partial<ServeOptions> = {}) =>
  Effect.flatMap(filled, (registry) => shown(registry, { credentials, rules, ...options }))

const move = (repository: string) => ({
  repository,
  tag: "v1",
  digest: two.descriptor.digest,
  ifDigest: one.descriptor.digest
})

const namesFor = (served: Served, headers: Record<string, string>) =>
  Effect.map(
    asked(served, answers.Repositories, "repositories", headers),
    ({ repositories }) => repositories.map(({ name, rights }) => `${name} ${rights.push} ${rights.delete}`)
  )

describe("the page with rules", () => {
  it.live("shows what may be pulled, and offers what may be changed", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      assert.deepStrictEqual(yield* namesFor(served, {}), ["public false false"])
      assert.deepStrictEqual(yield* namesFor(served, as("bob")), ["public false false", "team/shop false false"])
      assert.deepStrictEqual(yield* namesFor(served, as("alice")), ["public false false", "team/shop true true"])
      assert.deepStrictEqual(yield* namesFor(served, as("root")), [
        "public true true",
        "secret true true",
        "team/shop true true"
      ])
    }))

  it.live("answers about no repository that may not be pulled from", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const digest = one.descriptor.digest
      const about = (repository: string) => [
        `tags?repository=${repository}`,
        `details?repository=${repository}&digest=${digest}`,
        `moves?repository=${repository}`,
        `history?repository=${repository}`,
        `image?repository=${repository}&reference=v1`,
        `layers?repository=${repository}&reference=v1`,
        `document?repository=${repository}&digest=${digest}`,
        `files?repository=${repository}&reference=v1`,
        `find?repository=${repository}&reference=v1&name=x`,
        `file?repository=${repository}&reference=v1&path=/x`,
        `picture?repository=${repository}&reference=v1&path=/x`,
        `diff?repository1=public&reference1=v1&repository2=${repository}&reference2=v1`,
        `diff?repository1=${repository}&reference1=v1&repository2=public&reference2=v1`,
        `text-diff?repository1=${repository}&reference1=v1&repository2=public&reference2=v1&path=/x`
      ]
      for (const path of about("secret")) {
        assert.strictEqual((yield* send(served, `/ui/api/${path}`, { headers: as("alice") })).status, 403, path)
      }
      for (const path of about("team/shop")) {
        assert.notStrictEqual((yield* send(served, `/ui/api/${path}`, { headers: as("alice") })).status, 403, path)
      }
    }))

  it.live("tells of the history only what was done where may be pulled", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const of = (headers: Record<string, string>) =>
        Effect.map(asked(served, answers.History, "history", headers), ({ commits }) =>
          Array.from(
            new Set(
              commits.flatMap(({ canUndo, changes }) => changes.map(({ repository }) => `${repository} ${canUndo}`))
            )
          ).toSorted())
      assert.deepStrictEqual(yield* of({}), ["public false"])
      assert.deepStrictEqual(yield* of(as("alice")), ["public false", "team/shop true"])
      assert.deepStrictEqual(yield* of(as("root")), ["public true", "secret true", "team/shop true"])
    }))

  it.live("shows what is about the whole layout to those who may see all of it", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      for (const path of ["garbage", "verify"]) {
        const status = (headers: Record<string, string>) =>
          Effect.map(send(served, `/ui/api/${path}`, { headers }), ({ status }) => status)
        assert.strictEqual(yield* status({}), 403, path)
        assert.strictEqual(yield* status(as("alice")), 403, path)
        assert.strictEqual(yield* status(as("root")), 200, path)
      }
      const space = yield* asked(served, answers.Space, "space", as("alice"))
      assert.deepStrictEqual([space.stored, space.repositories.map(({ name }) => name)], [undefined, [
        "public",
        "team/shop"
      ]])
    }))

  it.live("changes what may be changed, and nothing else", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const { registry } = served
      const move1 = (repository: string, headers: Record<string, string>) =>
        Effect.map(changing(served, "tag", move(repository), { headers }), ({ status }) => status)
      assert.strictEqual(yield* move1("public", {}), 403)
      assert.strictEqual(yield* move1("team/shop", as("bob")), 403)
      assert.strictEqual(yield* move1("secret", as("alice")), 403)
      assert.strictEqual((yield* registry.resolveTag("secret", "v1")).digest, one.descriptor.digest)
      assert.strictEqual(yield* move1("team/shop", as("alice")), 200)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, two.descriptor.digest)
      // It was seen elsewhere.
      assert.strictEqual(yield* move1("team/shop", as("alice")), 412)
      const { commits: [last] } = yield* asked(served, answers.History, "history?limit=1", as("root"))
      assert.strictEqual(last?.actor, "http:alice")
      const undo = (headers: Record<string, string>, dryRun = false) =>
        changing(served, "undo", { revision: last?.revision, dryRun }, { headers })
      assert.strictEqual((yield* undo(as("bob"))).status, 403)
      assert.strictEqual((yield* undo(as("alice"), true)).status, 200)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, two.descriptor.digest)
      assert.strictEqual((yield* undo(as("alice"))).status, 200)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, one.descriptor.digest)
    }))

  it.live("makes a tag what it was, from where it was seen, for those who may push and delete", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const { registry } = served
      const was = one.descriptor.digest
      const seen = two.descriptor.digest
      yield* registry.tagManifest("team/shop", seen, ["v1"])
      const { commits } = yield* asked(served, answers.History, "history?repository=team/shop&tag=v1", as("alice"))
      const [last, first] = commits.map(({ revision }) => revision)
      const restore = (revision: number | undefined, user: string, ifDigest?: string) =>
        Effect.map(
          changing(served, "restore", { repository: "team/shop", tag: "v1", revision, ifDigest }, {
            headers: as(user)
          }),
          ({ status }) => status
        )
      assert.strictEqual(yield* restore(first, "bob", seen), 403)
      assert.strictEqual(yield* restore(first, "alice", was), 412)
      assert.strictEqual(yield* restore(first, "alice"), 412)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, seen)
      assert.strictEqual(yield* restore(first, "alice", seen), 200)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, was)
      assert.strictEqual(yield* restore(last, "alice", was), 200)
      assert.strictEqual((yield* registry.resolveTag("team/shop", "v1")).digest, seen)
    }))

  it.live("asks a browser for a password, as those do that have no login yet", () =>
    Effect.gen(function*() {
      const served = yield* guarded()
      const { headers, status } = yield* send(served, "/ui/login")
      assert.deepStrictEqual([status, headers.get("www-authenticate")], [401, "Basic realm=\"ocilayout\""])
      const wrong = yield* send(served, "/ui/api/session", {
        headers: { authorization: `Basic ${Buffer.from("alice:wrong").toString("base64")}` }
      })
      assert.deepStrictEqual([wrong.status, wrong.headers.get("www-authenticate")], [401, "Basic realm=\"ocilayout\""])
      const response = yield* Effect.promise(() =>
        fetch(`${served.url}/ui/login`, { headers: as("alice"), redirect: "manual" })
      )
      assert.deepStrictEqual([response.status, response.headers.get("location")], [303, "/ui/"])
      assert.isTrue((yield* asked(served, answers.Session, "session")).canLogIn)
      const rightsOf = (user: string) =>
        Effect.map(asked(served, answers.Session, "session", as(user)), ({ rights }) => Object.values(rights))
      assert.deepStrictEqual(yield* rightsOf("bob"), [false, false, false, false])
      assert.deepStrictEqual(yield* rightsOf("alice"), [true, true, false, false])
      assert.deepStrictEqual(yield* rightsOf("root"), [true, true, true, true])
      assert.isFalse((yield* asked(served, answers.Session, "session", as("bob"))).canLogIn)
    }))

  it.live("is not shown at all to those who may not read", () =>
    Effect.gen(function*() {
      const registry = yield* filled
      const served = yield* shown(registry, { credentials })
      for (const path of ["/ui/", "/ui/page.js", "/ui/api/session", "/ui/api/repositories", "/ui/api/events"]) {
        assert.strictEqual((yield* send(served, path)).status, 401, path)
      }
      assert.strictEqual((yield* send(served, "/ui/", { headers: as("bob") })).status, 200)
    }))
})

describe("the page of a server that offers less", () => {
  const changes = [
    ["tag", move("public")],
    ["undo", { revision: 1, dryRun: false }],
    ["plan", {}],
    ["collect", { plan: "x" }],
    ["repair", { codes: [], dryRun: false }]
  ] as const

  it.live("changes nothing where the registry is only read, and offers nothing", () =>
    Effect.gen(function*() {
      const registry = yield* filled
      const served = yield* shown(readOnly(registry), { offers: { push: false, delete: false, deleteBlobs: false } })
      const { rights } = yield* asked(served, answers.Session, "session")
      assert.deepStrictEqual(rights, { push: false, delete: false, collect: false, repair: false })
      for (const [path, body] of changes) {
        const { codes, status } = yield* changing(served, path, body)
        assert.deepStrictEqual([status, codes], [403, ["DENIED"]], path)
      }
      assert.strictEqual((yield* registry.resolveTag("public", "v1")).digest, one.descriptor.digest)
      const { commits } = yield* asked(served, answers.History, "history")
      assert.isTrue(commits.every(({ canUndo }) => !canUndo))
    }))

  it.live("frees no space where what cannot be taken back is not offered", () =>
    Effect.gen(function*() {
      const registry = yield* filled
      const served = yield* shown(registry, { offers: { push: true, delete: true, deleteBlobs: false } })
      assert.isFalse((yield* asked(served, answers.Session, "session")).rights.collect)
      for (const path of ["plan", "collect"]) {
        assert.strictEqual((yield* changing(served, path, { plan: "x" })).status, 403)
      }
      assert.strictEqual((yield* changing(served, "tag", move("public"))).status, 200)
    }))

  it.live("deletes no tag where deleting is not offered", () =>
    Effect.gen(function*() {
      const registry = yield* filled
      const served = yield* shown(registry, { offers: { push: true, delete: false, deleteBlobs: false } })
      const untag = { repository: "public", tag: "v1", ifDigest: one.descriptor.digest }
      const status = (at: Served) =>
        Effect.map(changing(at, "tag", untag, { method: "DELETE" }), ({ status }) => status)
      assert.strictEqual(yield* status(served), 403)
      assert.strictEqual(yield* status(yield* shown(registry)), 200)
      assert.strictEqual((yield* Effect.flip(registry.resolveTag("public", "v1")))._tag, "ManifestUnknown")
    }))
})
