import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "./support/command.ts"

const octets = "application/vnd.oci.image.layer.v1.tar"
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** A layout with an image that two tags name, and an SBOM that refers to it. */
const world = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  const file = (name: string, content: string): string => {
    fs.writeFileSync(join(root, name), content)
    return join(root, name)
  }
  const push = (manifest: object, name: string, ...more: ReadonlyArray<string>) =>
    ocl(["manifest", "push", name, file("manifest.json", JSON.stringify({ schemaVersion: 2, ...manifest })), ...more])
  yield* ocl(["init", layout])
  const config = yield* json(["blob", "push", `${layout}/example/app`, file("config", "{}")])
  const layer = yield* json(["blob", "push", `${layout}/example/app`, file("layer", "hello")])
  const image = {
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config["digest"], size: 2 },
    layers: [{ mediaType: octets, digest: layer["digest"], size: 5 }]
  }
  const pushed = yield* push(image, `${layout}/example/app:v1`)
  const digest = pushed.out.trim()
  const subject = {
    mediaType: manifestType,
    digest,
    size: Number((yield* json(["resolve", `${layout}/example/app:v1`]))["size"])
  }
  const sbom = yield* push(
    { ...image, artifactType: "application/spdx+json", subject, annotations: { "org.example.note": "n\u{1b}[31m" } },
    `${layout}/example/app`
  )
  yield* ocl(["tag", "set", `${layout}/example/app:v1`, "latest"])
  return { root, layout, file, digest, image, push, layer: String(layer["digest"]), sbom: sbom.out.trim() }
})

const lines = (text: string): ReadonlyArray<string> => text.trimEnd().split("\n")

describe("manifest push --fallback-tag", () => {
  it.live("lists what refers to a manifest under a tag, and later ones without being asked", () =>
    Effect.gen(function*() {
      const { digest, file, image, layout } = yield* world
      const app = `${layout}/example/app`
      const tag = digest.replace(":", "-")
      const refer = (note: string, ...args: ReadonlyArray<string>) => {
        const subject = { mediaType: manifestType, digest, size: 1 }
        const document = { schemaVersion: 2, ...image, subject, annotations: { note } }
        return ocl(["manifest", "push", app, file("referrer", JSON.stringify(document)), ...args])
      }
      const listed = Effect.map(
        ocl(["manifest", "get", `${app}:${tag}`]),
        ({ out }) =>
          (JSON.parse(out) as { manifests: ReadonlyArray<{ annotations: { note: string } }> }).manifests
            .map(({ annotations }) => annotations.note)
      )
      yield* refer("a")
      assert.strictEqual((yield* ocl(["resolve", `${app}:${tag}`])).code, 3)
      yield* refer("b", "--fallback-tag")
      yield* refer("c")
      assert.deepStrictEqual(yield* listed, ["b", "c"])
    }))
})

