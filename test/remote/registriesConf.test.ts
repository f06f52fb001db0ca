/** registries.conf: which files count, what they may say, and where a repository is read from. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { sourcesOf } from "../../src/remote/conf/RegistriesConf.ts"
import { readRegistriesConf } from "../../src/remote/index.ts"
import { temporaryDirectory } from "../cli/support/command.ts"

/** What files say together, each below one directory; `named` is what the variable names. */
const reading = Effect.fnUntraced(function*(
  files: Readonly<Record<string, string | Uint8Array>>,
  { named, xdg }: { readonly named?: string; readonly xdg?: string } = {}
) {
  const root = yield* temporaryDirectory
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  const env = {
    ...(named === undefined ? {} : { CONTAINERS_REGISTRIES_CONF: join(root, named) }),
    ...(xdg === undefined ? {} : { XDG_CONFIG_HOME: join(root, xdg) })
  }
  return yield* readRegistriesConf({ env, home: join(root, "home"), system: join(root, "etc") })
})

const entry = (prefix: string, location: string, more = "") =>
  `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n${more}\n`

const users = "home/.config/containers"

const locations = (conf: Effect.Success<ReturnType<typeof reading>>) =>
  Object.fromEntries(conf.map(({ location, prefix }) => [prefix, location]))

describe("the files of registries.conf", () => {
  it.live("are none on most machines", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* reading({}), [])
      assert.deepStrictEqual(yield* reading({ "etc/registries.conf": "# [[registry]]\n\n  # blocked = true\n" }), [])
    }))

  it.live("are read in podman's order, and a later entry replaces one of the same prefix", () =>
    Effect.gen(function*() {
      const drop = {
        "etc/registries.conf.d/10.conf": entry("a", "etc10") + entry("b", "etc10") + entry("c", "etc10"),
        "etc/registries.conf.d/20.conf": entry("b", "etc20") + entry("c", "etc20"),
        "etc/registries.conf.d/30.txt": entry("b", "txt"),
        [`${users}/registries.conf.d/10.conf`]: entry("c", "user10")
      }
      const system = { ...drop, "etc/registries.conf": entry("a", "etc") + entry("d", "etc") }
      assert.deepStrictEqual(locations(yield* reading(system)), { a: "etc10", b: "etc20", c: "user10", d: "etc" })
      // A file of the user hides what the machine says.
      const own = { ...system, [`${users}/registries.conf`]: entry("a", "user") }
      assert.deepStrictEqual(locations(yield* reading(own)), { a: "user", c: "user10" })
      const named = { ...own, "named.conf": entry("d", "named") }
      assert.deepStrictEqual(locations(yield* reading(named, { named: "named.conf" })), {
        a: "etc10",
        b: "etc20",
        c: "user10",
        d: "named"
      })
      const elsewhere = { ...own, "xdg/containers/registries.conf": entry("x", "xdg") }
      assert.deepStrictEqual(locations(yield* reading(elsewhere, { xdg: "xdg" })), { x: "xdg" })
    }))

  it.live.each<readonly [string, string | Uint8Array, RegExp]>([
    ["no TOML", "[[registry]]\nprefix = \"a\nlocation = 1", /line 2, column \d+: Invalid TOML/u],
    ["no UTF-8", new Uint8Array([35, 255, 254]), /not UTF-8/u],
    ["too much", `#${"x".repeat(1024 * 1024)}`, /more than 1048576 bytes/u],
    ["version 1", "[registries.search]\nregistries = []\n", /registries: is of version 1/u],
    ["no list", "[registry]\nprefix = \"a\"\n", /registry: has to be a list of tables/u],
    ["no place", "[[registry]]\nblocked = true\n", /registry 1: has neither prefix nor location/u],
    ["no location", "[[registry]]\nprefix = \"a.example\"\n", /registry 1: has no location/u],
    [
      "a mirror without a location",
      `${entry("a", "a")}[[registry.mirror]]\n`,
      /registry 1, mirror 1: has no location/u
    ],
    ["a number", entry("a", "a", "blocked = 1"), /registry 1, blocked: has to be true or false/u],
    ["an address", entry("a", "https://a.example"), /registry 1, location: is a name, without http/u],
    ["no host", entry("a", "/b"), /registry 1, location: does not begin/u],
    ["a path after a wildcard", entry("*.a.example/b", "c"), /registry 1, prefix: does not begin/u],
    ["a text without end", entry("a", "a", "insecure = \"yes\""), /registry 1, insecure: has to be true or false/u],
    [
      "pulls of no mirror",
      entry("a", "a", "pull-from-mirror = \"all\""),
      /registry 1, pull-from-mirror: is for mirrors/u
    ],
    [
      "an unknown kind of pull",
      `${entry("a", "a")}[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "some"\n`,
      /registry 1, mirror 1, pull-from-mirror: is none of all, digest-only, tag-only/u
    ],
    [
      "two words about one mirror",
      `${
        entry("a", "a", "mirror-by-digest-only = true")
      }[[registry.mirror]]\nlocation = "m"\npull-from-mirror = "all"\n`,
      /only one may say it/u
    ],
    [
      "two words about one location",
      entry("a", "x") + entry("b", "x", "blocked = true"),
      /registry 2, blocked: is not as/u
    ]
  ])("with %s are refused by name and place", ([, content, expected]) =>
    Effect.gen(function*() {
      for (const name of ["etc/registries.conf", "etc/registries.conf.d/x.conf", `${users}/registries.conf`]) {
        const failed = yield* Effect.flip(reading({ [name]: content }))
        assert.strictEqual(failed._tag, "RegistriesConfInvalid")
        assert.isTrue(failed.path.endsWith(name))
        assert.match(failed.message, expected)
      }
    }))

  it.live("that are named have to be there", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(reading({}, { named: "none.conf" }))
      assert.match(failed.message, /none\.conf" cannot be used; nothing was asked of a registry: it is not there/u)
    }))
})

