import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname } from "node:path"
import { secondNameOf } from "../../../src/node/blobs/secondNames.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { type Disk, newDisk, plainLayout } from "../../support/disk.ts"
import { entryOf, image, index, pushBlob, pushImage, type Sample, sample } from "../../support/images.ts"
import { fails } from "../../support/watchedFs.ts"

const one = image("one")
const two = image("two", {}, 2)
const nested = index([one, two])
const inOne = [one, one.config, ...one.layers]
const inNested = [nested, ...inOne, two, two.config, ...two.layers]

const placeOf = (disk: Disk, { descriptor }: Sample): string => disk.files.blob(descriptor.digest)

/** What a tool writes: content under its name, and no word about it. */
const store = (disk: Disk, ...samples: ReadonlyArray<Sample>): void => {
  for (const { bytes, descriptor } of samples) disk.write(`blobs/${descriptor.digest.replace(":", "/")}`, bytes)
}

const there = (disk: Disk, samples: ReadonlyArray<Sample>): ReadonlyArray<boolean> =>
  samples.map((one) => fs.existsSync(placeOf(disk, one)))

const held = (disk: Disk, samples: ReadonlyArray<Sample>): ReadonlyArray<boolean> =>
  samples.map(({ bytes, descriptor }) => {
    const path = secondNameOf(disk.files, descriptor.digest)
    return fs.existsSync(path) && fs.readFileSync(path).equals(bytes)
  })

const all = (samples: ReadonlyArray<Sample>, value: boolean): ReadonlyArray<boolean> => samples.map(() => value)

/** A writer that changes nothing. */
const noop = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const error = yield* Effect.flip(registry.deleteTag("app", "none"))
  assert.strictEqual(error._tag, "ManifestUnknown", error.message)
})

const opened = Effect.fnUntraced(function*(disk: Disk, options: Parameters<Disk["open"]>[0] = {}) {
  return sharedRegistry(yield* disk.open(options, "app"), hasher)
})

const written = Effect.gen(function*() {
  const disk = yield* newDisk
  disk.pretendTimes(true)
  const registry = yield* opened(disk)
  yield* pushImage(registry, "app", one, ["v1"])
  return { disk, registry }
})

/** What `umoci gc` does that has read the index before: it lists and unlinks. */
const collect = (disk: Disk, samples: ReadonlyArray<Sample>): void => {
  for (const one of samples) fs.unlinkSync(placeOf(disk, one))
}

describe("what an index of ours reaches and another tool's collection has removed", () => {
  it.live("is put back by the next writer, also one that changes nothing, and our name for it stays", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      for (const writer of [registry, yield* opened(disk)]) {
        collect(disk, inOne)
        yield* noop(writer)
        assert.deepStrictEqual(there(disk, inOne), all(inOne, true))
        assert.deepStrictEqual(held(disk, inOne), all(inOne, true))
      }
      const nodesOf = ({ descriptor: { digest } }: Sample) =>
        [secondNameOf(disk.files, digest), disk.files.blob(digest)].map((path) => fs.statSync(path).ino)
      for (const layer of one.layers) assert.strictEqual(new Set(nodesOf(layer)).size, 1)
      // A tool that writes a manifest in place must not write into what we hold.
      assert.strictEqual(new Set(nodesOf(one)).size, 2)
    }))

  it.live("is on the disk before the index names it again", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      collect(disk, one.layers)
      disk.told()
      yield* registry.tagManifest("app", one.descriptor.digest, ["v2"])
      const calls = disk.told("link", "syncDirectory", "exchange").filter((call) => !call.includes(".ocilayout"))
      const [layer] = one.layers
      assert.deepStrictEqual(calls.slice(0, 2), [
        `link blobs/${layer?.descriptor.digest.replace(":", "/")}`,
        "syncDirectory blobs/sha256"
      ])
      assert.include(calls.slice(2), "exchange index.json")
    }))

  it.live("is not put back where nothing of the index needs it", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      const needless = sample("needless", "application/octet-stream")
      yield* pushBlob(registry, "app", needless)
      collect(disk, [needless])
      yield* noop(registry)
      assert.deepStrictEqual([there(disk, [needless]), held(disk, [needless])], [[false], [true]])
      collect(disk, one.layers)
      yield* noop(registry)
      assert.deepStrictEqual([there(disk, one.layers), there(disk, [needless])], [[true], [false]])
    }))

  it.live("is not looked for while the folders of content look as they did, and by no list of all of it", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      yield* noop(registry)
      disk.told()
      yield* noop(registry)
      const lists = (calls: ReadonlyArray<string>) => calls.filter((call) => /(?:blobs|kept|trash)/u.test(call))
      assert.deepStrictEqual(lists(disk.told("readDirectory", "open", "read", "link")), [])
      collect(disk, one.layers)
      disk.told()
      yield* noop(registry)
      const listed = lists(disk.told("readDirectory"))
      // The second names are known since they were listed, as long as no other process commits.
      assert.include(listed, "readDirectory blobs/sha256")
    }))

  it.live("stays away where the policy is never", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* opened(disk, { hold: "never" })
      yield* pushImage(registry, "app", one, ["v1"])
      assert.deepStrictEqual(held(disk, inOne), all(inOne, false))
      collect(disk, one.layers)
      yield* noop(registry)
      assert.deepStrictEqual(there(disk, one.layers), [false])
    }))

  it.live("and that is nowhere any more stops no write", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      collect(disk, inOne)
      fs.rmSync(disk.files.kept, { recursive: true })
      yield* noop(registry)
      yield* pushImage(registry, "app", two, ["v2"])
      assert.deepStrictEqual(there(disk, inOne), all(inOne, false))
    }))
})

