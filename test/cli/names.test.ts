/** Names that fit no grammar, manifests without a name, and directories that are no layouts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "./support/command.ts"

const mediaType = "application/vnd.oci.image.manifest.v1+json"
const refName = "org.opencontainers.image.ref.name"

/** A layout as another tool leaves it, with an image under each of these names, or under none. */
const layoutOf = (directory: string, ...names: ReadonlyArray<string | undefined>): string => {
  fs.mkdirSync(join(directory, "blobs", "sha256"), { recursive: true })
  const blob = (content: string) => {
    const hex = createHash("sha256").update(content).digest("hex")
    fs.writeFileSync(join(directory, "blobs", "sha256", hex), content)
    return { digest: `sha256:${hex}`, size: content.length }
  }
  const config = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    ...blob(`{"os":"linux","architecture":"arm64"}`)
  }
  const image = { mediaType, ...blob(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })) }
  const manifests = names.map((name) => name === undefined ? image : { ...image, annotations: { [refName]: name } })
  fs.writeFileSync(join(directory, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
  fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  return image.digest
}

/** What the index says: each name with its digest. */
const namesIn = (directory: string): ReadonlyArray<string | undefined> => {
  const index: unknown = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8"))
  const { manifests } = index as { manifests: ReadonlyArray<{ annotations?: Record<string, string> }> }
  return manifests.map(({ annotations }) => annotations?.[refName])
}

const grammarless = ["1.2.3+build.5", "localhost:5000/team/web:2"]

describe("a name that fits no grammar", () => {
  it.live.each(grammarless)(
    "%s is read, tagged and deleted, by path, by --layout and by digest",
    (name) =>
      Effect.gen(function*() {
        const layout = join(yield* temporaryDirectory, "images")
        const digest = layoutOf(layout, name)
        for (
          const args of [[`${layout}/${name}`], ["--layout", layout, name], [`${layout}:${name}`], [
            `${layout}/images@${digest}`
          ]]
        ) {
          assert.strictEqual((yield* ocl(["resolve", ...args])).out, `${digest}\n`, args.join(" "))
          assert.strictEqual((yield* ocl(["inspect", ...args])).code, 0, args.join(" "))
        }
        assert.strictEqual((yield* ocl(["tag", "set", `${layout}/${name}`, "by-name"])).code, 0)
        assert.strictEqual((yield* ocl(["tag", "set", `${layout}/images@${digest}`, "by-digest"])).code, 0)
        assert.deepStrictEqual(namesIn(layout), [name, "by-name", "by-digest"])
        assert.strictEqual((yield* ocl(["copy", `${layout}/${name}`, `${layout}/images:copied`])).code, 0)
        const dry = yield* json(["tag", "delete", `${layout}/${name}`, "--dry-run"])
        assert.deepStrictEqual([dry["deleted"], dry["tags_removed"]], [false, [name]])
        assert.strictEqual((yield* ocl(["tag", "delete", `${layout}/${name}`])).code, 0)
        assert.deepStrictEqual(namesIn(layout), ["by-name", "by-digest", "copied"])
      })
  )

  it.live("goes with manifest delete, and is kept by digest where only its name goes", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const digest = layoutOf(join(root, "kept"), "1.2.3+build.5")
      assert.strictEqual((yield* ocl(["tag", "delete", "--layout", join(root, "kept"), "1.2.3+build.5"])).code, 0)
      assert.deepStrictEqual(namesIn(join(root, "kept")), [undefined])
      assert.strictEqual((yield* ocl(["resolve", join(root, "kept")])).out, `${digest}\n`)
      layoutOf(join(root, "gone"), "1.2.3+build.5")
      assert.strictEqual((yield* ocl(["manifest", "delete", "--layout", join(root, "gone"), "1.2.3+build.5"])).code, 0)
      assert.deepStrictEqual(namesIn(join(root, "gone")), [])
    }))

  it.live("moves to another manifest, and is not made where no entry has it", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      layoutOf(layout, "1.2.3+build.5", "v1")
      const config = yield* json(["blob", "push", `${layout}/images`, join(layout, "oci-layout")])
      const manifest = join(root, "manifest.json")
      fs.writeFileSync(
        manifest,
        JSON.stringify({
          schemaVersion: 2,
          mediaType,
          config: {
            mediaType: "application/vnd.oci.image.config.v1+json",
            digest: config["digest"],
            size: config["size"]
          },
          layers: []
        })
      )
      const other = (yield* ocl(["manifest", "push", `${layout}:v2`, manifest])).out.trim()
      assert.strictEqual((yield* ocl(["tag", "set", `${layout}:v2`, "1.2.3+build.5"])).code, 4)
      assert.strictEqual((yield* ocl(["tag", "set", `${layout}:v2`, "1.2.3+build.5", "--move"])).code, 0)
      assert.strictEqual((yield* ocl(["resolve", `${layout}/1.2.3+build.5`])).out, `${other}\n`)
      assert.strictEqual((yield* ocl(["tag", "set", `${layout}:v2`, "new+name", "--move"])).code, 2)
    }))
})

