/** Mirrors and blocks of registries.conf, beside skopeo where it is installed: the same file, the same outcome. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeMemory } from "../../../src/memory/index.ts"
import { serving } from "../../http/support/serving.ts"
import { isInstalled } from "../../support/commands.ts"
import { freePort } from "../../support/freePort.ts"
import { digestOf, image, pushImage } from "../../support/images.ts"
import { temporaryDirectory } from "../support/command.ts"
import { initialize, spawnServer, toolCall } from "../support/server.ts"

const [ours, mirrored] = [image("of the registry itself"), image("of the mirror")]

/** A registry with `team/app:v1`, and another that has `copies/app:v1` as a different image. */
const world = Effect.gen(function*() {
  const [own, mirror] = [yield* makeMemory(), yield* makeMemory()]
  for (const one of [ours, mirrored]) yield* pushImage(own, "team/app", one)
  yield* own.tagManifest("team/app", ours.descriptor.digest, ["v1"])
  yield* pushImage(mirror, "copies/app", mirrored, ["v1"])
  const hosts = [(yield* serving(own)).url, (yield* serving(mirror)).url].map((url) => new URL(url).host)
  const root = yield* temporaryDirectory
  const file = join(root, "registries.conf")
  const env = { CONTAINERS_REGISTRIES_CONF: file, HOME: root, XDG_CONFIG_HOME: root, REGISTRY_AUTH_FILE: "/dev/null" }
  const run = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
    const { child, exit, stderr, stdout } = yield* spawnServer(args, env)
    child.stdin.end()
    return { code: yield* exit, out: stdout(), err: stderr() }
  })
  const [host = "", other = ""] = hosts
  return { own, mirror, host, other, gone: `127.0.0.1:${yield* Effect.promise(freePort)}`, root, file, env, run }
})

type World = Effect.Success<typeof world>

const hasSkopeo = isInstalled("skopeo")

/** What skopeo reads with the same file: the digest, or nothing where it refuses. */
const skopeoReads = ({ file }: World, name: string): Effect.Effect<string | undefined> =>
  Effect.promise(() =>
    new Promise((resolve) => {
      execFile(
        "skopeo",
        ["--registries-conf", file, "inspect", "--raw", `docker://${name}`],
        { encoding: "buffer" },
        (error, out) => resolve(error === null ? digestOf(new Uint8Array(out)) : undefined)
      )
    })
  )

const own = ({ host }: World, more = "") => `[[registry]]\nlocation = "${host}"\ninsecure = true\n${more}\n`
const mirrorAt = (location: string, more = "") =>
  `[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n${more}\n`

/** The file, the name that is asked for below the registry, and the image that is found. */
const cases: ReadonlyArray<readonly [string, (at: World) => string, string, string | undefined]> = [
  ["no mirror", (at) => own(at), "team/app:v1", ours.descriptor.digest],
  [
    "a mirror of one folder",
    (at) => `[[registry]]\nprefix = "${at.host}/team"\nlocation = "${at.host}/team"\n${mirrorAt(`${at.other}/copies`)}`,
    "team/app:v1",
    mirrored.descriptor.digest
  ],
  ["a mirror that lacks it", (at) => own(at) + mirrorAt(at.other), "team/app:v1", ours.descriptor.digest],
  ["a mirror that is not there", (at) => own(at) + mirrorAt(at.gone), "team/app:v1", ours.descriptor.digest],
  [
    "a mirror for digests, and a tag",
    (at) => own(at) + mirrorAt(`${at.other}/copies`, "pull-from-mirror = \"digest-only\""),
    "team/app:v1",
    ours.descriptor.digest
  ],
  ["a blocked registry", (at) => own(at, "blocked = true"), "team/app:v1", undefined],
  [
    "a blocked registry with a mirror",
    (at) =>
      `[[registry]]\nprefix = "${at.host}/team"\nlocation = "${at.host}/team"\nblocked = true\n${
        mirrorAt(`${at.other}/copies`)
      }`,
    "team/app:v1",
    mirrored.descriptor.digest
  ],
  [
    "a blocked mirror",
    (at) => `${own(at)}${mirrorAt(at.other)}[[registry]]\nlocation = "${at.other}"\nblocked = true\ninsecure = true\n`,
    "team/app:v1",
    ours.descriptor.digest
  ],
  [
    "another location",
    (at) => `[[registry]]\nprefix = "*.example.com"\nlocation = "${at.other}/copies"\ninsecure = true\n`,
    "reg.example.com/app:v1",
    mirrored.descriptor.digest
  ]
]

