/** What is made here is read by the tools of others; each is skipped where it is not installed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { json } from "../cli/support/command.ts"
import { missingOf, run } from "../support/commands.ts"
import { temporaryFolder } from "../support/folders.ts"

const missing = missingOf("made", ["bsdtar", "buildah", "crane", "oras", "podman", "regctl", "skopeo", "tar", "umoci"])

/** Files with everything that a layer can say of them and that every tool unpacks without being root. */
const fill = (folder: string): void => {
  fs.mkdirSync(join(folder, "bin"), { recursive: true })
  fs.mkdirSync(join(folder, "d".repeat(130)))
  fs.writeFileSync(join(folder, "bin/run"), "#!/bin/sh\n", { mode: 0o755 })
  fs.linkSync(join(folder, "bin/run"), join(folder, "bin/again"))
  fs.symlinkSync("bin/run", join(folder, "link"))
  fs.writeFileSync(join(folder, "d".repeat(130), "grüße"), "deep")
  fs.writeFileSync(join(folder, "empty"), "")
  fs.writeFileSync(join(folder, "big"), Buffer.alloc(2_500_000, "many blocks of text\n"))
}

/** A layout with an image of a folder as `1`, the same on top of it as `2`, and one layer of both as `3`. */
const world = Effect.gen(function*() {
  const root = yield* temporaryFolder
  const files = join(root, "files")
  fill(files)
  const layout = join(root, "img")
  yield* json(["image", "build", `${layout}:1`, files, "--entrypoint", "/bin/run", "--label", "a=b"])
  yield* json(["image", "append", `${layout}:1`, files, "--tag", "2"])
  yield* json(["image", "flatten", `${layout}:2`, "--tag", "3"])
  yield* json(["image", "build", `${layout}:plain`, files, "--compress", "none"])
  yield* json(["image", "mutate", `${layout}:plain`, "--media-types", "docker", "--tag", "docker"])
  return { root, files, layout }
})

/** Names, types, modes and content of all files. */
const told = (folder: string): ReadonlyArray<unknown> =>
  fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted().map((name) => {
    const path = join(folder, name)
    const stats = fs.lstatSync(path)
    const content = stats.isSymbolicLink()
      ? fs.readlinkSync(path)
      : stats.isFile()
      ? fs.readFileSync(path, "base64")
      : "folder"
    return [name, stats.mode, content]
  })

const unless = (...tools: ReadonlyArray<string>) => it.live.skipIf(tools.some((tool) => missing.has(tool)))

describe("images that are made here", () => {
  unless("umoci")("umoci unpacks", () =>
    Effect.gen(function*() {
      const { files, layout, root } = yield* world
      for (const tag of ["1", "2", "3", "plain"]) {
        run("umoci", "unpack", "--rootless", "--image", `${layout}:${tag}`, join(root, tag))
        assert.deepStrictEqual(told(join(root, tag, "rootfs")), told(files), tag)
      }
    }))

  unless("umoci")("umoci tells of, though nothing says when they were made", () =>
    Effect.gen(function*() {
      const { files, layout } = yield* world
      yield* json(["image", "mutate", `${layout}:1`, "--history", "a step", "--tag", "step"])
      for (const tag of ["1", "3", "step"]) {
        assert.include(run("umoci", "stat", "--image", `${layout}:${tag}`).toString(), "1970-01-01", files)
      }
    }))

  unless("crane")("crane finds valid", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* world
      for (const tag of ["1", "2", "3", "docker"]) {
        yield* json(["save", join(root, `${tag}.tar`), `${layout}:${tag}`, "--docker"])
        const said = run("crane", "validate", "--tarball", join(root, `${tag}.tar`)).toString()
        assert.include(said, "PASS", tag)
      }
    }))

  unless("skopeo")("skopeo copies, checking every digest", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* world
      yield* json(["image", "build", `${layout}:zstd`, join(root, "files"), "--compress", "zstd"])
      // It looks for no manifests of Docker in a layout.
      for (const tag of ["1", "3", "zstd"]) {
        run("skopeo", "--insecure-policy", "copy", `oci:${layout}:${tag}`, `dir:${join(root, tag)}`)
        assert.isTrue(fs.existsSync(join(root, tag, "manifest.json")))
      }
      const { Labels } = JSON.parse(run("skopeo", "inspect", `oci:${layout}:1`).toString()) as { Labels: object }
      assert.deepStrictEqual(Labels, { a: "b" })
    }))

  unless("buildah")("buildah mounts", () =>
    Effect.gen(function*() {
      const { files, root } = yield* world
      const storage = ["--storage-driver", "vfs", "--root", join(root, "st"), "--runroot", join(root, "rr")]
      // It takes the path for a name, which has to be in lower case.
      const buildah = (...args: ReadonlyArray<string>) =>
        execFileSync("buildah", [...storage, ...args], { cwd: root, stdio: "pipe", encoding: "utf8" }).trim()
      yield* Effect.gen(function*() {
        for (const tag of ["1", "2", "3"]) {
          const container = buildah("from", `oci:img:${tag}`)
          yield* Effect.sync(() => assert.deepStrictEqual(told(buildah("mount", container)), told(files), tag))
        }
      }).pipe(Effect.ensuring(Effect.sync(() => buildah("rm", "--all"))))
    }))

  for (const tool of ["bsdtar", "tar"]) {
    unless(tool)(`${tool} reads the layers`, () =>
      Effect.gen(function*() {
        const { files, layout, root } = yield* world
        const { manifest } = yield* json(["cat", `${layout}:plain`])
        const [layer] = (manifest as { layers: ReadonlyArray<{ digest: string }> }).layers
        fs.mkdirSync(join(root, "out"))
        run(tool, "-xpf", join(layout, "blobs", (layer?.digest ?? "").replace(":", "/")), "-C", join(root, "out"))
        assert.deepStrictEqual(told(join(root, "out")), told(files))
      }))
  }
})