describe("a manifest without a tag", () => {
  it.live("is listed, and is what its layout or repository means where it is the only one", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "single")
      const digest = layoutOf(layout, undefined)
      assert.strictEqual((yield* ocl(["tags", layout, "--untagged"])).out, `single@${digest}\n`)
      for (const name of [layout, `${layout}/single`]) {
        assert.strictEqual((yield* ocl(["resolve", name])).out, `${digest}\n`, name)
      }
      assert.strictEqual((yield* ocl(["copy", layout, join(root, "new:v1")])).code, 0)
      assert.deepStrictEqual(namesIn(join(root, "new")), ["v1"])
    }))

  it.live("is one of several where a repository has more, and those are told", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "several")
      layoutOf(layout, "app:v1", "app:v2")
      for (
        const command of [["resolve", `${layout}/app`], ["resolve", layout], [
          "copy",
          `${layout}/app`,
          join(root, "x:1")
        ]]
      ) {
        const refused = yield* ocl(command)
        assert.notStrictEqual(refused.code, 0)
        assert.include(refused.err, "app:v1")
        assert.include(refused.err, "app:v2")
      }
      layoutOf(layout, "app:latest", "app:v2")
      const refused = yield* ocl(["copy", `${layout}/app`, join(root, "x:1")])
      assert.strictEqual(refused.code, 2)
      assert.include(refused.err, "app:latest, app:v2")
      assert.isFalse(fs.existsSync(join(root, "x")))
    }))
})

describe("DIR:TAG", () => {
  it.live("is a bare tag of the default repository, in a layout that is made for it", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const source = join(root, "source")
      const digest = layoutOf(source, "v1")
      for (const name of ["D", "MyApp", "tmp.AbC123", "plain", "---"]) {
        const layout = join(root, name)
        assert.strictEqual((yield* ocl(["copy", `${source}:v1`, `${layout}:v1`])).code, 0, name)
        assert.strictEqual((yield* ocl(["tag", "set", `${layout}:v1`, "v2"])).code, 0, name)
        assert.strictEqual((yield* ocl(["copy", `${source}:v1`, `${layout}/team/app:v3`])).code, 0, name)
        assert.deepStrictEqual(namesIn(layout), ["v1", "v2", "team/app:v3"], name)
        // Renaming the directory renames nothing.
        const repositories = (yield* ocl(["repositories", layout])).out
        fs.renameSync(layout, `${layout}-renamed`)
        assert.strictEqual((yield* ocl(["repositories", `${layout}-renamed`])).out, repositories, name)
        assert.strictEqual((yield* ocl(["resolve", `${layout}-renamed:v1`])).out, `${digest}\n`, name)
      }
    }))

  it.live("is of the repository that --default-repository says, as a tag of a layout without entries is", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const source = join(root, "source")
      layoutOf(source, "v1")
      const layout = join(root, "empty")
      yield* ocl(["init", layout, "--default-repository", "team/site"])
      assert.strictEqual((yield* ocl(["copy", `${source}:v1`, `${layout}:v1`])).code, 0)
      assert.deepStrictEqual(namesIn(layout), ["v1"])
      assert.strictEqual((yield* ocl(["repositories", layout])).out, "team/site\n")
    }))
})

