import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
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

  const writeNames = (directory: string, names: ReadonlyArray<readonly [fullName: string, refName?: string]>): void => {
    const manifests = names.map(([fullName, refName], at) => ({
      ...entriesOf(directory)[at % 2],
      annotations: {
        ...(refName === undefined ? {} : { "org.opencontainers.image.ref.name": refName }),
        "io.containerd.image.name": fullName
      }
    }))
    fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  }

  it.live("where an entry has no other name", () =>
    Effect.gen(function*() {
      const { directory, registry, repository } = yield* given(path)
      writeNames(directory, [["docker.io/library/api:1"], ["docker.io/library/web:1"]])
      const [first, second] = entriesOf(directory).map(({ digest }) => String(digest))
      const [api, web] = ["docker.io/library/api", "docker.io/library/web"]
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [api, web])
      assert.deepStrictEqual(yield* Stream.runCollect(registry.untagged(web)), [])
      assert.strictEqual((yield* registry.resolveTag(web, "1")).digest, second)
      assert.deepStrictEqual(yield* codes({ directory, registry, repository }), [])
      yield* registry.tagManifest(web, second ?? "", ["2"])
      yield* registry.deleteTag(api, "1")
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(web)), ["1", "2"])
      const [untagged] = yield* Stream.runCollect(registry.untagged(api))
      assert.strictEqual(untagged?.digest, first)
    }).pipe(Effect.scoped))

  it.live("so that a change of one is taken back though the other has been changed since", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* given(path)
      const [api, web] = ["docker.io/library/api", "docker.io/library/web"]
      writeNames(directory, [[`${api}:1`, "1"], [`${web}:1`, "1"]])
      const [first, second] = entriesOf(directory).map(({ digest }) => String(digest))
      yield* registry.tagManifest(web, second ?? "", ["other"])
      const { revision } = yield* registry.deleteTag(api, "1")
      const index = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as {
        readonly manifests: ReadonlyArray<{ readonly annotations: Record<string, string> }>
      }
      const manifests = index.manifests.map((entry) =>
        entry.annotations["io.containerd.image.name"] === `${web}:1` ? { ...entry, digest: first } : entry
      )
      fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ ...index, manifests }))
      assert.strictEqual((yield* registry.resolveTag(web, "1")).digest, first)
      yield* registry.revert(Option.getOrThrow(revision))
      assert.strictEqual((yield* registry.resolveTag(api, "1")).digest, first)
      assert.strictEqual((yield* registry.resolveTag(web, "1")).digest, first)
    }).pipe(Effect.scoped))
})
