/**
 * Our own garbage collection takes nothing that is needed, whichever process pushes meanwhile, dies meanwhile, or meets a failing
 * disk.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Stream } from "effect"
import fc from "fast-check"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { GarbageOptions } from "../../src/ops/api/Garbage.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { blobDigest, blobOf, layerOf, manifestDigest, manifestOf, mediaType } from "../runs/stress/contents.ts"
import { digestOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { interleave } from "../support/interleave.ts"
import { runs, someOf, stride } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { type Crash, crash } from "../support/simulation/Disk.ts"
import { pass } from "../support/simulation/foreign.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { type Instant, type Process, restarted, World } from "../support/simulation/World.ts"

const counts = {
  interleavings: 0,
  "pushes beside": 0,
  collected: 0,
  spared: 0,
  crashes: 0,
  "crashes beside": 0,
  faults: 0
}

/** Nothing is kept but what is needed, and what was pushed within the hour. */
const now: GarbageOptions = { grace: 0, undoWindow: 0, untagged: true }

const hours = (count: number): number => count * 60 * 60 * 1000

const layerDigest = (note: string): string => blobDigest(layerOf(note))

const pushLayer = (registry: LayoutRegistry, note: string) =>
  registry.pushBlob("app", Stream.succeed(blobOf(layerOf(note))))

const pushManifest = (registry: LayoutRegistry, note: string, tags: ReadonlyArray<string> = [note]) =>
  registry.pushManifest("app", manifestOf(note), mediaType, { tags })

const collect = (registry: LayoutRegistry, options = now) =>
  Effect.gen(function*() {
    const { id } = yield* registry.planGarbage(options)
    // Where no plan could be kept there is none to be carried out.
    return Option.isNone(id) ? { removed: [], spared: [] } : yield* registry.collectGarbage(id.value)
  })

/**
 * What is there long before: an image that stays, layers and manifests that are not needed, and layers to be used again.
 */
const furnish = async (notes: ReadonlyArray<string>): Promise<Instant> => {
  const world = new World(new Machine())
  const { close, registry } = await world.open()
  await world.run(Effect.gen(function*() {
    for (const note of ["kept", "untagged", "garbage", ...notes]) yield* pushLayer(registry, note)
    yield* pushManifest(registry, "kept")
    yield* pushManifest(registry, "untagged", [])
  }))
  await close()
  world.machine.advance(hours(30))
  const { disk, nowNs } = world.machine
  return { disk, nowNs, names: world.names }
}

/** Everything that the index names is there, with the right content. */
const checkWhole = async (world: World, { registry, stores }: Process): Promise<void> => {
  const { entries } = await world.run(stores.layout.snapshot)
  for (const { digest } of entries) {
    const { bytes } = await world.run(registry.getManifest("app", digest))
    const [, layer = ""] = /"layers".*?(sha256:[0-9a-f]{64})/u.exec(Buffer.from(bytes).toString()) ?? []
    await world.run(registry.resolveBlob("app", layer))
  }
  for (const name of world.list("blobs/sha256")) {
    assert.strictEqual(digestOf(world.bytes(`blobs/sha256/${name}`) ?? Buffer.alloc(0)), `sha256:${name}`)
  }
}

const isThere = (world: World, digest: string): boolean =>
  world.bytes(`blobs/${digest.replace(":", "/")}`) !== undefined

/**
 * A day after its collection, content that nothing needs is gone from the trash too, and no other file is left behind.
 */
const checkCollected = async (world: World, gone: ReadonlyArray<string>): Promise<void> => {
  world.machine.advance(hours(30))
  const { registry } = await world.open()
  await world.run(collect(registry))
  for (const digest of gone) assert.isFalse(isThere(world, digest), `${digest}, which is not needed`)
  assert.deepStrictEqual(world.list(".ocilayout/tmp").filter((name) => name.startsWith("garbage")), [])
  world.machine.advance(hours(30))
  await world.run(registry.tagManifest("app", manifestDigest("kept"), ["kept"]))
  assert.deepStrictEqual(world.list(".ocilayout/trash"), [], "what was taken away a day ago is deleted")
}

const garbage = [layerDigest("garbage"), layerDigest("untagged"), manifestDigest("untagged")]

/** `only`: a blob that nothing names yet; `named`: a manifest whose layer is there; `tag`: one that is there itself. */
const ways = ["blob", "chunks", "mount", "named", "only", "tag"] as const

