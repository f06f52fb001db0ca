import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { findManifest } from "../../src/ops/refs/find.ts"
import { codes, entriesOf, given } from "./given.ts"

const api = "localhost:5000/team/api:latest"
const web = "localhost:5000/team/web:latest"
const digestOfWeb = "sha256:ba836300d318649aeb641f61c5acbd3acafffc1b537c072895ef110f88dc79ff"

describe("full image names tell entries with the same tag apart", () => {
  const path = "01-docker-save-host-port/docker_save_two_ports"

  it.live("with a host and a port", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* given(path)
      const unnamed = yield* Stream.runCollect(registry.unnamed())
      assert.deepStrictEqual(unnamed.map(({ refName }) => refName), [api, web])
      const found = yield* findManifest({ registry, perRepository: false }, web)
      assert.strictEqual(found.descriptor.digest, digestOfWeb)
      const before = entriesOf(directory)
      assert.notInclude(yield* codes({ directory, registry, repository: "" }), "warning NAME_TWICE")
      yield* registry.repair()
      assert.deepStrictEqual(entriesOf(directory), before)
    }).pipe(Effect.scoped))

  it.live("when one is moved or deleted by its full name", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* given(path)
      const [first, second] = entriesOf(directory)
      yield* registry.moveName(web, (yield* registry.resolveName(api)).digest)
      assert.deepStrictEqual(entriesOf(directory).slice(0, 2), [
        first,
        { ...second, digest: first?.["digest"], size: first?.["size"] }
      ])
      assert.strictEqual((yield* registry.deleteName(web, { keep: false })).digest, first?.["digest"])
      assert.deepStrictEqual(entriesOf(directory)[0], first)
      assert.strictEqual((yield* Effect.flip(registry.deleteName(web)))._tag, "ManifestUnknown")
      assert.strictEqual((yield* registry.resolveName(api)).digest, first?.["digest"])
    }).pipe(Effect.scoped))

  it.live("with two ports and one path, and platforms of one name", () =>
    Effect.gen(function*() {
      const { directory, registry, repository } = yield* given(path)
      const [first, second] = entriesOf(directory)
      const named = (entry: object | undefined, host: string) => ({
        ...entry,
        annotations: { "org.opencontainers.image.ref.name": "1", "io.containerd.image.name": `${host}/app:1` }
      })
      const platformed = (entry: object | undefined, architecture: string) => ({
        ...entry,
        platform: { os: "linux", architecture },
        annotations: { "org.opencontainers.image.ref.name": "multi" }
      })
      fs.writeFileSync(
        join(directory, "index.json"),
        JSON.stringify({
          schemaVersion: 2,
          manifests: [
            named(first, "localhost:5000"),
            named(second, "localhost:5001"),
            platformed(first, "amd64"),
            platformed(second, "arm64")
          ]
        })
      )
      const before = entriesOf(directory)
      assert.deepStrictEqual(
        (yield* codes({ directory, registry, repository })).filter((code) => code.includes("TWICE")),
        []
      )
      yield* registry.repair()
      assert.deepStrictEqual(entriesOf(directory), before)
      const found = yield* findManifest({ registry, perRepository: false }, "localhost:5001/app:1")
      assert.strictEqual(found.descriptor.digest, digestOfWeb)
    }).pipe(Effect.scoped))
})
