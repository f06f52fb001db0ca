import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { makeMemory } from "../../../src/memory/index.ts"
import {
  BlobUnknown,
  Denied,
  ManifestBlobUnknown,
  ManifestUnknown,
  PlanExpired,
  Referenced,
  Unsupported
} from "../../../src/oci/OciError.ts"
import type { RetentionRule } from "../../../src/ops/api/Garbage.ts"
import type { GarbageItem, GarbageOptions } from "../../../src/ops/api/Garbage.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { readOnly } from "../../../src/ops/readOnly.ts"
import {
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf,
  sample
} from "../../support/images.ts"

const one = image("one")
const two = image("two")
const three = image("three")
const shared = sample("needed by nothing", "application/octet-stream")

const now: GarbageOptions = { undoWindow: 0, grace: 0 }
const hour = 60 * 60 * 1000
const day = 24 * hour

/** A client that pushed something has long had the next answer. */
const later = TestClock.adjust(2 * hour)

const partsOf = ({ config, descriptor, layers }: typeof one): ReadonlyArray<string> =>
  [descriptor.digest, config.descriptor.digest, ...layers.map((layer) => layer.descriptor.digest)].toSorted()

const going = (items: ReadonlyArray<GarbageItem>) => items.flatMap(({ goes, name }) => goes ? [name] : []).toSorted()

const planned = (registry: LayoutRegistry, options: GarbageOptions) =>
  Effect.map(registry.planGarbage(options), ({ items }) => going(items))

const whyOf = (items: ReadonlyArray<GarbageItem>, name: string) => items.find((item) => item.name === name)?.why

const collected = Effect.fnUntraced(function*(registry: LayoutRegistry, options: GarbageOptions) {
  const { id } = yield* registry.planGarbage(options)
  return yield* registry.collectGarbage(Option.getOrThrow(id))
})

const blobsOf = (registry: LayoutRegistry) => Effect.map(registry.usage, ({ blobs }) => blobs)

