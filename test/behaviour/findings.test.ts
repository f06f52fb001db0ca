/** What other tools get wrong, each turned round. What is not here has its place in the tests of bad input. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { hasher } from "../../src/node/files/hasher.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { makeDisk } from "../../src/node/index.ts"
import { openStores } from "../../src/node/stores.ts"
import { imageIndex, imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { bytesOf, digestOf, pushImage, pushIndex } from "../mcp/support/images.ts"
import { faultyFs } from "../support/faultyFs.ts"
import { copyOfFixture, leftovers, listing, makeOld, temporaryFolder } from "../support/folders.ts"
import { emptyConfig, ownLayout, smallManifest } from "../support/layouts.ts"
import { entriesIn, refNameOf } from "../support/plainLayout.ts"

const handMade = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const layer = "sha256:996eb81bf59d10892425bcd1023f0d40268fca2e0e5a1d40cae559d5d625aeb7"

const tagsOf = (registry: LayoutRegistry, repository = "app"): Effect.Effect<ReadonlyArray<string>, RegistryError> =>
  Stream.runCollect(registry.tags(repository))

const blobPath = (directory: string, digest: string): string => join(directory, "blobs", "sha256", digest.slice(7))

const contentOf = (registry: LayoutRegistry, digest: string): Effect.Effect<Uint8Array, RegistryError> =>
  Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* registry.getBlob("app", digest)
    return Buffer.concat(yield* Stream.runCollect(stream))
  }))

describe("1: an index is never wiped", () => {
  it.live("because blobs/ is missing, as after a checkout", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("skopeo-copy-twice")
      fs.rmSync(join(directory, "blobs"), { recursive: true })
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* tagsOf(registry), ["a", "b"])
      const { digest } = yield* registry.resolveTag("app", "a")
      assert.strictEqual((yield* Effect.flip(registry.getTag("app", "a")))._tag, "ManifestUnknown")
      yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
      yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["c"] })
      assert.deepStrictEqual(yield* tagsOf(registry), ["a", "b", "c"])
      assert.strictEqual((yield* registry.resolveTag("app", "a")).digest, digest)
    }))
})

describe("2: no change is lost", () => {
  it.live("of two registries over one folder that write at once", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const other = yield* makeDisk({ directory, defaultRepository: "app", durability: "none" })
      const numbers = Array.from({ length: 25 }, (_, number) => number)
      const writing = (one: LayoutRegistry, name: string) =>
        Effect.forEach(numbers, (number) => one.tagManifest("app", image.digest, [`${name}${number}`]), {
          concurrency: 5
        })
      yield* Effect.all([writing(registry, "a"), writing(other, "b")], { concurrency: 2 })
      const expected = [...numbers.flatMap((number) => [`a${number}`, `b${number}`]), "v1"].toSorted()
      for (const one of [registry, other, yield* makeDisk({ directory, defaultRepository: "app" })]) {
        assert.deepStrictEqual(yield* tagsOf(one), expected)
      }
    }))

  it.live("and what was deleted is gone for every process at once", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const other = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* tagsOf(other), ["v1"])
      yield* registry.deleteTag("app", "v1")
      assert.strictEqual((yield* Effect.flip(other.resolveTag("app", "v1")))._tag, "ManifestUnknown")
      fs.rmSync(directory, { recursive: true })
      for (const one of [registry, other]) {
        assert.strictEqual((yield* Effect.flip(one.resolveTag("app", "v1")))._tag, "NameUnknown")
        assert.deepStrictEqual(yield* Stream.runCollect(one.repositories()), [])
      }
    }))
})

describe("3: nothing is deleted by a name that is empty", () => {
  it.live("though there is an entry without a tag", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.strictEqual((yield* Effect.flip(registry.deleteTag("app", "")))._tag, "TagInvalid")
      assert.strictEqual(
        (yield* Effect.flip(registry.deleteManifest("app", "", { force: true })))._tag,
        "DigestInvalid"
      )
      assert.strictEqual((yield* Effect.flip(registry.resolveTag("app", "")))._tag, "TagInvalid")
      assert.strictEqual(entriesIn(directory).length, 1)
    }))
})

describe("6: what others may have put in the way is not followed", () => {
  it.live("index.json.tmp and the like", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const victim = join(yield* temporaryFolder, "victim")
      fs.writeFileSync(victim, "precious")
      for (const name of ["index.json.tmp", "index.json.lock", ".index.json", "oci-layout.tmp"]) {
        fs.symlinkSync(victim, join(directory, name))
      }
      yield* registry.tagManifest("app", image.digest, ["v2"])
      assert.strictEqual(fs.readFileSync(victim, "utf8"), "precious")
      assert.isTrue(fs.lstatSync(join(directory, "index.json")).isFile())
    }))
})

describe("7: a walk visits everything once, and is bounded", () => {
  /** Indexes inside one another, each naming the next one three times. */
  const nested = Effect.fnUntraced(function*(registry: LayoutRegistry, levels: number) {
    const image = yield* pushImage(registry, { repository: "app", layers: ["leaf"] })
    let child = { mediaType: imageManifest, digest: image.digest, size: image.size }
    for (let level = 0; level < levels; level++) {
      const { digest, size } = yield* pushIndex(registry, [child, child, child], [])
      yield* registry.deleteManifest("app", child.digest, { force: true })
      child = { mediaType: imageIndex, digest, size }
    }
    return { image, top: child }
  })

  it.live("thirty levels of repeated children take no time", () =>
    Effect.gen(function*() {
      const { registry } = yield* ownLayout()
      const { image, top } = yield* nested(registry, 30)
      yield* registry.tagManifest("app", top.digest, ["top"])
      const started = Date.now()
      assert.strictEqual((yield* registry.getManifest("app", image.digest)).descriptor.digest, image.digest)
      assert.deepStrictEqual(yield* Stream.runCollect(registry.referrers("app", image.digest)), [])
      const forecast = yield* registry.forecast("app", "manifest", top.digest)
      assert.deepStrictEqual(forecast.neededBy, [])
      assert.strictEqual((yield* Effect.flip(registry.deleteBlob("app", image.config.digest)))._tag, "Referenced")
      assert.isBelow(Date.now() - started, 5000)
    }))

  it.live("what lies deeper than a walk goes is not thrown away for that", () =>
    Effect.gen(function*() {
      const { registry } = yield* ownLayout()
      const { image, top } = yield* nested(registry, 40)
      assert.strictEqual((yield* registry.getManifest("app", top.digest)).descriptor.size, top.size)
      const refused = yield* Effect.flip(registry.deleteBlob("app", image.config.digest))
      assert.strictEqual(refused._tag, "Referenced")
    }))

  it.live("a manifest larger than any is not read into memory", () =>
    Effect.gen(function*() {
      const { directory, image } = yield* ownLayout()
      fs.truncateSync(blobPath(directory, image.digest), 3 * 1024 ** 3)
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const before = process.memoryUsage().rss
      assert.strictEqual((yield* Effect.flip(registry.getTag("app", "v1")))._tag, "LimitExceeded")
      yield* Stream.runCollect(registry.referrers("app", image.digest))
      assert.isBelow(process.memoryUsage().rss - before, 512 * 1024 ** 2)
    }))
})

