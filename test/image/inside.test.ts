import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { buildSteps } from "../../src/image/inside/buildSteps.ts"
import { diffImages } from "../../src/image/inside/diffImages.ts"
import { layoutSizes } from "../../src/image/inside/layoutSizes.ts"
import { findFiles, listFiles, listLayer } from "../../src/image/inside/listFiles.ts"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { readPath } from "../../src/image/inside/readPath.ts"
import { sizesOf } from "../../src/image/inside/sizes.ts"
import { whichLayers } from "../../src/image/inside/whichLayers.ts"
import { layerLimits } from "../../src/image/limits.ts"
import { makeDiskTree } from "../../src/node/index.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { sourceOf } from "../../src/ops/refs/copySource.ts"
import { temporaryFolder } from "../support/folders.ts"
import { imageFiles, layerTar, sha256, type Written } from "./support/layers.ts"
import { failure, opened, openedIn, put, textOf } from "./support/opened.ts"
import { base256, file, gnu, header, octal, pax, tar } from "./support/tars.ts"

const base: ReadonlyArray<Written> = [
  ["etc", "d", 0o755],
  ["etc/passwd", "f", "root:x:0:0\n"],
  ["etc/motd", "f", "hello\n"],
  ["usr/bin/tool", "f", "x".repeat(5000), 0o4755],
  ["bin", "s", "usr/bin"],
  ["same", "f", "x".repeat(5000)]
]
const upper: ReadonlyArray<Written> = [
  ["etc/motd", "f", "welcome\n"],
  ["etc/.wh.passwd", "f", ""],
  ["bin/other", "f", "other", 0o755]
]

