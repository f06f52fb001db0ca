import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { imageIndex, layerTar, nondistributableLayerTarGzip } from "../../../src/oci/MediaType.ts"
import {
  BlobUnknown,
  Conflict,
  ContentMismatch,
  Denied,
  ManifestUnknown,
  PlatformUnknown,
  TagExists,
  TagInvalid
} from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { copyManifest } from "../../../src/ops/copy/copyManifest.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import { newDisk } from "../../support/disk.ts"
import { verified } from "../../support/findings.ts"
import {
  embedded,
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  sample
} from "../../support/images.ts"

const amd64 = image("amd64", {}, 2)
const arm64 = image("arm64")
const multi = sample({
  schemaVersion: 2,
  mediaType: imageIndex,
  manifests: [
    { ...amd64.descriptor, platform: { os: "linux", architecture: "amd64" } },
    { ...arm64.descriptor, platform: { os: "linux", architecture: "arm64" } }
  ]
}, imageIndex)

/** A registry with the index as `app:multi`. */
const withMulti = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  for (const one of [amd64, arm64]) {
    for (const blob of [one.config, ...one.layers, one]) yield* pushBlob(registry, "app", blob)
  }
  yield* pushManifest(registry, "app", multi, ["multi"])
  return registry
})

const source = Effect.flatMap(makeMemory(), withMulti)

const sizeOf = (samples: ReadonlyArray<Sample>): number => samples.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** What a verification finds that is more than a remark. */
const wrongWith = (registry: LayoutRegistry) =>
  Effect.map(verified(registry), ({ lines }) => lines.filter((line) => !line.startsWith("info ")))

const entries = (registry: LayoutRegistry, repository: string) =>
  Effect.map(
    registry.history({ repository }).pipe(Stream.runCollect),
    (commits) => commits.flatMap(({ changes }) => changes.map(({ tag, to }) => `${tag ?? ""} ${to ?? ""}`))
  )