describe("8: a manifest outlives its tags", () => {
  it.live("when they are deleted or moved, until it is deleted itself", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* ownLayout()
      const { descriptor } = yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v1"] })
      assert.strictEqual((yield* registry.getManifest("app", image.digest)).descriptor.digest, image.digest)
      yield* registry.deleteTag("app", "v1")
      assert.deepStrictEqual(yield* tagsOf(registry), [])
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), ["app"])
      for (const { digest } of [image, descriptor]) {
        yield* registry.getManifest("app", digest)
        yield* registry.deleteManifest("app", digest)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(registry.getManifest("app", digest))))
      }
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
    }))
})

describe("9: a damaged blob is found, and repaired by a push", () => {
  const damages: ReadonlyArray<readonly [string, (path: string) => void]> = [
    ["truncated", (path) => fs.truncateSync(path, 50)],
    ["empty", (path) => fs.truncateSync(path, 0)],
    ["of the same size with a wrong byte", (path) => {
      const bytes = fs.readFileSync(path)
      bytes[20] = (bytes[20] ?? 0) ^ 1
      fs.writeFileSync(path, bytes)
    }],
    ["with something after its end", (path) => fs.appendFileSync(path, "more")]
  ]

  it.live.each(damages)("%s", ([, damage]) =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const path = blobPath(directory, layer)
      const right = fs.readFileSync(path)
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* contentOf(registry, layer), right)
      damage(path)
      // The registry has seen the right bytes before; that is no reason to trust these.
      assert.strictEqual((yield* Effect.flip(contentOf(registry, layer)))._tag, "ContentMismatch")
      const range = Effect.scoped(registry.getBlobRange("app", layer, { offset: 0, end: 1 }))
      const rangeExit = yield* Effect.exit(range)
      assert.isTrue(Exit.isFailure(rangeExit) || fs.statSync(path).size === 0)
      yield* registry.pushBlob("app", Stream.succeed(right), { digest: layer, size: right.length })
      assert.deepStrictEqual(fs.readFileSync(path), right)
      assert.deepStrictEqual(yield* contentOf(registry, layer), right)
    }))

  it.live("with any mode, and by a chunked push and a manifest's too", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const path = blobPath(directory, image.digest)
      fs.truncateSync(path, 10)
      fs.chmodSync(path, 0o444)
      assert.strictEqual((yield* Effect.flip(registry.getTag("app", "v1")))._tag, "ContentMismatch")
      yield* registry.pushManifest("app", image.bytes, imageManifest)
      assert.deepStrictEqual(Buffer.from((yield* registry.getTag("app", "v1")).bytes), Buffer.from(image.bytes))

      const [{ digest } = emptyConfig] = image.layers
      fs.writeFileSync(blobPath(directory, digest), "layer two")
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(bytesOf("layer one")))
      yield* writer.commit(digest)
      assert.deepStrictEqual(Buffer.from(yield* contentOf(registry, digest)), Buffer.from("layer one"))
    }))
})

