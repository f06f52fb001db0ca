import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl } from "../support/command.ts"
import { indexType, manifestType, world } from "./world.ts"

const linux = (architecture: string) => ({ architecture, os: "linux" })

/** A layout with images for two platforms, an attestation of each, and an index of all four. */
const attested = Effect.gen(function*() {
  const found = yield* world
  const amd64 = yield* found.image("amd64")
  const arm64 = yield* found.image("arm64")
  const attestation = Effect.fnUntraced(function*(of: string) {
    const config = yield* found.blob("application/vnd.oci.image.config.v1+json", "{}")
    const statement = yield* found.blob("application/vnd.in-toto+json", JSON.stringify({ of }))
    const { digest, mediaType, size } = yield* found.push(found.app, {
      mediaType: manifestType,
      config,
      layers: [statement]
    })
    return {
      mediaType,
      digest,
      size,
      annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of },
      platform: { architecture: "unknown", os: "unknown" }
    }
  })
  const manifests = [
    { ...amd64, platform: linux("amd64") },
    { ...arm64, platform: linux("arm64") },
    yield* attestation(amd64.digest),
    yield* attestation(arm64.digest)
  ]
  const index = yield* found.push(`${found.app}:1.0`, { mediaType: indexType, manifests, annotations: { a: "1" } })
  return { ...found, amd64, arm64, index, manifests }
})

describe("index create and add", () => {
  it.live("takes platforms from configs, and the images of an index", () =>
    Effect.gen(function*() {
      const { app, image, manifest } = yield* world
      const amd64 = yield* image("amd64")
      const arm = yield* image("arm", { os: "linux", architecture: "arm", variant: "v7" })
      const made = yield* json(["index", "create", `${app}:1.0`, `${app}:amd64`, `${app}:arm`, "--annotation", "a=1"])
      const expected = [
        { ...amd64, platform: linux("amd64") },
        { ...arm, platform: { ...linux("arm"), variant: "v7" } }
      ]
      assert.deepStrictEqual(yield* manifest(`${app}:1.0`), {
        schemaVersion: 2,
        mediaType: indexType,
        manifests: expected,
        annotations: { a: "1" }
      } as never)
      const again = yield* json(["index", "create", `${app}:again`, `${app}:1.0`, "--annotation", "a=1"])
      assert.deepStrictEqual([again["digest"], again["existed"]], [made["digest"], true])

      yield* image("s390x")
      const added = yield* json(["index", "add", `${app}:1.0`, `${app}:s390x`, "--replace"])
      assert.deepStrictEqual(added["tags"], [{ tag: "1.0", from: made["digest"] }])
      assert.deepStrictEqual((yield* manifest(`${app}:1.0`)).manifests?.slice(0, 2), expected)
      assert.deepStrictEqual((yield* manifest(`${app}:1.0`)).manifests?.[2]?.platform, linux("s390x"))

      const other = yield* image("other", linux("amd64"))
      const refused = yield* ocl(["index", "add", `${app}:1.0`, `${app}:other`])
      assert.strictEqual(refused.code, 2)
      assert.include(refused.err, other.digest)
      const stated = yield* json(["index", "add", `${app}:1.0`, `${app}:other=linux/amd64/v3`, "--tag", "v3"])
      assert.deepStrictEqual((yield* manifest(`${app}:v3`)).manifests?.[3]?.platform, {
        ...linux("amd64"),
        variant: "v3"
      })
      assert.strictEqual(stated["made_from"], added["digest"])
    }))

  it.live("brings images of another layout along", () =>
    Effect.gen(function*() {
      const { app, image, root } = yield* world
      yield* image("amd64")
      const elsewhere = `${join(root, "other")}/shop/app`
      yield* json(["index", "create", `${elsewhere}:1.0`, `${app}:amd64`])
      const { ok } = (yield* ocl(["verify", join(root, "other"), "--json"])).out.trimEnd().split("\n").map((line) =>
        JSON.parse(line) as { ok?: boolean }
      ).at(-1) ?? {}
      assert.isTrue(ok)
    }))

  it.live("an image that does not say what it is for is told", () =>
    Effect.gen(function*() {
      const { app, image } = yield* world
      const { digest } = yield* image("odd", {})
      const { code, err } = yield* ocl(["index", "create", `${app}:1.0`, `${app}:odd`])
      assert.strictEqual(code, 4)
      assert.include(err, `${digest} has a config that states no platform`)
      yield* json(["index", "create", `${app}:1.0`, `${app}:odd=linux/amd64`])
    }))
})