describe("copying between registries", () => {
  it.effect("brings an index with all below it, in one commit, and gives its children no entry", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      const copied = yield* copyManifest(
        { registry, repository: "app", reference: "multi" },
        { registry: mirror, repository: "mirror/app", tags: ["v1", "latest"] }
      )
      const blobs = [amd64.config, ...amd64.layers, arm64.config, ...arm64.layers]
      assert.deepStrictEqual(copied, {
        repository: "mirror/app",
        digest: multi.descriptor.digest,
        tags: ["v1", "latest"],
        manifests: 3,
        blobsCopied: blobs.length,
        blobsPresent: 0,
        bytesCopied: sizeOf([...blobs, amd64, arm64]),
        missing: [],
        revision: Option.some(1)
      })
      assert.deepStrictEqual((yield* mirror.getTag("mirror/app", "v1")).bytes, multi.bytes)
      assert.deepStrictEqual(
        (yield* mirror.getManifest("mirror/app", arm64.descriptor.digest)).bytes,
        arm64.bytes
      )
      assert.sameMembers(yield* entries(mirror, "mirror/app"), [
        `v1 ${multi.descriptor.digest}`,
        `latest ${multi.descriptor.digest}`
      ])
      assert.deepStrictEqual(yield* wrongWith(mirror), [])
    }))

  it.effect("again sends nothing and changes nothing", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      const again = copyManifest(
        { registry, repository: "app", reference: multi.descriptor.digest },
        { registry: mirror, repository: "app", tags: [{ tag: "v1", ifAbsent: true }] }
      )
      yield* again
      const { blobsCopied, blobsPresent, bytesCopied, revision } = yield* again
      assert.deepStrictEqual([blobsCopied, blobsPresent, bytesCopied, Option.isNone(revision)], [0, 5, 0, true])
    }))

  it.effect("takes the image of one platform, and nothing of the others", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      const from = { registry, repository: "app", reference: "multi" }
      const to = { registry: mirror, repository: "app", tags: ["arm"] }
      const copied = yield* copyManifest(from, to, { platform: "linux/arm64" })
      assert.deepStrictEqual([copied.digest, copied.manifests], [arm64.descriptor.digest, 1])
      assert.strictEqual((yield* mirror.usage).blobs, 3)
      const error = yield* Effect.flip(copyManifest(from, to, { platform: "linux/riscv64" }))
      assert.instanceOf(error, PlatformUnknown)
      assert.deepStrictEqual(error.available, ["linux/amd64", "linux/arm64"])
    }))

  it.effect("takes what is attached along when asked, and what is attached to that, each once", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const signature = referrerOf(multi, "signature")
      const sbom = referrerOf(arm64, "sbom")
      const approval = referrerOf(signature, "approval")
      for (const one of [signature, sbom, approval]) yield* pushImage(registry, "app", one)
      const mirror = yield* makeMemory()
      const from = { registry, repository: "app", reference: "multi" }
      const alone = yield* copyManifest(from, { registry: mirror, repository: "app", tags: ["v1"] })
      assert.strictEqual(alone.manifests, 3)
      const referrers = (of: Sample) =>
        Effect.map(
          Stream.runCollect(mirror.referrers("app", of.descriptor.digest)),
          (found) => found.map(({ digest }) => digest)
        )
      assert.deepStrictEqual(yield* referrers(multi), [])
      const all = yield* copyManifest(from, { registry: mirror, repository: "app", tags: ["v2"] }, { referrers: true })
      assert.deepStrictEqual([all.manifests, all.blobsPresent, all.blobsCopied], [6, 5, 6])
      assert.deepStrictEqual(yield* referrers(multi), [signature.descriptor.digest])
      assert.deepStrictEqual(yield* referrers(arm64), [sbom.descriptor.digest])
      assert.deepStrictEqual(yield* referrers(signature), [approval.descriptor.digest])
      assert.deepStrictEqual(all.revision, Option.some(2), "referrers and tags are one commit")
    }))

  it.effect("gives no entry to what is attached and a part of the index as well", () =>
    Effect.gen(function*() {
      const signature = referrerOf(arm64, "signature")
      const both = index([arm64, signature])
      const registry = yield* makeMemory()
      for (const one of [arm64, signature]) {
        for (const blob of [one.config, ...one.layers, one]) yield* pushBlob(registry, "app", blob)
      }
      yield* pushManifest(registry, "app", both, ["v1"])
      const mirror = yield* makeMemory()
      yield* copyManifest(
        { registry, repository: "app", reference: "v1" },
        { registry: mirror, repository: "app", tags: ["v1"] },
        { referrers: true }
      )
      assert.deepStrictEqual(yield* entries(mirror, "app"), [`v1 ${both.descriptor.digest}`])
    }))

  it.effect("tells how far it has got, up to the end", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      yield* pushBlob(mirror, "app", amd64.config)
      const steps: Array<{ readonly bytes: number; readonly total: number }> = []
      const onProgress = (step: { readonly bytes: number; readonly total: number }) =>
        Effect.sync(() => void steps.push(step))
      yield* copyManifest(
        { registry, repository: "app", reference: "multi" },
        { registry: mirror, repository: "app" },
        { onProgress }
      )
      const total = sizeOf([amd64, amd64.config, ...amd64.layers, arm64, arm64.config, ...arm64.layers])
      assert.isTrue(steps.every((step) => step.total === total))
      assert.deepStrictEqual(steps.map(({ bytes }) => bytes), steps.map(({ bytes }) => bytes).toSorted((a, b) => a - b))
      assert.strictEqual(steps.at(-1)?.bytes, total)
    }))

  it.effect("takes an entry that only its written name reaches, with content its descriptors carry", () =>
    Effect.gen(function*() {
      const child = image("carried")
      const config = sample("{}", "application/vnd.oci.image.config.v1+json")
      const top = image("top", { config: embedded(config) })
      const both = index([top], { manifests: [top.descriptor, embedded(child)] })
      const foreign = foreignLayout()
      yield* foreign.store(both, top, ...top.layers, ...child.layers, child.config)
      yield* foreign.add(entryOf(both, "Not A Repository"))
      const mirror = yield* makeMemory()
      const copied = yield* copyManifest(
        { registry: foreign.registry, refName: "Not A Repository" },
        { registry: mirror, repository: "app", tags: ["v1"] },
        { referrers: true }
      )
      assert.strictEqual(copied.manifests, 3)
      assert.deepStrictEqual((yield* mirror.getManifest("app", child.descriptor.digest)).bytes, child.bytes)
      assert.deepStrictEqual(yield* wrongWith(mirror), [])
    }))

  it.effect("leaves out layers that are to be had elsewhere, where the source has none, and takes them where it has", () =>
    Effect.gen(function*() {
      const foreignLayer = sample("foreign", nondistributableLayerTarGzip)
      const elsewhere = sample("elsewhere", "application/vnd.oci.image.layer.v1.tar")
      const here = sample("here", nondistributableLayerTarGzip)
      const windows = image("windows", {
        layers: [
          foreignLayer.descriptor,
          { ...elsewhere.descriptor, urls: ["https://example.com/layer"] },
          here.descriptor,
          { ...here.descriptor, digest: `blake3:${"0".repeat(64)}` }
        ]
      })
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", windows.config)
      yield* pushBlob(registry, "app", here)
      yield* pushManifest(registry, "app", windows, ["v1"])
      const mirror = yield* makeMemory()
      const copied = yield* copyManifest(
        { registry, repository: "app", reference: "v1" },
        { registry: mirror, repository: "app", tags: ["v1"] }
      )
      assert.deepStrictEqual([copied.blobsCopied, copied.blobsPresent], [2, 0])
      assert.strictEqual((yield* mirror.resolveBlob("app", here.descriptor.digest)).size, here.bytes.length)
    }))
})