describe("what is no layout", () => {
  it.live("is told by what it is, by every command that reads", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const put = (path: string, content: string): void => {
        fs.mkdirSync(join(root, path, ".."), { recursive: true })
        fs.writeFileSync(join(root, path), content)
      }
      put("image.tar", `${"\0".repeat(257)}ustar\0${"\0".repeat(249)}`)
      put("file", "hello")
      put("skopeo/version", "Directory Transport Version: 1.1\n")
      put("skopeo/manifest.json", "{}")
      put("sparse/sparse-oci-layout", "{}")
      put("things/notes.txt", "")
      fs.mkdirSync(join(root, "empty"))
      layoutOf(join(root, "tree", "team", "app"), "v1")
      const told: ReadonlyArray<readonly [string, string]> = [
        [join(root, "none"), "does not exist"],
        [join(root, "file"), "is a file, not a directory"],
        [join(root, "skopeo"), "skopeo copy dir:"],
        [join(root, "sparse"), "has sparse-oci-layout"],
        [join(root, "things"), "is a directory of other things: \"notes.txt\""],
        [join(root, "empty"), "is an empty directory"],
        [join(root, "tree"), "there are layouts in it, such as \"team/app\""],
        ["oci:somewhere:v1", "does not exist"],
        ["oci-archive:image.tar", "does not exist"],
        [`oci-archive:${join(root, "none")}:v1`, "does not exist"]
      ]
      for (const [path, reason] of told) {
        for (const command of [["tags"], ["verify"], ["resolve"], ["repositories"], ["history"], ["gc"]]) {
          const { code, err, out } = yield* ocl([...command, path])
          assert.deepStrictEqual([code, out], [3, ""], `${command.join(" ")} ${path}: ${err}`)
          assert.include(err, reason)
        }
      }
      for (const path of [join(root, "image.tar"), `dir:${join(root, "things")}`]) {
        const { code, err } = yield* ocl(["tags", path])
        assert.strictEqual(code, 5)
        assert.include(err, "is not an archive of images")
      }
      const remote = "docker://example.org/app:1"
      for (const command of ["verify", "resolve", "history", "gc"]) {
        const { code, err } = yield* ocl([command, remote])
        assert.strictEqual(code, 3)
        assert.include(err, `ocilayout copy ${remote} LAYOUT/REPOSITORY:TAG`)
      }
      for (const command of ["tags", "repositories"]) {
        const { code, err } = yield* ocl([command, remote])
        assert.strictEqual(code, 2)
        assert.include(err, "alone: docker://example.org/")
      }
      const tree = (yield* ocl(["repositories", "--layout", join(root, "tree", "team", "app"), "--per-repository"])).err
      assert.include(tree, "is one layout, not a tree of layouts")
      for (const path of ["none", "things"]) {
        assert.strictEqual(
          (yield* ocl(["repositories", "--layout", join(root, path), "--per-repository"])).code,
          3,
          path
        )
      }
    }))

  it.live("but had been one becomes a new one, with nothing of what was removed", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const [source, layout] = [join(root, "source"), join(root, "emptied")]
      const digest = layoutOf(source, "v1")
      assert.strictEqual((yield* ocl(["copy", `${source}:v1`, `${layout}:old`])).code, 0)
      // As rm -rf DIR/* leaves it.
      for (const name of fs.readdirSync(layout)) {
        if (name !== ".ocilayout") fs.rmSync(join(layout, name), { recursive: true })
      }
      assert.deepStrictEqual(fs.readdirSync(layout), [".ocilayout"])
      for (const command of ["tags", "mcp", "verify"]) {
        const { code, err } = yield* ocl([command, layout])
        assert.strictEqual(code, 3, command)
        assert.include(err, "has nothing but .ocilayout", command)
      }
      assert.strictEqual((yield* ocl(["copy", `${source}:v1`, `${layout}:new`])).code, 0)
      assert.deepStrictEqual(namesIn(layout), ["new"])
      assert.strictEqual((yield* ocl(["resolve", `${layout}:new`])).out, `${digest}\n`)
      assert.strictEqual((yield* ocl(["verify", layout])).code, 0)
    }))

  it.live("is said when a layout is made beside it", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      fs.writeFileSync(join(root, "notes.txt"), "")
      const made = yield* ocl(["init", root])
      assert.include(made.out, "beside what was there: notes.txt")
    }))
})

describe("tags delete", () => {
  it.live("several in one change, or none", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      layoutOf(layout, "app:a", "app:b", "app:c")
      assert.strictEqual((yield* ocl(["tag", "delete", `${layout}/app:a`, "gone", "b"])).code, 3)
      assert.deepStrictEqual(namesIn(layout), ["app:a", "app:b", "app:c"])
      const done = yield* json(["tag", "delete", `${layout}/app:a`, "gone", "b", "--if-exists"])
      assert.deepStrictEqual(done["tags_removed"], ["a", "b"])
      assert.deepStrictEqual(namesIn(layout), ["app:c"])
      const nothing = yield* json(["tag", "delete", `${layout}/app:gone`, "--if-exists"])
      assert.deepStrictEqual([nothing["deleted"], nothing["tags_removed"]], [false, []])
    }))

  it.live("takes further tags as whole references too, and so does tag set", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      const digest = layoutOf(layout, "app:a", "app:b")
      const set = yield* json(["tag", "set", `${layout}/app@${digest}`, `${layout}/app:c`, "d"])
      assert.deepStrictEqual(set["created"], ["c", "d"])
      const one = yield* json(["tag", "set", `${layout}/app:c`, `${layout}/app:e`])
      assert.deepStrictEqual(one["created"], ["e"])
      const done = yield* json(["tag", "delete", `${layout}/app:a`, `${layout}/app:b`, "c"])
      assert.deepStrictEqual(done["tags_removed"], ["a", "b", "c"])
      const other = yield* ocl(["tag", "delete", `${layout}/app:d`, `${layout}/other:e`])
      assert.strictEqual(other.code, 2)
    }))

  it.live("and a dry run of a refused deletion is refused", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      const digest = layoutOf(layout, "app:a")
      const blob = `${layout}/app@${digest}`
      assert.strictEqual((yield* ocl(["blob", "delete", blob])).code, 4)
      assert.strictEqual((yield* ocl(["blob", "delete", blob, "--dry-run"])).code, 4)
    }))
})

