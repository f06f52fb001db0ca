/** Commands about archives. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { inMemory } from "../http/support/serving.ts"
import { toolPath } from "../remote/support/others.ts"
import { image, index, pushImage, pushManifest, referrerOf } from "../support/images.ts"
import { json, ocl, temporaryDirectory } from "./support/command.ts"
import { spawnServer } from "./support/server.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(multi, "signature")

/** A layout with an index, an image and a signature, and a folder beside it. */
const world = Effect.gen(function*() {
  const folder = yield* temporaryDirectory
  const layout = join(folder, "images")
  const registry = yield* makeDisk({ directory: layout, durability: "none" })
  for (const part of [one, other]) yield* pushImage(registry, "team/app", part)
  yield* pushManifest(registry, "team/app", multi, ["v1"])
  yield* pushManifest(registry, "team/app", one, ["single"])
  yield* pushImage(registry, "team/app", signature)
  return { folder, layout }
})

/** Both images of the world come out of an archive. */
const loadBoth = Effect.fnUntraced(function*(file: string, folder: string) {
  yield* json(["load", file, "--layout", join(folder, "new")])
  const tags = yield* json(["tags", `${folder}/new/team/app`, "--long"])
  assert.deepStrictEqual((tags["details"] as Array<{ digest: string }>).map(({ digest }) => digest), [
    one.descriptor.digest,
    multi.descriptor.digest
  ])
})

describe("save and load", () => {
  it.live("bring images from one layout into another", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const file = join(folder, "images.tar")
      const saved = yield* json(["save", file, `${layout}/team/app:v1`, `${layout}/team/app:single`, "--referrers"])
      assert.deepInclude(saved, { file, images: ["team/app:v1", "team/app:single"], size: readFileSync(file).length })
      const again = yield* ocl(["save", file, `${layout}/team/app:v1`])
      assert.strictEqual(again.code, 4)
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["images", "images.tar"])
      yield* loadBoth(file, folder)
      assert.deepInclude(yield* json(["repositories", `${folder}/new`]), { repositories: ["team/app"] })
      const referrers = yield* json(["referrers", `${folder}/new/team/app:v1`])
      assert.strictEqual((referrers["referrers"] as Array<unknown>).length, 1)
    }))

  it.live("add to an archive, which keeps what it holds and is whole at every moment", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const file = join(folder, "images.tar")
      yield* json(["save", file, `${layout}/team/app:v1`, "--referrers"])
      const first = readFileSync(file)
      const added = yield* json(["save", file, `${layout}/team/app:single`, "--append"])
      assert.deepInclude(added, { images: ["team/app:single"], images_before: ["team/app:v1"], manifests: 1 })
      assert.strictEqual(added["size"], readFileSync(file).length)
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["images", "images.tar"])
      yield* loadBoth(file, folder)
      const referrers = yield* json(["referrers", `${folder}/new/team/app:v1`])
      assert.strictEqual((referrers["referrers"] as Array<unknown>).length, 1)
      const docker = JSON.parse(
        spawnSync("tar", ["-xOf", file, "manifest.json"], { encoding: "utf8" }).stdout
      ) as Array<{
        RepoTags: ReadonlyArray<string>
      }>
      assert.deepStrictEqual(docker.map(({ RepoTags }) => RepoTags), [["team/app:v1"], ["team/app:single"]])

      // Twice changes nothing; another image of the name, and damage, are refused.
      const whole = readFileSync(file)
      yield* json(["save", file, `${layout}/team/app:single`, "--append"])
      assert.isTrue(readFileSync(file).equals(whole))
      yield* ocl(["tag", "set", `${layout}/team/app:v1`, "single", "--move"])
      const refused = yield* ocl(["save", file, `${layout}/team/app:single`, "--append"])
      assert.include(refused.err, `is ${one.descriptor.digest} in ${file} already`)
      const damaged = Buffer.from(first)
      // The end of the last blob.
      damaged[first.findLastIndex((byte) => byte !== 0)] = 0x58
      writeFileSync(file, damaged)
      assert.notStrictEqual((yield* ocl(["save", file, `${layout}/team/app:single`, "--append"])).code, 0)
      assert.isTrue(readFileSync(file).equals(damaged))
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["images", "images.tar", "new"])
    }))

  it.live("say what is wrong with a file that is no archive", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const text = join(folder, "text")
      writeFileSync(text, "no archive")
      for (const command of [["load"], ["bundle", "apply"]]) {
        const told = (file: string) =>
          Effect.map(
            ocl([
              ...command,
              file,
              ...(command[0] === "bundle" ? [join(folder, "new")] : ["--layout", join(folder, "new")])
            ]),
            ({ code, err }) => [code, err.trim()] as const
          )
        assert.deepStrictEqual(yield* told(join(folder, "missing.tar")), [
          2,
          `error: "${join(folder, "missing.tar")}" does not exist`
        ])
        assert.match((yield* told(layout))[1], /is a folder; dir:PATH says .* ocilayout copy takes layouts/u)
        assert.match((yield* told(text))[1], /is no archive: a tar is expected, also compressed/u)
        assert.isFalse(existsSync(join(folder, "new")))
      }
    }))

  it.live("take what comes and goes on pipes", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const { bytes, code } = yield* ocl(["save", "-", `${layout}/team/app:single`])
      assert.strictEqual(code, 0)
      const { child, exit, stderr } = yield* spawnServer(["load", "-", "--layout", join(folder, "new")])
      child.stdin.end(bytes)
      assert.strictEqual(yield* exit, 0, stderr())
      assert.deepInclude(yield* json(["tags", `${folder}/new/team/app`]), { tags: ["single"] })
    }), 30_000)

  it.live("leave nothing where content is missing", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const [blob = ""] = one.layers.map(({ descriptor }) => descriptor.digest.slice(7))
      const path = join(layout, "blobs/sha256", blob)
      const bytes = readFileSync(path)
      spawnSync("chmod", ["u+w", path])
      writeFileSync(path, bytes.map((byte) => byte ^ 1))
      const { code } = yield* ocl(["save", join(folder, "a.tar"), `${layout}/team/app:single`])
      assert.strictEqual(code, 5)
      assert.isFalse(existsSync(join(folder, "a.tar")))
    }))

  it.live("save from a registry on the network", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const served = yield* inMemory()
      yield* pushImage(served.registry, "app", one, ["v1"])
      const { host } = new URL(served.url)
      const saved = yield* json(["save", join(folder, "a.tar"), `docker://${host}/app:v1`])
      assert.deepStrictEqual(saved["images"], [`${host}/app:v1`])
      const loaded = yield* json(["load", join(folder, "a.tar"), "--layout", join(folder, "new")])
      assert.deepInclude((loaded["images"] as Array<object>)[0], { repository: "app", tags: ["v1"] })
    }))
})