describe("a plan", () => {
  it.effect("is never of one repository alone, where several share a layout", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, [])
      const { id } = yield* registry.planGarbage(now)
      const repository = "app"
      assert.instanceOf(yield* Effect.flip(registry.planGarbage({ ...now, repository })), Unsupported)
      const plan = Option.getOrThrow(id)
      assert.instanceOf(yield* Effect.flip(registry.plannedGarbage(plan, { repository })), Unsupported)
      assert.instanceOf(yield* Effect.flip(registry.collectGarbage(plan, { repository })), Unsupported)
    }))

  it.effect("has every blob, with what needs it or that nothing does, and changes nothing", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushBlob(registry, "app", shared)
      yield* later
      const { bytes, expires, items } = yield* registry.planGarbage(now)
      assert.deepStrictEqual(going(items), [shared.descriptor.digest])
      assert.strictEqual(bytes, shared.bytes.length)
      assert.strictEqual(DateTime.toEpochMillis(expires), 3 * hour)
      assert.strictEqual(whyOf(items, shared.descriptor.digest), "no manifest needs it")
      for (const part of partsOf(one)) assert.strictEqual(whyOf(items, part), "needed by app:v1")
      assert.strictEqual(yield* blobsOf(registry), 4)
      assert.strictEqual((yield* Stream.runCollect(registry.history())).length, 1)
    }))

  it.effect("keeps what was pushed a day ago or less", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", shared)
      yield* TestClock.adjust(day - 1)
      assert.deepStrictEqual(yield* planned(registry, { undoWindow: 0 }), [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* planned(registry, { undoWindow: 0 }), [shared.descriptor.digest])
    }))

  it.effect("keeps what the past can bring back, for as long as is asked", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* TestClock.adjust(10 * day)
      yield* pushImage(registry, "app", one, ["v1"])
      yield* registry.deleteManifest("app", one.descriptor.digest)
      yield* TestClock.adjust(7 * day)
      const { items } = yield* registry.planGarbage({ grace: 0 })
      assert.deepStrictEqual(going(items), [])
      assert.strictEqual(whyOf(items, one.descriptor.digest), "can be brought back: revision 2 had it")
      assert.deepStrictEqual(yield* planned(registry, { grace: 0, undoWindow: 3 * day }), partsOf(one))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* planned(registry, { grace: 0 }), partsOf(one))
    }))

  it.effect("can be looked at again for as long as it holds", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", shared)
      yield* later
      const { id, items } = yield* registry.planGarbage(now)
      const plan = Option.getOrThrow(id)
      assert.deepStrictEqual(yield* registry.plannedGarbage(plan), items)
      assert.strictEqual((yield* Effect.flip(registry.plannedGarbage("0".repeat(32))))._tag, "PlanExpired")
    }))

  it.effect("lets untagged manifests go when asked, but none that an index or a subject keeps, and what refers to those", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const signature = referrerOf(one, "signature")
      const countersignature = referrerOf(signature, "countersignature")
      const orphan = referrerOf(three, "orphan")
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two)
      yield* pushManifest(registry, "app", index([two]), ["all"])
      yield* pushImage(registry, "app", countersignature)
      yield* pushImage(registry, "app", signature)
      yield* pushImage(registry, "app", orphan)
      yield* pushImage(registry, "app", three)
      yield* later
      assert.deepStrictEqual(yield* planned(registry, now), [])
      const { items } = yield* registry.planGarbage({ ...now, untagged: true })
      const untagged = ({ descriptor }: typeof one) => `app@${descriptor.digest}`
      assert.deepStrictEqual(
        going(items),
        [...partsOf(three), ...partsOf(orphan), untagged(three), untagged(orphan)].toSorted()
      )
      assert.strictEqual(whyOf(items, untagged(orphan)), `belongs to ${three.descriptor.digest}, which is not kept`)
      assert.strictEqual(whyOf(items, untagged(three)), "no tag, index or subject keeps it")
      assert.strictEqual(whyOf(items, untagged(two)), "needed by app:all")
      assert.strictEqual(whyOf(items, untagged(signature)), `belongs to ${one.descriptor.digest}, which stays`)
      assert.strictEqual(
        whyOf(items, untagged(countersignature)),
        `belongs to ${signature.descriptor.digest}, which stays`
      )
      assert.deepStrictEqual(
        yield* planned(registry, { grace: 0, untagged: true }),
        [untagged(three), untagged(orphan)].toSorted(),
        "what an undo could need stays"
      )
    }))

  it.effect("keeps what is pinned with all it needs, until it is no longer", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* registry.pin("app", one.descriptor.digest)
      yield* registry.deleteManifest("app", one.descriptor.digest)
      yield* later
      const { items } = yield* registry.planGarbage(now)
      assert.deepStrictEqual(going(items), [])
      assert.strictEqual(whyOf(items, one.layers[0]?.descriptor.digest ?? ""), "pinned")
      const [pin] = yield* registry.pins()
      assert.deepInclude(pin, { digest: one.descriptor.digest, actor: "library", size: one.bytes.length })
      assert.isTrue(yield* registry.unpin("app", one.descriptor.digest))
      assert.isFalse(yield* registry.unpin("app", one.descriptor.digest))
      assert.deepStrictEqual(yield* planned(registry, now), partsOf(one))
      assert.instanceOf(yield* Effect.flip(registry.pin("app", two.descriptor.digest)), BlobUnknown)
    }))

  it.effect("lets nothing go that a manifest may need which cannot be read", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const broken = sample("{", one.descriptor.mediaType)
      yield* store(shared, broken)
      yield* add(entryOf(broken, "app:v1"))
      yield* later
      const { items } = yield* registry.planGarbage(now)
      assert.deepStrictEqual(going(items), [])
      assert.strictEqual(
        whyOf(items, shared.descriptor.digest),
        `${broken.descriptor.digest} cannot be read, and may need it`
      )
    }))

  it.effect("lets no untagged entry go that a manifest may need which cannot be read", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const broken = sample("{", index([one]).descriptor.mediaType)
      yield* store(broken)
      yield* add(entryOf(broken, "app:v1"))
      yield* pushImage(registry, "app", one, [])
      yield* later
      const { items } = yield* registry.planGarbage({ ...now, untagged: true })
      assert.deepStrictEqual(going(items), [])
      assert.strictEqual(
        whyOf(items, `app@${one.descriptor.digest}`),
        `${broken.descriptor.digest} cannot be read, and may need it`
      )
    }))

  it.effect("lets things go beside a manifest that is gone", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(shared)
      yield* add(entryOf(one, "app:v1"))
      yield* later
      assert.deepStrictEqual(yield* planned(registry, now), [shared.descriptor.digest])
    }))

  it.effect("keeps every digest that content of an unknown type speaks of", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const strange = sample({ things: [shared.descriptor.digest] }, "application/vnd.example.strange+json")
      yield* store(shared, strange)
      yield* add(entryOf(strange, "app:v1"))
      yield* later
      assert.deepStrictEqual(yield* planned(registry, now), [])
    }))

  it.effect("follows what that speaks of, and an entry that is no descriptor", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const strange = sample({ bundle: [one.descriptor.digest] }, "application/vnd.example.strange+json")
      yield* store(strange, one, one.config, ...one.layers, two, two.config, ...two.layers)
      const { mediaType: _mediaType, ...untyped } = entryOf(two, "app:v2")
      yield* add(entryOf(strange, "app:v1"), untyped)
      yield* later
      assert.deepStrictEqual(yield* planned(registry, now), [])
      for (const { layers } of [one, two]) {
        const layer = layers[0]?.descriptor.digest ?? ""
        assert.instanceOf(yield* Effect.flip(registry.deleteBlob("app", layer)), Referenced)
      }
    }))

  it.effect("keeps what a pin of any kind holds, wherever that was named", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, [])
      yield* pushManifest(registry, "app", index([one]), ["all"])
      const { digest } = index([one]).descriptor
      yield* registry.pin("other", digest)
      yield* registry.deleteManifest("app", digest)
      yield* registry.deleteManifest("app", one.descriptor.digest)
      yield* later
      assert.deepStrictEqual(yield* planned(registry, now), [])
      assert.instanceOf(yield* Effect.flip(registry.deleteBlob("app", digest)), Referenced)
      const layer = one.layers[0]?.descriptor.digest ?? ""
      assert.instanceOf(yield* Effect.flip(registry.deleteBlob("app", layer)), Referenced)
    }))

  it.effect("is made quickly, however long a chain of referrers is", () =>
    Effect.gen(function*() {
      const { add, registry, stores } = foreignLayout()
      yield* pushImage(registry, "app", one, ["v1"])
      const chain = [one]
      for (let length = 1; length < 400; length++) chain.push(referrerOf(chain.at(-1) ?? one, `${length}`))
      const referrers = chain.slice(1).toReversed()
      yield* Effect.forEach(
        referrers.flatMap((image) => [image, image.config, ...image.layers]),
        ({ bytes }) => stores.blobs.write(Stream.succeed(bytes), { algorithm: "sha256" }),
        { discard: true }
      )
      yield* add(...referrers.map((image) => entryOf(image, `app@${image.descriptor.digest}`)))
      yield* later
      assert.deepStrictEqual(yield* planned(registry, { ...now, untagged: true }), [])
    }))

  it.effect("has the uploads: those that are over go", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      const old = yield* registry.pushBlobChunked("app")
      yield* old.append(0, Stream.succeed(Buffer.from("abc")))
      yield* TestClock.adjust(day)
      const young = yield* registry.pushBlobChunked("app")
      const { bytes, items } = yield* registry.planGarbage(now)
      assert.deepStrictEqual(going(items), [old.id])
      assert.strictEqual(bytes, 3)
      assert.strictEqual(whyOf(items, young.id), "an upload to app is under way")
    }))

  it.effect("of a registry that is only read can be looked at and not carried out", () =>
    Effect.gen(function*() {
      const registry = readOnly(yield* makeMemory())
      assert.isTrue(Option.isNone((yield* registry.planGarbage(now)).id))
      assert.instanceOf(yield* Effect.flip(registry.collectGarbage("0".repeat(32))), Denied)
      assert.instanceOf(yield* Effect.flip(registry.pin("app", one.descriptor.digest)), Denied)
    }))
})

