import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { memoryStores } from "../../../src/memory/memoryStores.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import type { ContentDigest } from "../../../src/oci/Digest.ts"
import { ContentMismatch, DigestInvalid, LayoutInvalid, SizeInvalid, StorageError } from "../../../src/oci/OciError.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { digest } from "../../support/entries.ts"
import { leftovers, listing } from "../../support/folders.ts"
import { collect, digestOf, textOf, utf8 } from "../../support/images.ts"
import { fails } from "../../support/watchedFs.ts"

const content = utf8("0123456789")
const name = digestOf(content)
const pieces = (...texts: ReadonlyArray<string>) => Stream.fromIterable(texts.map(utf8))
const sha256 = { algorithm: "sha256" } as const

const opened = Effect.fnUntraced(function*(options: Parameters<Disk["open"]>[0] = {}) {
  const disk = yield* newDisk
  const stores = yield* disk.open(options)
  return { disk, ...stores }
})

const placeOf = (disk: Disk, digest: ContentDigest): string => disk.path("blobs", ...digest.split(":"))

describe("writing a blob", () => {
  it.live("gives it its name once it is whole", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const written = yield* blobs.write(pieces("0123", "", "456789"), { ...sha256, digest: name, size: 10 })
      assert.deepStrictEqual(written, { digest: name, size: 10, existed: false })
      assert.deepStrictEqual(fs.readFileSync(placeOf(disk, name)), Buffer.from(content))
      assert.strictEqual(fs.statSync(placeOf(disk, name)).mode & 0o777, 0o644 & ~process.umask())
      assert.deepStrictEqual(yield* blobs.stat(name), Option.some(10))
      assert.deepStrictEqual(blobs.path(name), Option.some(placeOf(disk, name)))
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("names it by its hash when no digest is given, in either algorithm", () =>
    Effect.gen(function*() {
      const { blobs } = yield* opened()
      assert.strictEqual((yield* blobs.write(Stream.succeed(content), sha256)).digest, name)
      const { digest } = yield* blobs.write(Stream.succeed(content), { algorithm: "sha512" })
      assert.strictEqual(digest, hasher.digest("sha512", content))
      assert.strictEqual((yield* blobs.write(Stream.empty, sha256)).size, 0)
      assert.strictEqual((yield* Stream.runCollect(blobs.list)).length, 3)
    }))

  it.live("creates the layout when there is none, and nothing in a folder that is no layout", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      yield* blobs.write(Stream.succeed(content), sha256)
      assert.deepStrictEqual(disk.entries(), [])
      const { blobs: others, disk: other } = yield* opened()
      other.write("index.json", "{}")
      assert.instanceOf(yield* Effect.flip(others.write(Stream.succeed(content), sha256)), LayoutInvalid)
      assert.deepStrictEqual(fs.readdirSync(other.root), ["index.json"])
    }))

  it.live("that is refused creates no layout", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const wrong = blobs.write(Stream.succeed(content), { ...sha256, digest: digest("a") })
      assert.instanceOf(yield* Effect.flip(wrong), DigestInvalid)
      assert.deepStrictEqual(fs.readdirSync(disk.root), [".ocilayout"])
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("stores nothing when it is not what was expected", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const fails = (expected: { digest?: ContentDigest; size?: number }) =>
        Effect.flip(blobs.write(pieces("01234", "56789"), { ...sha256, ...expected }))
      assert.deepStrictEqual(
        yield* fails({ digest: digest("a") }),
        new DigestInvalid({ digest: digest("a"), actual: name })
      )
      assert.deepStrictEqual(yield* fails({ size: 11 }), new SizeInvalid({ expected: 11, actual: 10 }))
      assert.deepStrictEqual(yield* fails({ digest: name, size: 9 }), new SizeInvalid({ expected: 9, actual: 10 }))
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("stops as soon as there is more than was declared", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      let taken = 0
      const endless = Stream.tap(Stream.forever(Stream.succeed(content)), () => Effect.sync(() => taken++))
      assert.instanceOf(yield* Effect.flip(blobs.write(endless, { ...sha256, size: 25 })), SizeInvalid)
      assert.strictEqual(taken, 3)
      assert.deepStrictEqual(disk.told("write").filter((call) => call.endsWith("/blob")).length, 2)
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("passes the failure of its source on, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const broken = Stream.concat(pieces("01234"), Stream.fail("broken pipe" as const))
      assert.strictEqual(yield* Effect.flip(blobs.write(broken, sha256)), "broken pipe")
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const begun = yield* Deferred.make<void>()
      const slow = Stream.concat(
        pieces("01234"),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      )
      const writing = yield* Effect.forkChild(blobs.write(slow, sha256))
      yield* Deferred.await(begun)
      assert.strictEqual(leftovers(disk.root).length, 1)
      yield* Fiber.interrupt(writing)
      assert.deepStrictEqual(leftovers(disk.root), [])
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
    }))

  it.live("tells what is wrong with the medium, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      yield* blobs.write(Stream.empty, sha256)
      const table = [
        ["write", "ENOSPC", "full"],
        ["write", "EDQUOT", "full"],
        ["dataSync", "EIO", "device"],
        ["link", "EROFS", "readOnly"],
        ["open", "EACCES", "denied"],
        ["open", "EMFILE", "tooManyFiles"],
        ["open", "EXOTIC", "other"]
      ] as const
      for (const [operation, code, kind] of table) {
        disk.intercept((call) => call.operation === operation ? fails(code)(call) : Effect.void)
        const error = yield* Effect.flip(blobs.write(Stream.succeed(content), sha256))
        disk.intercept(() => Effect.void)
        assert.instanceOf(error, StorageError)
        assert.strictEqual(error.kind, kind)
        assert.isFalse(error.path.startsWith("/"), error.path)
        assert.deepStrictEqual(leftovers(disk.root), [])
        assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
      }
    }))
})

