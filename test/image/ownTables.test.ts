import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { rowOf } from "../../src/image/inside/FileRow.ts"
import { makeInside, type OpenImage } from "../../src/image/inside/openImage.ts"
import { readPath } from "../../src/image/inside/readPath.ts"
import { readEntries } from "../../src/image/layers/readEntries.ts"
import { type LayerLimits, layerLimits } from "../../src/image/limits.ts"
import { below } from "../../src/image/tree/walk.ts"
import { makeDisk } from "../../src/node/index.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { collectBytes } from "../../src/ops/manifests/collectBytes.ts"
import { temporaryFolder } from "../support/folders.ts"
import { layerTar } from "./support/layers.ts"
import { failure, put, textOf } from "./support/opened.ts"
import { kinds, layoutOf, type OwnTableLayer, type Said, withOwnTable } from "./support/ownTables.ts"
import { file, pax, tar } from "./support/tars.ts"

const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  layers: Schema.Array(
    Schema.Struct({ digest: Schema.String, annotations: Schema.Record(Schema.String, Schema.String) })
  )
})))

const large = randomBytes(3_000_000)
const source = tar(
  layerTar([
    ["etc", "d", 0o750],
    ["etc/motd", "f", "hello\n"],
    ["etc/hard", "h", "etc/motd"],
    ["etc/link", "s", "motd"],
    ["empty", "f", ""],
    ["null", "c", [1, 3]]
  ]).subarray(0, -1024),
  file("large", large, { mode: 0o4755 }),
  pax({ "SCHILY.xattr.user.one": "value" }),
  file("with", "attributes"),
  file("last", "last"),
  file("zero", "")
)

/** A registry over one layer, and how many bytes of blobs it was made to read. */
const registryOf = Effect.fnUntraced(function*(layer: OwnTableLayer) {
  const folder = yield* temporaryFolder
  put(folder, layoutOf(layer))
  const registry = yield* makeDisk({ directory: folder, defaultRepository: "app" })
  const read = { bytes: 0 }
  const counted = <A extends { readonly stream: Stream.Stream<Uint8Array, unknown> }>(content: A): A => ({
    ...content,
    stream: Stream.tap(content.stream, (bytes) =>
      Effect.sync(() => {
        read.bytes += bytes.length
      }))
  })
  const counting: typeof registry = {
    ...registry,
    getBlob: (...asked) => Effect.map(registry.getBlob(...asked), counted),
    getBlobRange: (...asked) => Effect.map(registry.getBlobRange(...asked), counted)
  }
  return { folder, read, from: { registry: counting, repository: "app", reference: "v1" } }
})

const openedBy = Effect.fnUntraced(function*(layer: OwnTableLayer, limits: LayerLimits = layerLimits) {
  const { from, read } = yield* registryOf(layer)
  return { read, image: yield* makeInside(layerCodec, limits).open(from, undefined, { trustTables: true }) }
})

const rows = (image: OpenImage) =>
  Array.from(below(image.root, "/"), (at) => ({ ...rowOf(image, at), path: at.path }))
    .filter(({ path }) => path !== "/stargz.index.json")