describe("retention", () => {
  const kept = Effect.fnUntraced(function*(...retention: ReadonlyArray<RetentionRule>) {
    const registry = yield* makeMemory()
    for (const tag of ["pr-3", "pr-1", "pr-2", "v1"]) {
      yield* TestClock.adjust(hour)
      yield* pushImage(registry, "app", one, [tag])
    }
    yield* pushImage(registry, "web", one, ["pr-1"])
    yield* TestClock.adjust(hour)
    yield* collected(registry, { ...now, retention })
    const tags = Array.from(yield* Stream.runCollect(registry.tags("app")))
    return { registry, tags }
  })

  it.effect("keeps the newest of those that a rule is about, by when they were moved", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* kept({ tag: "pr-*", newest: 1 })).tags, ["pr-2", "v1"])
      assert.deepStrictEqual((yield* kept({ newest: 2 })).tags, ["pr-2", "v1"])
      assert.deepStrictEqual((yield* kept({ repository: "web", newest: 0 })).tags, ["pr-1", "pr-2", "pr-3", "v1"])
      assert.deepStrictEqual((yield* kept({ repository: "a*", tag: "*-*", newest: 0 })).tags, ["v1"])
    }))

  it.effect("keeps what is young, and what is both new and old", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* kept({ maxAge: 3 * hour })).tags, ["pr-2", "v1"])
      assert.deepStrictEqual((yield* kept({ maxAge: 3 * hour, newest: 3 })).tags, ["pr-1", "pr-2", "v1"])
      assert.deepStrictEqual((yield* kept({ tag: "pr.*", newest: 0 }, {})).tags, ["pr-1", "pr-2", "pr-3", "v1"])
    }))

  it.effect("is about no tag that says what it is attached to, and about tags and not entries", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      const attached = `sha256-${one.descriptor.digest.slice(7)}`
      const signature = referrerOf(one, "signature")
      yield* pushImage(registry, "app", one, ["v1"])
      yield* TestClock.adjust(hour)
      yield* pushImage(registry, "app", signature, ["attested"])
      yield* pushImage(registry, "app", two, ["v2"])
      yield* pushManifest(registry, "app", index([signature]), [attached, `${attached}.sig`])
      yield* store(two)
      yield* add(entryOf(two, "app:v2"))
      yield* later
      yield* collected(registry, { ...now, retention: [{ newest: 2 }] })
      const tags = Array.from(yield* Stream.runCollect(registry.tags("app")))
      assert.deepStrictEqual(tags, ["attested", attached, `${attached}.sig`, "v2"].toSorted())
      assert.lengthOf(yield* Stream.runCollect(registry.referrers("app", one.descriptor.digest)), 1)
    }))

  it.effect("can be taken back", () =>
    Effect.gen(function*() {
      const { registry } = yield* kept({ tag: "pr-*", newest: 0 })
      const [last] = yield* Stream.runCollect(registry.history({ limit: 1 }))
      yield* registry.revert(last?.revision ?? 0)
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(registry.tags("app"))), [
        "pr-1",
        "pr-2",
        "pr-3",
        "v1"
      ])
    }))
})

