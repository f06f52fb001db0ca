import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { tarEnd, tarHeader } from "../../../src/make/tar/tarHeader.ts"
import { json, ocl } from "../support/command.ts"
import { world as layouts } from "./world.ts"

interface Config {
  readonly [field: string]: unknown
  readonly config: Record<string, unknown>
  readonly rootfs: { readonly diff_ids: ReadonlyArray<string> }
  readonly history: ReadonlyArray<Record<string, unknown>>
}

/** A folder of files, some of them special. */
const fill = (folder: string): void => {
  fs.mkdirSync(join(folder, "etc"), { recursive: true })
  fs.mkdirSync(join(folder, "x".repeat(120)))
  fs.writeFileSync(join(folder, "etc/motd"), "hello")
  fs.linkSync(join(folder, "etc/motd"), join(folder, "etc/motd2"))
  fs.symlinkSync("etc/motd", join(folder, "link"))
  fs.writeFileSync(join(folder, "run"), "#!/bin/sh\n", { mode: 0o755 })
  fs.writeFileSync(join(folder, "x".repeat(120), "grüße"), "deep")
  fs.writeFileSync(join(folder, "big"), Buffer.alloc(3_000_000, 7))
  fs.utimesSync(join(folder, "etc/motd"), 1_700_000_000, 1_700_000_000)
}

const world = Effect.gen(function*() {
  const found = yield* layouts
  const root = join(found.root, "root")
  fill(root)
  const config = Effect.fnUntraced(function*(reference: string) {
    const { config: { digest } } = yield* found.manifest(reference)
    return JSON.parse((yield* ocl(["blob", "get", `${found.app}@${digest}`])).out) as Config
  })
  return { ...found, files: root, config }
})

/** Everything about the files of a folder that a layer says. */
const told = (folder: string): ReadonlyArray<unknown> =>
  fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted().map((name) => {
    const path = join(folder, name)
    const { mode, mtimeMs, nlink } = fs.lstatSync(path)
    const isLink = fs.lstatSync(path).isSymbolicLink()
    const content = isLink
      ? fs.readlinkSync(path)
      : fs.statSync(path).isFile()
      ? fs.readFileSync(path, "base64")
      : undefined
    return {
      name,
      mode,
      nlink: fs.lstatSync(path).isDirectory() ? 0 : nlink,
      time: Math.floor(mtimeMs / 1000),
      content
    }
  })

/** Of a step of which nothing says when it was made. */
const created = "1970-01-01T00:00:00Z"