describe("a large blob", () => {
  const mebibyte = 1024 * 1024
  const bytes = randomBytes(40 * mebibyte + 5)
  const name = digestOf(bytes)

  /** In pieces that are written over once they were taken, as those of a buffer that is used again. */
  const passing = Stream.suspend(() => {
    const buffer = new Uint8Array(mebibyte)
    return Stream.unfold(0, (place) =>
      Effect.sync(() => {
        const piece = bytes.subarray(place * mebibyte, (place + 1) * mebibyte)
        if (piece.length === 0) return undefined
        buffer.fill(0)
        buffer.set(piece)
        return [buffer.subarray(0, piece.length), place + 1] as const
      }))
  })

  it.live("is hashed and written as it comes, and goes on to the disk before its end where it is to last", () =>
    Effect.gen(function*() {
      for (const durability of ["power", "none"] as const) {
        const { blobs, disk } = yield* opened({ durability })
        yield* blobs.write(Stream.succeed(content), sha256)
        disk.told()
        yield* blobs.write(passing, { ...sha256, digest: name, size: bytes.length })
        assert.isTrue(fs.readFileSync(placeOf(disk, name)).equals(bytes))
        const syncs = disk.told("dataSync").map((call) => call.replace(/\..*/u, ""))
        assert.lengthOf(syncs, durability === "power" ? 3 : 0)
      }
    }))

  it.live("is not stored where a sync on its way fails: the last one might not tell", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      let syncs = 0
      disk.intercept((call) => call.operation === "dataSync" && syncs++ === 0 ? fails("EIO")(call) : Effect.void)
      const failure = yield* Effect.flip(blobs.write(passing, { ...sha256, digest: name, size: bytes.length }))
      assert.instanceOf(failure, StorageError)
      assert.isFalse(fs.existsSync(placeOf(disk, name)))
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("is not stored where a write fails, and nothing is left of it", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      let writes = 0
      disk.intercept((call) => call.operation === "write" && ++writes === 20 ? fails("ENOSPC")(call) : Effect.void)
      const failure = yield* Effect.flip(blobs.write(passing, sha256))
      assert.instanceOf(failure, StorageError)
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("is read in pieces of its own, or in ones that pass", () =>
    Effect.gen(function*() {
      const { blobs } = yield* opened({ durability: "none" })
      yield* blobs.write(passing, sha256)
      for (const verify of [true, false]) {
        const own = Option.getOrThrow(yield* blobs.read(name, { verify }))
        assert.isTrue(Buffer.concat(yield* Stream.runCollect(own.content)).equals(bytes))
        const passed = Option.getOrThrow(yield* blobs.read(name, { verify, passing: true }))
        const copied = Stream.map(passed.content, (piece) => new Uint8Array(piece))
        assert.isTrue(Buffer.concat(yield* Stream.runCollect(copied)).equals(bytes))
        const kept = yield* Stream.runCollect(
          Option.getOrThrow(yield* blobs.read(name, { verify, passing: true })).content
        )
        assert.strictEqual(new Set(kept.map(({ buffer }) => buffer)).size, 2)
      }
    }))

  it.live("that was cut short or changed fails before its end, however it is read", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened({ durability: "none" })
      yield* blobs.write(passing, sha256)
      const changes = [
        () => fs.truncateSync(placeOf(disk, name), 30 * mebibyte),
        () => fs.writeFileSync(placeOf(disk, name), Buffer.from(bytes).fill(0, bytes.length - 1))
      ]
      for (const change of changes) {
        change()
        for (const passing of [true, false]) {
          const { content } = Option.getOrThrow(yield* blobs.read(name, { verify: true, passing }))
          let seen = 0
          const failure = yield* Effect.flip(
            Stream.runForEach(content, ({ length }) => Effect.sync(() => void (seen += length)))
          )
          assert.instanceOf(failure, ContentMismatch)
          assert.isBelow(seen, fs.statSync(placeOf(disk, name)).size)
        }
      }
    }))
})