describe("a repository is read from", () => {
  const conf = (text: string) => reading({ "etc/registries.conf": text })

  const asked = Effect.fnUntraced(function*(text: string, name: string, byDigest?: boolean) {
    const slash = name.indexOf("/")
    return sourcesOf(yield* conf(text), name.slice(0, slash), name.slice(slash + 1), byDigest === true).map((
      { blockedBy, endpoint: { host, insecure, repository } }
    ) => `${host}/${repository}${insecure ? " insecure" : ""}${blockedBy === undefined ? "" : " blocked"}`)
  })

  it.live("where the longest prefix says, at the boundary of a name", () =>
    Effect.gen(function*() {
      const text = entry("one.example", "1.example") + entry("one.example/team", "2.example/deep") +
        entry("*.wild.example", "3.example/w") + "[[registry]]\nprefix = \"*.stay.example\"\n"
      const all = [
        ["one.example/app", "1.example/app"],
        ["one.example/team/app", "2.example/deep/app"],
        ["one.example/teams/app", "1.example/teams/app"],
        ["one.example:5000/app", "1.example:5000/app"],
        ["one.example.org/app", "one.example.org/app"],
        ["a.wild.example/app", "3.example/w/app"],
        ["a.b.wild.example:5000/app", "3.example/w:5000/app"],
        ["wild.example/app", "wild.example/app"],
        ["x/a.wild.example", "x/a.wild.example"],
        ["a.stay.example/app", "a.stay.example/app"],
        ["docker.io/library/alpine", "docker.io/library/alpine"]
      ] as const
      for (const [name, place] of all) assert.deepStrictEqual(yield* asked(text, name), [place], name)
    }))

  it.live("its mirrors first, each for the pulls that it is for", () =>
    Effect.gen(function*() {
      const mirror = (location: string, more = "") => `[[registry.mirror]]\nlocation = "${location}"\n${more}\n`
      const text = entry("docker.io", "index.docker.io") + mirror("all.example/hub", "insecure = true") +
        mirror("digests.example", "pull-from-mirror = \"digest-only\"") +
        mirror("tags.example", "pull-from-mirror = \"tag-only\"")
      const own = "docker.io/library/alpine"
      assert.deepStrictEqual(yield* asked(text, own), [
        "all.example/hub/library/alpine insecure",
        "tags.example/library/alpine",
        own
      ])
      assert.deepStrictEqual(yield* asked(text, own, true), [
        "all.example/hub/library/alpine insecure",
        "digests.example/library/alpine",
        own
      ])
      const digests = entry("a.example", "a.example", "mirror-by-digest-only = true") + mirror("m.example")
      assert.deepStrictEqual(yield* asked(digests, "a.example/b"), ["a.example/b"])
      assert.deepStrictEqual(yield* asked(digests, "a.example/b", true), ["m.example/b", "a.example/b"])
    }))

  it.live("nothing that is blocked, whichever way leads there", () =>
    Effect.gen(function*() {
      const text = entry("a.example", "b.example", "blocked = true") +
        "[[registry.mirror]]\nlocation = \"m.example\"\n" +
        "[[registry.mirror]]\nlocation = \"bad.example\"\n" + entry("bad.example", "bad.example", "blocked = true")
      assert.deepStrictEqual(yield* asked(text, "a.example/x"), [
        "m.example/x",
        "bad.example/x blocked",
        "b.example/x blocked"
      ])
    }))
})