describe("collecting", () => {
  it.effect("removes what is on the plan, says so in the history, and leaves the rest readable", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", two)
      const old = yield* registry.pushBlobChunked("app")
      yield* TestClock.adjust(day)
      const { bytes, removed, spared } = yield* collected(registry, { ...now, untagged: true })
      assert.deepStrictEqual(
        going(removed),
        [...partsOf(two), `app@${two.descriptor.digest}`, old.id].toSorted()
      )
      assert.deepStrictEqual(spared, [])
      assert.strictEqual(bytes, [two, two.config, ...two.layers].reduce((sum, part) => sum + part.bytes.length, 0))
      assert.strictEqual(yield* blobsOf(registry), 3)
      assert.instanceOf(yield* Effect.flip(registry.getManifest("app", two.descriptor.digest)), ManifestUnknown)
      const [blobs, entries] = yield* Stream.runCollect(registry.history({ limit: 2 }))
      assert.deepStrictEqual(blobs?.changes.map(({ from }) => from ?? "").toSorted(), [...partsOf(two)])
      assert.strictEqual(entries?.changes[0]?.from, two.descriptor.digest)
      assert.instanceOf(yield* Effect.flip(registry.revert(entries?.revision ?? 0)), ManifestBlobUnknown)
    }))

  it.effect("spares what is needed by now, and says why", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      for (const part of [one.config, ...one.layers]) yield* pushBlob(registry, "app", part)
      yield* pushBlob(registry, "app", shared)
      yield* pushImage(registry, "app", two)
      yield* later
      const { id } = yield* registry.planGarbage({ ...now, untagged: true })
      yield* pushManifest(registry, "app", one, ["v1"])
      yield* registry.tagManifest("app", two.descriptor.digest, ["v2"])
      yield* registry.deleteBlob("app", shared.descriptor.digest)
      const { removed, spared } = yield* registry.collectGarbage(Option.getOrThrow(id))
      assert.deepStrictEqual(removed, [])
      assert.strictEqual(whyOf(spared, one.config.descriptor.digest), "needed by app:v1")
      assert.strictEqual(whyOf(spared, two.descriptor.digest), "needed by app:v2")
      assert.strictEqual(whyOf(spared, `app@${two.descriptor.digest}`), "was gone already")
      assert.strictEqual(whyOf(spared, shared.descriptor.digest), "was gone already")
      assert.strictEqual(spared.length, 7)
    }))

  it.effect("takes for ever at its word", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, [])
      yield* registry.deleteManifest("app", one.descriptor.digest)
      yield* TestClock.adjust(1000 * day)
      const { id, items } = yield* registry.planGarbage({ undoWindow: Number.POSITIVE_INFINITY })
      assert.deepStrictEqual(going(items), [])
      assert.deepStrictEqual((yield* registry.collectGarbage(Option.getOrThrow(id))).removed, [])
    }))

  it.effect("is of a plan that is there, for an hour", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushBlob(registry, "app", shared)
      yield* later
      const id = Option.getOrThrow((yield* registry.planGarbage(now)).id)
      for (const other of ["", "../x", "0".repeat(32)]) {
        assert.instanceOf(yield* Effect.flip(registry.collectGarbage(other)), PlanExpired)
      }
      yield* TestClock.adjust(hour)
      assert.instanceOf(yield* Effect.flip(registry.collectGarbage(id)), PlanExpired)
      assert.strictEqual(yield* blobsOf(registry), 1)
    }))
})