describe("tags", () => {
  it.live("are listed by a pattern, and no more than asked for", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      layoutOf(layout, "app:v1.0", "app:v1.1", "app:v2.0", "app:v10")
      assert.strictEqual((yield* ocl(["tags", layout, "--match", "v1.*"])).out, "v1.0\nv1.1\n")
      const some = yield* json(["tags", layout, "--limit", "1"])
      assert.deepStrictEqual([some["tags"], some["left_out"]], [["v1.0"], 3])
    }))
})

describe("content from a pipe", () => {
  it.live("is pushed as from a file, and what cannot be read is told", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = layoutAt(root)
      const pipe = join(root, "pipe")
      execFileSync("mkfifo", [pipe])
      const writer = spawn("sh", ["-c", `printf hello > ${pipe}`])
      const pushed = yield* json(["blob", "push", `${layout}/app`, pipe])
      writer.kill()
      assert.strictEqual(pushed["size"], 5)
      const missing = yield* ocl(["blob", "push", `${layout}/app`, join(root, "none")])
      assert.strictEqual(missing.code, 3)
      const folder = yield* ocl(["blob", "push", `${layout}/app`, root])
      assert.strictEqual(folder.code, 3)
      assert.include(folder.err, "is a directory, not a file")
    }))
})

const layoutAt = (root: string): string => {
  layoutOf(join(root, "images"), "app:v1")
  return join(root, "images")
}

describe("a failure", () => {
  it.live("of the medium tells the whole path, and what the system said in words", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      fs.writeFileSync(join(root, "file"), "")
      const { err } = yield* ocl(["init", join(root, "file", "layout")])
      assert.include(err, join(root, "file"))
      assert.include(err, "a part of its path is a file, not a directory (ENOTDIR)")
    }))

  it.live("by a manifest that is damaged names it, and ends with 5", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      layoutOf(layout, "app:v1")
      const content = "{\"no\":\"manifest\"}"
      const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`
      fs.writeFileSync(join(layout, "blobs", digest.replace(":", "/")), content)
      const entry = { mediaType, digest, size: content.length, annotations: { [refName]: "app:v1" } }
      fs.writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
      for (const command of [["inspect"], ["copy", "--tag", "x"]]) {
        const args = command[0] === "copy"
          ? ["copy", `${layout}/app:v1`, `${layout}/app:v2`]
          : ["inspect", `${layout}/app:v1`]
        const { code, err } = yield* ocl(args)
        assert.strictEqual(code, 5, args.join(" "))
        assert.include(err, digest)
      }
    }))
})

describe("what people know from other tools", () => {
  it.live("ls, cp, rm, cat and digest do what they say there", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = layoutAt(root)
      const digest = (yield* ocl(["digest", `${layout}/app:v1`])).out.trim()
      assert.match(digest, /^sha256:/u)
      assert.strictEqual((yield* ocl(["cp", `${layout}/app:v1`, `${layout}/app:v2`])).code, 0)
      assert.strictEqual((yield* ocl(["rm", `${layout}/app:v1`])).code, 0)
      assert.strictEqual((yield* ocl(["ls", `${layout}/app`])).out, "v2\n")
      assert.include((yield* ocl(["cat", `${layout}/app:v2`])).out, "schemaVersion")
      const inspected = yield* json(["inspect", `${layout}/app:v2`])
      assert.match(String(inspected["config_digest"]), /^sha256:/u)
    }))
})

describe("copy --all-tags", () => {
  it.live("takes the tags that fit, to the same tags", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      layoutOf(layout, "app:v1", "app:v2", "app:latest")
      const done = yield* json(["copy", `${layout}/app`, `${join(root, "mirror")}/app`, "--all-tags", "--match", "v*"])
      assert.deepStrictEqual(done["tags"], ["v1", "v2"])
      assert.strictEqual((yield* ocl(["tags", `${join(root, "mirror")}/app`])).out, "v1\nv2\n")
    }))
})
