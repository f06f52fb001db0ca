/** Archives: written, read in place, and refused where they are hostile. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { makeArchive, saveImages, type SaveOptions } from "../../src/archive/index.ts"
import { tarEnd, tarHeader, tarPadding } from "../../src/archive/write/tarHeader.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { imageConfig, imageManifest, layerTar } from "../../src/oci/MediaType.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { toolPath } from "../remote/support/others.ts"
import { temporaryFolder } from "../support/folders.ts"
import { digestOf, image, index, pushImage, pushManifest, referrerOf, sample, utf8 } from "../support/images.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(multi, "signature")

const filled = Effect.tap(makeMemory(), (registry) =>
  Effect.gen(function*() {
    for (const part of [one, other]) yield* pushImage(registry, "app", part)
    yield* pushManifest(registry, "app", multi, ["v1"])
    yield* pushManifest(registry, "app", one, ["single"])
    yield* pushImage(registry, "app", signature)
  }))

const saved = Effect.fnUntraced(function*(references: ReadonlyArray<string>, options: SaveOptions = {}) {
  const registry = yield* filled
  const items = references.map((reference) => ({
    source: { registry, repository: "app", reference },
    names: [`app:${reference}`]
  }))
  const archive = yield* saveImages(items, options)
  const bytes = new Uint8Array(Buffer.concat(yield* Stream.runCollect(archive.content)))
  assert.strictEqual(bytes.length, archive.size)
  return { ...archive, bytes }
})

type Entry = readonly [name: string, content: string | Uint8Array, change?: (header: Uint8Array) => void]

/** A tar of these files, of which a header may be changed. */
const tarOf = (entries: ReadonlyArray<Entry>): Uint8Array =>
  new Uint8Array(Buffer.concat([
    ...entries.flatMap(([name, content, change]) => {
      const bytes = typeof content === "string" ? utf8(content) : content
      const header = tarHeader(name, bytes.length)
      if (change !== undefined) {
        change(header)
        header.fill(0x20, 148, 156)
        const sum = header.reduce((total, byte) => total + byte, 0)
        header.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148)
      }
      return [header, bytes, tarPadding(bytes.length)]
    }),
    tarEnd()
  ]))

const linkTo = (target: string, flag: "1" | "2") => (header: Uint8Array): void => {
  header.set(utf8(flag), 156)
  header.set(utf8(target), 157)
}

const opened = Effect.fnUntraced(function*(bytes: Uint8Array) {
  const file = join(yield* temporaryFolder, "images.tar")
  writeFileSync(file, bytes)
  return yield* makeArchive({ file })
})

const tagsOf = (registry: Effect.Success<ReturnType<typeof makeArchive>>, repository: string) =>
  Effect.map(Stream.runCollect(registry.tags(repository)), (tags) => Array.from(tags, String))