describe("copying within a registry", () => {
  it.effect("sends nothing where repositories share a layout", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const copied = yield* copyManifest(
        { registry, repository: "app", reference: "multi" },
        { registry, repository: "web", tags: ["v1"] }
      )
      assert.deepStrictEqual([copied.blobsCopied, copied.blobsPresent, copied.bytesCopied], [0, 5, 0])
      assert.deepStrictEqual((yield* registry.getTag("web", "v1")).bytes, multi.bytes)
    }))

  it.effect("mounts blobs where they are layouts of their own", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.flatMap(makeMemoryTree, withMulti)
      const copied = yield* copyManifest(
        { registry, repository: "app", reference: "multi" },
        { registry, repository: "web", tags: ["v1"] }
      )
      assert.deepStrictEqual([copied.blobsCopied, copied.blobsPresent, copied.bytesCopied], [0, 5, 0])
      for (const blob of [...amd64.layers, arm64.config]) {
        assert.strictEqual((yield* registry.resolveBlob("web", blob.descriptor.digest)).size, blob.bytes.length)
      }
      assert.deepStrictEqual(yield* wrongWith(registry), [])
    }))

  it.effect("brings back what a tag was", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", amd64, ["v1"])
      yield* pushImage(registry, "app", arm64, ["v1"])
      const copied = yield* copyManifest(
        { registry: registry.at({ revision: 1 }), repository: "app", reference: "v1" },
        { registry, repository: "app", tags: ["old"] }
      )
      assert.strictEqual(copied.digest, amd64.descriptor.digest)
      assert.strictEqual((yield* registry.resolveTag("app", "old")).digest, amd64.descriptor.digest)
    }))
})