describe("registries.conf", () => {
  it.live.each(cases)("with %s leads where it leads skopeo", ([, conf, asked, expected]) =>
    Effect.gen(function*() {
      const at = yield* world
      writeFileSync(at.file, conf(at))
      const name = asked.startsWith("reg.") ? asked : `${at.host}/${asked}`
      const { code, err, out } = yield* at.run("pull", name, "--layout", join(at.root, "layout"))
      if (expected === undefined) {
        assert.strictEqual(code, 4, err)
        assert.include(err, `is blocked by the entry ${at.host} in "${at.file}"`)
      } else {
        assert.strictEqual(code, 0, err)
        assert.include(out, expected.slice(0, 19))
      }
      if (hasSkopeo) assert.strictEqual(yield* skopeoReads(at, name), expected)
    }), 60_000)

  it.live(
    "is for reading: pushes, tags and deletes are of the registry itself, and blocks hold for them too",
    () =>
      Effect.gen(function*() {
        const at = yield* world
        const folder = `[[registry]]\nprefix = "${at.host}/team"\nlocation = "${at.host}/team"\n`
        writeFileSync(at.file, folder + mirrorAt(`${at.other}/copies`))
        const target = `docker://${at.host}/team/app`
        const copied = yield* at.run("copy", `${target}:v1`, `${target}:v2`)
        assert.strictEqual(copied.code, 0, copied.err)
        assert.strictEqual((yield* at.own.resolveTag("team/app", "v2")).digest, mirrored.descriptor.digest)
        assert.strictEqual((yield* at.run("tags", target)).out, "v1\nv2\n")
        writeFileSync(at.file, `${folder}blocked = true\n`)
        for (const args of [["copy", `${target}:v1`, `${target}:v3`], ["tags", target]]) {
          const { code, err } = yield* at.run(...args)
          assert.deepStrictEqual([code, /is blocked by the entry/u.test(err)], [4, true], err)
        }
        assert.strictEqual((yield* at.run("tags", `docker://${at.host}/other`)).code, 3)
        writeFileSync(at.file, "[[registry]]\nlocation = 5\n")
        const { code, err } = yield* at.run("tags", target)
        assert.strictEqual(code, 2, err)
        assert.include(
          err,
          `"${at.file}" cannot be used; nothing was asked of a registry: registry 1, location: has to be`
        )
      }),
    60_000
  )

  it.live("leads agents to no host that was not allowed", () =>
    Effect.gen(function*() {
      const at = yield* world
      const folder = (location: string) => `[[registry]]\nprefix = "${at.host}/team"\nlocation = "${location}"\n`
      const mirror = folder(`${at.host}/team`) + mirrorAt(`${at.other}/copies`)
      const cases = [
        [mirror, [at.host], ours.descriptor.digest],
        [mirror, [at.host, at.other], mirrored.descriptor.digest],
        [folder(`${at.other}/copies`), [at.host], "--allow-registry does not name it; nothing was sent"]
      ] as const
      for (const [number, [conf, allowed, expected]] of cases.entries()) {
        writeFileSync(at.file, conf)
        const args = allowed.flatMap((host) => ["--allow-registry", host])
        const server = yield* spawnServer(["mcp", join(at.root, `mcp${number}`), "--create", ...args], at.env)
        yield* server.send(initialize, toolCall(2, "oci_pull", { from: `${at.host}/team/app:v1` }))
        assert.include(JSON.stringify((yield* server.answers(2)).get(2)), expected)
      }
    }), 60_000)
})