const faultyRegistry = Effect.fnUntraced(function*(directory: string, durability: "power" | "none" = "power") {
  const faulty = faultyFs(nodeFs, { root: directory, sync: true })
  const stores = yield* openStores(faulty.fs, { directory, durability }, undefined)
  return { faulty, registry: sharedRegistry(stores, hasher) }
})

describe("10: what is acknowledged has been synced", () => {
  it.live("content before its name, journal before index, index before its name, names before the answer", () =>
    Effect.gen(function*() {
      const { directory } = yield* ownLayout()
      const { faulty, registry } = yield* faultyRegistry(directory)
      faulty.arm()
      yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v2"] })
      const calls = faulty.calls().map((call) =>
        call.replace(/replaced\/\d+\..*/u, "replaced/*").replaceAll(/[0-9a-f]{32,}/gu, "*")
      )
      const steps = [
        "sync .ocilayout/tmp/blob.*",
        "link blobs/sha256/*",
        "syncdir blobs/sha256",
        "sync .ocilayout/replaced/*",
        "sync .ocilayout/journal/2/current.ndjson",
        "exchange index.json",
        "syncdir "
      ]
      let from = 0
      for (const step of steps) {
        const at = calls.indexOf(step, from)
        assert.isAtLeast(at, from, `${step} in ${calls.slice(from).join(", ")}`)
        from = at + 1
      }
    }))

  it.live("where nothing is to survive, nothing is synced", () =>
    Effect.gen(function*() {
      const { directory } = yield* ownLayout()
      const { faulty, registry } = yield* faultyRegistry(directory, "none")
      faulty.arm()
      yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v2"] })
      assert.deepStrictEqual(faulty.calls().filter((call) => call.startsWith("sync")), [])
    }))
})

describe("11: memory is never ahead of the disk", () => {
  it.live.each(["exchange index.json", "sync .ocilayout/replaced/", "write .ocilayout/journal/2/current.ndjson"])(
    "a change that fails at %s is not in a later one",
    (step) =>
      Effect.gen(function*() {
        const { directory, image } = yield* ownLayout()
        const { faulty, registry } = yield* faultyRegistry(directory)
        yield* registry.tagManifest("app", image.digest, ["before"])
        yield* registry.tagManifest("app", image.digest, ["dry-run"])
        faulty.arm({ at: 0, begins: step, code: "ENOSPC" })
        const error = yield* Effect.flip(registry.tagManifest("app", image.digest, ["failed"]))
        assert.deepInclude({ ...error }, { _tag: "StorageError", kind: "full" })
        faulty.arm()
        const expected = ["before", "dry-run", "v1"]
        assert.deepStrictEqual(yield* tagsOf(registry), expected)
        yield* registry.tagManifest("app", image.digest, ["later"])
        for (const one of [registry, yield* makeDisk({ directory })]) {
          assert.deepStrictEqual(yield* tagsOf(one), ["before", "dry-run", "later", "v1"])
        }
        assert.deepStrictEqual(leftovers(directory), [])
      })
  )
})