describe("an archive that was written", () => {
  it.live("is the same whenever it is written", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* saved(["v1", "single"]), yield* saved(["v1", "single"])]
      assert.isTrue(Buffer.from(first.bytes).equals(second.bytes))
    }))

  const packings: ReadonlyArray<readonly [string, (bytes: Uint8Array) => Uint8Array]> = [
    ["plain", (bytes) => bytes],
    ["gzip", (bytes) => gzipSync(bytes)],
    [
      "gzip of two members",
      (bytes: Uint8Array) => Buffer.concat([gzipSync(bytes.slice(0, 999)), gzipSync(bytes.slice(999))])
    ],
    ["zstd", (bytes) => zstdCompressSync(bytes)]
  ]

  it.live.each(packings)("is a registry when it is read, %s", ([, pack]) =>
    Effect.gen(function*() {
      const { bytes } = yield* saved(["v1", "single"], { referrers: true })
      const registry = yield* opened(pack(bytes))
      assert.deepStrictEqual(yield* tagsOf(registry, "app"), ["single", "v1"])
      const local = yield* makeMemory()
      const copied = yield* copyManifest(
        { registry, repository: "app", reference: "v1" },
        { registry: local, repository: "app", tags: ["v1"] },
        { referrers: true }
      )
      assert.strictEqual(copied.manifests, 4)
      assert.strictEqual(copied.digest, multi.descriptor.digest)
      const refused = yield* Effect.flip(registry.pushManifest("app", one.bytes, one.descriptor.mediaType))
      assert.strictEqual(refused._tag, "Denied")
    }))

  it.live("comes on a stream as well", () =>
    Effect.gen(function*() {
      const { bytes } = yield* saved(["single"])
      const content = Stream.fromIterable(
        Array.from({ length: Math.ceil(bytes.length / 100) }, (_, at) => bytes.slice(at * 100, at * 100 + 100))
      )
      const registry = yield* makeArchive({ file: "-", content })
      assert.deepStrictEqual(yield* tagsOf(registry, "app"), ["single"])
    }))

  it.live("as docker's alone gives the same config and layers", () =>
    Effect.gen(function*() {
      const parts = { config: sample(config, imageConfig), layers: [sample(layer, layerTar)] }
      const described = {
        schemaVersion: 2,
        mediaType: imageManifest,
        config: parts.config.descriptor,
        layers: parts.layers.map(({ descriptor }) => descriptor)
      }
      const whole = { ...sample(described, imageManifest), ...parts }
      const local = yield* makeMemory()
      yield* pushImage(local, "shop", whole, ["v1"])
      const source = { registry: local, repository: "shop", reference: "v1" }
      const { content } = yield* saveImages([{ source, names: ["shop:v1"] }], { format: "docker" })
      const registry = yield* opened(new Uint8Array(Buffer.concat(yield* Stream.runCollect(content))))
      const facts = yield* registry.describe("shop", yield* registry.resolveTag("shop", "v1"))
      assert.strictEqual(facts.config?.digest, whole.config.descriptor.digest)
      assert.deepStrictEqual(facts.layers, described.layers)
    }))

  it.live.each(["skopeo", "crane", "regctl"])("is read by %s", (tool) =>
    Effect.gen(function*() {
      const path = toolPath(tool)
      if (path === undefined) return console.log(`SKIPPED: there is no ${tool}`)
      const folder = yield* temporaryFolder
      const file = join(folder, "images.tar")
      writeFileSync(file, (yield* saved(["single"])).bytes)
      const args = tool === "skopeo"
        ? ["inspect", "--raw", `oci-archive:${file}:app:single`]
        : tool === "crane"
        ? ["digest", "--tarball", file]
        : ["image", "import", `ocidir://${folder}/out:v1`, file]
      const ran = spawnSync(path, args, { encoding: "buffer" })
      assert.strictEqual(ran.status, 0, ran.stderr.toString())
      if (tool === "skopeo") assert.isTrue(ran.stdout.equals(one.bytes))
    }), 30_000)
})

const layer = utf8("not really a tar")
const config = utf8(
  JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [digestOf(layer)] } })
)

const dockerSave = (
  layers: ReadonlyArray<string> = ["a/layer.tar"],
  tags: unknown = ["shop:v1", "localhost:5000/shop:v2"]
) => JSON.stringify([{ Config: "config.json", RepoTags: tags, Layers: layers }])

describe("what docker save wrote", () => {
  it.live("gets a manifest that says the same", () =>
    Effect.gen(function*() {
      const registry = yield* opened(tarOf([
        ["a/layer.tar", layer],
        ["config.json", config],
        ["manifest.json", dockerSave()]
      ]))
      assert.deepStrictEqual(yield* tagsOf(registry, "shop"), ["v1"])
      const facts = yield* registry.describe("shop", yield* registry.resolveTag("shop", "v1"))
      assert.strictEqual(facts.config?.digest, sample(config, imageConfig).descriptor.digest)
      assert.deepStrictEqual(facts.layers.map(({ digest }) => digest), [digestOf(layer)])
      const raw = yield* registry.resolveName("localhost:5000/shop:v2")
      assert.strictEqual(raw.digest, (yield* registry.resolveTag("shop", "v1")).digest)
    }))

  it.live("may share layers by links", () =>
    Effect.gen(function*() {
      const registry = yield* opened(tarOf([
        ["manifest.json", dockerSave(["b/layer.tar"], null)],
        ["b/layer.tar", "", linkTo("../a/layer.tar", "2")],
        ["a/layer.tar", layer],
        ["config.json", config]
      ]))
      const [only] = yield* Stream.runCollect(registry.untagged("images"))
      assert.isDefined(only)
      assert.strictEqual((yield* registry.resolveBlob("images", digestOf(layer))).size, layer.length)
    }))

  it.live("and lies about a layer is found out when it is read", () =>
    Effect.gen(function*() {
      const registry = yield* opened(tarOf([
        ["a/layer.tar", utf8("something else...")],
        ["config.json", config],
        ["manifest.json", dockerSave()]
      ]))
      const failed = yield* Effect.flip(Stream.runDrain(registry.streamBlob("shop", digestOf(layer))))
      assert.strictEqual(failed._tag, "ContentMismatch")
    }))
})

