import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl } from "../support/command.ts"
import { indexType, manifestType, type Named, world as layouts } from "./world.ts"

const docker = {
  index: "application/vnd.docker.distribution.manifest.list.v2+json",
  image: "application/vnd.docker.distribution.manifest.v2+json"
}
const reference = "vnd.docker.reference.digest"

/**
 * An index of two images that can be unpacked, with an attestation of the first, one of the second that has it as its
 * subject, and a file.
 */
const world = Effect.gen(function*() {
  const found = yield* layouts
  const { app, blob, manifest, push, root } = found
  const files = join(root, "files")
  fs.mkdirSync(files)
  fs.writeFileSync(join(files, "motd"), "hello")
  const images: Array<Named> = []
  for (const architecture of ["amd64", "arm64"]) {
    const args = ["--platform", `linux/${architecture}`, "--env", `ARCH=${architecture}`]
    const { digest, media_type, size } = yield* json(["image", "build", `${app}:${architecture}`, files, ...args])
    const platform = { architecture, os: "linux" }
    images.push({ mediaType: String(media_type), digest: String(digest), size: Number(size), platform })
  }
  const attestation = Effect.fnUntraced(function*(of: Named, subject: object) {
    const config = yield* blob("application/vnd.oci.image.config.v1+json", "{}")
    const layer = yield* blob("application/vnd.in-toto+json", JSON.stringify({ of: of.digest }))
    const { digest, mediaType, size } = yield* push(app, {
      mediaType: manifestType,
      config,
      layers: [layer],
      ...subject
    })
    return {
      mediaType,
      digest,
      size,
      annotations: { "vnd.docker.reference.type": "attestation-manifest", [reference]: of.digest },
      platform: { architecture: "unknown", os: "unknown" }
    }
  })
  const [one, two] = images
  if (one === undefined || two === undefined) throw new Error("two images are built")
  const file = yield* json(["artifact", "push", app, found.file("a", "a")])
  const manifests = [
    { ...one, annotations: { own: "1" }, "com.example.kept": true },
    two,
    yield* attestation(one, {}),
    yield* attestation(two, { subject: { mediaType: two.mediaType, digest: two.digest, size: two.size } }),
    { mediaType: manifestType, digest: String(file["digest"]), size: Number(file["size"]) }
  ]
  const index = yield* push(`${app}:1`, { mediaType: indexType, manifests, annotations: { a: "1" }, extra: [1] })
  const config = Effect.fnUntraced(function*(of: string) {
    const { config: { digest } } = yield* manifest(of)
    return JSON.parse((yield* ocl(["blob", "get", `${app}@${digest}`])).out) as { readonly config: unknown }
  })
  return { ...found, one, two, index, manifests, config, files }
})