/** What may be refused, since a client that only looked whether content was there was promised nothing. */
const refusable: Readonly<Partial<Record<typeof ways[number], RegistryError["_tag"]>>> = {
  named: "ManifestBlobUnknown",
  mount: "BlobUnknown",
  tag: "ManifestUnknown"
}

describe("collecting while others push", () => {
  const program = fc.record({
    pushes: fc.uniqueArray(
      fc.record({
        note: fc.constantFrom("a", "b", "c"),
        how: fc.constantFrom(...ways),
        wait: fc.nat({ max: 250 })
      }),
      { minLength: 1, maxLength: 3, selector: ({ note }) => note }
    ),
    waits: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 3 })
  })

  it("takes no content from a push that was answered, and takes all that nothing needs in the end", () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), program, async (fuzzed, { pushes, waits }) => {
        counts.interleavings++
        const { disk, ...moment } = await furnish(["a", "b", "c"])
        const world = restarted(disk, moment, { yielding: true })
        const [{ registry }, collector] = [await world.open(), await world.open()]
        const done = new Map<string, string>()
        const pushed: Array<string> = []
        const push = ({ how, note, wait }: typeof pushes[number]) =>
          Effect.gen(function*() {
            yield* pass(wait)
            if (how === "tag") {
              yield* registry.tagManifest("app", manifestDigest("untagged"), [note])
              done.set(note, manifestDigest("untagged"))
              return
            }
            if (how === "blob" || how === "only") yield* pushLayer(registry, note)
            if (how === "mount") yield* registry.mountBlob("app", "web", layerDigest(note))
            if (how === "chunks") {
              const writer = yield* registry.pushBlobChunked("app")
              yield* writer.append(0, Stream.succeed(blobOf(layerOf(note))))
              yield* writer.commit(layerDigest(note))
            }
            if (how === "only") {
              pushed.push(layerDigest(note))
              return
            }
            yield* pushManifest(registry, note)
            done.set(note, manifestDigest(note))
          }).pipe(Effect.catchIf((error: RegistryError) => error._tag === refusable[how], () => Effect.void))
        const collecting = Effect.forEach(waits, (wait) =>
          Effect.gen(function*() {
            yield* pass(wait)
            const { removed, spared } = yield* collect(collector.registry)
            counts.collected += removed.length
            counts.spared += spared.length
          }))
        const all = Effect.all([collecting, ...pushes.map(push)], { concurrency: "unbounded", discard: true })
        await interleave(fuzzed, world.within(all), Number.MAX_SAFE_INTEGER)
        const later = await world.open()
        await checkWhole(world, later)
        counts["pushes beside"] += done.size + pushed.length
        for (const [note, digest] of done) {
          assert.strictEqual((await world.run(later.registry.getTag("app", note))).descriptor.digest, digest)
        }
        for (const digest of pushed) {
          assert.isTrue(isThere(world, digest), `${digest}, which was pushed within the hour`)
        }
        const tagged = Array.from(done.values()).includes(manifestDigest("untagged"))
        await checkCollected(world, tagged ? [layerDigest("garbage")] : garbage)
        await checkWhole(world, later)
      }),
      { numRuns: runs }
    ))

  afterAll(() => assert.isAbove(counts.collected, 0))
})

