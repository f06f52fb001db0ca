/** Bundles: archives without what the other side has, taken in by it whole or not at all. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { tarMembers } from "../../src/archive/files/tarMembers.ts"
import { applyBundle, makeArchive, openArchive, parseInventory, saveImages } from "../../src/archive/index.ts"
import { tarEnd, tarHeader, tarPadding } from "../../src/archive/write/tarHeader.ts"
import { makeMemory, makeMemoryTree } from "../../src/memory/index.ts"
import type { FileHandle } from "../../src/node/fs/LayoutFs.ts"
import { makeDisk } from "../../src/node/index.ts"
import { imageConfig, imageIndex, imageManifest, layerTar } from "../../src/oci/MediaType.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { inventory } from "../../src/ops/copy/inventory.ts"
import { serving } from "../http/support/serving.ts"
import { remoteAt, withClient } from "../remote/support/remotes.ts"
import { temporaryFolder } from "../support/folders.ts"
import {
  collect,
  image,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  sample,
  textOf,
  utf8
} from "../support/images.ts"

const base = sample("the layer that both have".repeat(100), layerTar)

/** An image on the layer that both have, with one of its own. */
const onBase = (name: string) => {
  const own = image(name)
  const layers = [base, ...own.layers]
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifest,
    config: own.config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor)
  }
  return { ...sample(manifest, imageManifest), config: own.config, layers }
}

const [old, app, web] = [onBase("old"), onBase("app"), onBase("web")]
const signature = referrerOf(app, "signature")

/** What bundles are made of. */
const origin = Effect.tap(makeMemory(), (registry) =>
  Effect.gen(function*() {
    yield* pushImage(registry, "app", old, ["v1"])
    yield* pushImage(registry, "app", app, ["v2", "latest"])
    yield* pushImage(registry, "app", signature)
    yield* pushImage(registry, "web", web, ["v2"])
  }))

const itemsOf = (registry: LayoutRegistry, names: ReadonlyArray<string>) =>
  names.map((name) => {
    const [repository = "", reference = ""] = name.split(":")
    return { source: { registry, repository, reference }, names: [name] }
  })

/** A bundle of what is new, for one that has the old image. */
const bundled = Effect.fnUntraced(function*(
  names: ReadonlyArray<string> = ["app:v2", "app:latest", "web:v2"],
  have: ReadonlySet<string> = new Set([base.descriptor.digest])
) {
  const archive = yield* saveImages(itemsOf(yield* origin, names), { have, referrers: true })
  const bytes = yield* collect(archive.content)
  assert.strictEqual(bytes.length, archive.size)
  return { ...archive, bytes }
})

const filesOf = (tar: Uint8Array): Map<string, Uint8Array> => {
  const files = new Map<string, Uint8Array>()
  for (let at = 0; tar[at] !== 0;) {
    const text = (from: number, length: number) =>
      textOf(tar.subarray(at + from, at + from + length)).replace(/\0.*$/su, "")
    const size = Number.parseInt(text(124, 12), 8)
    files.set(text(0, 100), tar.slice(at + 512, at + 512 + size))
    at += 512 + size + tarPadding(size).length
  }
  return files
}

const tarOf = (files: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  new Uint8Array(Buffer.concat([
    ...Array.from(files).flatMap(([name, bytes]) => [tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)]),
    tarEnd()
  ]))

const pathOf = ({ descriptor }: Sample): string => `blobs/${descriptor.digest.replace(":", "/")}`

const inFile = Effect.fnUntraced(function*(bytes: Uint8Array) {
  const file = join(yield* temporaryFolder, "bundle.tar")
  writeFileSync(file, bytes)
  return file
})

const applied = Effect.fnUntraced(function*(bytes: Uint8Array, registry: LayoutRegistry) {
  return yield* applyBundle({ file: yield* inFile(bytes) }, registry)
})

/** One that has the old image. */
const receiver = Effect.tap(makeMemory(), (registry) => pushImage(registry, "app", old, ["v1", "latest"]))

const revisionOf = (registry: LayoutRegistry) =>
  Effect.map(Stream.runCollect(registry.history({ limit: 1 })), ([last]) => last?.revision ?? 0)

