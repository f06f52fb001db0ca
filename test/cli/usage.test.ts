import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "./support/command.ts"

/** `app:one` and `web:two`, created in this order, of a config each and a layer of a kilobyte that both have. */
const world = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  yield* ocl(["init", layout])
  const push = Effect.fnUntraced(
    function*(repository: string, tag: string, created: string, layers: ReadonlyArray<string>) {
      const blob = Effect.fnUntraced(function*(content: string, mediaType: string) {
        fs.writeFileSync(join(root, "blob"), content)
        const { digest, size } = yield* json(["blob", "push", `${layout}/${repository}`, join(root, "blob")])
        return { mediaType, digest, size }
      })
      const config = yield* blob(JSON.stringify({ created, tag }), "application/vnd.oci.image.config.v1+json")
      const manifest = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config,
        layers: yield* Effect.forEach(layers, (layer) => blob(layer, "application/vnd.oci.image.layer.v1.tar"))
      }
      fs.writeFileSync(join(root, "manifest"), JSON.stringify(manifest))
      yield* ocl(["manifest", "push", `${layout}/${repository}:${tag}`, join(root, "manifest")])
    }
  )
  const common = "x".repeat(1000)
  yield* push("app", "one", "2024-01-01T00:00:00Z", [common, "y".repeat(5000)])
  yield* push("web", "two", "2025-01-01T00:00:00Z", [common])
  yield* push("web", "three", "2023-01-01T00:00:00Z", [common])
  return layout
})

interface Row {
  readonly repository: string
  readonly tag?: string
  readonly tags?: number
  readonly bytes: number
  readonly shared: number
  readonly unique: number
}

describe("usage", () => {
  it.live("tells what repositories and tags need, shared and alone, the largest first", () =>
    Effect.gen(function*() {
      const layout = yield* world
      const found = yield* json(["usage", layout])
      const [repositories, tags] = [found["repositories"], found["tags"]] as [ReadonlyArray<Row>, ReadonlyArray<Row>]
      assert.deepStrictEqual(repositories.map(({ repository, shared, tags }) => [repository, tags, shared]), [
        ["app", 1, 1000],
        ["web", 2, 1000]
      ])
      assert.deepStrictEqual(tags.map(({ repository, tag }) => `${repository}:${tag}`), [
        "app:one",
        "web:three",
        "web:two"
      ])
      for (const { bytes, shared, unique } of [...repositories, ...tags]) assert.strictEqual(bytes, shared + unique)
      assert.isAbove(tags[0]?.unique ?? 0, 5000)
      assert.strictEqual(found["bytes"], repositories.reduce((sum, { unique }) => sum + unique, 1000))

      const { out } = yield* ocl(["usage", `${layout}/web`, "--limit", "1"])
      assert.match(out, /^web +2 /mu)
      assert.match(out, /^web:three /mu)
      assert.notMatch(out, /web:two|app/u)
      assert.strictEqual((yield* ocl(["usage", `${layout}/none`])).code, 3)
    }))
})

describe("tags --sort created", () => {
  it.live("lists the newest images first, and goes with --match, --limit and --long", () =>
    Effect.gen(function*() {
      const layout = yield* world
      yield* ocl(["tag", "set", `${layout}/web:two`, "latest"])
      const tags = (...args: ReadonlyArray<string>) =>
        Effect.map(json(["tags", `${layout}/web`, ...args]), ({ tags }) => tags)
      assert.deepStrictEqual(yield* tags("--sort", "created"), ["latest", "two", "three"])
      assert.deepStrictEqual(yield* tags("--sort", "created", "--match", "t*", "--limit", "1"), ["two"])
      assert.deepStrictEqual(yield* tags("--match", "t*", "--limit", "1"), ["three"])
      const { details } = yield* json(["tags", `${layout}/web`, "--long"])
      assert.deepInclude((details as ReadonlyArray<object>)[1], { tag: "three", created: "2023-01-01T00:00:00.000Z" })
    }))
})
