import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Cron, Duration, Result } from "effect"
import { serveNotice } from "../../../src/cli/serve/serveNotice.ts"
import { parseServe, type ReadText, type ServeFlags } from "../../../src/cli/serve/serveOptions.ts"
import { noUpstream } from "../../../src/cli/serve/upstreamFlags.ts"
import { defaultLimits } from "../../../src/http/index.ts"

const files: Readonly<Record<string, string>> = {
  users: `alice:${hashSync("wonderland", 4)}\n`,
  plain: "alice:wonderland\n",
  tokens: "a-token-of-this-test\n",
  short: "wonderland\n",
  pem: "-----BEGIN",
  rules: "alice team/* pull,push\n@anonymous public/* pull\n",
  closed: "alice team/* pull\n",
  admin: "alice * admin\n"
}

const read: ReadText = (path) => {
  const text = files[path]
  return text === undefined ? Result.fail("ENOENT") : Result.succeed(text)
}

const none: ServeFlags = {
  directory: "images",
  listen: "5000",
  tlsCert: undefined,
  tlsKey: undefined,
  htpasswd: undefined,
  tokenFile: undefined,
  allowedHosts: [],
  anonymousPull: false,
  readOnly: false,
  noDelete: false,
  allowDelete: false,
  sparse: false,
  ui: false,
  open: false,
  metrics: false,
  at: undefined,
  perRepository: false,
  defaultRepository: undefined,
  endpoint: undefined,
  sse: undefined,
  publishEvery: undefined,
  durability: "power",
  hold: "always",
  symlinks: "refuse",
  workers: 1,
  config: undefined,
  rules: undefined,
  log: "none",
  notify: undefined,
  notifySource: undefined,
  gc: undefined,
  keep: [],
  untagged: false,
  graceMinutes: undefined,
  undoDays: undefined,
  upstream: noUpstream,
  limits: {
    blobBytes: undefined,
    headerBytes: undefined,
    headersMillis: undefined,
    stalledMillis: undefined,
    connections: undefined,
    requests: undefined,
    listeners: undefined,
    pageItems: undefined,
    graceMillis: undefined,
    wrongLogins: undefined
  }
}

const parse = (flags: Partial<ServeFlags>) => parseServe({ ...none, ...flags }, read)
const parsed = (flags: Partial<ServeFlags>) => Result.getOrThrow(parse(flags))
const notice = (flags: Partial<ServeFlags>) => serveNotice("http://127.0.0.1:5000", "/images", parsed(flags))