describe("a bundle", () => {
  it.live("has all but what the other side has, tells of it, and is read as an archive", () =>
    Effect.gen(function*() {
      const { base: left, baseSize, bytes } = yield* bundled()
      assert.deepStrictEqual(left, [base.descriptor.digest])
      assert.strictEqual(baseSize, base.bytes.length)
      const files = filesOf(bytes)
      assert.isFalse(files.has(pathOf(base)))
      assert.isFalse(files.has("manifest.json"))
      for (const part of [app, web, signature, ...app.layers.slice(1)]) assert.isTrue(files.has(pathOf(part)))
      const told: unknown = JSON.parse(textOf(files.get("ocilayout-bundle.json") ?? utf8("{}")))
      assert.deepStrictEqual(told, { bundleVersion: "1.0.0", base: [base.descriptor.digest] })
      const registry = yield* makeArchive({ file: yield* inFile(bytes) })
      assert.strictEqual((yield* registry.resolveTag("web", "v2")).digest, web.descriptor.digest)
      assert.strictEqual((yield* Stream.runCollect(registry.referrers("app", app.descriptor.digest))).length, 1)
    }))

  it.live("is the same whenever it is made", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* bundled(), yield* bundled()]
      assert.isTrue(Buffer.from(one.bytes).equals(other.bytes))
    }))

  it.live("is taken in by one commit, for all of its repositories", () =>
    Effect.gen(function*() {
      const registry = yield* receiver
      const before = yield* revisionOf(registry)
      const { bytes } = yield* bundled()
      const done = yield* applied(bytes, registry)
      assert.strictEqual(done.base, 1)
      assert.strictEqual(yield* revisionOf(registry), before + 1)
      for (const tag of ["v2", "latest"]) {
        assert.strictEqual((yield* registry.resolveTag("app", tag)).digest, app.descriptor.digest)
      }
      assert.strictEqual((yield* registry.resolveTag("web", "v2")).digest, web.descriptor.digest)
      assert.strictEqual((yield* Stream.runCollect(registry.referrers("app", app.descriptor.digest))).length, 1)
      const again = yield* applied(bytes, registry)
      assert.strictEqual(again.revision._tag, "None")
    }))

  it.live("builds on what earlier bundles brought and built on", () =>
    Effect.gen(function*() {
      const first = yield* bundled(["app:v2"])
      const { base: left, holds } = yield* openArchive({ file: yield* inFile(first.bytes) })
      const second = yield* bundled(["app:v2", "web:v2"], new Set([...left, ...holds]))
      assert.deepStrictEqual(
        second.base,
        [base, app.config, ...app.layers.slice(1), signature.config, ...signature.layers]
          .map(({ descriptor }) => descriptor.digest).toSorted()
      )
      const registry = yield* receiver
      yield* applied(first.bytes, registry)
      yield* applied(second.bytes, registry)
      assert.strictEqual((yield* registry.resolveTag("web", "v2")).digest, web.descriptor.digest)
    }))

  it.live("keeps documents that only reading tells what they need", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const layer = sample("a layer", "application/octet-stream")
      const document = sample({ needs: layer.descriptor.digest }, "application/vnd.example.document+json")
      const top = sample({ schemaVersion: 2, mediaType: imageIndex, manifests: [document.descriptor] }, imageIndex)
      for (const part of [layer, document]) yield* pushBlob(registry, "app", part)
      yield* pushManifest(registry, "app", top, ["v1"])
      const have = new Set([layer, document].map(({ descriptor }) => descriptor.digest))
      const bytes = yield* collect((yield* saveImages(itemsOf(registry, ["app:v1"]), { have })).content)
      const other = yield* makeMemory()
      yield* applied(bytes, other)
      assert.strictEqual((yield* other.resolveBlob("app", layer.descriptor.digest)).size, layer.bytes.length)
    }))

  it.live("is not for docker load", () =>
    Effect.gen(function*() {
      const items = itemsOf(yield* origin, ["app:v2"])
      const failed = yield* Effect.flip(saveImages(items, { have: new Set(), format: "docker" }))
      assert.strictEqual(failed._tag, "Unsupported")
    }))

  it.live("goes into a registry on the network as well", () =>
    withClient(Effect.gen(function*() {
      const served = yield* serving(yield* receiver)
      const { bytes } = yield* bundled(["app:v2"])
      const remote = yield* remoteAt(served)
      yield* applyBundle({ file: yield* inFile(bytes) }, remote)
      assert.strictEqual((yield* served.registry.resolveTag("app", "v2")).digest, app.descriptor.digest)
      // What belongs to an image comes into its repository, though it has no name.
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(served.registry.repositories()), String), ["app"])
      assert.strictEqual((yield* Stream.runCollect(served.registry.referrers("app", app.descriptor.digest))).length, 1)
    })))

  it.live("of several repositories is not for a tree, whose repositories change each for itself", () =>
    Effect.gen(function*() {
      const tree = yield* makeMemoryTree
      yield* pushImage(tree, "app", old, ["v1"])
      yield* pushImage(tree, "web", old, ["v1"])
      const failed = yield* Effect.flip(applied((yield* bundled()).bytes, tree))
      assert.strictEqual(failed._tag, "Unsupported")
      yield* applied((yield* bundled(["app:v2"])).bytes, tree)
    }))
})