describe("commands", () => {
  it.live("make a layout once", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const path = join(root, "new")
      assert.deepStrictEqual(yield* json(["init", path]), { path, created: true })
      assert.deepStrictEqual(yield* json(["init", path]), { path, created: false })
      assert.deepStrictEqual(fs.readdirSync(path).toSorted(), [".ocilayout", "blobs", "index.json", "oci-layout"])
      fs.writeFileSync(join(root, "oci-layout"), "{}")
      assert.strictEqual((yield* ocl(["init", root])).code, 5)
    }))

  it.live("list repositories and tags, by a path or with --layout", () =>
    Effect.gen(function*() {
      const { digest, layout } = yield* world
      assert.strictEqual((yield* ocl(["repositories", layout])).out, "example/app\n")
      for (
        const args of [[layout], [`${layout}/example/app`], ["--layout", layout, "example/app"], ["--layout", layout]]
      ) {
        assert.strictEqual((yield* ocl(["tags", ...args])).out, "latest\nv1\n", args.join(" "))
      }
      const long = lines((yield* ocl(["tags", layout, "--long"])).out)
      assert.match(long[0] ?? "", /^TAG +DIGEST +KIND +MANIFEST +CREATED$/u)
      assert.match(long[1] ?? "", new RegExp(`^latest +${digest.slice(0, 19)} +image +\\d+ B$`, "u"))
      // What is read at an earlier point is what was there then.
      assert.strictEqual((yield* ocl(["tags", layout, "--at", "1"])).out, "v1\n")
    }))

  it.live("read what a reference names, byte for byte", () =>
    Effect.gen(function*() {
      const { digest, layer, layout } = yield* world
      assert.strictEqual((yield* ocl(["resolve", `${layout}/example/app:v1`])).out, `${digest}\n`)
      assert.strictEqual((yield* ocl(["resolve", `${layout}/example/app@${digest.slice(7, 20)}`])).out, `${digest}\n`)
      const { bytes } = yield* ocl(["manifest", "get", `${layout}/example/app:v1`])
      assert.deepStrictEqual(bytes, fs.readFileSync(join(layout, "blobs", digest.replace(":", "/"))))
      assert.strictEqual((yield* ocl(["blob", "get", `${layout}/example/app@${layer}`])).out, "hello")
      assert.strictEqual(
        (yield* ocl(["blob", "get", `${layout}/example/app@${layer}`, "--offset", "1", "--length", "3"])).out,
        "ell"
      )
      const found = yield* json(["blob", "stat", `${layout}/example/app@${layer}`])
      assert.deepStrictEqual(found, {
        repository: "example/app",
        digest: layer,
        size: 5,
        path: join(layout, "blobs", layer.replace(":", "/"))
      })
      assert.strictEqual((yield* ocl(["resolve", `${layout}@${digest}`])).out, `${digest}\n`)
    }))

  it.live("show what refers to an image, as a tree", () =>
    Effect.gen(function*() {
      const { digest, layout, sbom } = yield* world
      const { out } = yield* ocl(["referrers", `${layout}/example/app:v1`])
      assert.strictEqual(lines(out)[0], `example/app@${digest.slice(0, 19)}`)
      assert.include(lines(out)[1] ?? "", `└─ ${sbom.slice(0, 19)}  application/spdx+json`)
      // What comes from an image moves no cursor.
      assert.include(out, String.raw`org.example.note: "n\u001b[31m"`)
      const found = yield* json(["referrers", `${layout}/example/app:v1`, "--artifact-type", "none/such"])
      assert.deepStrictEqual(found["referrers"], [])
    }))

  it.live("move tags only as they are told to", () =>
    Effect.gen(function*() {
      const { digest, image, layout, push } = yield* world
      const next = (yield* push({ ...image, annotations: { version: "2" } }, `${layout}/example/app:v2`)).out.trim()
      const set = (...more: ReadonlyArray<string>) => ocl(["tag", "set", `${layout}/example/app:v2`, "latest", ...more])
      const refused = yield* set()
      assert.deepStrictEqual([refused.code, refused.out], [4, ""])
      assert.match(refused.err, /exists already[^]*--move moves the tag/u)
      assert.strictEqual((yield* set("--if-digest", next)).code, 4)
      assert.strictEqual((yield* set("--move", "--if-digest", digest)).code, 2)
      assert.strictEqual(
        (yield* set("--if-digest", digest)).out,
        `example/app:latest is ${next.slice(0, 19)}, was ${digest.slice(0, 19)}\n`
      )
      assert.strictEqual((yield* set("--move", "--quiet")).out, "")
      assert.deepStrictEqual((yield* json(["tag", "set", `${layout}/example/app:v2`, "v2", "v2"]))["unchanged"], ["v2"])
      assert.strictEqual((yield* ocl(["resolve", `${layout}/example/app:latest`, "--at=-1"])).out, `${digest}\n`)
    }))

  it.live("tell of a manifest that gets a tag that it is no longer without one, not that it is gone", () =>
    Effect.gen(function*() {
      const { layout, sbom } = yield* world
      const short = sbom.slice(0, 19)
      yield* ocl(["tag", "set", `${layout}/example/app@${sbom}`, "sbom"])
      const commits = lines((yield* ocl(["history", layout])).out)
      assert.includeMembers(Array.from(commits), [
        `  example/app lists ${short} without a tag`,
        `  example/app no longer lists ${short} without a tag`,
        `  example/app:sbom is ${short}`
      ])
    }))

  it.live("delete, say what that means before, and take it back", () =>
    Effect.gen(function*() {
      const { digest, layer, layout, sbom } = yield* world
      // A dry run of what would be refused is refused.
      const refused = yield* ocl(["manifest", "delete", `${layout}/example/app@${digest}`, "--dry-run"])
      assert.strictEqual(refused.code, 4)
      assert.include(refused.err, sbom)
      const dry = yield* json(["manifest", "delete", `${layout}/example/app@${digest}`, "--dry-run", "--force"])
      assert.deepStrictEqual([dry["deleted"], dry["tags_removed"], dry["referrers"]], [false, ["latest", "v1"], [sbom]])
      assert.strictEqual((yield* ocl(["manifest", "delete", `${layout}/example/app@${digest}`])).code, 4)
      assert.strictEqual((yield* ocl(["blob", "delete", `${layout}/example/app@${layer}`])).code, 4)
      assert.strictEqual((yield* ocl(["tag", "delete", `${layout}/example/app`])).code, 2)
      const gone = yield* json(["tag", "delete", `${layout}/example/app:v1`])
      const { commits } = yield* json(["history", `${layout}/example/app:v1`, "--limit", "1"])
      assert.include(JSON.stringify(commits), `"revision":${Number(gone["revision"])}`)
      assert.match(JSON.stringify(commits), /"actor":"cli:/u)
      assert.strictEqual((yield* ocl(["revert", String(gone["revision"]), layout])).code, 0)
      assert.strictEqual((yield* ocl(["resolve", `${layout}/example/app:v1`])).out, `${digest}\n`)
      const restored = yield* json(["restore", `${layout}/example/app:v1`, "--to=-1", "--dry-run"])
      assert.deepStrictEqual([restored["dry_run"], "revision" in restored], [true, false])
      assert.strictEqual((yield* ocl(["revert", "99", layout])).code, 3)
    }))

  it.live("upload in pieces", () =>
    Effect.gen(function*() {
      const { file, layer, layout } = yield* world
      const id = (yield* ocl(["upload", "start", `${layout}/example/other`])).out.trim()
      assert.strictEqual((yield* ocl(["upload", "append", `${layout}/${id}`, file("a", "hel")])).out, "3\n")
      const behind = yield* ocl(["upload", "append", `${layout}/${id}`, file("a", "hel"), "--offset", "0"])
      assert.strictEqual(behind.code, 2)
      assert.strictEqual(
        (yield* ocl(["upload", "append", `${layout}/${id}`, file("b", "lo"), "--offset", "3"])).out,
        "5\n"
      )
      const { uploads } = yield* json(["upload", "list", `${layout}/example/other`])
      assert.include(JSON.stringify(uploads), id)
      assert.strictEqual((yield* json(["upload", "status", `${layout}/${id}`]))["offset"], 5)
      assert.strictEqual((yield* ocl(["upload", "commit", `${layout}/${id}`, layer])).out, `${layer}\n`)
      assert.strictEqual((yield* ocl(["upload", "append", `${layout}/${id}`, file("b", "lo")])).code, 3)
      const other = (yield* ocl(["upload", "start", `${layout}/example/other`])).out.trim()
      assert.deepStrictEqual(yield* json(["upload", "cancel", `${layout}/${other}`]), { id: other, bytes: 0 })
    }))

  it.live("mount, pin and let go", () =>
    Effect.gen(function*() {
      const { digest, layer, layout } = yield* world
      assert.strictEqual((yield* ocl(["blob", "mount", `${layout}/example/app@${layer}`, "a/b"])).out, `${layer}\n`)
      assert.strictEqual((yield* ocl(["pin", `${layout}/example/app:v1`])).code, 0)
      assert.include(JSON.stringify(yield* json(["pins", layout])), digest)
      yield* ocl(["unpin", `${layout}/example/app:v1`])
      assert.deepStrictEqual(yield* json(["pins", layout]), { pins: [] })
    }))

  it.live("look for garbage, and remove it only when told to", () =>
    Effect.gen(function*() {
      const { layout } = yield* world
      const old = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000)
      const stray = join(layout, "oci-put-blob1234567")
      fs.writeFileSync(stray, "left behind")
      fs.utimesSync(stray, old, old)
      const looked = yield* json(["gc", layout])
      assert.strictEqual(looked["done"], false)
      assert.strictEqual((yield* ocl(["gc", layout, "--dry-run", "--yes"])).code, 2)
      // All of the layout would have been collected.
      assert.match((yield* ocl(["gc", `${layout}/example/app`, "--yes"])).err, /one repository is not supported/u)
      assert.strictEqual((yield* ocl(["gc", layout, "--keep", "many"])).code, 2)
      assert.strictEqual((yield* ocl(["gc", layout, "--plan", "0".repeat(32)])).code, 3)
      const going = [{
        kind: "file",
        name: "oci-put-blob1234567",
        bytes: 11,
        why: "left behind by skopeo, podman or buildah"
      }]
      assert.deepStrictEqual(looked["goes"], going)
      const again = yield* json(["gc", layout, "--plan", String(looked["plan"]), "--dry-run"])
      assert.deepStrictEqual([again["done"], again["goes"]], [false, going])
      assert.isTrue(fs.existsSync(stray))
      const removed = yield* json(["gc", layout, "--plan", String(looked["plan"])])
      assert.deepStrictEqual([removed["done"], removed["goes"]], [true, going])
      assert.isFalse(fs.existsSync(stray))
      const kept = yield* json(["gc", layout, "--keep", "example/*:v*=0", "--keep", "30d", "--dry-run"])
      assert.include(JSON.stringify(kept["goes"]), "example/app:v1")
    }))

  it.live("find damage and put it right from another layout", () =>
    Effect.gen(function*() {
      const { layer, layout, root } = yield* world
      const mirror = join(root, "mirror")
      fs.cpSync(layout, mirror, { recursive: true })
      const fine = yield* ocl(["verify", layout])
      assert.deepStrictEqual([fine.code, lines(fine.out).length], [0, 1])
      const path = join(layout, "blobs", layer.replace(":", "/"))
      fs.rmSync(path)
      fs.writeFileSync(path, "hallo")
      const broken = yield* ocl(["verify", `${layout}/example/app:v1`, "--json"])
      assert.strictEqual(broken.code, 5)
      const [problem = "", summary = ""] = lines(broken.out)
      assert.include(problem, `"code":"BLOB_CORRUPT"`)
      assert.include(summary, `"ok":false`)
      assert.strictEqual((yield* ocl(["blob", "get", `${layout}/example/app@${layer}`])).code, 5)
      assert.strictEqual((yield* ocl(["repair", layout, "--code", "NONE"])).code, 2)
      assert.match(
        (yield* ocl(["repair", layout, "--source", mirror, "--dry-run"])).out,
        /would be done\n {2}BLOB_CORRUPT/u
      )
      yield* ocl(["repair", layout, "--source", mirror])
      assert.strictEqual((yield* ocl(["blob", "get", `${layout}/example/app@${layer}`])).out, "hello")
      // Without oci-layout it is no layout any more, but it was one.
      fs.rmSync(join(layout, "oci-layout"))
      assert.strictEqual((yield* ocl(["tags", layout])).code, 3)
      assert.strictEqual((yield* ocl(["verify", layout])).code, 5)
      assert.strictEqual((yield* ocl(["repair", layout])).code, 0)
      assert.strictEqual((yield* ocl(["verify", layout])).code, 0)
    }))

  it.live("serve a tree of layouts", () =>
    Effect.gen(function*() {
      const { file, image, layer, root } = yield* world
      const tree = ["--layout", join(root, "tree"), "--per-repository"]
      const digest = (yield* ocl(["blob", "push", ...tree, "example/app", file("layer", "hello")])).out.trim()
      yield* ocl(["blob", "push", ...tree, "example/app", file("config", "{}")])
      assert.strictEqual(digest, layer)
      const manifest = file("manifest.json", JSON.stringify({ schemaVersion: 2, ...image }))
      yield* ocl(["manifest", "push", ...tree, "example/app:v1", manifest])
      assert.strictEqual((yield* ocl(["tags", ...tree, "example/app"])).out, "v1\n")
      assert.strictEqual((yield* ocl(["repositories", ...tree])).out, "example/app\n")
      // A layout of the tree is one by itself, named after its folder.
      assert.strictEqual((yield* ocl(["resolve", `${root}/tree/example/app:v1`])).code, 0)
      assert.strictEqual((yield* ocl(["resolve", "--per-repository", `${root}/tree/example/app:v1`])).code, 2)
    }))
})