describe("image mutate of an index", () => {
  it.live("changes each image, and everything else is as it was", () =>
    Effect.gen(function*() {
      const { app, config, index, layout, manifest, manifests, one, two } = yield* world
      const change = ["image", "mutate", `${app}:1`, "--env", "A=1", "--annotation", "b=2", "--replace"]
      const before = yield* json(["history", layout, "--limit", "1"])
      const made = yield* json(change)
      assert.deepStrictEqual(made["tags"], [{ tag: "1", from: index.digest }])
      assert.strictEqual(
        Number(made["revision"]),
        (before["commits"] as ReadonlyArray<{ revision: number }>)[0]!.revision + 1
      )
      const { manifests: entries = [], ...rest } = yield* manifest(`${app}:1`)
      assert.deepStrictEqual<object>(rest, {
        schemaVersion: 2,
        mediaType: indexType,
        annotations: { a: "1", b: "2" },
        extra: [1]
      })
      // Each image is what a change of it alone makes.
      const alone = Effect.fnUntraced(function*(digest: string) {
        const image = yield* json(["image", "mutate", `${app}@${digest}`, "--env", "A=1"])
        return { digest: String(image["digest"]), size: Number(image["size"]) }
      })
      const [first, second] = [yield* alone(one.digest), yield* alone(two.digest)]
      assert.deepStrictEqual((yield* config(`${app}@${first.digest}`)).config, { Env: ["ARCH=amd64", "A=1"] })
      const { subject, ...attestation } = yield* manifest(`${app}@${entries[3]?.digest}`)
      assert.deepStrictEqual<object | undefined>(subject, { mediaType: manifestType, ...second })
      assert.deepStrictEqual(attestation.layers, (yield* manifest(`${app}@${manifests[3]?.digest}`)).layers)
      const attests = (at: number, of: string) => ({ ...manifests[at]?.annotations, [reference]: of })
      assert.deepStrictEqual<ReadonlyArray<object>>(entries, [
        { ...manifests[0], ...first },
        { ...manifests[1], ...second },
        { ...manifests[2], annotations: attests(2, first.digest) },
        { ...manifests[3], digest: entries[3]?.digest, annotations: attests(3, second.digest) },
        manifests[4]!
      ])
      assert.strictEqual((yield* ocl(["verify", layout])).code, 0)

      const again = yield* json(["image", "mutate", `${app}@${index.digest}`, ...change.slice(3, -1)])
      assert.deepStrictEqual([again["digest"], again["existed"]], [made["digest"], true])
      const same = yield* json(["image", "mutate", `${app}:1`, "--replace"])
      assert.deepStrictEqual([same["digest"], same["revision"]], [made["digest"], undefined])
    }))

  it.live("media types, compression and layers, of all images or of one", () =>
    Effect.gen(function*() {
      const { app, files, index, manifest, root, two } = yield* world
      yield* json(["image", "mutate", `${app}:1`, "--media-types", "docker", "--compress", "zstd", "--tag", "d"])
      const converted = yield* manifest(`${app}:d`)
      assert.strictEqual(converted.mediaType, docker.index)
      assert.deepStrictEqual(converted.manifests?.slice(0, 2).map(({ mediaType }) => mediaType), [
        docker.image,
        docker.image
      ])
      const image = yield* manifest(`${app}@${converted.manifests?.[1]?.digest}`)
      assert.deepStrictEqual([image.mediaType, image.layers[0]?.mediaType], [
        docker.image,
        "application/vnd.docker.image.rootfs.diff.tar.zstd"
      ])
      const back = ["image", "mutate", `${app}:d`, "--media-types", "oci", "--compress", "gzip"]
      assert.strictEqual((yield* json(back))["digest"], index.digest)

      yield* json(["image", "append", `${app}:1`, files, "--to", "/opt", "--tag", "more"])
      for (const platform of ["linux/amd64", "linux/arm64"]) {
        yield* json(["extract", `${app}:more`, join(root, platform), "--platform", platform])
        assert.strictEqual(fs.readFileSync(join(root, platform, "opt/motd"), "utf8"), "hello")
      }
      const alone = yield* json(["image", "mutate", `${app}:1`, "--user", "5", "--platform", "linux/arm64"])
      assert.deepStrictEqual([alone["media_type"], alone["made_from"]], [manifestType, two.digest])
    }))

  it.live("what refers to the index and its images is made anew in the same commit, but no signature", () =>
    Effect.gen(function*() {
      const { app, file, index, layout, manifests, one } = yield* world
      const attach = Effect.fnUntraced(function*(to: string, type: string) {
        return (yield* json(["artifact", "attach", to, file(type, to), "--type", type]))["digest"]
      })
      const [sbom, own] = [yield* attach(`${app}:1`, "spdx"), yield* attach(`${app}@${one.digest}`, "spdx")]
      const signature = yield* attach(`${app}@${one.digest}`, "notation")
      const made = yield* json(["image", "mutate", `${app}:1`, "--label", "a=b", "--referrers", "--replace"])
      assert.deepStrictEqual(made["referrers_anew"], [sbom, own])
      assert.deepStrictEqual(made["referrers_left"], [signature])
      const { commits } = yield* json(["history", layout, "--limit", "1"])
      const [{ changes }] = commits as readonly [{ changes: ReadonlyArray<{ to?: string }> }]
      assert.strictEqual(changes.filter(({ to }) => to !== undefined).length, 4)
      const image = yield* json(["resolve", `${app}:1`, "--platform", "linux/amd64"])
      const { referrers } = yield* json(["referrers", `${app}@${String(image["digest"])}`])
      assert.include(JSON.stringify(referrers), "spdx")
      assert.notInclude(JSON.stringify(referrers), index.digest)

      // Of one image too; an attestation in an index is of the image that is there.
      const alone = yield* json(["image", "mutate", `${app}:amd64`, "--label", "c=d", "--referrers"])
      assert.deepStrictEqual(alone["referrers_anew"], [own])
      assert.sameMembers(alone["referrers_left"] as Array<unknown>, [signature, manifests[2]?.digest])
    }))

  it.live("annotate reaches the images where that is asked", () =>
    Effect.gen(function*() {
      const { app, index, manifest, manifests } = yield* world
      yield* json(["annotate", `${app}:1`, "n=1", "--tag", "outside"])
      assert.deepStrictEqual((yield* manifest(`${app}:outside`)).manifests, manifests)
      const made = yield* json(["annotate", `${app}:1`, "n=1", "--images", "--tag", "inside"])
      assert.strictEqual(made["made_from"], index.digest)
      const { annotations, manifests: entries = [] } = yield* manifest(`${app}:inside`)
      assert.deepStrictEqual(annotations, { a: "1", n: "1" })
      for (const { digest } of entries.slice(0, 2)) {
        assert.deepStrictEqual((yield* manifest(`${app}@${digest}`)).annotations, { n: "1" })
      }
    }))

  it.live("refuses what cannot be said of all images, and changes nothing", () =>
    Effect.gen(function*() {
      const { app, index, layout, push } = yield* world
      const before = fs.readFileSync(join(layout, "index.json"), "utf8")
      const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, why: string]> = [
        [["mutate", `${app}:1`, "--set-platform", "linux/s390x", "--replace"], "all images of an index"],
        [["mutate", `${app}:1`, "--expose", "x", "--replace"], "is no port"],
        [["mutate", `${app}:1`, "--env", "A=1", "--tag", "amd64"], "exists already"],
        [["flatten", `${app}:1`, "--replace"], "linux/amd64, linux/arm64"]
      ]
      for (const [args, why] of cases) {
        const { code, err } = yield* ocl(["image", ...args])
        assert.notStrictEqual(code, 0)
        assert.include(err, why)
      }
      assert.strictEqual(fs.readFileSync(join(layout, "index.json"), "utf8"), before)
      yield* push(`${app}:nested`, { mediaType: indexType, manifests: [{ ...index }] })
      const { err } = yield* ocl(["image", "mutate", `${app}:nested`, "--env", "A=1"])
      assert.include(err, "is an index in an index")
    }))
})