describe.each(kinds)("a layer of %s", (kind) => {
  const honest = withOwnTable(kind, source)

  it.live("is told by its own table as it is when it is read, if that is wanted", () =>
    Effect.gen(function*() {
      const { from, read } = yield* registryOf(honest)
      const inside = makeInside(layerCodec)
      const trusted = yield* inside.open(from, undefined, { trustTables: true })
      assert.isBelow(read.bytes, 10_000)
      const checked = yield* inside.open(from)
      assert.isAbove(read.bytes, 3_000_000)
      assert.deepStrictEqual(trusted.tables.map(({ own }) => own !== undefined), [true])
      assert.deepStrictEqual(checked.tables.map(({ own }) => own), [undefined])
      assert.deepStrictEqual(rows(trusted), rows(checked))
      assert.strictEqual(rows(trusted).length, 10)
    }))

  it.live("has files that are read from where its table says they are", () =>
    Effect.gen(function*() {
      const { image, read } = yield* openedBy(honest)
      assert.strictEqual(yield* textOf((yield* readPath(image, "/last")).content), "last")
      assert.strictEqual(yield* textOf((yield* readPath(image, "/etc/link")).content), "hello\n")
      assert.strictEqual(yield* textOf((yield* readPath(image, "/empty")).content), "")
      const before = read.bytes
      const window = yield* readPath(image, "/large", { offset: 2_950_000, length: 1000 })
      const bytes = yield* collectBytes(window.content, () => Effect.void)
      assert.isTrue(large.subarray(2_950_000, 2_951_000).equals(bytes))
      assert.isBelow(read.bytes - before, 300_000)
      const whole = yield* collectBytes((yield* readPath(image, "/large")).content, () => Effect.void)
      assert.isTrue(large.equals(whole))
      // All at once, as extract and grep do.
      const [table] = image.tables
      const files = table?.entries.filter(({ type }) => type === "file").map((entry) => ({ entry })) ?? []
      assert.isDefined(table)
      if (table === undefined) return
      const readAll = Effect.fnUntraced(function*(wanted: typeof files) {
        const seen: Array<string> = []
        yield* readEntries(image.source, table, wanted, {
          begin: () => undefined,
          data: () => undefined,
          end: ({ entry }) => void seen.push(entry.name)
        }, Effect.sync)
        return seen
      })
      const seen = yield* readAll(files)
      assert.deepStrictEqual(seen, ["etc/motd", "empty", "large", "with", "last", "zero"])
      const after = read.bytes
      assert.deepStrictEqual(yield* readAll(files.slice(-1)), ["zero"])
      assert.strictEqual(read.bytes, after)
    }))

  const lying = (path: string, more: Said) =>
    withOwnTable(kind, source, { lie: (said) => said.map((one) => one["name"] === path ? { ...one, ...more } : one) })

  it.live("that lies of a file is found out where that file is read, or the layer", () =>
    Effect.gen(function*() {
      const sha = `sha256:${"0".repeat(64)}`
      const { image } = yield* openedBy(lying("etc/motd", { digest: sha }))
      const { content } = yield* readPath(image, "/etc/motd")
      assert.strictEqual(yield* failure(Stream.runDrain(content)), "LayerInvalid")
      const { from } = yield* registryOf(lying("last", { name: "other" }))
      const inside = makeInside(layerCodec)
      const trusted = yield* inside.open(from, undefined, { trustTables: true })
      assert.include(rows(trusted).map(({ path }) => path), "/other")
      assert.include(rows(yield* inside.open(from)).map(({ path }) => path), "/last")
    }).pipe(Effect.scoped))

  const broken: ReadonlyArray<readonly [name: string, layer: OwnTableLayer, tag: string]> = [
    [
      "another than the manifest says",
      withOwnTable(kind, source, {
        annotate: (all) =>
          Object.fromEntries(
            Object.entries(all).map(([key, value]) => [key, value.replace(/[0-9a-f]{8}$/u, "00000000")])
          )
      }),
      "LayerInvalid"
    ],
    ["no JSON", withOwnTable(kind, source, { table: () => Buffer.from("{") }), "LayerInvalid"],
    ["no object", withOwnTable(kind, source, { table: () => Buffer.from("[]") }), "LayerInvalid"],
    ["an offset behind the layer", lying("large", { offset: 2 ** 40 }), "LayerInvalid"],
    ["a negative offset", lying("large", { offset: -1 }), "LayerInvalid"],
    ["a size that is no number", lying("large", { size: "1" }), "LayerInvalid"],
    ["a file too large for any layer", lying("large", { size: 2 ** 50 }), "LayerInvalid"],
    ["a file too large for this layer", lying("large", { size: 2 ** 35 }), "LimitExceeded"],
    ["a file without a digest", lying("large", { digest: "" }), "LayerInvalid"],
    ["a type that is none", lying("large", { type: "constructor" }), "LayerInvalid"],
    ["a name with a zero in it", lying("large", { name: "a\0b" }), "LayerInvalid"],
    ["a time that is none", lying("large", { modtime: "now" }), "LayerInvalid"],
    ["a name that is too long", lying("large", { name: "x".repeat(5000) }), "LayerInvalid"],
    ["a chunk of nothing", withOwnTable(kind, source, { lie: (said) => [{ type: "chunk" }, ...said] }), "LayerInvalid"],
    ["an attribute that is no base64", lying("with", { xattrs: { "user.one": "?" } }), "LayerInvalid"]
  ]
  it.live.each(broken)("whose table has %s is refused", ([, layer, tag]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* failure(openedBy(layer)), tag)
    }))

  it.live("has no more files than any layer", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* failure(openedBy(honest, { ...layerLimits, entries: 9 })), "LimitExceeded")
    }))

  it.live("is read where its manifest names no table", () =>
    Effect.gen(function*() {
      const { image } = yield* openedBy({ ...honest, annotations: {} })
      assert.deepStrictEqual(image.tables.map(({ own }) => own), [undefined])
    }))
})