/** An archive of two images, the second of which was added to it, and the digests of both. */
const archive = Effect.gen(function*() {
  const { layout, root } = yield* world
  const file = join(root, "both.tar")
  yield* json(["save", file, `${layout}:1`])
  yield* json(["save", file, `${layout}:2`, "--append"])
  const digests = yield* Effect.forEach(["1", "2"], (tag) => json(["resolve", `${layout}:${tag}`]))
  return { root, file, digests: digests.map(({ digest }) => digest) }
})

// crane is not among them: it reads archives of one image only.
describe("an archive that an image was added to", () => {
  unless("skopeo")("skopeo reads in both of its formats", () =>
    Effect.gen(function*() {
      const { digests, file } = yield* archive
      for (const [at, tag] of ["1", "2"].entries()) {
        const { Digest } = JSON.parse(run("skopeo", "inspect", `oci-archive:${file}:img:${tag}`).toString()) as {
          Digest: string
        }
        assert.strictEqual(Digest, digests[at])
        run("skopeo", "inspect", `docker-archive:${file}:img:${tag}`)
      }
    }))

  unless("regctl")("regctl imports", () =>
    Effect.gen(function*() {
      const { digests, file, root } = yield* archive
      for (const [at, tag] of ["1", "2"].entries()) {
        run("regctl", "image", "import", `ocidir://${join(root, "regctl")}:${tag}`, file, "--name", `img:${tag}`)
        const said = run("regctl", "image", "digest", `ocidir://${join(root, "regctl")}:${tag}`).toString().trim()
        assert.strictEqual(said, digests[at])
      }
    }))

  unless("podman")("podman loads", () =>
    Effect.gen(function*() {
      const { file, root } = yield* archive
      const storage = ["--storage-driver", "vfs", "--root", join(root, "st"), "--runroot", join(root, "rr")]
      const said = run("podman", ...storage, "load", "-i", file).toString()
      for (const tag of ["1", "2"]) assert.include(said, `localhost/img:${tag}`)
    }))
})

describe("indexes and artifacts that are made here", () => {
  unless("regctl")("regctl reads", () =>
    Effect.gen(function*() {
      const { files, layout } = yield* world
      yield* json(["image", "build", `${layout}:arm`, files, "--platform", "linux/arm64"])
      yield* json(["index", "create", `${layout}:all`, `${layout}:1`, `${layout}:arm`])
      const said = run("regctl", "image", "inspect", "--platform", "linux/arm64", `ocidir://${layout}:all`).toString()
      assert.strictEqual((JSON.parse(said) as { architecture: string }).architecture, "arm64")
    }))

  unless("oras")("oras pulls and discovers", () =>
    Effect.gen(function*() {
      const { files, layout, root } = yield* world
      const file = join(files, "bin/run")
      yield* json(["artifact", "push", `${layout}:file`, file, "--type", "application/x-thing"])
      run("oras", "pull", "--oci-layout", `${layout}:file`, "-o", join(root, "got"))
      assert.strictEqual(fs.readFileSync(join(root, "got/run"), "utf8"), "#!/bin/sh\n")
      const { digest } = yield* json(["artifact", "attach", `${layout}:1`, file, "--type", "spdx"])
      const said = run("oras", "discover", "--oci-layout", `${layout}:1`, "--format", "json").toString()
      assert.include(said, String(digest))
    }))
})