describe("a bundle whose base lacks", () => {
  it.live("changes nothing, and says what lacks", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const failed = yield* Effect.flip(applied((yield* bundled()).bytes, registry))
      assert.strictEqual(failed._tag, "BundleBaseUnknown")
      assert.deepInclude(failed, { missing: [{ digest: base.descriptor.digest, size: base.bytes.length }] })
      assert.deepStrictEqual(yield* registry.usage, { blobs: 0, bytes: 0 })
    }))

  it.live("in part, as a file that was cut short, is refused as well", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "images")
      const registry = yield* makeDisk({ directory, durability: "none" })
      yield* pushImage(registry, "app", old, ["v1"])
      const path = join(directory, pathOf(base))
      truncateSync(path, 10)
      const before = readFileSync(join(directory, "index.json"), "utf8")
      const failed = yield* Effect.flip(applied((yield* bundled()).bytes, registry))
      assert.strictEqual(failed._tag, "BundleBaseUnknown")
      assert.strictEqual(readFileSync(join(directory, "index.json"), "utf8"), before)
    }))
})

describe("a bundle that lies", () => {
  const changed = (change: (files: Map<string, Uint8Array>) => void) =>
    Effect.map(bundled(), ({ bytes }) => {
      const files = filesOf(bytes)
      change(files)
      return tarOf(files)
    })

  const told = (value: unknown) => (files: Map<string, Uint8Array>) =>
    void files.set("ocilayout-bundle.json", utf8(JSON.stringify(value)))

  const own = web.layers[1] ?? base

  const lies: ReadonlyArray<readonly [string, (files: Map<string, Uint8Array>) => void, string, RegExp]> = [
    [
      "about a layer",
      (files) => void files.set(pathOf(own), own.bytes.map((byte) => byte ^ 1)),
      "ContentMismatch",
      /./u
    ],
    ["about a manifest", (files) => void files.set(pathOf(web), utf8("{}")), "ContentMismatch", /./u],
    ["about what it leaves out", (files) => void files.delete(pathOf(own)), "ArchiveInvalid", /without telling so/u],
    ["about all of it", told({ bundleVersion: "1.0.0", base: [] }), "ArchiveInvalid", /without telling so/u],
    [
      "and does not tell at all",
      (files) => void files.delete("ocilayout-bundle.json"),
      "ArchiveInvalid",
      /telling so/u
    ],
    [
      "in a list of none",
      told({ bundleVersion: "1.0.0", base: ["sha256:x"] }),
      "ArchiveInvalid",
      /no list of digests/u
    ],
    ["in another way than a list", told({ bundleVersion: "1.0.0" }), "ArchiveInvalid", /no list of digests/u],
    ["in a form of later", told({ bundleVersion: "2.0.0", base: [] }), "ArchiveInvalid", /version 1\.0\.0/u],
    ["about a manifest that is left out", (files) => void files.delete(pathOf(web)), "ManifestUnknown", /./u]
  ]

  it.live.each(lies)("%s changes nothing", ([, change, tag, message]) =>
    Effect.gen(function*() {
      const registry = yield* receiver
      const before = yield* revisionOf(registry)
      const failed = yield* Effect.flip(applied(yield* changed(change), registry))
      assert.strictEqual(failed._tag, tag)
      assert.match(failed.message, message)
      assert.strictEqual(yield* revisionOf(registry), before)
    }))

  it.live("of more that it builds on than it does is taken in", () =>
    Effect.gen(function*() {
      const registry = yield* receiver
      const more = told({
        bundleVersion: "1.0.0",
        base: [base, old, signature].map(({ descriptor }) => descriptor.digest)
      })
      yield* applied(yield* changed(more), registry)
      assert.strictEqual((yield* registry.resolveTag("web", "v2")).digest, web.descriptor.digest)
    }))

  it.live("by too many entries is refused before they fill the memory", () =>
    Effect.gen(function*() {
      const header = tarHeader("x", 0)
      const handle = {
        read: (buffer: Uint8Array) =>
          Effect.sync(() => {
            for (let at = 0; at < buffer.length; at += 512) buffer.set(header, at)
            return buffer.length
          })
      }
      const endless = { path: "bundle.tar", handle: handle as unknown as FileHandle, size: Number.MAX_SAFE_INTEGER }
      const failed = yield* Effect.flip(tarMembers(endless))
      assert.match(failed.message, /more than 1000000 files/u)
    }), 120_000)
})