describe("a copy is refused", () => {
  const refused = Effect.fnUntraced(function*(
    registry: LayoutRegistry,
    mirror: LayoutRegistry,
    tags: ReadonlyArray<string | { tag: string; ifAbsent?: boolean; ifDigest?: string }> = ["v1"]
  ) {
    const error = yield* Effect.flip(copyManifest(
      { registry, repository: "app", reference: "multi" },
      { registry: mirror, repository: "app", tags }
    ))
    return error
  })

  it.effect("where a tag is no tag, or its condition does not hold, before anything is copied", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      const other = image("other")
      yield* pushImage(mirror, "app", other, ["v1"])
      const { blobs } = yield* mirror.usage
      assert.instanceOf(yield* refused(registry, mirror, ["fine", "no tag"]), TagInvalid)
      assert.instanceOf(yield* refused(registry, mirror, [{ tag: "v1", ifAbsent: true }]), TagExists)
      const ifDigest = multi.descriptor.digest
      assert.instanceOf(yield* refused(registry, mirror, [{ tag: "v1", ifDigest }]), Conflict)
      assert.instanceOf(yield* refused(registry, mirror, [{ tag: "v2", ifDigest }]), Conflict)
      assert.strictEqual((yield* mirror.usage).blobs, blobs)
      const ifOther = { tag: "v1", ifDigest: other.descriptor.digest }
      yield* copyManifest({ registry, repository: "app", reference: "multi" }, {
        registry: mirror,
        repository: "app",
        tags: [ifOther, "v2"]
      })
      assert.strictEqual((yield* mirror.resolveTag("app", "v1")).digest, multi.descriptor.digest)
    }))

  it.effect("where a condition stops holding while it is under way, and no tag is set", () =>
    Effect.gen(function*() {
      const registry = yield* source
      const mirror = yield* makeMemory()
      const other = image("other")
      const racing: LayoutRegistry = {
        ...mirror,
        batch: (changes) => Effect.andThen(Effect.orDie(pushImage(mirror, "app", other, ["v1"])), mirror.batch(changes))
      }
      assert.instanceOf(yield* refused(registry, racing, ["v2", { tag: "v1", ifAbsent: true }]), TagExists)
      assert.deepStrictEqual(yield* Stream.runCollect(mirror.tags("app")), ["v1"])
    }))

  it.effect("where something is missing at the source, and no tag is set", () =>
    Effect.gen(function*() {
      const mirror = yield* makeMemory()
      const without = Effect.fnUntraced(function*(missing: Sample) {
        const foreign = foreignLayout()
        const all = [multi, amd64, amd64.config, ...amd64.layers, arm64, arm64.config, ...arm64.layers]
        yield* foreign.store(...all.filter((one) => one !== missing))
        yield* foreign.add(entryOf(multi, "app:multi"))
        return yield* refused(foreign.registry, mirror)
      })
      const [layer] = arm64.layers
      assert.isDefined(layer)
      const blob = yield* without(layer)
      assert.instanceOf(blob, BlobUnknown)
      assert.strictEqual(blob.digest, layer.descriptor.digest)
      const manifest = yield* without(arm64)
      assert.instanceOf(manifest, ManifestUnknown)
      assert.strictEqual(manifest.reference, arm64.descriptor.digest)
      assert.deepStrictEqual(yield* Stream.runCollect(mirror.repositories()), [])
    }))

  it.effect("where a layer is missing that one image could do without and another could not", () =>
    Effect.gen(function*() {
      const layer = sample("shared", nondistributableLayerTarGzip)
      const without = image("without", { layers: [layer.descriptor] })
      const within = image("within", { layers: [{ ...layer.descriptor, mediaType: layerTar }] })
      const both = index([without, within])
      const foreign = foreignLayout()
      yield* foreign.store(both, without, without.config, within, within.config)
      yield* foreign.add(entryOf(both, "app:multi"))
      assert.instanceOf(yield* refused(foreign.registry, yield* makeMemory()), BlobUnknown)
    }))

  it.effect("where the target may only be read", () =>
    Effect.gen(function*() {
      const mirror = yield* makeMemory()
      assert.instanceOf(yield* refused(yield* source, readOnly(mirror)), Denied)
      assert.strictEqual((yield* mirror.usage).blobs, 0)
    }))

  it.effect("not where a descriptor names a wrong size of content whose digest is right", () =>
    Effect.gen(function*() {
      const lying = (by: number) =>
        Effect.gen(function*() {
          const [layer] = amd64.layers
          assert.isDefined(layer)
          const size = layer.descriptor.size + by
          const top = image("lying", { layers: [{ ...layer.descriptor, size }] })
          const foreign = foreignLayout()
          yield* foreign.store(top, top.config, layer)
          yield* foreign.add(entryOf(top, "app:multi"))
          const mirror = yield* makeMemory()
          yield* copyManifest(
            { registry: foreign.registry, repository: "app", reference: "multi" },
            { registry: mirror, repository: "app", tags: ["v1"] }
          )
          assert.deepStrictEqual((yield* mirror.getTag("app", "v1")).bytes, top.bytes)
          return yield* mirror.resolveBlob("app", layer.descriptor.digest)
        })
      assert.strictEqual((yield* lying(1)).size, amd64.layers[0]?.descriptor.size)
      assert.strictEqual((yield* lying(-1)).size, amd64.layers[0]?.descriptor.size)
    }))
})