describe("failures", () => {
  it.live("end with a code of their kind, and say what to do", () =>
    Effect.gen(function*() {
      const { layer, layout } = yield* world
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
        [["resolve", `${layout}/example/app:nope`], 3, /no manifest nope[^]*ocilayout tags/u],
        [["resolve", `${layout}/none:v1`], 3, /no repository none/u],
        [["resolve", `${layout}/Bad:v1`], 2, /upper-case/u],
        [["tags", "/nowhere/at/all"], 3, /no image layout[^]*ocilayout init/u],
        [["resolve", layout], 2, /is a layout; write/u],
        [["blob", "get", `${layout}/example/app@${"0".repeat(16)}`], 3, /not in the layout/u],
        [["blob", "get", `${layout}/example/app@sha256:0`], 2, /digest/u],
        [["blob", "get", `${layout}/example/app@sha256:${"0".repeat(64)}`], 3, /not in the layout/u],
        [["blob", "push", `${layout}/example/app`, join(layout, "nothing")], 3, /./u],
        [["blob", "push", `${layout}/example/app:v1`, join(layout, "oci-layout")], 2, /names a tag[^]*leave out :v1/u],
        [["blob", "push", `${layout}:v1`, join(layout, "oci-layout")], 2, /names a tag[^]*leave out :v1/u],
        [["manifest", "push", `${layout}/example/app:x`, join(layout, "oci-layout")], 2, /mediaType/u],
        [["tag", "set", `${layout}/example/app:v1`, "x", "--if-digest", "4f53cda18c2b"], 2, /is not a digest/u],
        [["tag", "delete", `${layout}/example/app:v1`, "--if-digest", "sha256:0"], 2, /is not a digest/u],
        [["blob", "get", `${layout}/example/app:v1`], 2, /is a manifest; ocilayout manifest get/u],
        [["blob", "stat", `${layout}/example/app:v1`], 2, /is a manifest; ocilayout manifest get/u],
        [["history", layout, "--since", "3"], 2, /--since takes a time/u],
        [["resolve", `${layout}/example/app:v1`, "--at", "soon"], 2, /"soon" is not a point in history: it is neither/u]
      ]
      for (const [args, code, message] of cases) {
        const found = yield* ocl(args)
        assert.deepStrictEqual([found.code, found.out], [code, ""], `${args.join(" ")}: ${found.err}`)
        assert.match(found.err, message)
      }
      const beyond = yield* ocl(["blob", "get", `${layout}/example/app@${layer}`, "--offset", "9"])
      assert.deepStrictEqual([beyond.code, beyond.err], [2, "error: offset 9 does not fit the 5 bytes there are\n"])
      const { err } = yield* ocl(["resolve", `${layout}/example/app:nope`, "--json"])
      assert.deepStrictEqual(Object.keys((JSON.parse(err) as { error: object }).error), ["code", "message", "hint"])
    }))

  it.live("end a command whose reader has gone as shells expect", () =>
    Effect.gen(function*() {
      const { layout } = yield* world
      assert.strictEqual((yield* ocl(["tags", layout], { gone: 0 })).code, 141)
    }))
})