describe("inside an image", () => {
  it.live("lists, finds, reads and measures", () =>
    Effect.gen(function*() {
      const { image } = yield* opened({ v1: [layerTar(base), layerTar(upper)] })
      const all = yield* listFiles(image, "/", { recursive: true, limit: 100 })
      assert.deepStrictEqual(all.items.map(({ path }) => path), [
        "/bin",
        "/etc",
        "/etc/motd",
        "/same",
        "/usr",
        "/usr/bin",
        "/usr/bin/other",
        "/usr/bin/tool"
      ])
      const first = yield* listFiles(image, "/bin", { recursive: false, limit: 1 })
      assert.deepStrictEqual([first.items.map(({ path }) => path), first.more], [["/usr/bin/other"], true])
      const next = yield* listFiles(image, "/bin", { recursive: false, limit: 1, startAfter: "/usr/bin/other" })
      assert.deepStrictEqual([next.items.map(({ path }) => path), next.more], [["/usr/bin/tool"], false])
      assert.deepInclude(next.items[0], {
        mode: 0o4755,
        size: 5000,
        layer: 0,
        digest: sha256(Buffer.from("x".repeat(5000)))
      })

      const setuid = yield* findFiles(image, "/", { setuid: true }, { limit: 10 })
      assert.deepStrictEqual(setuid.items.map(({ path }) => path), ["/usr/bin/tool"])
      const named = yield* findFiles(image, "/", { name: "/usr/*o?l" }, { limit: 10 })
      assert.deepStrictEqual(named.items.map(({ path }) => path), ["/usr/bin/tool"])
      const large = yield* findFiles(image, "/", { larger: 4999, type: "file" }, { limit: 10 })
      assert.deepStrictEqual(large.items.map(({ path }) => path), ["/same", "/usr/bin/tool"])

      assert.strictEqual(yield* textOf((yield* readPath(image, "bin/../../etc/motd")).content), "welcome\n")
      assert.strictEqual(yield* textOf((yield* readPath(image, "/etc/motd", { offset: 3, length: 2 })).content), "co")
      assert.strictEqual(yield* failure(readPath(image, "/etc/passwd")), "PathUnknown")
      assert.strictEqual(yield* failure(readPath(image, "/etc")), "PathUnknown")

      const which = yield* whichLayers(image, "/etc/motd")
      assert.deepStrictEqual(which.map(({ createdBy, did, layer }) => ({ layer, did, createdBy })), [
        { layer: 0, did: "added", createdBy: "step 1" },
        { layer: 1, did: "replaced", createdBy: "step 2" }
      ])
      assert.deepStrictEqual((yield* whichLayers(image, "/etc/passwd")).map(({ did }) => did), ["added", "removed"])
      assert.strictEqual(yield* failure(whichLayers(image, "/nothing")), "PathUnknown")

      const raw = Result.getOrThrow(listLayer(image, 1, 10))
      assert.deepStrictEqual(raw.items.map(({ type }) => type), ["file", "whiteout", "file"])

      const sizes = sizesOf(image, 3)
      assert.deepInclude(sizes, { visible: 10_013, hidden: 17, repeated: 5000 })
      assert.deepStrictEqual(sizes.folders.map(({ path }) => path), ["/usr", "/same", "/etc"])
    }))

  it.live("tells what two images have different", () =>
    Effect.gen(function*() {
      const layers = [layerTar(base), layerTar(upper)]
      const { found, image, inside, registry } = yield* opened({
        v1: layers,
        v2: [
          ...layers,
          layerTar([["etc/motd", "f", "welcome\n", 0o600], ["usr", "f", "no folder any more"], ["z/new", "f", ""]])
        ]
      })
      const other = yield* inside.open({ registry, repository: "app", reference: "v2" })
      const changes = Array.from(diffImages(image, other, { times: false }))
      assert.deepStrictEqual(
        changes.map(({ aspects, change, path }) => `${change} ${path} ${aspects?.join() ?? ""}`.trim()),
        [
          "changed /etc/motd mode",
          "changed /usr type",
          "removed /usr/bin",
          "removed /usr/bin/other",
          "removed /usr/bin/tool",
          "added /z",
          "added /z/new"
        ]
      )
      assert.deepStrictEqual(Array.from(diffImages(image, yield* inside.open(sourceOf(found)), { times: true })), [])
    }))

  it.live("has the layers once that images of one repository have in common, and those of no other repository", () =>
    Effect.gen(function*() {
      const layers = [layerTar(base), layerTar(upper)]
      const folder = yield* temporaryFolder
      for (const name of ["one", "two"]) put(join(folder, name), imageFiles({ v1: layers, v2: layers.slice(0, 1) }))
      const registry = yield* makeDiskTree({ directory: folder })
      const inside = makeInside(layerCodec)
      const open = (repository: string, reference: string) => inside.open({ registry, repository, reference })
      const [v1, v2] = [yield* open("one", "v1"), yield* open("one", "v2")]
      assert.strictEqual(v2.tables[0], v1.tables[0])
      for (const { digest } of v1.tables) rmSync(join(folder, "two/blobs/sha256", digest.slice("sha256:".length)))
      assert.strictEqual(yield* failure(open("two", "v1")), "BlobUnknown")
      assert.strictEqual(yield* failure(open("two", "v2")), "BlobUnknown")
    }))

  it.live("keeps tables in layouts that we write, and believes only its own", () =>
    Effect.gen(function*() {
      const { folder } = yield* opened({ v1: [layerTar(base)] }, { own: true })
      const kept = join(folder, ".ocilayout", "layers")
      const [name = "", ...others] = readdirSync(kept)
      assert.match(name, /^[0-9a-f]{16}\.[0-9a-f]{64}\.table$/u)
      assert.deepStrictEqual(others, [])
      const table = readFileSync(join(kept, name))
      // Only the kept table can answer now.
      const blob = join(folder, "blobs", "sha256", name.split(".")[1] ?? "")
      writeFileSync(blob, "")
      const { image } = yield* openedIn(folder)
      assert.strictEqual((yield* listFiles(image, "/", { recursive: true, limit: 100 })).items.length, 8)
      // One that was changed, or is another layer's, is none.
      table[70] = (table[70] ?? 0) ^ 1
      writeFileSync(join(kept, name), table)
      assert.strictEqual(yield* failure(openedIn(folder)), "ContentMismatch")
    }))

  it.live("leaves other layouts as they are", () =>
    Effect.gen(function*() {
      const { folder } = yield* opened({ v1: [layerTar(base)] })
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["blobs", "index.json", "oci-layout"])
    }))

  const blobOf = (bytes: Uint8Array, digest: string) => (folder: string) =>
    writeFileSync(join(folder, "blobs", "sha256", digest.slice(7)), bytes)

  it.live("says what is wrong with a layer", () =>
    Effect.gen(function*() {
      const good = layerTar(base)
      const digest = sha256(gzipSync(good))
      const broken = Buffer.concat([good.subarray(0, 512), Buffer.from("x".repeat(1024))])
      assert.strictEqual(yield* failure(opened({ v1: [broken] })), "LayerInvalid")
      assert.strictEqual(yield* failure(opened({ v1: [good.subarray(0, 700)] })), "LayerInvalid")
      assert.strictEqual(
        yield* failure(opened({ v1: [good] }, { change: blobOf(gzipSync(broken), digest) })),
        "ContentMismatch"
      )
      const below = layerTar([["etc/passwd/x", "f", ""]])
      assert.strictEqual(yield* failure(opened({ v1: [good, below] })), "LayerInvalid")
    }))

  it.live("ends at its limits, at a bounded cost", () =>
    Effect.gen(function*() {
      const limited = (tars: ReadonlyArray<Uint8Array>, limits: Partial<typeof layerLimits>) =>
        failure(opened({ v1: tars }, { limits: { ...layerLimits, ...limits } }))
      assert.strictEqual(yield* limited([layerTar(base)], { entries: 3 }), "LimitExceeded")
      assert.strictEqual(yield* limited([layerTar(base)], { tableBytes: 100 }), "LimitExceeded")
      assert.strictEqual(yield* limited([layerTar(base)], { size: 10_000 }), "LimitExceeded")
      const zeros = tar(file("zeros", Buffer.alloc(4 * 1024 * 1024)))
      assert.strictEqual(yield* limited([zeros], { ratioFrom: 1024 * 1024 }), "LimitExceeded")
      // A hole of eight exbibytes costs nothing before it is refused.
      const hole = tar(
        pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9007199254740991" }),
        header({ name: "hole", size: 512 }),
        Buffer.concat([Buffer.from("0\n"), Buffer.alloc(510)])
      )
      assert.strictEqual(yield* limited([hole], {}), "LimitExceeded")
    }))

  const compressions: ReadonlyArray<readonly [name: string, compress: (bytes: Uint8Array) => Uint8Array]> = [
    ["gzip", (bytes) => gzipSync(bytes)],
    [
      "zstd of several frames",
      (bytes) => Buffer.concat([zstdCompressSync(bytes.subarray(0, 700)), zstdCompressSync(bytes.subarray(700))])
    ],
    ["nothing", (bytes) => bytes]
  ]
  it.live.each(compressions)(
    "reads files of layers compressed by %s, sparse ones too",
    ([, compress]) =>
      Effect.gen(function*() {
        const content = "0123456789".repeat(30_000)
        const sparse = Buffer.concat([
          header({
            name: "sparse",
            type: "S",
            size: 1024,
            magic: gnu,
            patch: (block) => {
              for (const [at, value] of [512, 512, 204_800, 512].entries()) octal(value, 12).copy(block, 386 + 12 * at)
              octal(300_000, 12).copy(block, 483)
            }
          }),
          Buffer.alloc(512, "A"),
          Buffer.alloc(512, "B")
        ])
        const bytes = tar(file("a", content), sparse, file("b", "last", { rawMtime: base256(-5, 12), magic: gnu }))
        const folder = yield* temporaryFolder
        put(folder, imageFiles({ v1: [bytes] }, compress))
        const { image } = yield* openedIn(folder)
        assert.strictEqual(yield* textOf((yield* readPath(image, "a")).content), content)
        assert.strictEqual(yield* textOf((yield* readPath(image, "b")).content), "last")
        const hole = yield* textOf((yield* readPath(image, "sparse")).content)
        assert.strictEqual(hole.length, 300_000)
        assert.strictEqual(hole.replaceAll("\0", ""), "A".repeat(512) + "B".repeat(512))
        const window = yield* textOf((yield* readPath(image, "sparse", { offset: 204_798, length: 4 })).content)
        assert.strictEqual(window, "\0\0BB")
      })
  )
})

