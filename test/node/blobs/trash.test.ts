import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { secondNameOf } from "../../../src/node/blobs/secondNames.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { entryOf, image, index, pushImage, pushManifest, type Sample, sample } from "../../support/images.ts"

const one = image("one")
const two = image("two")
const garbage = sample("not needed", "application/octet-stream")
const hour = 60 * 60 * 1000

const nameOf = ({ descriptor }: Sample, hours: number, random = "0"): string =>
  `${Date.now() - hours * hour}.${descriptor.digest.replace(":", "-")}.${random.repeat(32)}`

/** Content as a collection has left it so many hours ago, with a time of its file that says nothing of that. */
const trash = (disk: Disk, content: Sample, hours: number, fileHours = 1000): string => {
  const name = nameOf(content, hours)
  fs.writeFileSync(join(disk.files.trash, name), content.bytes)
  const time = Date.now() / 1000 - fileHours * 3600
  fs.utimesSync(join(disk.files.trash, name), time, time)
  return name
}

const trashIn = (disk: Disk): ReadonlyArray<string> => fs.readdirSync(disk.files.trash)
const isThere = (disk: Disk, { descriptor }: Sample): boolean => fs.existsSync(disk.files.blob(descriptor.digest))
const isHeld = (disk: Disk, { descriptor }: Sample): boolean =>
  fs.existsSync(secondNameOf(disk.files, descriptor.digest))

/** A writer that changes nothing. */
const noop = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const error = yield* Effect.flip(registry.deleteTag("app", "none"))
  assert.strictEqual(error._tag, "ManifestUnknown", error.message)
})

const opened = (disk: Disk, options: Parameters<Disk["open"]>[0] = {}) =>
  Effect.map(disk.open(options, "app"), (stores) => sharedRegistry(stores, hasher))

const written = Effect.fnUntraced(function*(options: Parameters<Disk["open"]>[0] = {}) {
  const disk = yield* newDisk
  yield* pushImage(yield* opened(disk, options), "app", one, ["v1"])
  return disk
})

describe("the trash", () => {
  it.live("keeps content for a day after its name, not after its file's times, and then the next writer deletes it", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const young = trash(disk, garbage, 23.9)
      const old = trash(disk, two.config, 24.1, 0)
      const other = yield* opened(disk)
      yield* other.resolveTag("app", "v1")
      assert.sameMembers([...trashIn(disk)], [young, old], "no reader deletes")
      yield* noop(other)
      assert.deepStrictEqual(trashIn(disk), [young])
    }))

  it.live("keeps unknown files", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const names = ["README", `1.${garbage.descriptor.digest}`, `1.sha256-00.${"0".repeat(32)}`]
      for (const name of names) fs.writeFileSync(join(disk.files.trash, name), "")
      yield* noop(yield* opened(disk))
      assert.sameMembers([...trashIn(disk)], names)
    }))

  it.live("keeps everything while a tool may be at work, and lets go once it is not", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const old = trash(disk, garbage, 30)
      for (const left of ["oci-put-blob1", "index.json.123.tmp", "blobs/sha256/abc.tmp"]) {
        disk.write(left, "half")
        yield* noop(yield* opened(disk))
        assert.deepStrictEqual(trashIn(disk), [old], left)
        const long = Date.now() / 1000 - 25 * 3600
        fs.utimesSync(disk.path(left), long, long)
      }
      yield* noop(yield* opened(disk))
      assert.deepStrictEqual(trashIn(disk), [])
    }))

  it.live("keeps everything while a manifest cannot be read, which may need it, and gives it back once it can", () =>
    Effect.gen(function*() {
      const disk = yield* written({ hold: "never" })
      for (const part of [garbage, two.config, ...two.layers]) trash(disk, part, 30)
      disk.foreign(...disk.entries(), entryOf(two, "app:torn"))
      const before = trashIn(disk)
      fs.writeFileSync(disk.files.blob(two.descriptor.digest), two.bytes.subarray(0, 20))
      yield* noop(yield* opened(disk, { hold: "never" }))
      assert.sameMembers([...trashIn(disk)], [...before])
      fs.writeFileSync(disk.files.blob(two.descriptor.digest), two.bytes)
      yield* noop(yield* opened(disk, { hold: "never" }))
      for (const part of [two.config, ...two.layers]) assert.isTrue(isThere(disk, part))
      assert.deepStrictEqual(trashIn(disk), [])
    }))

  it.live("is looked through once an hour by one who writes", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const registry = yield* opened(disk)
      yield* noop(registry)
      const old = trash(disk, garbage, 30)
      disk.told()
      yield* noop(registry)
      assert.notInclude(disk.told(), "readDirectory .ocilayout/trash")
      assert.deepStrictEqual(trashIn(disk), [old])
    }))

  it.live("that is a link is left alone", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const old = trash(disk, garbage, 30)
      fs.renameSync(disk.files.trash, disk.path("elsewhere"))
      fs.symlinkSync(disk.path("elsewhere"), disk.files.trash)
      const error = yield* Effect.flip((yield* opened(disk)).deleteTag("app", "none"))
      assert.strictEqual(error._tag, "SymlinkRefused")
      assert.deepStrictEqual(fs.readdirSync(disk.path("elsewhere")), [old])
    }))
})

