import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as fs from "node:fs"
import { isMtimeReliable } from "../../../src/node/files/mtimeReliable.ts"
import { checkLayout, readIndex, textOf } from "../../../src/node/index/indexFile.ts"
import { IndexInvalid, IndexTooLarge, LayoutInvalid } from "../../../src/oci/OciError.ts"
import { type Disk, newDisk, sha256 } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { makeOld } from "../../support/folders.ts"

const read = Effect.fnUntraced(function*({ files }: Disk) {
  const found = yield* readIndex(files)
  if (found !== undefined) yield* Effect.addFinalizer(() => found.handle.close)
  return found?.index
})

describe("an index", () => {
  it.live("is read with its text, its hash and what it was derived from", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const generation = `${"a".repeat(32)}.7.${"b".repeat(16)}`
      const annotations = { "dev.ocilayout.generation": generation }
      const text = JSON.stringify({ manifests: [entry("a", "app:v1", { é: "😀" })], annotations })
      disk.write("index.json", text)
      assert.deepInclude(yield* read(disk), {
        raw: new Uint8Array(Buffer.from(text)),
        entries: [entry("a", "app:v1", { é: "😀" })],
        hash: sha256(text),
        bytes: Buffer.byteLength(text),
        generation: { journal: "a".repeat(32), seq: 7, id: "b".repeat(16) }
      })
    }))

  it.live("that does not exist is none", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* read(yield* newDisk))
    }))

  it.live("keeps its handle, so that no other file can get its inode number", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "{}")
      const found = yield* readIndex(disk.files)
      assert.isDefined(found)
      const { ino } = yield* found.handle.stat
      for (let round = 0; round < 20; round++) {
        fs.rmSync(disk.path("index.json"))
        disk.write("index.json", "{}")
        assert.notStrictEqual(fs.statSync(disk.path("index.json"), { bigint: true }).ino, ino)
      }
      yield* found.handle.close
    }))

  it.live("that is over the limit of bytes is not read", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "{}")
      fs.truncateSync(disk.path("index.json"), 256 * 1024 * 1024 + 1)
      const error = yield* Effect.flip(readIndex(disk.files))
      assert.deepStrictEqual(
        error,
        new IndexTooLarge({ what: "bytes", actual: 256 * 1024 * 1024 + 1, limit: 256 * 1024 * 1024 })
      )
      assert.deepStrictEqual(disk.told("read"), [])
    }))
})

describe("an index that is replaced while it is read", () => {
  it.live("is read again, however old the one before was", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "{}")
      makeOld(disk.root)
      const next = JSON.stringify({ manifests: [entry("a", "app:v1")] })
      disk.intercept(({ operation }) =>
        Effect.sync(() => {
          if (operation !== "read" || fs.existsSync(disk.path("replaced"))) return
          disk.write("next", next)
          disk.write("replaced", "")
          fs.renameSync(disk.path("next"), disk.path("index.json"))
        })
      )
      const found = yield* read(disk)
      assert.strictEqual(found === undefined ? undefined : textOf(found), next)
    }))
})

describe("an index that does not parse", () => {
  it.live("is reported at once when no tool can be in the middle of writing it", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "{")
      makeOld(disk.root)
      assert.instanceOf(yield* Effect.flip(readIndex(disk.files)), IndexInvalid)
      assert.strictEqual(disk.told("open").length, 1)
    }))

  it.live("is waited for while a tool may be writing it", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "")
      const reading = yield* Effect.forkChild(read(disk))
      for (const part of ["{", "{\"manifests\"", "{\"manifests\":["]) {
        yield* Effect.sleep(5)
        disk.write("index.json", part)
      }
      yield* Effect.sleep(5)
      assert.isUndefined(reading.pollUnsafe())
      disk.write("index.json", "{\"manifests\":[]}")
      assert.deepInclude(yield* Fiber.join(reading), { entries: [] })
    }))

  it.live("is given up after two seconds of that", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", "{")
      assert.instanceOf(yield* Effect.flip(readIndex(disk.files)), IndexInvalid)
      assert.isAbove(disk.told("open").length, 5)
    }))

  it.live("keeps no file open", () =>
    Effect.gen(function*() {
      if (!fs.existsSync("/proc/self/fd")) return
      const disk = yield* newDisk
      disk.write("index.json", "[]")
      makeOld(disk.root)
      const count = () => fs.readdirSync("/proc/self/fd").length
      const before = count()
      for (let round = 0; round < 5; round++) yield* Effect.flip(readIndex(disk.files))
      assert.strictEqual(count(), before)
    }))
})

describe("an oci-layout that another tool rewrites", () => {
  const marker = `{"imageLayoutVersion":"1.0.0"}`

  it.live("is waited for", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("oci-layout", "")
      const checking = yield* Effect.forkChild(checkLayout(disk.files))
      for (const part of [marker.slice(0, 1), marker.slice(0, -1)]) {
        yield* Effect.sleep(5)
        disk.write("oci-layout", part)
      }
      yield* Effect.sleep(5)
      assert.isUndefined(checking.pollUnsafe())
      disk.write("oci-layout", marker)
      assert.isDefined(yield* Fiber.join(checking))
    }))

  it.live("is reported once no tool can be in the middle of writing it, or after two seconds", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("oci-layout", "")
      makeOld(disk.root)
      assert.instanceOf(yield* Effect.flip(checkLayout(disk.files)), LayoutInvalid)
      assert.strictEqual(disk.told("open").length, 1)
      disk.write("oci-layout", "{")
      assert.instanceOf(yield* Effect.flip(checkLayout(disk.files)), LayoutInvalid)
      assert.isAbove(disk.told("open").length, 5)
    }))
})

describe("the times of a file", () => {
  const millis = 1_700_000_000_000
  const fine = BigInt(millis) * 1_000_000n + 1n
  const coarse = BigInt(millis) * 1_000_000n

  it("show every later change after 20 ms, or after 2 s where the clock is coarse", () => {
    const ages = (mtimeNs: bigint, ctimeNs: bigint, ...all: ReadonlyArray<number>) =>
      all.map((age) => isMtimeReliable(millis + age, { mtimeNs, ctimeNs }))
    assert.deepStrictEqual(ages(fine, fine, 19, 20), [false, true])
    assert.deepStrictEqual(ages(coarse, coarse, 20, 1999, 2000), [false, false, true])
    // A time that was set back, and the time at which that was done.
    assert.deepStrictEqual(ages(1n, fine, 19, 20), [false, true])
    assert.deepStrictEqual(ages(0n, fine, 1999, 2000), [false, true])
  })

  it("show nothing when they lie in the future", () => {
    assert.isFalse(isMtimeReliable(millis - 1, { mtimeNs: fine, ctimeNs: fine }))
  })
})