describe("an inventory", () => {
  const digests = (samples: ReadonlyArray<Sample>) => samples.map(({ descriptor }) => descriptor.digest).toSorted()

  it.live("has what the tags and other entries lead to, and is there", () =>
    Effect.gen(function*() {
      const registry = yield* origin
      yield* pushBlob(registry, "app", sample("led to by nothing", layerTar))
      assert.deepStrictEqual(yield* inventory(registry, ["web"]), digests([web, web.config, ...web.layers]))
      const all = digests([old, app, web, signature].flatMap((one) => [one, one.config, ...one.layers]))
      assert.deepStrictEqual(yield* inventory(registry, ["app", "web"]), Array.from(new Set(all)))
    }))

  it.live("leaves out what is missing", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", old.config)
      yield* registry.pushManifest("app", old.bytes, imageManifest, { tags: ["v1"], sparse: true })
      assert.deepStrictEqual(yield* inventory(registry, ["app"]), digests([old, old.config]))
    }))

  it.live("of a registry on the network has the same", () =>
    withClient(Effect.gen(function*() {
      const registry = yield* origin
      const { url } = yield* serving(registry)
      const remote = yield* remoteAt({ url })
      assert.deepStrictEqual(yield* inventory(remote, ["app", "web"]), yield* inventory(registry, ["app", "web"]))
    })))

  it("is read from lines and from JSON, and from nothing else", () => {
    const digest = base.descriptor.digest
    const read = (text: string) => parseInventory(utf8(text))
    for (const text of [`${digest}\n`, `\r\n ${digest}\r\n`, JSON.stringify({ digests: [digest] })]) {
      assert.deepInclude(read(text), { success: new Set([digest]) })
    }
    for (const text of [`${digest}\nhello`, "{}", "{\"digests\":[1]}", "{", "md5:aa"]) {
      assert.strictEqual(read(text)._tag, "Failure", text)
    }
    assert.strictEqual(parseInventory(new Uint8Array([0xff, 0xfe]))._tag, "Failure")
  })
})

/** Of an image of four layers: MiB of each, and how many days it stays as it is. */
const month = [[30, 11], [60, 6], [40, 5], [5, 1]] as const
const days = 22

/** The month is played with a 16th of its bytes. */
const mebibyte = 1024 * 1024 / 16

const releaseOf = (day: number) => {
  const layers = month.map(([size, stays], place) => {
    const bytes = new Uint8Array(size * mebibyte).fill(place)
    bytes.set(utf8(`layer ${place}, state ${Math.floor(day / stays)}`))
    return sample(bytes, layerTar)
  })
  const config = sample({ os: "linux", architecture: "amd64", comment: `day ${day}` }, imageConfig)
  const manifest = {
    schemaVersion: 2,
    mediaType: imageManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor)
  }
  return { ...sample(manifest, imageManifest), config, layers }
}

describe("a month of releases", () => {
  it.live("as bundles moves the part of full archives that the page tells", () =>
    Effect.gen(function*() {
      const [registry, site] = [yield* makeMemory(), yield* makeMemory()]
      let [full, moved] = [0, 0]
      for (let day = 0; day < days; day++) {
        yield* pushImage(registry, "app", releaseOf(day), [`day${day}`])
        const items = itemsOf(registry, [`app:day${day}`])
        full += (yield* saveImages(items)).size
        const have = new Set(yield* inventory(site, yield* Stream.runCollect(site.repositories())))
        const { content, size } = yield* saveImages(items, { have })
        moved += size
        yield* applyBundle({ file: "-", content }, site)
      }
      for (let day = 0; day < days; day++) {
        const [here, there] = [
          yield* registry.resolveTag("app", `day${day}`),
          yield* site.resolveTag("app", `day${day}`)
        ]
        assert.strictEqual(there.digest, here.digest)
      }
      const mib = (bytes: number) => `${Math.round(bytes / mebibyte)} MiB`
      const figures = `${mib(full)} in archives, ${mib(moved)} in bundles: ${(full / moved).toFixed(1)} times less`
      const page = readFileSync(fileURLToPath(new URL("../../docs/copy.md", import.meta.url)), "utf8")
      assert.include(page.replaceAll(/\s+/gu, " "), figures)
    }), 120_000)
})