describe("12: one manifest that is not there spoils nothing else", () => {
  it.live("in referrers and by digest", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/referrers")
      fs.rmSync(blobPath(directory, "sha256:22dbb3008e7b9c160485987bd8951b13bb43e0a5699c2a3f15b890cf449ee4b9"))
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const found = yield* Stream.runCollect(registry.referrers("app", handMade))
      assert.deepStrictEqual(found.map(({ digest }) => digest.slice(7, 13)), ["056726", "c92b8f"])
      assert.strictEqual((yield* registry.getTag("app", "v1")).descriptor.digest, handMade)
      const gone = "sha256:22dbb3008e7b9c160485987bd8951b13bb43e0a5699c2a3f15b890cf449ee4b9"
      assert.strictEqual((yield* Effect.flip(registry.getManifest("app", gone)))._tag, "ManifestUnknown")
    }))
})

describe("13: committing an upload moves no bytes", () => {
  it.live("the blob is the session's own file", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const writer = yield* registry.pushBlobChunked("app")
      const content = bytesOf("in a session")
      yield* writer.append(0, Stream.succeed(content))
      const data = fs.statSync(join(directory, ".ocilayout", "uploads", writer.id, "data"))
      yield* writer.commit(digestOf(content))
      assert.strictEqual(fs.statSync(blobPath(directory, digestOf(content))).ino, data.ino)
    }))
})