describe("a blob that is there already", () => {
  it.live("is replaced by the same bytes, since it may not have reached the disk", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      yield* blobs.write(Stream.succeed(content), sha256)
      const { ino } = fs.statSync(placeOf(disk, name))
      assert.isTrue((yield* blobs.write(Stream.succeed(content), sha256)).existed)
      assert.notStrictEqual(fs.statSync(placeOf(disk, name)).ino, ino)
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live.each([["torn", utf8("012")], ["empty", utf8("")], ["too long", utf8("0123456789x")]] as const)(
    "and %s is healed, and did not count",
    ([, wrong]) =>
      Effect.gen(function*() {
        const { blobs, disk } = yield* opened()
        disk.write(`blobs/${name.replace(":", "/")}`, wrong)
        disk.write("oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
        disk.write("index.json", "{}")
        const written = yield* blobs.write(Stream.succeed(content), { ...sha256, digest: name, size: 10 })
        assert.isFalse(written.existed)
        assert.deepStrictEqual(fs.readFileSync(placeOf(disk, name)), Buffer.from(content))
      })
  )

  it.live("and of the right size but wrong is healed as well", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      yield* blobs.write(Stream.succeed(content), sha256)
      fs.writeFileSync(placeOf(disk, name), "9876543210")
      yield* blobs.write(Stream.succeed(content), sha256)
      assert.deepStrictEqual(fs.readFileSync(placeOf(disk, name)), Buffer.from(content))
    }))

  it.live("stays readable for who reads it while it is replaced", () =>
    Effect.gen(function*() {
      const { blobs } = yield* opened()
      const bytes = randomBytes(3 * 1024 * 1024)
      const { digest } = yield* blobs.write(Stream.succeed(bytes), sha256)
      const read = Option.getOrThrow(yield* blobs.read(digest, { verify: true }))
      let first = true
      const content = yield* collect(Stream.tap(read.content, () => {
        if (!first) return Effect.void
        first = false
        return Effect.orDie(Effect.asVoid(blobs.write(Stream.succeed(bytes), sha256)))
      }))
      assert.isTrue(bytes.equals(content))
    }))
})

describe("two writers of one blob", () => {
  it.live("both succeed, and the blob is whole at every moment", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      const other = yield* disk.open()
      const bytes = randomBytes(200_000)
      const half = bytes.length / 2
      const digest = digestOf(bytes)
      const slowly = Stream.fromIterable([bytes.subarray(0, half), bytes.subarray(half)]).pipe(
        Stream.tap(() =>
          Effect.gen(function*() {
            yield* Effect.sleep(2)
            const stored = yield* Effect.orDie(blobs.stat(digest))
            assert.isTrue(Option.isNone(stored) || stored.value === bytes.length)
          })
        )
      )
      const written = yield* Effect.forEach(
        [blobs, other.blobs, blobs, other.blobs],
        (store) => store.write(slowly, { ...sha256, digest }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(written.filter(({ existed }) => !existed).length, 1)
      assert.isTrue(bytes.equals(fs.readFileSync(placeOf(disk, digest))))
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))
})

describe("the list of blobs", () => {
  it.live("passes over what is none", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* opened()
      yield* blobs.write(Stream.succeed(content), sha256)
      const hex = "a".repeat(64)
      for (
        const stranger of [
          "sha256/README",
          `sha256/${hex.toUpperCase()}`,
          `sha256/${hex}.tmp`,
          "md5/x",
          `sha512/${hex}`
        ]
      ) {
        disk.write(`blobs/${stranger}`, "x")
      }
      fs.mkdirSync(disk.path("blobs", "sha256", "b".repeat(64)))
      fs.symlinkSync(placeOf(disk, name), disk.path("blobs", "sha256", "c".repeat(64)))
      // Its second name is a later change of its status, and no use of it.
      const { birthtimeMs, ctimeMs, mtimeMs } = fs.statSync(placeOf(disk, name))
      assert.isAbove(ctimeMs, mtimeMs)
      const touched = Math.max(Math.trunc(mtimeMs), Math.trunc(birthtimeMs))
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [
        { digest: name, size: 10, touched, written: Math.trunc(mtimeMs) }
      ])
    }))

  it.live("of a layout without blobs/ is empty", () =>
    Effect.gen(function*() {
      const { blobs } = yield* opened()
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
      assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
    }))
})

