import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { withUmask } from "../../support/umask.ts"
import { json, ocl } from "../support/command.ts"
import { world } from "./world.ts"

const title = "org.opencontainers.image.title"

/** A folder's files with their content. */
const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => fs.statSync(join(folder, name)).isFile())
      .map((name) => [name, fs.readFileSync(join(folder, name), "utf8")])
  )

describe("artifact push and pull", () => {
  it.live("files come back as they were, under their titles", () =>
    Effect.gen(function*() {
      const { app, file, manifest, root } = yield* world
      const files = [file("a.txt", "first"), `${file("b.bin", "second")}:application/x-example`]
      const pushed = yield* json(["artifact", "push", `${app}:1`, ...files, "--type", "application/x-thing"])
      const document = yield* manifest(`${app}:1`)
      assert.strictEqual(document.artifactType, "application/x-thing")
      assert.strictEqual(document.config.mediaType, "application/vnd.oci.empty.v1+json")
      assert.deepStrictEqual(document.layers.map(({ annotations, mediaType }) => [annotations?.[title], mediaType]), [
        ["a.txt", "text/plain"],
        ["b.bin", "application/x-example"]
      ])
      assert.isUndefined(document.annotations)
      const again = yield* json(["artifact", "push", `${app}:1`, ...files, "--type", "application/x-thing"])
      assert.deepStrictEqual([again["digest"], again["existed"]], [pushed["digest"], true])

      const pulled = yield* json(["artifact", "pull", `${app}:1`, join(root, "out")])
      assert.strictEqual(pulled["digest"], pushed["digest"])
      assert.deepStrictEqual(filesIn(join(root, "out")), { "a.txt": "first", "b.bin": "second" })
      const { code, err } = yield* ocl(["artifact", "pull", `${app}:1`, join(root, "out")])
      assert.strictEqual(code, 4)
      assert.include(err, "a.txt")
    }))

  it.live("files and folders come out with what the umask leaves them", () =>
    Effect.gen(function*() {
      const { app, blob, push, root } = yield* world
      yield* push(`${app}:1`, {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: yield* blob("application/vnd.oci.empty.v1+json", "{}"),
        layers: [{ ...(yield* blob("text/plain", "first")), annotations: { [title]: "folder/a.txt" } }]
      })
      for (const mask of [0o077, 0o002]) {
        const out = join(root, mask.toString(8))
        yield* Effect.scoped(Effect.andThen(withUmask(mask), json(["artifact", "pull", `${app}:1`, out])))
        const modes = fs.readdirSync(out, { recursive: true, encoding: "utf8" }).map((name) =>
          fs.statSync(join(out, name))
        )
        assert.strictEqual(modes.length, 2)
        for (const stat of modes) {
          assert.strictEqual(stat.mode & 0o777, (stat.isDirectory() ? 0o777 : 0o666) & ~mask)
        }
        assert.strictEqual(fs.statSync(out).mode & 0o777, 0o777 & ~mask)
      }
    }))

  it.live("a tag that points elsewhere is moved only where that is said", () =>
    Effect.gen(function*() {
      const { app, file, manifest } = yield* world
      const first = yield* json(["artifact", "push", `${app}:1`, file("a", "1")])
      const changed = file("a", "2")
      const refused = yield* ocl(["artifact", "push", `${app}:1`, changed])
      assert.strictEqual(refused.code, 4)
      assert.strictEqual((yield* manifest(`${app}:1`)).layers[0]?.digest.length, 71)
      const moved = yield* json([
        "artifact",
        "push",
        `${app}:1`,
        changed,
        "--if-digest",
        String(first["digest"])
      ])
      assert.deepStrictEqual(moved["tags"], [{ tag: "1", from: first["digest"] }])
    }))

  it.live("kinds are known by name, and what they need is asked for", () =>
    Effect.gen(function*() {
      const { app, file, manifest } = yield* world
      yield* json(["artifact", "push", `${app}:sbom`, file("x", "{}"), "--type", "spdx"])
      assert.strictEqual((yield* manifest(`${app}:sbom`)).layers[0]?.mediaType, "application/spdx+json")
      const chart = ["artifact", "push", `${app}:chart`, file("c.tgz", "chart"), "--type", "helm"]
      const refused = yield* ocl(chart)
      assert.strictEqual(refused.code, 2)
      assert.include(refused.err, "application/vnd.cncf.helm.config.v1+json")
      yield* json([...chart, "--config", file("config", "{\"name\":\"c\"}")])
      const document = yield* manifest(`${app}:chart`)
      assert.strictEqual(document.config.mediaType, "application/vnd.cncf.helm.config.v1+json")
      assert.strictEqual(
        document.layers[0]?.mediaType,
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
      )
      assert.strictEqual((yield* ocl(["artifact", "push", app, "--type", "nonsense"])).code, 2)
    }))

  it.live.each(["../out.txt", "/etc/out.txt", "a/../../b", "a//b", "."])(
    "writes nothing for the title %s",
    (name) =>
      Effect.gen(function*() {
        const { app, file, root } = yield* world
        const blobs: Array<object> = []
        for (const [title, content] of [["fine.txt", "fine"], [name, "not fine"]] as const) {
          const { digest, size } = yield* json(["blob", "push", app, file("blob", content)])
          blobs.push({
            mediaType: "text/plain",
            digest,
            size,
            annotations: { "org.opencontainers.image.title": title }
          })
        }
        const config = yield* json(["blob", "push", app, file("blob", "{}")])
        const mediaType = "application/vnd.oci.image.manifest.v1+json"
        const document = {
          schemaVersion: 2,
          mediaType,
          config: { mediaType: "application/vnd.oci.empty.v1+json", digest: config["digest"], size: 2 },
          layers: blobs
        }
        yield* json(["manifest", "push", `${app}:bad`, file("manifest", JSON.stringify(document))])
        const { code, err } = yield* ocl(["artifact", "pull", `${app}:bad`, join(root, "out")])
        assert.strictEqual(code, 2)
        assert.include(err, name)
        assert.isFalse(fs.existsSync(join(root, "out")))
      })
  )

  it.live("no file has its name where one of them is damaged", () =>
    Effect.gen(function*() {
      const { app, file, layout, manifest, root } = yield* world
      yield* json(["artifact", "push", `${app}:1`, file("a", "aaaa"), file("b", "bbbb")])
      const damaged = (yield* manifest(`${app}:1`)).layers[1]?.digest.replace("sha256:", "") ?? ""
      fs.chmodSync(join(layout, "blobs/sha256", damaged), 0o644)
      fs.writeFileSync(join(layout, "blobs/sha256", damaged), "cccc")
      const { code } = yield* ocl(["artifact", "pull", `${app}:1`, join(root, "out")])
      assert.strictEqual(code, 5)
      assert.deepStrictEqual(filesIn(join(root, "out")), {})
    }))
})

