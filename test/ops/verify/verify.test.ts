import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Stream } from "effect"
import { hasher } from "../../../src/memory/hasher.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { imageIndex, imageManifest, octetStream } from "../../../src/oci/MediaType.ts"
import { ManifestUnknown, NameInvalid, NameUnknown, ReferenceInvalid, StorageError } from "../../../src/oci/OciError.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import type { Stores } from "../../../src/ops/ports/Stores.ts"
import { verified } from "../../support/findings.ts"
import {
  embedded,
  entryOf,
  foreignLayout,
  image,
  index,
  pushImage,
  pushManifest,
  referrerOf,
  type Sample,
  sample
} from "../../support/images.ts"

const one = image("one")
const two = image("two")
const [layerOfOne = one.config] = one.layers
const pathOf = ({ descriptor }: Sample): string => `blobs/sha256/${descriptor.digest.slice("sha256:".length)}`
const sizeOf = (...samples: ReadonlyArray<Sample>): number => samples.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** A manifest that no client could have pushed. */
const written = (document: object, mediaType = imageManifest): Sample => sample(JSON.stringify(document), mediaType)

describe("verifying a layout", () => {
  it.effect("finds nothing where nothing is wrong, and says what it looked at", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", referrerOf(one, "signature"))
      yield* pushManifest(registry, "app", index([one]), ["all"])
      const signature = referrerOf(one, "signature")
      const bytes = sizeOf(
        one,
        one.config,
        ...one.layers,
        signature,
        signature.config,
        ...signature.layers,
        index([one])
      )
      for (const level of ["links", "content"] as const) {
        const { checked, lines } = yield* verified(registry, { level })
        assert.deepStrictEqual(lines, [], level)
        assert.deepStrictEqual([checked.manifests, checked.blobs, checked.bytes], [3, 4, bytes], level)
      }
    }))

  it.effect("names what is missing once, with all that needs it", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const all = index([one, two])
      yield* store(one, one.config, all)
      yield* add(entryOf(all, "app:all"), entryOf(one, "app:v1"), entryOf(one, "web:v1"))
      const { findings, lines } = yield* verified(registry)
      assert.deepStrictEqual(lines, [
        `error MANIFEST_MISSING ${pathOf(two)}`,
        `error BLOB_MISSING ${pathOf(layerOfOne)}`
      ])
      const [manifest, layer] = findings
      assert.deepStrictEqual([manifest?.affected, manifest?.neededBy], [["app:all"], [all.descriptor.digest]])
      assert.deepStrictEqual([layer?.affected, layer?.neededBy], [
        ["app:v1", "web:v1", "app:all"],
        [one.descriptor.digest]
      ])
      assert.strictEqual(layer?.digest, layerOfOne.descriptor.digest)
      assert.strictEqual(layer?.repair.by, "source")
    }))

  it.effect("asks for nothing that may be absent, or that a descriptor carries", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const config = sample("{}", octetStream)
      const manifest = written({
        schemaVersion: 2,
        config: embedded(config),
        layers: [
          { ...layerOfOne.descriptor, urls: ["https://example.com/layer"] },
          { ...layerOfOne.descriptor, mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar" }
        ]
      })
      yield* store(manifest)
      yield* add(entryOf(manifest, "app:v1"))
      assert.deepStrictEqual((yield* verified(registry)).lines, [])
    }))

  it.effect("tells sizes that do not agree, whichever is wrong", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const manifest = written({
        schemaVersion: 2,
        config: one.config.descriptor,
        layers: [{ ...layerOfOne.descriptor, size: 3 }]
      })
      yield* store(manifest, one.config, ...one.layers)
      yield* add({ ...entryOf(manifest, "app:v1"), size: 1 })
      const { findings, lines } = yield* verified(registry)
      assert.deepStrictEqual(lines, [
        `error SIZE_MISMATCH ${pathOf(manifest)}`,
        `error SIZE_MISMATCH ${pathOf(layerOfOne)}`
      ])
      assert.match(findings[0]?.message ?? "", /^its entry says 1 bytes of .*; the content is right, and has \d+$/u)
      assert.match(
        findings[1]?.message ?? "",
        new RegExp(`^layers\\[0\\] of ${manifest.descriptor.digest} says 3 bytes of .*; the content is right`, "u")
      )
    }))

  it.effect("tells manifests that are none, or not what they are said to be", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [Sample, ReadonlyArray<string>]> = [
        [written({ schemaVersion: 2, manifests: [], layers: [] }), ["error MANIFEST_INVALID"]],
        [written({ schemaVersion: 2, manifests: [] }), ["error MANIFEST_INVALID"]],
        [sample("{", imageManifest), ["error MANIFEST_INVALID"]],
        [written({ schemaVersion: 2, mediaType: imageManifest, manifests: [] }, imageIndex), [
          "warning MEDIA_TYPE_MISMATCH"
        ]],
        [written({ manifests: [] }, imageIndex), ["warning MANIFEST_IRREGULAR"]],
        [sample(`{"schemaVersion":2,"manifests":[],"manifests":[]}`, imageIndex), ["warning MANIFEST_IRREGULAR"]],
        [sample(" ".repeat(4 * 1024 * 1024 + 1), imageManifest), ["warning MANIFEST_TOO_LARGE"]]
      ]
      for (const [manifest, expected] of cases) {
        const { add, registry, store } = foreignLayout()
        yield* store(manifest)
        yield* add(entryOf(manifest, "app:v1"))
        const { findings, lines } = yield* verified(registry, { level: "links" })
        assert.deepStrictEqual(
          lines,
          expected.map((line) => `${line} ${pathOf(manifest)}`),
          manifest.bytes.toString().slice(0, 80)
        )
        assert.deepStrictEqual(findings[0]?.affected, ["app:v1"])
      }
    }))

  it.effect("tells names that not all tools understand, and names that several entries have", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one, one.config, ...one.layers, two, two.config, ...two.layers)
      yield* add(
        entryOf(one, "app:v1"),
        entryOf(two, "app:v1"),
        entryOf(two, "app:v1@" + two.descriptor.digest),
        entryOf(one, "Upper:v1"),
        entryOf(two, "Upper:v1"),
        entryOf(two),
        { mediaType: imageManifest, digest: "sha256:short", size: 1 }
      )
      const { findings, lines } = yield* verified(registry)
      assert.deepStrictEqual(lines, [
        "warning NAME_TWICE index.json",
        "warning NAME_UNREADABLE index.json",
        "warning NAME_UNREADABLE index.json",
        "warning NAME_TWICE_RAW index.json",
        "info NAME_UNREADABLE index.json",
        "error ENTRY_INVALID index.json"
      ])
      assert.deepStrictEqual(findings[0]?.affected, ["app:v1"])
      assert.match(findings[5]?.message ?? "", /^manifests\[6\] has no valid digest$/u)
    }))

  it.effect("tells referrers whose subject is gone, and content of digests that it cannot check", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const signature = referrerOf(one, "signature")
      yield* store(signature, signature.config, ...signature.layers)
      const other = { ...entryOf(two, "app:other"), digest: `blake3:${"a".repeat(64)}` }
      yield* add(entryOf(signature, "app:signature"), other)
      const { findings, lines } = yield* verified(registry)
      assert.deepStrictEqual(lines, [
        "warning DIGEST_UNSUPPORTED index.json",
        `warning SUBJECT_MISSING ${pathOf(signature)}`
      ])
      assert.deepStrictEqual(findings[1]?.digest, one.descriptor.digest)
      assert.deepStrictEqual(findings[1]?.affected, ["app:signature"])
    }))

  it.effect("counts what nothing needs, with a reservation where a manifest cannot be read", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one.config, two.config)
      const [first] = [pathOf(one.config), pathOf(two.config)].toSorted()
      const unneeded = yield* verified(registry)
      assert.deepStrictEqual(unneeded.lines, [`info BLOB_UNREFERENCED ${first}`])
      assert.strictEqual(
        unneeded.findings[0]?.message,
        `2 blobs of ${sizeOf(one.config, two.config)} bytes are needed by nothing`
      )
      yield* add(entryOf(one, "app:v1"))
      const [, doubtful] = (yield* verified(registry)).findings
      assert.match(doubtful?.message ?? "", /^2 blobs .* as far as can be told while not everything can be read$/u)
    }))

  it.effect("follows an index that is inside itself, as far as that can be, and one that is inside very many", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      let innermost: Sample = one
      const all: Array<Sample> = [one, one.config, ...one.layers]
      for (let depth = 0; depth < 40; depth++) {
        innermost = index([innermost], { annotations: { depth: String(depth) } })
        all.push(innermost)
      }
      yield* store(...all)
      yield* add(entryOf(innermost, "app:deep"))
      const { checked, lines } = yield* verified(registry, { level: "links" })
      assert.deepStrictEqual(lines.map((line) => line.split(" ").slice(0, 2).join(" ")), [
        // What is deeper than a walk goes is kept all the same.
        "warning LIMIT_EXCEEDED"
      ])
      assert.strictEqual(checked.manifests, 33)
    }))
})