describe("an archive that is none, or hostile,", () => {
  const marker: Entry = ["oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"]
  const empty: Entry = ["index.json", "{\"manifests\":[]}"]
  const bodies: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
    ["of nothing", new Uint8Array(0), /no images in it/u],
    ["of text", utf8("hello ".repeat(200)), /./u],
    ["with a name that leads out", tarOf([marker, empty, ["../x", "y"]]), /leads out of it/u],
    ["with a name in the middle", tarOf([marker, empty, ["a/../../x", "y"]]), /leads out of it/u],
    ["with a whole path", tarOf([marker, empty, ["/etc/passwd", "y"]]), /leads out of it/u],
    [
      "with a link that leads out",
      tarOf([marker, empty, ["x", "", linkTo("../../etc/passwd", "2")]]),
      /leads out of it/u
    ],
    ["with a link to a path", tarOf([marker, empty, ["x", "", linkTo("/etc/passwd", "1")]]), /leads out of it/u],
    [
      "with an index that is a link around",
      tarOf([marker, ["index.json", "", linkTo("index.json", "1")]]),
      /no index.json/u
    ],
    ["without an index", tarOf([marker]), /no index.json/u],
    ["of another version", tarOf([["oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}"], empty]), /version 1.0.0/u],
    ["with an index that is no JSON", tarOf([marker, ["index.json", "{"]]), /is not valid JSON/u],
    [
      "with a deep index",
      tarOf([marker, ["index.json", `{"manifests":${"[".repeat(5000)}${"]".repeat(5000)}}`]]),
      /deep/u
    ],
    ["with a huge marker", tarOf([["oci-layout", " ".repeat(5000)], empty]), /more than 4096 bytes/u],
    ["cut short", tarOf([marker, ["index.json", "x".repeat(4000)]]).slice(0, 3000), /cut short/u],
    ["with two layouts", tarOf([["a/oci-layout", marker[1]], ["b/oci-layout", marker[1]]]), /more than one layout/u],
    ["with a broken gzip", gzipSync(tarOf([marker, empty])).subarray(0, 60), /./u],
    [
      "that unpacks to too much",
      gzipSync(new Uint8Array(1024 * 1024 * 1024 + 1024 * 1024)),
      /more than an archive may hold/u
    ],
    ["with a config that is not there", tarOf([["manifest.json", dockerSave()]]), /no config/u],
    ["with a layer that is not there", tarOf([["manifest.json", dockerSave()], ["config.json", config]]), /no layer/u],
    ["with images that are none", tarOf([["manifest.json", "[7]"]]), /does not name a config/u]
  ]

  it.live.each(bodies)("%s is refused", ([, bytes, reason]) =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(opened(bytes))
      assert.strictEqual(failed._tag, "ArchiveInvalid")
      assert.match(failed.message, reason)
    }), 60_000)

  it.live("that is a folder, or is not there, is refused", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      assert.strictEqual((yield* Effect.flip(makeArchive({ file: folder })))._tag, "ArchiveInvalid")
      assert.strictEqual((yield* Effect.flip(makeArchive({ file: join(folder, "x") })))._tag, "FileUnknown")
    }))

  it.live("has a layout in a folder found, whatever the order", () =>
    Effect.gen(function*() {
      const { bytes } = yield* saved(["single"])
      const folder = yield* temporaryFolder
      mkdirSync(join(folder, "in/deep"), { recursive: true })
      writeFileSync(join(folder, "a.tar"), bytes)
      const unpack = spawnSync("tar", ["-xf", join(folder, "a.tar"), "-C", join(folder, "in/deep")])
      assert.strictEqual(unpack.status, 0, String(unpack.stderr))
      spawnSync("tar", ["--sort=name", "-cf", join(folder, "b.tar"), "-C", folder, "./in"])
      const registry = yield* makeArchive({ file: join(folder, "b.tar") })
      assert.deepStrictEqual(yield* tagsOf(registry, "app"), ["single"])
      assert.isAbove(readFileSync(join(folder, "b.tar")).length, 0)
    }))
})