describe("many images", () => {
  it.live("are measured together: what they share, and what is there for nothing", () =>
    Effect.gen(function*() {
      const [low, high] = [layerTar(base), layerTar(upper)]
      const own = layerTar([["copy", "f", "x".repeat(5000)], ["new", "f", "n"]])
      const { inside, registry } = yield* opened({
        v1: [low, high],
        v2: [low, own],
        same: [low, high],
        bad: [own.subarray(0, 700)]
      })
      const { blobs, failures, images, layers } = yield* layoutSizes(registry, inside)
      assert.deepStrictEqual(images.map(({ hidden, names }) => [names, hidden]), [
        [["app:same", "app:v1"], 17],
        [["app:v2"], 0]
      ])
      assert.deepStrictEqual(failures.map(({ failure, names }) => [names, failure._tag]), [[
        ["app:bad"],
        "LayerInvalid"
      ]])
      assert.deepStrictEqual(layers.map(({ alike, files, images }) => `${files} ${alike} ${images}`).toSorted(), [
        "10017 0 2",
        "13 0 1",
        "5001 5000 1"
      ])
      assert.strictEqual(blobs, layers.reduce((sum, { blob }) => sum + blob, 0))
      const shared = layers.find(({ images }) => images === 2)?.blob ?? 0
      for (const { blobs, unique } of images) assert.strictEqual(unique, blobs - shared)
    }))

  it.live("tell how each was built, and what each step changed", () =>
    Effect.gen(function*() {
      const { image } = yield* opened({ v1: [layerTar(base), layerTar(upper)] })
      const steps = Result.getOrThrow(buildSteps(image))
      assert.deepStrictEqual(
        steps.map(({ changes, createdBy }) => [createdBy, changes?.added, changes?.replaced, changes?.removed]),
        [["step 1", 6, 0, 0], ["step 2", 1, 1, 1]]
      )
      const config = image.config
      const told = { createdBy: "ENV A=1", hasLayer: false }
      assert.isDefined(config)
      if (config === undefined) return
      const other = { ...image, config: { ...config, steps: [told] } }
      assert.deepStrictEqual(
        Result.getOrThrow(buildSteps(other)).map(({ changes, createdBy }) => [createdBy, changes?.layer]),
        [["ENV A=1", undefined], [undefined, 0], [undefined, 1]]
      )
    }))
})