describe("the options of serve", () => {
  it("listen elsewhere than on loopback only with a token", () => {
    for (const listen of ["0.0.0.0:5000", "[::]:5000", "registry.example:5000"]) {
      for (const flags of [{}, { anonymousPull: true }, { readOnly: true }, { at: "1" }]) {
        assert.match(Result.getOrThrow(Result.flip(parse({ listen, ...flags }))), /can be reached from elsewhere/u)
      }
      for (
        const flags of [
          { htpasswd: "users" },
          { tokenFile: "tokens" },
          { anonymousPull: true, readOnly: true },
          { anonymousPull: true, at: "1" }
        ]
      ) {
        assert.isTrue(parsed({ listen, ...flags }).isOpen)
      }
    }
    for (const listen of ["5000", "localhost:0", "127.0.0.9:80", "[::1]:80"]) assert.isFalse(parsed({ listen }).isOpen)
  })

  it("name the hosts of a server without users alone", () => {
    assert.deepStrictEqual(parsed({}).hosts, [])
    assert.deepStrictEqual(parsed({ allowedHosts: ["a.example"] }).hosts, ["a.example"])
    assert.isUndefined(parsed({ htpasswd: "users" }).hosts)
    assert.isUndefined(parsed({ listen: "0.0.0.0:1", anonymousPull: true, readOnly: true }).hosts)
    const refused = parse({ allowedHosts: ["a.example"], htpasswd: "users" })
    assert.match(Result.getOrThrow(Result.flip(refused)), /--allowed-host is for/u)
  })

  it("offer deletes of what can be taken back, and of blobs only when asked", () => {
    const offers = (flags: Partial<ServeFlags>) => {
      const { delete: deletes, deleteBlobs, push } = parsed(flags).offers
      return [push, deletes, deleteBlobs]
    }
    assert.deepStrictEqual(offers({}), [true, true, false])
    assert.deepStrictEqual(offers({ allowDelete: true }), [true, true, true])
    assert.deepStrictEqual(offers({ noDelete: true, allowDelete: true }), [true, false, false])
    assert.deepStrictEqual(offers({ readOnly: true, allowDelete: true }), [false, false, false])
    assert.deepStrictEqual(offers({ at: "1", allowDelete: true }), [false, false, false])
  })

  it("name upstreams, which take the pushes' place", () => {
    const upstream = (...names: ReadonlyArray<string>) => ({ upstream: { ...noUpstream, upstream: names } })
    const { offers, upstreams } = parsed(upstream("docker://docker.io", "ghcr.io/team/", "docker://LocalHost:5001/a/b"))
    assert.deepStrictEqual(upstreams, [
      { host: "docker.io" },
      { host: "ghcr.io", path: "team" },
      { host: "localhost:5001", path: "a/b" }
    ])
    assert.deepStrictEqual(offers, { push: false, delete: true, deleteBlobs: false })
    const refusals: ReadonlyArray<readonly [Partial<ServeFlags>, RegExp]> = [
      [upstream("s3://bucket/x"), /takes docker:/u],
      [upstream("docker://"), /takes docker:/u],
      [upstream("docker://ghcr.io/Team"), /takes docker:/u],
      [upstream("docker://[::1]:5000/"), /takes docker:/u],
      [upstream("docker.io", "docker://docker.io/library"), /docker\.io twice/u],
      [{ ...upstream("docker.io"), readOnly: true }, /do not allow/u],
      [{ ...upstream("docker.io"), at: "1" }, /do not allow/u],
      [{ ...upstream("docker.io"), listen: "0.0.0.0:5000", anonymousPull: true }, /reached from elsewhere/u]
    ]
    for (const [flags, message] of refusals) assert.match(Result.getOrThrow(Result.flip(parse(flags))), message)
    const open = { ...upstream("docker.io"), listen: "0.0.0.0:5000", anonymousPull: true, noDelete: true }
    assert.isTrue(parsed(open).isOpen)
    assert.match(notice(open), /fetched from docker\.io, and kept\.\nEverybody may pull, and change nothing\./u)
    assert.match(notice(upstream("a.example/b")), /fetched from a\.example\/b, and kept/u)
    assert.match(
      notice(upstream("docker.io")),
      /Everybody on this machine may pull, and delete tags and manifests, which can be taken back; not push\./u
    )
  })

  it("name the file that is wrong, and repeat nothing of it", () => {
    const wrong: ReadonlyArray<readonly [Partial<ServeFlags>, string]> = [
      [{ listen: "five" }, "--listen takes [HOST:]PORT, like 5000 or [::1]:5000, not five"],
      [{ listen: "5000", htpasswd: "missing" }, "--htpasswd missing cannot be used: ENOENT"],
      [{ htpasswd: "plain" }, "--htpasswd plain cannot be used: line 1 is no USER:HASH"],
      [{ tokenFile: "short" }, "--token-file short cannot be used: line 1 is no token"],
      [{ htpasswd: "users", rules: "admin" }, "--rules admin cannot be used: line 1 has actions other"],
      [{ rules: "rules" }, "--rules are about users and tokens"],
      [{ htpasswd: "users", rules: "rules", anonymousPull: true }, "--rules say what may be pulled without a login"],
      [{ notify: "ftp://wonderland@example" }, "--notify takes the address of a receiver"],
      [{ notifySource: "x" }, "--notify-source is for --notify"],
      [{ gc: "daily" }, "--gc takes a schedule as cron does"],
      [{ gc: "0 3 * * *", keep: ["all"] }, "--keep all: say how many"],
      [{ keep: ["3"] }, "say how --gc collects, which is not asked for"],
      [{ gc: "0 3 * * *", readOnly: true }, "--gc and --notify write to the layout"],
      [{ notify: "http://a.example", at: "1" }, "--gc and --notify write to the layout"],
      [{ tlsCert: "pem" }, "--tls-cert and --tls-key belong together"],
      [{ tlsKey: "pem" }, "--tls-cert and --tls-key belong together"],
      [{ tlsCert: "pem", tlsKey: "missing" }, "--tls-key missing cannot be used: ENOENT"]
    ]
    for (const [flags, message] of wrong) {
      const said = Result.getOrThrow(Result.flip(parse(flags)))
      assert.include(said, message)
      assert.notInclude(said, "wonderland")
    }
  })

  it("collect garbage by the same rules as the command for it, in UTC", () => {
    const { collecting } = parsed({ gc: "30 3 * * 1", keep: ["app/*:v*=10", "30d"], graceMinutes: 90, undoDays: 0 })
    assert.deepStrictEqual(collecting?.options, {
      retention: [
        { repository: "app/*", tag: "v*", newest: 10, maxAge: undefined },
        { repository: undefined, tag: undefined, newest: undefined, maxAge: Duration.days(30) }
      ],
      untagged: false,
      grace: Duration.minutes(90),
      undoWindow: Duration.days(0)
    })
    const cron = collecting?.cron
    assert.isDefined(cron)
    assert.strictEqual(Cron.next(cron, new Date("2026-11-25T20:15:00Z")).toISOString(), "2026-11-30T03:30:00.000Z")
  })

  it("have a limit for each thing, and its default where nothing is said", () => {
    const { limits } = parsed({ limits: { ...none.limits, pageItems: 7 } })
    assert.deepStrictEqual(limits, { ...defaultLimits, pageItems: 7 })
  })

  it("are told in a sentence", () => {
    const says: ReadonlyArray<readonly [Partial<ServeFlags>, string]> = [
      [
        {},
        "Everybody on this machine may pull, push, and delete tags and manifests, which can be taken back; not blobs."
      ],
      [{ allowDelete: true }, "and delete blobs, which cannot."],
      [{ noDelete: true }, "Everybody on this machine may pull, push, and delete nothing."],
      [{ readOnly: true }, "Everybody on this machine may pull, and change nothing."],
      [{ htpasswd: "users" }, "Those who log in may pull, push, and delete tags"],
      [
        { htpasswd: "users", anonymousPull: true },
        "Everybody on this machine may pull; those who log in may push, and"
      ],
      [{ htpasswd: "users", readOnly: true }, "Those who log in may pull, and change nothing."],
      [{ listen: "0.0.0.0:1", readOnly: true, anonymousPull: true }, "Everybody may pull, and change nothing."],
      [
        { htpasswd: "users", rules: "rules" },
        "What may be pulled, pushed and deleted by those who log in, and pulled by"
      ],
      [{ htpasswd: "users", rules: "closed" }, "deleted by those who log in is in the rules."],
      [{ listen: "0.0.0.0:1", htpasswd: "users" }, "Passwords cross the network as they are"]
    ]
    for (const [flags, said] of says) assert.include(notice(flags), said)
    const secure = { listen: "0.0.0.0:1", htpasswd: "users", tlsCert: "pem", tlsKey: "pem" }
    assert.notInclude(notice(secure), "Passwords cross")
    assert.isTrue(notice({}).startsWith("ocilayout serves \"/images\" at http://127.0.0.1:5000\n"))
  })
})