describe("index remove and prune", () => {
  it.live("attestations go with the images that they are of", () =>
    Effect.gen(function*() {
      const { app, arm64, index, manifest, manifests } = yield* attested
      yield* json(["index", "remove", `${app}:1.0`, "linux/amd64", "--tag", "less"])
      const left = [manifests[1], manifests[3]]
      assert.deepStrictEqual((yield* manifest(`${app}:less`)).manifests, left as never)
      yield* json(["index", "remove", `${app}:1.0`, arm64.digest.slice(7, 20), "--tag", "short"])
      assert.deepStrictEqual((yield* manifest(`${app}:short`)).manifests, [manifests[0], manifests[2]] as never)
      assert.strictEqual((yield* ocl(["index", "remove", `${app}:1.0`, "linux/riscv64"])).code, 2)

      const pruned = yield* json(["index", "prune", `${app}:1.0`, "--platform", "linux/arm64", "--replace"])
      assert.deepStrictEqual(pruned["tags"], [{ tag: "1.0", from: index.digest }])
      assert.deepStrictEqual(yield* manifest(`${app}:1.0`), {
        schemaVersion: 2,
        mediaType: indexType,
        manifests: left,
        annotations: { a: "1", "dev.ocilayout.pruned-from": index.digest }
      } as never)
      const unknown = yield* ocl(["index", "prune", `${app}:1.0`, "--platform", "linux/amd64"])
      assert.strictEqual(unknown.code, 3)
    }))

  it.live("what has nothing to lose stays as it is", () =>
    Effect.gen(function*() {
      const { app, index } = yield* attested
      const all = ["--platform", "linux/amd64", "--platform", "linux/arm64"]
      const same = yield* json(["index", "prune", `${app}:1.0`, ...all, "--replace"])
      assert.deepStrictEqual([same["digest"], same["revision"]], [index.digest, undefined])
    }))

  it.live("what refers to the index is made anew for the new one, but no signature", () =>
    Effect.gen(function*() {
      const { app, file, index } = yield* attested
      const sbom = yield* json(["artifact", "attach", `${app}:1.0`, file("sbom", "{}"), "--type", "spdx"])
      const signed = yield* json(["artifact", "attach", `${app}:1.0`, file("sig", "{}"), "--type", "notation"])
      const before = yield* json(["history", app.slice(0, -4), "--limit", "1"])
      const made = yield* json([
        "index",
        "prune",
        `${app}:1.0`,
        "--platform",
        "linux/arm64",
        "--referrers",
        "--replace"
      ])
      assert.deepStrictEqual(made["referrers_anew"], [sbom["digest"]])
      assert.deepStrictEqual(made["referrers_left"], [signed["digest"]])
      assert.notStrictEqual(made["digest"], index.digest)
      const { referrers } = yield* json(["referrers", `${app}:1.0`])
      assert.deepStrictEqual(
        (referrers as ReadonlyArray<{ artifact_type: string }>).map(({ artifact_type }) => artifact_type),
        ["application/spdx+json"]
      )
      const commits = (document: Record<string, unknown>) =>
        (document["commits"] as ReadonlyArray<{ revision: number }>)[0]?.revision ?? 0
      const after = yield* json(["history", app.slice(0, -4), "--limit", "1"])
      assert.strictEqual(commits(after), commits(before) + 1)
    }))

  it.live("in part, the index keeps its digest", () =>
    Effect.gen(function*() {
      const { amd64, app, arm64, index, root } = yield* attested
      const edge = join(root, "edge")
      const made = yield* json([
        "index",
        "prune",
        `${app}:1.0`,
        "--platform",
        "linux/arm64",
        "--sparse-to",
        `${edge}/app:1.0`
      ])
      assert.strictEqual(made["digest"], index.digest)
      const blob = (digest: string) => join(edge, "blobs", digest.replace(":", "/"))
      assert.isTrue(fs.existsSync(blob(arm64.digest)))
      assert.isFalse(fs.existsSync(blob(amd64.digest)))
    }))
})
