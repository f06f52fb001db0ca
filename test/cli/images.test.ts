import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "./support/command.ts"

const manifestType = "application/vnd.oci.image.manifest.v1+json"
const indexType = "application/vnd.oci.image.index.v1+json"
const tar = "application/vnd.oci.image.layer.v1.tar"

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** A layout with an index of two images as `app:1.0`, and an SBOM of the first of them. */
const world = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  const app = `${layout}/app`
  const blob = (mediaType: string, content: string) =>
    Effect.map(json(["blob", "push", app, file(content)]), ({ digest, size }): Descriptor => ({
      mediaType,
      digest: String(digest),
      size: Number(size)
    }))
  const file = (content: string): string => {
    fs.writeFileSync(join(root, "file"), content)
    return join(root, "file")
  }
  const manifest = (document: object, mediaType = manifestType, to = app) =>
    Effect.map(
      json(["manifest", "push", to, file(JSON.stringify({ schemaVersion: 2, mediaType, ...document }))]),
      ({ digest, size }): Descriptor => ({ mediaType, digest: String(digest), size: Number(size) })
    )
  const config = (architecture: string) => ({
    created: "2001-02-03T04:05:06Z",
    os: "linux",
    architecture,
    config: { Entrypoint: ["/bin/app"], Cmd: ["a b"], Env: ["A=1", "B=\u{1b}[31m2"], Labels: { note: "x" } },
    history: [{ created_by: "ADD base" }, { created_by: "ENV A=1", empty_layer: true }, { created_by: "RUN make" }]
  })
  const image = Effect.fnUntraced(function*(architecture: string, layers: ReadonlyArray<string>) {
    return yield* manifest({
      config: yield* blob("application/vnd.oci.image.config.v1+json", JSON.stringify(config(architecture))),
      layers: yield* Effect.forEach(layers, (layer) => blob(tar, layer)),
      annotations: { "org.example.note": "n" }
    })
  })

  yield* ocl(["init", layout])
  const amd64 = yield* image("amd64", ["x".repeat(4000), "y".repeat(1000)])
  const arm64 = yield* image("arm64", ["x".repeat(4000)])
  const sbom = yield* manifest({
    artifactType: "application/spdx+json",
    config: yield* blob("application/vnd.oci.empty.v1+json", "{}"),
    layers: [{
      ...(yield* blob("application/spdx+json", "the sbom")),
      annotations: { "org.opencontainers.image.title": "sbom.spdx.json" }
    }],
    subject: amd64
  })
  const platform = (architecture: string) => ({ platform: { os: "linux", architecture } })
  const manifests = [{ ...amd64, ...platform("amd64") }, { ...arm64, ...platform("arm64") }]
  const index = yield* manifest({ manifests }, indexType, `${app}:1.0`)
  return { root, layout, app, amd64, arm64, sbom, index, blobFile: (of: Descriptor) => blobFile(layout, of) }
})

const blobFile = (layout: string, { digest }: Descriptor): string => join(layout, "blobs", digest.replace(":", "/"))

const lines = (text: string): ReadonlyArray<string> => text.trimEnd().split("\n")