describe("verifying a part", () => {
  const layout = Effect.gen(function*() {
    const made = foreignLayout()
    yield* made.store(one, one.config, two, two.config, ...two.layers, sample("stranger", octetStream))
    yield* made.add(entryOf(one, "app:v1"), entryOf(two, "app:v2"), entryOf(one, "web:v1"), entryOf(two, "Raw:v1"))
    return made
  })

  it.effect("looks at what that needs, and at nothing else", () =>
    Effect.gen(function*() {
      const { registry } = yield* layout
      const missing = [`error BLOB_MISSING ${pathOf(layerOfOne)}`]
      const sizes = { one: sizeOf(one, one.config), two: sizeOf(two, two.config, ...two.layers) }
      for (const level of ["links", "content"] as const) {
        const cases = [
          [{ repository: "app" }, missing, [2, 3, sizes.one + sizes.two]],
          [{ repository: "web" }, missing, [1, 1, sizes.one]],
          [{ repository: "app", reference: "v1" }, missing, [1, 1, sizes.one]],
          [{ repository: "app", reference: one.descriptor.digest }, missing, [1, 1, sizes.one]],
          [{ repository: "app", reference: "v2" }, [], [1, 2, sizes.two]],
          [{ name: "Raw:v1" }, [], [1, 2, sizes.two]]
        ] as const
        for (const [options, expected, counts] of cases) {
          const { checked: { blobs, bytes, manifests }, lines } = yield* verified(registry, { ...options, level })
          assert.deepStrictEqual(lines, [...expected], JSON.stringify(options))
          assert.deepStrictEqual([manifests, blobs, bytes], [...counts], `${level} ${JSON.stringify(options)}`)
        }
      }
    }))

  it.effect("fails for what is not there", () =>
    Effect.gen(function*() {
      const { registry } = yield* layout
      const failing = (options: Parameters<typeof registry.verify>[0]) =>
        Effect.flip(Stream.runDrain(registry.verify(options)))
      assert.instanceOf(yield* failing({ repository: "Not valid" }), NameInvalid)
      assert.instanceOf(yield* failing({ repository: "none" }), NameUnknown)
      assert.instanceOf(yield* failing({ repository: "app", reference: "v9" }), ManifestUnknown)
      assert.instanceOf(yield* failing({ repository: "web", reference: two.descriptor.digest }), ManifestUnknown)
      assert.instanceOf(yield* failing({ name: "Raw:v9" }), ManifestUnknown)
      assert.instanceOf(yield* failing({ reference: "v1" }), ReferenceInvalid)
    }))
})