describe("image build", () => {
  it.live.each(["gzip", "zstd", "none"])("a folder comes back as it was, by %s", (compress) =>
    Effect.gen(function*() {
      const { app, config, files, manifest, root } = yield* world
      const args = ["image", "build", `${app}:1`, files, "--compress", compress]
      const built = yield* json(args)
      yield* json(["extract", `${app}:1`, join(root, "out")])
      assert.deepStrictEqual(told(join(root, "out")), told(files))
      const again = yield* json([...args, "--tag", "again"])
      assert.deepStrictEqual([again["digest"], again["existed"]], [built["digest"], true])
      const { created, history, rootfs } = yield* config(`${app}:1`)
      assert.isUndefined(created)
      assert.strictEqual(history.length, 1)
      const { layers: [layer] } = yield* manifest(`${app}:1`)
      assert.strictEqual(layer?.digest === rootfs.diff_ids[0], compress === "none")
    }))

  it.live("settings are the config's, and a time is the latest that a file can have", () =>
    Effect.gen(function*() {
      const { app, config, files } = yield* world
      const settings = [
        "--entrypoint",
        "[\"/run\",\"x\"]",
        "--cmd",
        "serve",
        "--env",
        "A=1",
        "--env",
        "B=x=y",
        "--label",
        "l=1",
        "--user",
        "1000",
        "--workdir",
        "/etc",
        "--expose",
        "80",
        "--volume",
        "/data",
        "--stop-signal",
        "SIGINT",
        "--platform",
        "linux/arm64/v8",
        "--created",
        "1600000000",
        "--author",
        "ada",
        "--created-by",
        "COPY . /"
      ]
      yield* json(["image", "build", `${app}:1`, files, "--to", "/srv/site", ...settings])
      const { config: container, rootfs, ...top } = yield* config(`${app}:1`)
      assert.deepStrictEqual(container, {
        User: "1000",
        ExposedPorts: { "80/tcp": {} },
        Env: ["A=1", "B=x=y"],
        Entrypoint: ["/run", "x"],
        Cmd: ["serve"],
        Volumes: { "/data": {} },
        WorkingDir: "/etc",
        Labels: { l: "1" },
        StopSignal: "SIGINT"
      })
      assert.strictEqual(rootfs.diff_ids.length, 1)
      assert.deepStrictEqual(top, {
        architecture: "arm64",
        os: "linux",
        variant: "v8",
        created: "2020-09-13T12:26:40Z",
        author: "ada",
        history: [{ created: "2020-09-13T12:26:40Z", created_by: "COPY . /" }]
      })
      const { files: listed } = yield* json(["files", `${app}:1`, "/srv/site/etc"])
      assert.deepStrictEqual(
        (listed as ReadonlyArray<{ path: string; modified: string }>).map(({ modified, path }) => [path, modified]),
        [
          ["/srv/site/etc/motd", "2020-09-13T12:26:40.000Z"],
          ["/srv/site/etc/motd2", "2020-09-13T12:26:40.000Z"]
        ]
      )
    }))

  it.live("on a base, and a tar as it is", () =>
    Effect.gen(function*() {
      const { app, config, files, manifest, root } = yield* world
      yield* json(["image", "build", `${app}:base`, files, "--env", "A=1", "--compress", "none"])
      const { layers: [base] } = yield* manifest(`${app}:base`)
      const tar = join(root, "layer.tar.gz")
      const blob = yield* ocl(["blob", "get", `${app}@${base?.digest ?? ""}`])
      fs.writeFileSync(tar, gzipSync(blob.bytes, { level: 1 }))
      const elsewhere = `${join(root, "other")}/shop/app`
      yield* json(["image", "build", `${elsewhere}:1`, tar, "--base", `${app}:base`, "--env", "B=2"])
      const built = yield* manifest(`${elsewhere}:1`)
      assert.deepStrictEqual(built.layers[0], base)
      assert.strictEqual(built.layers[1]?.size, fs.statSync(tar).size)
      assert.strictEqual(built.layers[1]?.mediaType, "application/vnd.oci.image.layer.v1.tar+gzip")
      const text = yield* ocl(["blob", "get", `${elsewhere}@${built.config.digest}`])
      const document = JSON.parse(text.out) as Config
      assert.deepStrictEqual(document.rootfs.diff_ids, [base?.digest, base?.digest] as ReadonlyArray<string>)
      assert.deepStrictEqual(document.config["Env"], ["A=1", "B=2"])
      assert.strictEqual((yield* config(`${app}:base`)).rootfs.diff_ids[0], base?.digest)
    }))

  it.live("refuses what is no layer, and leaves no tag", () =>
    Effect.gen(function*() {
      const { app, file, files } = yield* world
      fs.writeFileSync(join(files, ".wh.gone"), "")
      const cases: ReadonlyArray<readonly [input: string, why: string]> = [
        [files, "means a deletion"],
        [file("junk.tar", "x".repeat(1000)), "is no tar"],
        [file("cut.tar.gz", gzipSync("x".repeat(2000)).subarray(0, 12).toString("latin1")), "is no tar"],
        [join(files, "none"), "does not exist"]
      ]
      for (const [input, why] of cases) {
        const { code, err } = yield* ocl(["image", "build", `${app}:1`, input])
        assert.oneOf(code, [2, 3])
        assert.include(err, why)
      }
      assert.strictEqual((yield* ocl(["resolve", `${app}:1`])).code, 3)
      for (const flags of [["--expose", "x"], ["--workdir", "here"], ["--created", "soon"], ["--volume", "a"]]) {
        assert.strictEqual((yield* ocl(["image", "build", `${app}:1`, ...flags])).code, 2)
      }
      const notImage = yield* ocl(["artifact", "push", `${app}:file`, file("a", "a")])
      assert.strictEqual(notImage.code, 0)
      const { code, err } = yield* ocl(["image", "build", `${app}:1`, "--base", `${app}:file`])
      assert.deepStrictEqual([code, err.includes("is no image")], [4, true])
    }))
})