describe("taking a blob over", () => {
  const two = Effect.gen(function*() {
    const source = yield* opened()
    const target = yield* opened()
    yield* source.blobs.write(Stream.succeed(content), sha256)
    return { source, target, adopt: target.blobs.adopt(source.blobs, name) }
  })

  const inode = (disk: Disk): number => fs.statSync(placeOf(disk, name)).ino

  it.live("makes it a second name of one file", () =>
    Effect.gen(function*() {
      const { adopt, source, target } = yield* two
      source.disk.told()
      assert.isTrue(yield* adopt)
      assert.strictEqual(inode(target.disk), inode(source.disk))
      assert.isTrue(yield* adopt, "again")
      assert.deepStrictEqual(target.disk.entries(), [], "there is a layout now")
    }))

  it.live("makes it last: its writer may never have synced it", () =>
    Effect.gen(function*() {
      const { adopt, source, target } = yield* two
      source.disk.told()
      yield* adopt
      assert.deepStrictEqual(source.disk.told("dataSync"), [`dataSync blobs/sha256/${name.slice(7)}`])
      assert.include(target.disk.told("syncDirectory"), "syncDirectory blobs/sha256")
    }))

  it.live("copies and verifies it where it cannot be linked", () =>
    Effect.gen(function*() {
      for (const code of ["EXDEV", "EPERM", "EMLINK"]) {
        const { adopt, source, target } = yield* two
        let first = true
        target.disk.intercept((call) => {
          if (!first || call.operation !== "link" || !call.path.startsWith("blobs/")) return Effect.void
          first = false
          return fails(code)(call)
        })
        assert.isTrue(yield* adopt)
        assert.notStrictEqual(inode(target.disk), inode(source.disk))
        assert.deepStrictEqual(fs.readFileSync(placeOf(target.disk, name)), Buffer.from(content))
      }
    }))

  it.live("does not copy what is not the content of its name", () =>
    Effect.gen(function*() {
      const { adopt, source, target } = yield* two
      fs.writeFileSync(placeOf(source.disk, name), "9876543210")
      target.disk.intercept((call) =>
        call.operation === "link" && call.path.startsWith("blobs/") ? fails("EXDEV")(call) : Effect.void
      )
      assert.instanceOf(yield* Effect.flip(adopt), ContentMismatch)
      assert.deepStrictEqual(yield* target.blobs.stat(name), Option.none())
      assert.deepStrictEqual(leftovers(target.disk.root), [])
    }))

  it.live("does not trust what is there already", () =>
    Effect.gen(function*() {
      const { adopt, target } = yield* two
      yield* target.blobs.write(Stream.succeed(content), sha256)
      fs.writeFileSync(placeOf(target.disk, name), "torn")
      assert.isTrue(yield* adopt)
      assert.deepStrictEqual(fs.readFileSync(placeOf(target.disk, name)), Buffer.from(content))
    }))

  it.live("is nothing where there is nothing, and creates nothing", () =>
    Effect.gen(function*() {
      const { source, target } = yield* two
      assert.isFalse(yield* target.blobs.adopt(source.blobs, digest("a")))
      assert.isFalse(fs.existsSync(target.disk.root))
    }))

  it.live("works from any store", () =>
    Effect.gen(function*() {
      const { target } = yield* two
      const memory = memoryStores()
      yield* memory.blobs.write(Stream.succeed(content), sha256)
      assert.isTrue(yield* target.blobs.adopt(memory.blobs, name))
      const read = Option.getOrThrow(yield* target.blobs.read(name, { verify: true }))
      assert.strictEqual(textOf(yield* collect(read.content)), "0123456789")
    }))
})

it.live("everything unfinished lies in the folder of our own", () =>
  Effect.gen(function*() {
    const { blobs, disk } = yield* opened()
    const seen: Array<string> = []
    yield* blobs.write(Stream.succeed(content), sha256)
    yield* blobs.write(
      Stream.tap(pieces("x", "y"), () => Effect.sync(() => seen.push(...listing(join(disk.root, "blobs"))))),
      sha256
    )
    assert.isTrue(
      seen.length > 0 && seen.every((line) => /^(\.|sha256(\/[0-9a-f]{64})?) /u.test(line)),
      seen.join("\n")
    )
  }))