describe("what another tool has written", () => {
  it.live("gets second names with the first commit in its layout, down to what a nested index needs", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      store(disk, ...inNested)
      plainLayout(disk, [entryOf(nested, "all")])
      const registry = yield* opened(disk)
      yield* noop(registry)
      assert.isFalse(fs.existsSync(disk.files.own), "who changes nothing there leaves no trace")
      yield* registry.tagManifest("app", nested.descriptor.digest, ["v1"])
      assert.deepStrictEqual(held(disk, inNested), all(inNested, true))
    }))

  it.live("into a layout of ours gets them before the next writer records it", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      store(disk, ...inNested)
      disk.foreign(...disk.entries(), entryOf(nested, "app:all"))
      const before = disk.journal().length
      disk.told()
      yield* noop(registry)
      assert.deepStrictEqual(held(disk, inNested), all(inNested, true))
      assert.strictEqual(disk.journal().length, before + 1)
      const calls = disk.told()
      const given = calls.findLastIndex((call) => /^(?:link|rename|write) \.ocilayout\/kept/u.test(call))
      const recorded = calls.indexOf("dataSync .ocilayout/journal/2/current.ndjson")
      assert.isBelow(given, recorded)
      assert.isAtLeast(given, 0)
      collect(disk, inNested)
      yield* noop(registry)
      assert.deepStrictEqual(there(disk, inNested), all(inNested, true))
    }))

  it.live("gets them on the disk before the record, where each folder keeps its own names", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      disk.pretendOrder(false)
      store(disk, ...inNested)
      disk.foreign(...disk.entries(), entryOf(nested, "app:all"))
      disk.told()
      yield* noop(registry)
      const calls = disk.told("syncDirectory", "dataSync", "exchange")
      const steps = [
        "syncDirectory .ocilayout/kept/sha256",
        "dataSync .ocilayout/journal/2/current.ndjson",
        "exchange index.json",
        "syncDirectory .",
        "syncDirectory .ocilayout/replaced"
      ]
      assert.deepStrictEqual(calls.filter((call) => steps.includes(call)).slice(-steps.length), steps)
    }))

  it.live("and of which content may not be read is recorded all the same, and stops no write", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      store(disk, ...inNested)
      disk.foreign(...disk.entries(), entryOf(nested, "app:all"))
      const refused = new Set(two.layers.map(({ descriptor }) => `blobs/${descriptor.digest.replace(":", "/")}`))
      disk.intercept((call) =>
        call.operation === "open" && refused.has(call.path) ? fails("EACCES")(call) : Effect.void
      )
      yield* noop(registry)
      assert.strictEqual(disk.journal().at(-1)?.commits?.at(-1)?.actor, "foreign")
      assert.deepStrictEqual(held(disk, two.layers), all(two.layers, false))
      const others = inNested.filter((part) => !two.layers.includes(part))
      assert.deepStrictEqual(held(disk, others), all(others, true))
    }))

  it.live("and that is a link where links are refused is recorded all the same, and the rest is held", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      store(disk, two, two.config)
      for (const layer of two.layers) fs.symlinkSync("elsewhere", placeOf(disk, layer))
      disk.foreign(...disk.entries(), entryOf(two, "app:v2"))
      yield* noop(registry)
      assert.strictEqual(disk.journal().at(-1)?.commits?.at(-1)?.actor, "foreign")
      assert.deepStrictEqual(held(disk, [two, two.config, ...two.layers]), [true, true, false, false])
    }))

  it.live("and that misses content is recorded all the same", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* written
      store(disk, two, two.config)
      disk.foreign(...disk.entries(), entryOf(two, "app:sparse"))
      yield* noop(registry)
      assert.deepStrictEqual(held(disk, [two, two.config, ...two.layers]), [true, true, false, false])
      assert.strictEqual(disk.journal().at(-1)?.commits?.at(-1)?.actor, "foreign")
      assert.isTrue(fs.existsSync(dirname(secondNameOf(disk.files, two.descriptor.digest))))
    }))
})