describe("image mutate, append and rebase", () => {
  it.live("change what was asked, and nothing else", () =>
    Effect.gen(function*() {
      const { app, config, files, manifest } = yield* world
      const built = yield* json(["image", "build", `${app}:1`, files, "--env", "A=1", "--env", "B=2", "--cmd", "x"])
      const before = { config: yield* config(`${app}:1`), manifest: yield* manifest(`${app}:1`) }
      const same = yield* json(["image", "mutate", `${app}:1`, "--replace"])
      assert.deepStrictEqual([same["digest"], same["revision"]], [built["digest"], undefined])

      const changed = yield* json(["image", "mutate", `${app}:1`, "--env", "A=3", "--env", "B=", "--replace"])
      assert.deepStrictEqual(changed["tags"], [{ tag: "1", from: built["digest"] }])
      assert.deepStrictEqual(yield* config(`${app}:1`), {
        ...before.config,
        config: { ...before.config.config, Env: ["A=3"] }
      })
      const { config: _config, ...rest } = yield* manifest(`${app}:1`)
      const { config: _before, ...restBefore } = before.manifest
      assert.deepStrictEqual(rest, restBefore)

      yield* json(["image", "mutate", `${app}:1`, "--entrypoint", "/run", "--annotation", "a=1", "--tag", "e"])
      assert.deepStrictEqual((yield* config(`${app}:e`)).config, { Env: ["A=3"], Entrypoint: ["/run"] })
      assert.deepStrictEqual((yield* manifest(`${app}:e`)).annotations, { a: "1" })
    }))

  it.live("media types and compression, there and back", () =>
    Effect.gen(function*() {
      const { app, config, files, manifest } = yield* world
      const built = yield* json(["image", "build", `${app}:1`, files])
      yield* json(["image", "mutate", `${app}:1`, "--media-types", "docker", "--tag", "docker"])
      const docker = yield* manifest(`${app}:docker`)
      assert.deepStrictEqual([docker.mediaType, docker.config.mediaType, docker.layers[0]?.mediaType], [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
      ])
      const back = yield* json(["image", "mutate", `${app}:docker`, "--media-types", "oci", "--tag", "back"])
      assert.strictEqual(back["digest"], built["digest"])

      yield* json(["image", "mutate", `${app}:docker`, "--compress", "zstd", "--tag", "zstd"])
      const zstd = yield* manifest(`${app}:zstd`)
      assert.strictEqual(zstd.layers[0]?.mediaType, "application/vnd.docker.image.rootfs.diff.tar.zstd")
      assert.deepStrictEqual(yield* config(`${app}:zstd`), yield* config(`${app}:1`))
      const small = yield* json(["image", "mutate", `${app}:zstd`, "--compress", "gzip", "--media-types", "oci"])
      assert.strictEqual(small["digest"], built["digest"])
    }))

  it.live("layers come on top, and a base is replaced below", () =>
    Effect.gen(function*() {
      const { app, config, files, manifest, root } = yield* world
      fs.mkdirSync(join(root, "patch"))
      fs.writeFileSync(join(root, "patch", "run"), "patched")
      yield* json(["image", "build", `${app}:base1`, files])
      yield* json(["image", "append", `${app}:base1`, join(root, "patch"), "--env", "OWN=1", "--tag", "app"])
      fs.writeFileSync(join(files, "etc/motd"), "new")
      yield* json(["image", "build", `${app}:base2`, files, "--history", "ENV x"])
      const bases = ["--from", `${app}:base1`, "--to", `${app}:base2`]
      yield* json(["image", "rebase", `${app}:app`, ...bases, "--tag", "rebased"])
      const [own, base, rebased] = [
        yield* manifest(`${app}:app`),
        yield* manifest(`${app}:base2`),
        yield* manifest(`${app}:rebased`)
      ]
      assert.deepStrictEqual(rebased.layers, [...base.layers, ...own.layers.slice(1)])
      const document = yield* config(`${app}:rebased`)
      assert.deepStrictEqual(document.config["Env"], ["OWN=1"])
      assert.deepStrictEqual(document.history, [
        { created, created_by: "ocilayout: the files of a folder" },
        { created, created_by: "ENV x", empty_layer: true },
        { created, created_by: "ocilayout: the files of a folder" }
      ])
      const base2 = String((yield* json(["resolve", `${app}:base2`]))["digest"])
      assert.deepStrictEqual(rebased.annotations, { "org.opencontainers.image.base.digest": base2 })
      assert.strictEqual((yield* ocl(["cat", `${app}:rebased`, "/run"])).out, "patched")
      assert.strictEqual((yield* ocl(["cat", `${app}:rebased`, "/etc/motd"])).out, "new")
      const wrong = yield* ocl(["image", "rebase", `${app}:rebased`, ...bases])
      assert.strictEqual(wrong.code, 2)
      assert.include(wrong.err, "is not the base")
    }))
})