describe("content in the trash", () => {
  it.live("is there for readers, and goes back with a commit that names it, with a second name", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      trash(disk, garbage, 30)
      const registry = yield* opened(disk)
      const { digest } = garbage.descriptor
      assert.strictEqual((yield* registry.resolveBlob("app", digest)).size, garbage.bytes.length)
      assert.isFalse(isThere(disk, garbage))
      yield* registry.mountBlob("app", "web", digest)
      assert.deepStrictEqual([isThere(disk, garbage), isHeld(disk, garbage), trashIn(disk)], [true, true, []])
    }))

  it.live("goes back with all that it needs, down to the last layer, before it is named", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const parts = [two, two.config, ...two.layers]
      const left = trash(disk, garbage, 1)
      for (const part of parts) trash(disk, part, 1)
      const registry = yield* opened(disk)
      yield* pushManifest(registry, "app", index([two]), ["both"])
      for (const part of parts) assert.deepStrictEqual([isThere(disk, part), isHeld(disk, part)], [true, true])
      assert.deepStrictEqual(trashIn(disk), [left])
    }))

  it.live("that a tool counted on goes back before anything is deleted, however long it lay there", () =>
    Effect.gen(function*() {
      for (const hold of ["always", "day", "never"] as const) {
        const disk = yield* written({ hold })
        for (const part of [two.config, ...two.layers]) trash(disk, part, 30)
        // It has seen them before they were taken away, and copied only the manifest.
        disk.write(`blobs/${two.descriptor.digest.replace(":", "/")}`, two.bytes)
        disk.foreign(...disk.entries(), entryOf(two, "app:v2"))
        yield* noop(yield* opened(disk, { hold }))
        for (const part of [two.config, ...two.layers]) assert.isTrue(isThere(disk, part), hold)
        assert.deepStrictEqual(trashIn(disk), [], hold)
      }
    }))

  it.live("is on the disk under its name before it leaves the trash", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      trash(disk, garbage, 1)
      const registry = yield* opened(disk)
      disk.told()
      yield* registry.mountBlob("app", "web", garbage.descriptor.digest)
      const { digest } = garbage.descriptor
      const calls = disk.told("link", "syncDirectory", "unlink")
      const steps = [
        `link blobs/${digest.replace(":", "/")}`,
        "syncDirectory blobs/sha256",
        `unlink .ocilayout/trash/${digest.replace(":", "-")}`
      ]
      assert.deepStrictEqual(calls.filter((call) => steps.includes(call)).slice(0, 3), steps)
    }))

  it.live("and torn there is not put back", () =>
    Effect.gen(function*() {
      const disk = yield* written()
      const name = trash(disk, garbage, 1)
      fs.truncateSync(join(disk.files.trash, name), 3)
      const { blobs } = yield* disk.open()
      assert.deepStrictEqual(yield* blobs.protect(garbage.descriptor.digest), Option.none())
      assert.isFalse(isThere(disk, garbage))
    }))
})