describe("14: what is written can be read by all users, and stays what it was", () => {
  it.live("a new layout is whole, with the usual modes", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "new")
      const registry = yield* makeDisk({ directory })
      yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
      const mask = process.umask()
      const index: unknown = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8"))
      assert.deepStrictEqual(index, { schemaVersion: 2, mediaType: imageIndex, manifests: [] })
      assert.strictEqual(fs.readFileSync(join(directory, "oci-layout"), "utf8"), "{\"imageLayoutVersion\":\"1.0.0\"}\n")
      for (const name of ["index.json", "oci-layout", join("blobs", "sha256", emptyConfig.digest.slice(7))]) {
        assert.strictEqual(fs.statSync(join(directory, name)).mode & 0o777, 0o644 & ~mask, name)
      }
      for (const name of ["", "blobs", join("blobs", "sha256"), ".ocilayout"]) {
        assert.strictEqual(fs.statSync(join(directory, name)).mode & 0o777, 0o755 & ~mask, name)
      }
    }))

  it.live("the last entry that goes leaves an empty list", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      yield* registry.deleteManifest("app", image.digest)
      assert.include(fs.readFileSync(join(directory, "index.json"), "utf8"), "\"manifests\": []")
    }))

  it.live("mode and owner of an index are kept, and our folder is as open as the layout", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      fs.chmodSync(join(directory, "index.json"), 0o660)
      fs.chmodSync(directory, 0o770)
      const group = process.getuid?.() === 0 ? 12_345 : fs.statSync(directory).gid
      fs.chownSync(join(directory, "index.json"), fs.statSync(directory).uid, group)
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      yield* registry.tagManifest("app", handMade, ["v1"])
      const { gid, mode } = fs.statSync(join(directory, "index.json"))
      assert.deepStrictEqual([mode & 0o777, gid], [0o660, group])
      assert.strictEqual(fs.statSync(join(directory, ".ocilayout")).mode & 0o777, 0o770)
    }))

  it.live("fields and annotations that we do not know survive every kind of write", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/unknown-fields")
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const { digest } = yield* registry.resolveTag("app", "v1")
      yield* registry.tagManifest("app", digest, ["v2"])
      yield* registry.deleteTag("app", "v1")
      yield* registry.tagManifest("app", digest, ["v1"])
      yield* registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
      yield* registry.pushManifest("app", smallManifest(), imageManifest, { tags: ["v3"] })
      const index = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as Record<string, unknown>
      assert.deepInclude(index, { artifactType: "application/vnd.example.index", "x-top": { k: "v" } })
      assert.deepInclude(index["annotations"] as object, { "com.example.index.revision": "r1" })
      const entries = entriesIn(directory)
      for (const tag of ["v1", "v2"]) {
        assert.deepInclude(entries.find((entry) => refNameOf(entry) === tag) as object, { "x-desc": 1 }, tag)
      }
      assert.deepInclude(entries.find(({ mediaType }) => mediaType === "application/xml") as object, {
        annotations: { "org.freedesktop.specifications.metainfo.type": "AppStream" }
      })
      assert.strictEqual(
        fs.readFileSync(join(directory, "oci-layout"), "utf8"),
        "{\"imageLayoutVersion\":\"1.0.0\",\"x-extra\":true}"
      )
    }))

  it.live("keys that a plain object would swallow go round, through a retag, the journal and a stale rewrite", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-ref")
      const strange = "\"__proto__\":\"p\",\"constructor\":\"c\",\"toString\":\"t\""
      const text = `{"schemaVersion":2,"annotations":{${strange}},"manifests":[{"mediaType":"${imageManifest}",`
        + `"digest":"${handMade}","size":401,"__proto__":{"x":1},"annotations":{${strange},`
        + `"org.opencontainers.image.ref.name":"v1"}}]}`
      const index = join(directory, "index.json")
      fs.writeFileSync(index, text)
      makeOld(directory)
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      yield* registry.tagManifest("app", handMade, ["v2"])
      const stale = fs.readFileSync(index, "utf8")
      yield* registry.deleteTag("app", "v1")
      yield* registry.tagManifest("app", handMade, ["v3"])
      // What it restores now comes out of the journal.
      fs.writeFileSync(index, stale.replace("\"v2\"", "\"theirs\""))
      makeOld(directory)
      const again = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* tagsOf(again), ["theirs", "v3"])
      yield* again.tagManifest("app", handMade, ["v4"])
      const written = fs.readFileSync(index, "utf8")
      assert.strictEqual(written.split(strange).length - 1, 1 + entriesIn(directory).length, written)
      assert.strictEqual(written.split("\"__proto__\":{\"x\":1}").length - 1, entriesIn(directory).length, written)
      assert.isUndefined(Reflect.get({}, "x"))
    }))

  it.live("annotations of a manifest too", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* ownLayout()
      const referrer = Buffer.from(smallManifest({
        subject: { mediaType: imageManifest, digest: image.digest, size: image.size },
        annotations: { a: "b" }
      })).toString().replace("\"a\":\"b\"", "\"__proto__\":\"p\",\"constructor\":\"c\"")
      yield* registry.pushManifest("app", Buffer.from(referrer), imageManifest)
      const [found] = yield* Stream.runCollect(registry.referrers("app", image.digest))
      assert.strictEqual(JSON.stringify(found?.annotations), "{\"__proto__\":\"p\",\"constructor\":\"c\"}")
    }))
})

describe("15: nothing unfinished lies under blobs/", () => {
  it.live("while content is arriving", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const before = listing(join(directory, "blobs"))
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(bytesOf("half")))
      const looking = Stream.fromEffect(Effect.sync(() => {
        assert.deepStrictEqual(listing(join(directory, "blobs")), before)
        return bytesOf("the other half")
      }))
      yield* writer.append(4, looking)
      yield* registry.pushBlob("app", Stream.concat(Stream.succeed(bytesOf("one")), looking))
    }))
})

describe("17: a repository is what has a manifest", () => {
  it.live("blobs alone make none", () =>
    Effect.gen(function*() {
      const { registry } = yield* ownLayout()
      yield* registry.pushBlob("blobs/only", Stream.succeed(bytesOf("x")))
      assert.strictEqual((yield* Effect.flip(tagsOf(registry, "blobs/only")))._tag, "NameUnknown")
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), ["app"])
      assert.strictEqual((yield* registry.resolveBlob("blobs/only", digestOf(bytesOf("x")))).size, 1)
    }))
})