describe("collecting beside pushes that is cut short", () => {
  const kinds: ReadonlyArray<Crash> = ["kill", "ordered", "adversarial"]

  /** What had been answered when the disk was looked at. */
  interface Seen extends Instant {
    readonly blobs: ReadonlyArray<string>
    readonly tags: ReadonlyArray<string>
  }

  it("loses nothing that was answered within the hour, at each call at which the power goes", () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ how: fc.constantFrom("blob", "chunks", "mount"), wait: fc.nat({ max: 250 }) }), {
          minLength: 1,
          maxLength: 2
        }),
        fc.integer({ min: 1, max: 2 ** 30 }),
        async (fuzzed, pushes, seed) => {
          const chance = chanceOf(seed)
          const notes = ["a", "b"]
          const { disk, ...moment } = await furnish(notes)
          const blobs: Array<string> = []
          const tags: Array<string> = []
          const seen: Array<Seen> = []
          const world = restarted(disk, moment, {
            yielding: true,
            before: () => {
              const { disk, nowNs } = world.machine
              seen.push({ disk, nowNs, names: world.names, blobs: [...blobs], tags: [...tags] })
              return undefined
            }
          })
          const [{ registry }, collector] = [await world.open(), await world.open()]
          const push = ({ how, wait }: typeof pushes[number], at: number) =>
            Effect.gen(function*() {
              const note = notes[at] ?? ""
              yield* pass(wait)
              if (how === "blob") yield* pushLayer(registry, note)
              else if (how === "mount") yield* registry.mountBlob("app", "web", layerDigest(note))
              else {
                const writer = yield* registry.pushBlobChunked("app")
                yield* writer.append(0, Stream.succeed(blobOf(layerOf(note))))
                yield* writer.commit(layerDigest(note))
              }
              blobs.push(layerDigest(note))
              yield* pushManifest(registry, note)
              tags.push(note)
            }).pipe(Effect.catchIf((error: RegistryError) => error._tag === "BlobUnknown", () => Effect.void))
          const all = Effect.all([collect(collector.registry), ...pushes.map(push)], {
            concurrency: "unbounded",
            discard: true
          })
          await interleave(fuzzed, world.within(all), Number.MAX_SAFE_INTEGER)
          for (const { blobs, tags, ...instant } of someOf(seen.filter(({ blobs }) => blobs.length > 0), seed)) {
            const kind = kinds[Math.floor(chance() * kinds.length)] ?? "kill"
            counts["crashes beside"]++
            const cut = restarted(crash(instant.disk, kind, chance), instant)
            const process = await cut.open()
            await checkWhole(cut, process)
            for (const digest of blobs) await cut.run(process.registry.resolveBlob("app", digest))
            for (const note of tags) await cut.run(process.registry.getTag("app", note))
            // What was answered can be gone on with.
            for (const note of notes.filter((note) => blobs.includes(layerDigest(note)))) {
              await cut.run(pushManifest(process.registry, note))
            }
            await checkWhole(cut, process)
          }
        }
      ),
      { numRuns: Math.ceil(runs / 20) }
    ))
})

describe("collecting that is cut short", () => {
  const kinds: ReadonlyArray<Crash> = ["kill", "ordered", "adversarial", "adversarial"]

  /** The disk before every call of a collection, and what each was. */
  const watched = async () => {
    const { disk, ...moment } = await furnish(["a"])
    const moments: Array<Instant> = []
    const world = restarted(disk, moment, {
      before: () => {
        moments.push({ disk: world.machine.disk, nowNs: world.machine.nowNs, names: world.names })
        return undefined
      }
    })
    const { registry } = await world.open()
    await world.run(collect(registry))
    return moments
  }

  it("leaves everything that is needed, and is finished by the next", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async (seed) => {
        const chance = chanceOf(seed)
        for (const moment of someOf(await watched(), seed)) {
          const kind = kinds[Math.floor(chance() * kinds.length)] ?? "kill"
          counts.crashes++
          const world = restarted(crash(moment.disk, kind, chance), moment)
          const process = await world.open()
          await checkWhole(world, process)
          assert.strictEqual(
            (await world.run(process.registry.getTag("app", "kept"))).descriptor.digest,
            manifestDigest("kept")
          )
          await checkCollected(world, [...garbage, layerDigest("a")])
          await checkWhole(world, process)
        }
      }),
      { numRuns: Math.ceil(runs / 50) }
    ))

  it("by a failing call is told, takes nothing that is needed, and goes on", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async (seed) => {
        const chance = chanceOf(seed)
        const { disk, ...moment } = await furnish(["a"])
        for (let at = seed % stride, last = false; !last; at += stride) {
          const code = ["EIO", "ENOSPC", "EACCES", "EMFILE"][Math.floor(chance() * 4)] ?? "EIO"
          const form = chance() < 0.5 ? "refused" : "done"
          let calls = 0
          let armed = false
          const world = restarted(disk, moment, {
            before: ({ operation }) => {
              if (!armed || calls++ !== at) return undefined
              return { code, form: operation.startsWith("open") || code === "EMFILE" ? "refused" : form }
            }
          })
          const process = await world.open()
          armed = true
          const exit = await world.run(Effect.exit(collect(process.registry)))
          armed = false
          last = calls <= at
          counts.faults++
          if (Exit.isFailure(exit)) {
            const [reason] = exit.cause.reasons
            const tag = reason?._tag === "Fail" ? reason.error._tag : assert.fail(String(reason))
            assert.include(["StorageError", "OutcomeUnknown"], tag)
          }
          await checkWhole(world, process)
          await checkCollected(world, [...garbage, layerDigest("a")])
          await checkWhole(world, await world.open())
        }
      }),
      { numRuns: Math.ceil(runs / 100) }
    ))
})

afterAll(() => figures("collections", counts))