describe("bundles", () => {
  it.live("bring what the other side lacks, by a list or by an earlier bundle", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const [first, second, third] = ["first.tar", "second.tar", "third.tar"].map((name) => join(folder, name))
      const site = join(folder, "site")
      yield* json(["bundle", "create", first ?? "", `${layout}/team/app:single`])
      const base = yield* json(["bundle", "apply", first ?? "", site])
      assert.deepInclude(base, { file: first, base: 0, revision: 1 })
      const list = join(folder, "site.txt")
      writeFileSync(list, (yield* ocl(["inventory", site])).out)
      const made = yield* json(["bundle", "create", second ?? "", `${layout}/team/app:v1`, "--have", list])
      const held = [one.config, ...one.layers].reduce((sum, { bytes }) => sum + bytes.length, 0)
      assert.deepInclude(made, { images: ["team/app:v1"], base: 3, base_size: held })
      yield* json(["bundle", "create", third ?? "", `${layout}/team/app:v1`, "--have", first ?? ""])
      assert.isTrue(readFileSync(second ?? "").equals(readFileSync(third ?? "")))
      const refused = yield* ocl(["bundle", "apply", second ?? "", join(folder, "other")])
      assert.strictEqual(refused.code, 4)
      assert.match(refused.err, /nothing was changed[^]*Apply the bundles first/u)
      const done = yield* json(["bundle", "apply", second ?? "", site])
      assert.deepInclude(done, { base: 3, revision: 2 })
      assert.deepInclude(yield* json(["resolve", `${site}/team/app:v1`]), { digest: multi.descriptor.digest })
      const after = yield* json(["inventory", site])
      const told = yield* json(["inventory", second ?? ""])
      assert.includeMembers(after["digests"] as Array<string>, told["digests"] as Array<string>)
      const own = yield* json(["inventory", `${site}/team/app`])
      assert.deepStrictEqual(own, after)
    }), 60_000)

  it.live("go on pipes, and into registries on the network", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const served = yield* inMemory()
      const { host } = new URL(served.url)
      yield* pushImage(served.registry, "team/app", one, ["single"])
      const list = join(folder, "list.txt")
      writeFileSync(list, (yield* ocl(["inventory", `docker://${host}/`])).out)
      const { bytes, code } = yield* ocl(["bundle", "create", "-", `${layout}/team/app:v1`, "--have", list])
      assert.strictEqual(code, 0)
      const { child, exit, stderr } = yield* spawnServer(["bundle", "apply", "-", `docker://${host}/`])
      child.stdin.end(bytes)
      assert.strictEqual(yield* exit, 0, stderr())
      assert.strictEqual((yield* served.registry.resolveTag("team/app", "v1")).digest, multi.descriptor.digest)
    }), 30_000)

  it.live("take no list that is none", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const list = join(folder, "list.txt")
      writeFileSync(list, "hello\n")
      const { code, err } = yield* ocl([
        "bundle",
        "create",
        join(folder, "a.tar"),
        `${layout}/team/app:v1`,
        "--have",
        list
      ])
      assert.strictEqual(code, 2)
      assert.match(err, /is no inventory: it has no digest in line 1/u)
      assert.isFalse(existsSync(join(folder, "a.tar")))
    }))
})