describe("a table", () => {
  it.live("is looked for inside of the layer only", () =>
    Effect.gen(function*() {
      const honest = withOwnTable("zstd:chunked", source)
      const key = "io.github.containers.zstd-chunked.manifest-position"
      for (const position of ["", "1:2:3", "0:0:0:1", `${honest.blob.length}:10:10:1`, "0:10:10:2", "0:99999999:1:1"]) {
        const layer = { ...honest, annotations: { ...honest.annotations, [key]: position } }
        assert.strictEqual(yield* failure(openedBy(layer)), "LayerInvalid", position)
      }
      const stargz = withOwnTable("eStargz", source)
      const { blob } = stargz
      const far = Buffer.concat([blob.subarray(0, -35), Buffer.from("7fffffffffffffff"), blob.subarray(-19)])
      assert.strictEqual(yield* failure(openedBy({ ...stargz, blob: far })), "LayerInvalid")
      assert.strictEqual(yield* failure(openedBy({ ...stargz, blob: blob.subarray(0, -1) })), "LayerInvalid")
      assert.strictEqual(yield* failure(openedBy({ ...stargz, blob: blob.subarray(0, 20) })), "LayerInvalid")
    }))

  const hasSkopeo = spawnSync("skopeo", ["--version"]).status === 0

  it.live.skipIf(!hasSkopeo)("is read as skopeo writes it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      put(join(folder, "plain"), layoutOf({ tar: source, blob: source, annotations: {} }))
      const target = join(folder, "chunked")
      const made = spawnSync("skopeo", [
        "copy",
        "--dest-compress",
        "--dest-compress-format",
        "zstd:chunked",
        `oci:${join(folder, "plain")}:v1`,
        `dir:${target}`
      ], { timeout: 60_000 })
      assert.strictEqual(made.status, 0, made.stderr.toString())
      const { layers: [layer] } = decodeManifest(readFileSync(join(target, "manifest.json"), "utf8"))
      assert.isDefined(layer)
      if (layer === undefined) return
      const blob = readFileSync(join(target, layer.digest.slice(7)))
      const { from, read } = yield* registryOf({ tar: source, blob, annotations: layer.annotations })
      const inside = makeInside(layerCodec)
      const trusted = yield* inside.open(from, undefined, { trustTables: true })
      assert.isBelow(read.bytes, 20_000)
      assert.deepStrictEqual(trusted.tables.map(({ own }) => own !== undefined), [true])
      assert.deepStrictEqual(rows(trusted), rows(yield* inside.open(from)))
      const whole = yield* collectBytes((yield* readPath(trusted, "/large")).content, () => Effect.void)
      assert.isTrue(large.equals(whole))
    }))
})