describe("artifact attach and list", () => {
  it.live("what is attached is a referrer, and is listed", () =>
    Effect.gen(function*() {
      const { app, file } = yield* world
      const subject = yield* json(["artifact", "push", `${app}:1`, file("a", "1")])
      const attached = yield* json([
        "artifact",
        "attach",
        `${app}:1`,
        file("sbom.spdx.json", "{}"),
        "--type",
        "spdx",
        "--annotation",
        "note=x"
      ])
      assert.strictEqual(attached["subject"], subject["digest"])
      const { referrers } = yield* json(["referrers", `${app}:1`])
      const [one] = referrers as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual([one?.["digest"], one?.["artifact_type"]], [attached["digest"], "application/spdx+json"])
      const { artifacts } = yield* json(["artifact", "list", app])
      const all = artifacts as ReadonlyArray<{ digest: string; tags: ReadonlyArray<string>; subject?: string }>
      assert.sameDeepMembers(all.map(({ digest, subject, tags }) => ({ digest, tags, subject })), [
        { digest: String(subject["digest"]), tags: ["1"], subject: undefined },
        { digest: String(attached["digest"]), tags: [], subject: String(subject["digest"]) }
      ])
    }))
})

describe("annotate", () => {
  it.live("changes annotations alone, and moves the tag where it still points to what was read", () =>
    Effect.gen(function*() {
      const { app, file, manifest } = yield* world
      const before = yield* json(["artifact", "push", `${app}:1`, file("a", "1"), "--annotation", "a=1"])
      const without = yield* manifest(`${app}:1`)
      const after = yield* json(["annotate", `${app}:1`, "b=2", "a=", "--replace"])
      assert.strictEqual(after["made_from"], before["digest"])
      assert.deepStrictEqual(after["tags"], [{ tag: "1", from: before["digest"] }])
      assert.deepStrictEqual(yield* manifest(`${app}:1`), { ...without, annotations: { b: "2" } })
      const same = yield* json(["annotate", `${app}:1`, "b=2", "--replace"])
      assert.deepStrictEqual([same["digest"], same["revision"]], [after["digest"], undefined])
      const removed = yield* json(["annotate", `${app}:1`, "b=", "--tag", "plain"])
      const { annotations: _annotations, ...plain } = without
      assert.deepStrictEqual(yield* manifest(`${app}@${String(removed["digest"])}`), plain)
    }))
})