describe("copying on disk", () => {
  it.live("tells damaged content, and stores none of it", () =>
    Effect.gen(function*() {
      const [from, to] = [yield* newDisk, yield* newDisk]
      const registry = sharedRegistry(yield* from.open(), hasher)
      const mirror = sharedRegistry(yield* to.open(), hasher)
      yield* pushImage(registry, "app", amd64, ["v1"])
      const [layer] = amd64.layers
      assert.isDefined(layer)
      const damaged = Buffer.from(layer.bytes)
      damaged[0] = 0
      from.write(`blobs/${layer.descriptor.digest.replace(":", "/")}`, damaged)
      const copy = copyManifest({ registry, repository: "app", reference: "v1" }, {
        registry: mirror,
        repository: "app",
        tags: ["v1"]
      })
      const error = yield* Effect.flip(copy)
      assert.instanceOf(error, ContentMismatch)
      assert.strictEqual(error.digest, layer.descriptor.digest)
      assert.instanceOf(yield* Effect.flip(mirror.resolveBlob("app", layer.descriptor.digest)), BlobUnknown)
      yield* pushBlob(registry, "app", layer)
      yield* copy
      assert.deepStrictEqual(yield* wrongWith(mirror), [])
    }))

  it.live("replaces what was cut short at the target", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const mirror = sharedRegistry(yield* disk.open(), hasher)
      const registry = yield* source
      const [layer] = arm64.layers
      assert.isDefined(layer)
      yield* pushBlob(mirror, "app", layer)
      disk.write(`blobs/${layer.descriptor.digest.replace(":", "/")}`, "cut")
      yield* copyManifest({ registry, repository: "app", reference: "multi" }, {
        registry: mirror,
        repository: "app",
        tags: ["v1"]
      })
      assert.deepStrictEqual(yield* wrongWith(mirror), [])
    }))

  it.live("that is interrupted leaves no tag and nothing half written, and can be done again", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const mirror = sharedRegistry(yield* disk.open(), hasher)
      const registry = yield* source
      const started = yield* Deferred.make<void>()
      const stuck: LayoutRegistry = {
        ...registry,
        getBlob: (repository, digest, options) =>
          digest === arm64.layers[0]?.descriptor.digest
            ? Effect.succeed({
              descriptor: arm64.descriptor,
              verified: false,
              stream: Stream.concat(
                Stream.succeed(new Uint8Array(3)),
                Stream.drain(Stream.fromEffect(Effect.andThen(Deferred.succeed(started, undefined), Effect.never)))
              )
            })
            : registry.getBlob(repository, digest, options)
      }
      const to = { registry: mirror, repository: "app", tags: ["v1"] }
      const copying = yield* Effect.forkChild(
        copyManifest({ registry: stuck, repository: "app", reference: "multi" }, to)
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(copying)
      assert.deepStrictEqual(yield* Stream.runCollect(mirror.repositories()), [])
      assert.deepStrictEqual((yield* verified(mirror)).findings.filter(({ code }) => code === "LEFTOVER"), [])
      const copied = yield* copyManifest({ registry, repository: "app", reference: "multi" }, to)
      assert.isAtLeast(copied.blobsPresent, 1)
      assert.deepStrictEqual(yield* wrongWith(mirror), [])
    }))

  it.live("has no more under way at once than it may", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const many = image("many", {}, 12)
      yield* pushImage(registry, "app", many, ["v1"])
      let [now, most] = [0, 0]
      const watched: LayoutRegistry = {
        ...registry,
        getBlob: (repository, digest, options) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              most = Math.max(most, ++now)
            }).pipe(Effect.andThen(Effect.sleep(2)), Effect.andThen(registry.getBlob(repository, digest, options))),
            () => Effect.sync(() => void now--)
          )
      }
      const reached = Effect.fnUntraced(function*(concurrency?: number) {
        most = 0
        yield* copyManifest(
          { registry: watched, repository: "app", reference: "v1" },
          { registry: yield* makeMemory(), repository: "app" },
          concurrency === undefined ? {} : { concurrency }
        )
        return most
      })
      assert.strictEqual(yield* reached(), 4)
      assert.strictEqual(yield* reached(2), 2)
    }))
})

describe("a walk for a copy", () => {
  it.effect("reads what many indexes share once, and gives up where they never end", () =>
    Effect.gen(function*() {
      let [inner, reads]: [Sample, number] = [image("inner"), 0]
      const foreign = foreignLayout()
      yield* foreign.store(inner, image("inner").config, ...image("inner").layers)
      const nested = Effect.fnUntraced(function*(levels: number) {
        for (let level = 0; level < levels; level++) {
          inner = index([inner, inner], { annotations: { level: String(level), levels: String(levels) } })
          yield* foreign.store(inner)
        }
        yield* foreign.add(entryOf(inner, `app:${levels}`))
      })
      yield* nested(20)
      const counted: LayoutRegistry = {
        ...foreign.registry,
        getManifest: (repository, digest) => {
          reads++
          return foreign.registry.getManifest(repository, digest)
        }
      }
      const mirror = yield* makeMemory()
      const to = { registry: mirror, repository: "app" }
      const copied = yield* copyManifest({ registry: counted, repository: "app", reference: "20" }, to)
      assert.deepStrictEqual([copied.manifests, reads], [21, 20])
      yield* nested(40)
      const error = yield* Effect.flip(
        copyManifest({ registry: foreign.registry, refName: "app:40" }, to)
      )
      assert.strictEqual(error._tag, "LimitExceeded")
    }))
})