describe("a medium that fails", () => {
  const broken = (kind: StorageError["kind"]) => new StorageError({ operation: "read", path: "x", kind, cause: "none" })
  const over = (stores: Stores) => sharedRegistry(stores, hasher)

  it.effect("is an error, and a file that cannot be read is a finding", () =>
    Effect.gen(function*() {
      const { add, store, stores } = foreignLayout()
      yield* store(one, one.config, ...one.layers)
      yield* add(entryOf(one, "app:v1"))
      for (const kind of ["device", "tooManyFiles", "other", "denied"] as const) {
        const failing = over({ ...stores, blobs: { ...stores.blobs, get: () => Effect.fail(broken(kind)) } })
        const result = yield* Effect.result(verified(failing, { level: "links" }))
        if (kind === "device" || kind === "tooManyFiles") {
          assert.deepStrictEqual(Result.isFailure(result) ? result.failure : undefined, broken(kind))
        } else {
          assert.include(Result.isSuccess(result) ? result.success.lines : [], `error FILE_UNREADABLE ${pathOf(one)}`)
        }
      }
    }))

  it.effect("ends hashing, and damage goes on", () =>
    Effect.gen(function*() {
      const { add, store, stores } = foreignLayout()
      yield* store(one, one.config, ...one.layers)
      yield* add(entryOf(one, "app:v1"))
      const hashing = (hash: Effect.Effect<Option.Option<never>, StorageError>) =>
        over({ ...stores, upkeep: { ...stores.upkeep, hashing: Effect.succeed({ atOnce: 2, hash: () => hash }) } })
      assert.deepStrictEqual(yield* Effect.flip(verified(hashing(Effect.fail(broken("device"))))), broken("device"))
      const { lines } = yield* verified(hashing(Effect.fail(broken("other"))))
      assert.strictEqual(lines.filter((line) => line.startsWith("error FILE_UNREADABLE")).length, 3)
      // What has gone since it was listed is no finding.
      assert.deepStrictEqual((yield* verified(hashing(Effect.succeed(Option.none())))).lines, [])
    }))
})

describe("a verification that is given up", () => {
  it.live("stops hashing", () =>
    Effect.gen(function*() {
      const { add, store, stores } = foreignLayout()
      yield* store(one, one.config, ...one.layers)
      yield* add(entryOf(one, "app:v1"))
      let running = 0
      let begun = 0
      const hash = () =>
        Effect.suspend(() => {
          running++
          begun++
          return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void running--))
        })
      const upkeep = { ...stores.upkeep, hashing: Effect.succeed({ atOnce: 2, hash }) }
      const fiber = yield* Effect.forkChild(verified(sharedRegistry({ ...stores, upkeep }, hasher)))
      yield* Effect.sleep(50)
      assert.deepStrictEqual([running, begun], [2, 2])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([running, begun], [0, 2])
    }))

  it.live("does not run ahead of its consumer", () =>
    Effect.gen(function*() {
      const { add, store, stores } = foreignLayout()
      const manifests = Array.from({ length: 1000 }, (_, place) => sample(`nothing ${place}`, imageManifest))
      yield* store(...manifests)
      yield* add(...manifests.map((manifest, place) => entryOf(manifest, `app:${place}`)))
      let read = 0
      const get: Stores["blobs"]["get"] = (digest, limit) => {
        read++
        return stores.blobs.get(digest, limit)
      }
      const registry = sharedRegistry({ ...stores, blobs: { ...stores.blobs, get } }, hasher)
      yield* Stream.runForEach(Stream.take(registry.verify({ level: "links" }), 20), () => Effect.sleep(1))
      assert.isBelow(read, 200)
    }))
})