describe("image flatten", () => {
  it.live("extended attributes of a tar stay, as a layer and in one of all", () =>
    Effect.gen(function*() {
      const { app, file, manifest, root } = yield* world
      const xattrs = new Map([["security.capability", Buffer.from([1, 0, 0, 2])], ["user.note", Buffer.from("mine")]])
      const header = tarHeader({
        type: "file",
        name: Buffer.from("bin"),
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
        size: 0,
        xattrs
      })
      const tar = Buffer.concat([header, tarEnd()])
      fs.writeFileSync(join(root, "layer.tar"), tar)
      yield* json(["image", "build", `${app}:1`, join(root, "layer.tar"), "--compress", "none"])
      const { layers: [layer] } = yield* manifest(`${app}:1`)
      assert.isTrue(tar.equals((yield* ocl(["blob", "get", `${app}@${layer?.digest ?? ""}`])).bytes))
      yield* json(["image", "append", `${app}:1`, file("empty.tar", "\0".repeat(1024)), "--replace"])
      yield* json(["image", "flatten", `${app}:1`, "--compress", "none", "--tag", "flat"])
      const { layers: [flat] } = yield* manifest(`${app}:flat`)
      const bytes = Buffer.from((yield* ocl(["blob", "get", `${app}@${flat?.digest ?? ""}`])).bytes)
      assert.isTrue(
        bytes.includes(Buffer.concat([Buffer.from("SCHILY.xattr.security.capability="), Buffer.from([1, 0, 0, 2])]))
      )
      assert.isTrue(bytes.includes("SCHILY.xattr.user.note=mine"))
    }))

  it.live("files are left out by patterns, of a list and of the command line", () =>
    Effect.gen(function*() {
      const { app, file, files } = yield* world
      const list = file(".dockerignore", "# special\nbig\netc/*\n")
      const args = ["--exclude-from", list, "--exclude", "!etc/motd2", "--exclude", "x*"]
      yield* json(["image", "build", `${app}:1`, files, ...args])
      assert.deepStrictEqual((yield* ocl(["files", `${app}:1`, "/"])).out.trim().split("\n"), [
        "/etc/",
        "/link -> etc/motd",
        "/run"
      ])
      assert.strictEqual((yield* ocl(["cat", `${app}:1`, "/etc/motd2"])).out, "hello")
      const { code, err } = yield* ocl(["image", "build", `${app}:2`, files, "--exclude", "../x"])
      assert.deepStrictEqual([code, err.includes("leads out of the folder")], [2, true])
    }))

  it.live("one layer has what a container sees", () =>
    Effect.gen(function*() {
      const { app, config, files, manifest, root } = yield* world
      fs.mkdirSync(join(root, "patch"))
      fs.writeFileSync(join(root, "patch", "run"), "patched")
      yield* json(["image", "build", `${app}:1`, files, "--env", "A=1"])
      yield* json(["image", "append", `${app}:1`, join(root, "patch"), "--replace"])
      yield* json(["image", "flatten", `${app}:1`, "--tag", "flat"])
      assert.strictEqual((yield* manifest(`${app}:flat`)).layers.length, 1)
      yield* json(["extract", `${app}:1`, join(root, "out")])
      yield* json(["extract", `${app}:flat`, join(root, "flat")])
      assert.deepStrictEqual(told(join(root, "flat")), told(join(root, "out")))
      const flat = yield* config(`${app}:flat`)
      assert.deepStrictEqual(flat.config, { Env: ["A=1"] })
      assert.deepStrictEqual(flat.history, [{ created, created_by: "ocilayout: all layers in one" }])
      const again = yield* json(["image", "flatten", `${app}:1`])
      assert.isTrue(again["existed"])
    }))
})