describe("inspect", () => {
  it.live("shows the images of an index with what they take, also of those that are not here", () =>
    Effect.gen(function*() {
      const { amd64, app, arm64, blobFile, index, layout } = yield* world
      const found = yield* json(["inspect", `${app}:1.0`])
      const images = found["images"] as ReadonlyArray<{ total_size: number }>
      const here = { media_type: manifestType, state: "present" }
      assert.deepStrictEqual(found, {
        repository: "app",
        kind: "index",
        digest: index.digest,
        media_type: indexType,
        total_size: images.reduce((sum, { total_size }) => sum + total_size, 0),
        images: [
          { platform: "linux/amd64", digest: amd64.digest, ...here, total_size: images[0]?.total_size },
          { platform: "linux/arm64", digest: arm64.digest, ...here, total_size: images[1]?.total_size }
        ]
      })
      assert.strictEqual((images[0]?.total_size ?? 0) - (images[1]?.total_size ?? 0), 1000)

      fs.writeFileSync(blobFile(amd64), "{}")
      fs.rmSync(blobFile(arm64))
      // What was pushed within the hour is kept there as well.
      fs.rmSync(join(layout, ".ocilayout"), { recursive: true })
      const { code, out } = yield* ocl(["inspect", `${app}:1.0`])
      assert.strictEqual(code, 0)
      assert.match(out, new RegExp(`^linux/amd64 +${amd64.digest.slice(0, 19)} +damaged$`, "mu"))
      assert.match(out, new RegExp(`^linux/arm64 +${arm64.digest.slice(0, 19)} +missing$`, "mu"))
    }))

  it.live("shows an image: config, layers as bars, and what refers to it", () =>
    Effect.gen(function*() {
      const { amd64, app } = yield* world
      const args = ["inspect", `${app}:1.0`, "--platform", "linux/amd64"]
      const { out } = yield* ocl(args)
      assert.notInclude(out, "\u{1b}")
      for (
        const line of [
          /^digest +sha256:[0-9a-f]{64}$/mu,
          /^platform +linux\/amd64$/mu,
          /^created +2001-02-03T04:05:06Z \(\d+ years ago\)$/mu,
          /^command +\["a b"\]$/mu,
          /^environment +A=1\n +B=\\u001b\[31m2$/mu,
          /^labels +note=x$/mu,
          /^org\.example\.note +n$/mu,
          /^2 layers$/mu,
          /^sha256:[0-9a-f]{12} +3\.9 KiB +█{16} +ADD base$/mu,
          // A quarter of the longest bar; what made no layer is passed over.
          /^sha256:[0-9a-f]{12} +1\.0 KiB|1000 B +█{4} +RUN make$/mu,
          /^1 {2}application\/spdx\+json$/mu
        ]
      ) assert.match(out, line)
      const found = yield* json(args)
      assert.strictEqual(found["digest"], amd64.digest)
      assert.deepStrictEqual(found["config"], {
        entrypoint: ["/bin/app"],
        cmd: ["a b"],
        env: ["A=1", "B=\u{1b}[31m2"],
        labels: { note: "x" }
      })
      assert.deepStrictEqual(found["referrers"], { "application/spdx+json": 1 })
      for (const line of lines((yield* ocl(args, { columns: 60 })).out).slice(-6)) assert.isAtMost(line.length, 60)
    }))

  it.live("shows the files of an artifact, and what it refers to", () =>
    Effect.gen(function*() {
      const { amd64, app, sbom } = yield* world
      const { out } = yield* ocl(["inspect", `${app}@${sbom.digest}`])
      assert.match(out, /^kind +artifact, application\/spdx\+json$/mu)
      assert.include(out, `refers to   ${amd64.digest}`)
      assert.match(out, /^DIGEST +SIZE +FILE$/mu)
      assert.match(out, / sbom\.spdx\.json$/mu)
    }))

  it.live("fails for a platform that there is not, and for a config that cannot be read", () =>
    Effect.gen(function*() {
      const { app, blobFile } = yield* world
      assert.strictEqual((yield* ocl(["inspect", `${app}:1.0`, "--platform", "plan9/386"])).code, 3)
      const image = yield* json(["inspect", `${app}:1.0`, "--platform", "linux/arm64"])
      const { manifest } = yield* json(["manifest", "get", `${app}@${String(image["digest"])}`])
      fs.writeFileSync(blobFile((manifest as { config: Descriptor }).config), "{]")
      assert.strictEqual((yield* ocl(["inspect", `${app}:1.0`, "--platform", "linux/arm64"])).code, 5)
    }))
})

describe("copy", () => {
  it.live("sends an index with all below it to another layout, with what refers to it, and nothing twice", () =>
    Effect.gen(function*() {
      const { app, index, root, sbom } = yield* world
      const mirror = join(root, "mirror")
      yield* ocl(["init", mirror])
      const first = yield* json(["copy", `${app}:1.0`, `${mirror}/team/app:1.0`, "--tag", "latest", "--referrers"])
      assert.deepStrictEqual(
        [first["repository"], first["digest"], first["tags"], first["manifests"]],
        ["team/app", index.digest, ["1.0", "latest"], 4]
      )
      assert.isAbove(Number(first["bytes_copied"]), 5000)
      const again = yield* json(["copy", `${app}:1.0`, `${mirror}/team/app:1.0`, "--referrers"])
      assert.deepStrictEqual([again["bytes_copied"], again["blobs_copied"], again["revision"]], [0, 0, undefined])
      assert.strictEqual((yield* ocl(["tags", mirror])).out, "1.0\nlatest\n")
      assert.strictEqual((yield* ocl(["verify", mirror, "--level", "content"])).code, 0)
      assert.strictEqual((yield* ocl(["resolve", `${mirror}/team/app@${sbom.digest}`])).code, 0)
      for (const of of fs.readdirSync(join(mirror, "blobs/sha256"))) {
        const bytes = fs.readFileSync(join(mirror, "blobs/sha256", of))
        assert.deepStrictEqual(bytes, fs.readFileSync(join(root, "images/blobs/sha256", of)))
      }
    }))

  it.live("mounts within one layout, moves a tag only when told to, and takes what was", () =>
    Effect.gen(function*() {
      const { amd64, app, arm64, index, layout } = yield* world
      const within = yield* json(["copy", `${app}:1.0`, `${layout}/release:1.0`])
      assert.deepStrictEqual([within["bytes_copied"], within["blobs_present"]], [0, 4])
      const arm = ["copy", `${app}:1.0`, `${layout}/release:1.0`, "--platform", "linux/arm64"]
      assert.strictEqual((yield* ocl(arm)).code, 4)
      assert.strictEqual((yield* ocl([...arm, "--if-digest", amd64.digest])).code, 4)
      assert.strictEqual((yield* json([...arm, "--if-digest", index.digest]))["digest"], arm64.digest)
      // What the tag was before that.
      const back = yield* json(["copy", `${layout}/release:1.0`, `${layout}/release:old`, "--at=-1"])
      assert.strictEqual(back["digest"], index.digest)
    }))

  it.live("refuses a destination with a digest, or where no layout can be, before anything is sent", () =>
    Effect.gen(function*() {
      const { app, index, root } = yield* world
      const mirror = join(root, "mirror")
      fs.writeFileSync(join(root, "file"), "")
      assert.strictEqual((yield* ocl(["copy", `${app}:1.0`, `${join(root, "file")}/app:1.0`])).code, 3)
      yield* ocl(["init", mirror])
      assert.strictEqual((yield* ocl(["copy", `${app}:1.0`, `${mirror}/app@${index.digest}`])).code, 2)
      assert.strictEqual((yield* ocl(["copy", `${app}:1.0`, `${mirror}/app:1.0`, "--move", "--if-absent"])).code, 2)
      assert.isFalse(
        fs.existsSync(join(mirror, "blobs/sha256")) &&
          fs.readdirSync(join(mirror, "blobs/sha256")).length > 0
      )
    }))

  it.live("copies into a tree of layouts", () =>
    Effect.gen(function*() {
      const { app, index, root } = yield* world
      const tree = join(root, "tree")
      const copied = yield* json(
        ["copy", `${app}:1.0`, "team/app:1.0", "--to-layout", tree, "--to-per-repository"]
      )
      assert.strictEqual(copied["digest"], index.digest)
      assert.isTrue(fs.existsSync(join(tree, "team/app/index.json")))
    }))
})