describe("an archive in the place of a layout", () => {
  it.live("of one image is that image; of several, one is to be named", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const file = join(folder, "one.tar")
      yield* json(["save", file, `${layout}/team/app:single`])
      assert.include(yield* json(["inspect", file]), { digest: one.descriptor.digest })
      assert.include(yield* json(["copy", file, `${folder}/copied:v1`]), { digest: one.descriptor.digest })
      const both = join(folder, "both.tar")
      yield* json(["save", both, `${layout}/team/app:single`, `${layout}/team/app:v1`])
      const refused = yield* ocl(["inspect", both])
      assert.strictEqual(refused.code, 2)
      assert.match(refused.err, /is an archive; write [^]*both\.tar\/team\/app:single/u)
    }))

  it.live("is looked at, and copied from and to", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* world
      const file = join(folder, "a.tar")
      yield* json(["copy", `${layout}/team/app:single`, `oci-archive:${file}:team/app:single`])
      assert.deepInclude(yield* json(["tags", `${file}/team/app`]), { tags: ["single"] })
      assert.deepInclude(yield* json(["repositories", file]), { repositories: ["team/app"] })
      yield* json(["save", join(folder, "b.tar"), `${layout}/team/app:v1`])
      assert.strictEqual((yield* ocl(["tags", `${folder}/b.tar/team`])).code, 3)
      yield* json(["copy", `${layout}/team/app:single`, `oci-archive:${folder}/c.tar:app:single`])
      assert.deepInclude(yield* json(["tags", `${folder}/c.tar/app`]), { tags: ["single"] })
      assert.deepInclude(yield* json(["inspect", `${file}:team/app:single`]), { digest: one.descriptor.digest })
      assert.deepInclude(yield* json(["resolve", `oci-archive:${file}:team/app:single`]), {
        digest: one.descriptor.digest
      })
      assert.deepInclude(yield* json(["copy", `${file}/team/app:single`, `${folder}/new/app:v1`]), { tags: ["v1"] })
      assert.strictEqual((yield* ocl(["verify", file])).code, 0)
      const refused = yield* ocl(["tag", "set", `${file}/team/app:single`, "v2"])
      assert.strictEqual(refused.code, 4)
    }))

  it.live("may be a layout or a directory as skopeo names them", ({ skip }) =>
    Effect.gen(function*() {
      const skopeo = toolPath("skopeo")
      if (skopeo === undefined) return skip("there is no skopeo")
      const { folder, layout } = yield* world
      yield* json(["copy", `${layout}/team/app:single`, `oci:${folder}/theirs:v1`])
      const ran = spawnSync(skopeo, ["copy", "-q", `oci:${folder}/theirs:v1`, `dir:${folder}/flat`])
      assert.strictEqual(ran.status, 0, String(ran.stderr))
      assert.deepInclude(yield* json(["inspect", `dir:${folder}/flat`]), { digest: one.descriptor.digest })
      yield* json(["copy", `dir:${folder}/flat`, `oci:${folder}/theirs:v2`])
      assert.deepInclude(yield* json(["inspect", `oci:${folder}/theirs:v2`]), { digest: one.descriptor.digest })
    }), 30_000)
})
