import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { isUploadId, type UploadId, type UploadState } from "../../../src/layout/Upload.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { makeDisk } from "../../../src/node/index.ts"
import { BlobUploadUnknown, RangeInvalid, StorageError, UploadBusy } from "../../../src/oci/OciError.ts"
import type { Stores } from "../../../src/ops/ports/Stores.ts"
import type { UploadStore } from "../../../src/ops/ports/UploadStore.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { repository } from "../../support/entries.ts"
import { leftovers } from "../../support/folders.ts"
import { collect, digestOf, textOf, utf8 } from "../../support/images.ts"
import { later } from "../../support/later.ts"
import { otherProcess } from "../../support/otherProcess.ts"
import { fails } from "../../support/watchedFs.ts"

const app = repository("app")
const content = utf8("0123456789")
const name = digestOf(content)
const pieces = (...texts: ReadonlyArray<string>) => Stream.fromIterable(texts.map(utf8))
const hour = 60 * 60 * 1000
const day = 24 * hour

const opened = Effect.fnUntraced(function*(options: Parameters<Disk["open"]>[0] = {}) {
  const disk = yield* newDisk
  const stores = yield* disk.open(options)
  const { id } = yield* stores.uploads.create(app)
  disk.told()
  return {
    disk,
    id,
    folder: (...names: ReadonlyArray<string>) => disk.path(".ocilayout", "uploads", id, ...names),
    ...stores
  }
})

const append = ({ exclusive }: UploadStore, id: UploadId, ...texts: ReadonlyArray<string>) =>
  Effect.scoped(Effect.flatMap(exclusive(id), (session) => session.append(pieces(...texts))))

const commit = ({ exclusive }: UploadStore, id: UploadId) =>
  Effect.scoped(Effect.gen(function*() {
    const session = yield* exclusive(id)
    const digest = yield* session.digest("sha256")
    yield* session.conclude({ _tag: "UploadCommitted", digest })
    return digest
  }))

const sizeOf = (state: UploadState): number | undefined => state._tag === "Open" ? state.size : undefined

describe("a session", () => {
  it.live("is a folder of its own, by an id that cannot be guessed", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened()
      assert.isTrue(isUploadId(id))
      assert.deepInclude(yield* uploads.stat(id), { _tag: "Open", id, repository: app, size: 0 })
      assert.deepStrictEqual(fs.readdirSync(folder()).toSorted(), ["data", "meta.json"])
      assert.deepStrictEqual(JSON.parse(fs.readFileSync(folder("meta.json"), "utf8")), { repository: "app" })
      assert.notStrictEqual((yield* uploads.create(app)).id, id)
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("keeps what is appended, and becomes a blob without a byte being copied", () =>
    Effect.gen(function*() {
      const { blobs, disk, folder, id, uploads } = yield* opened()
      assert.strictEqual(yield* append(uploads, id, "0123", "", "45"), 6)
      assert.strictEqual(yield* append(uploads, id, "6789"), 4)
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 10)
      const { ino } = fs.statSync(folder("data"))
      disk.told()
      assert.strictEqual(yield* commit(uploads, id), name)
      assert.strictEqual(fs.statSync(disk.path("blobs", "sha256", name.slice(7))).ino, ino)
      assert.isFalse(disk.told("read", "write").some((call) => call.includes("data")))
      assert.isFalse(fs.existsSync(folder("data")))
      assert.deepStrictEqual(yield* uploads.stat(id), { _tag: "Committed", repository: app, digest: name, size: 10 })
      const read = Option.getOrThrow(yield* blobs.read(name, { verify: true }))
      assert.strictEqual(textOf(yield* collect(read.content)), "0123456789")
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("is hashed while it is written, by the process that writes it", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      yield* append(uploads, id, "0123456789")
      disk.told()
      yield* commit(uploads, id)
      assert.isFalse(disk.told("read").some((call) => call.endsWith("/data")))
    }))

  it.live("whose range was verified by its commit needs no second hashing", () =>
    Effect.gen(function*() {
      const { blobs, id, uploads } = yield* opened()
      const bytes = randomBytes(2 * 1024 * 1024)
      yield* Effect.scoped(Effect.flatMap(uploads.exclusive(id), ({ append }) => append(Stream.succeed(bytes))))
      const digest = yield* commit(uploads, id)
      const read = Option.getOrThrow(yield* blobs.read(digest, { verify: true, window: { offset: 1, length: 1 } }))
      assert.isTrue(read.verified)
    }))

  it.live("may become a blob by SHA-512, and an empty one", () =>
    Effect.gen(function*() {
      const { id, uploads } = yield* opened()
      yield* append(uploads, id, "0123456789")
      const digest = yield* Effect.scoped(Effect.flatMap(uploads.exclusive(id), (session) => session.digest("sha512")))
      assert.strictEqual(digest, hasher.digest("sha512", content))
      const { id: empty } = yield* uploads.create(app)
      assert.strictEqual(yield* commit(uploads, empty), digestOf(utf8("")))
    }))

  it.live("is listed while it is open, and an unknown folder is passed over", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      const { id: other } = yield* uploads.create(repository("other"))
      yield* commit(uploads, other)
      disk.write(".ocilayout/uploads/README", "x")
      disk.write(`.ocilayout/uploads/${"a".repeat(32)}/meta.json`, "{}")
      disk.write(`.ocilayout/uploads/${"b".repeat(32)}/data`, "x")
      disk.write(`.ocilayout/uploads/${"c".repeat(32)}/meta.json`, `{"repository":"../x"}`)
      fs.mkdirSync(disk.path(".ocilayout", "uploads", "f".repeat(32), "meta.json"), { recursive: true })
      fs.symlinkSync(disk.root, disk.path(".ocilayout", "uploads", "e".repeat(32)))
      assert.deepStrictEqual((yield* uploads.list).map(({ id }) => id), [id])
      for (const digit of ["a", "b", "c", "d"]) {
        const stranger = digit.repeat(32)
        assert(isUploadId(stranger))
        assert.deepStrictEqual(yield* uploads.stat(stranger), { _tag: "Absent" })
      }
    }))

  it.live("that was never started is not created by a question about it", () =>
    Effect.gen(function*() {
      const { disk, uploads } = yield* opened()
      const stranger = "0".repeat(32)
      assert(isUploadId(stranger))
      const { state } = yield* Effect.scoped(uploads.exclusive(stranger))
      assert.strictEqual(state._tag, "Absent")
      assert.isFalse(fs.existsSync(disk.path(".ocilayout", "uploads", stranger)))
    }))

  it.live("that is cancelled is gone", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened()
      yield* append(uploads, id, "01234")
      yield* Effect.scoped(
        Effect.flatMap(uploads.exclusive(id), (session) => session.conclude({ _tag: "UploadCancelled" }))
      )
      assert.isFalse(fs.existsSync(folder()))
      assert.deepStrictEqual(yield* uploads.stat(id), { _tag: "Absent" })
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))
})

describe("a cancellation that fails", () => {
  it.live("leaves the session as it was", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened({ durability: "power" })
      yield* append(uploads, id, "01234")
      const cancel = Effect.scoped(
        Effect.flatMap(uploads.exclusive(id), (session) => session.conclude({ _tag: "UploadCancelled" }))
      )
      disk.intercept((call) =>
        call.operation === "syncDirectory" && call.path === ".ocilayout/uploads" ? fails("EINTR")(call) : Effect.void
      )
      assert.instanceOf(yield* Effect.flip(cancel), StorageError)
      disk.intercept(() => Effect.void)
      assert.isTrue(fs.existsSync(folder()))
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 5)
      assert.deepStrictEqual(leftovers(disk.root), [])
      yield* cancel
      assert.deepStrictEqual(yield* uploads.stat(id), { _tag: "Absent" })
    }))
})

describe("what arrived", () => {
  it.live("is kept when the content breaks off or its sender is interrupted", () =>
    Effect.gen(function*() {
      const { id, uploads } = yield* opened()
      const broken = Stream.concat(pieces("01", "234"), Stream.fail("broken pipe" as const))
      const appended = Effect.scoped(Effect.flatMap(uploads.exclusive(id), (session) => session.append(broken)))
      assert.strictEqual(yield* Effect.flip(appended), "broken pipe")
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 5)

      const begun = yield* Deferred.make<void>()
      const slow = Stream.concat(
        pieces("56"),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      )
      const appending = yield* Effect.forkChild(
        Effect.scoped(Effect.flatMap(uploads.exclusive(id), (session) => session.append(slow)))
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(appending)
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 7)
      yield* append(uploads, id, "789")
      assert.strictEqual(yield* commit(uploads, id), name)
    }))

  it.live("is cut back to what was written when the disk is full", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened()
      yield* append(uploads, id, "01234")
      let writes = 0
      disk.intercept((call) => {
        if (call.operation !== "write" || !call.path.endsWith("/data") || ++writes < 2) return Effect.void
        return Effect.andThen(Effect.sync(() => fs.appendFileSync(folder("data"), "half")), fails("ENOSPC")(call))
      })
      const error = yield* Effect.flip(append(uploads, id, "56", "789"))
      assert.instanceOf(error, StorageError)
      assert.strictEqual(error.kind, "full")
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 7)
      disk.intercept(() => Effect.void)
      yield* append(uploads, id, "789")
      assert.strictEqual(yield* commit(uploads, id), name)
    }))

  it.live("is on the disk before the caller is told", () =>
    Effect.gen(function*() {
      const syncs = ["sync", "dataSync", "syncDirectory"]
      const { disk, id, uploads } = yield* opened()
      yield* append(uploads, id, "01234", "56789")
      assert.deepStrictEqual(disk.told(...syncs), [
        "dataSync .ocilayout/uploads/ID/data",
        // The session itself lasts from its first bytes on.
        "dataSync .ocilayout/uploads/ID/meta.json",
        "syncDirectory .ocilayout/uploads/ID",
        "syncDirectory .ocilayout/uploads"
      ])
      yield* append(uploads, id, "")
      assert.deepStrictEqual(disk.told(...syncs), ["dataSync .ocilayout/uploads/ID/data"])
      yield* commit(uploads, id)
      assert.deepStrictEqual(disk.told(...syncs), [
        // The layout itself comes with the first thing that is put into it.
        "syncDirectory .",
        "sync .ocilayout/tmp/new",
        "syncDirectory .",
        "sync .ocilayout/tmp/new",
        "syncDirectory .",
        "dataSync .ocilayout/uploads/ID/data",
        "syncDirectory blobs",
        // The name of the folder of second names: of those in it the record that names them makes sure.
        "syncDirectory .ocilayout/kept",
        "syncDirectory blobs/sha256"
      ])
      const lazy = yield* opened({ durability: "process" })
      yield* append(lazy.uploads, lazy.id, "01234")
      yield* commit(lazy.uploads, lazy.id)
      // Of what comes now, only the files of the new layout itself must not be torn.
      assert.deepStrictEqual(lazy.disk.told(...syncs), ["sync .ocilayout/tmp/new", "sync .ocilayout/tmp/new"])
    }))
})

describe("two writers of one session", () => {
  it.live("exclude each other, of one store or of two", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      const other = yield* disk.open()
      yield* Effect.scoped(Effect.gen(function*() {
        yield* uploads.exclusive(id)
        for (const store of [uploads, other.uploads]) {
          assert.deepStrictEqual(yield* Effect.flip(append(store, id, "x")), new UploadBusy({ upload: id }))
        }
        assert.strictEqual(sizeOf(yield* other.uploads.stat(id)), 0, "asking is free")
      }))
      assert.strictEqual(yield* append(other.uploads, id, "x"), 1)
    }))

  it.live("see that the session is gone when one of them waited for nothing", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      const other = yield* disk.open()
      disk.intercept(({ operation, path }) =>
        operation === "tryLock" && path.endsWith("/lock")
          ? Effect.sync(() => fs.rmSync(disk.path(".ocilayout", "uploads", id), { recursive: true, force: true }))
          : Effect.void
      )
      const { state } = yield* Effect.scoped(other.uploads.exclusive(id))
      assert.strictEqual(state._tag, "Absent")
      assert.strictEqual((yield* uploads.stat(id))._tag, "Absent")
    }))
})

describe("resuming", () => {
  it.live("goes on from another store, which reads again what it did not write", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      yield* append(uploads, id, "0123")
      const other: Stores = yield* disk.open()
      yield* append(other.uploads, id, "456")
      yield* append(uploads, id, "789")
      assert.strictEqual(yield* commit(uploads, id), name, "the first one's own hash has missed a piece")
    }))

  it.live("goes on from another store that commits what it never wrote", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      yield* append(uploads, id, "0123", "456789")
      assert.strictEqual(yield* commit((yield* disk.open()).uploads, id), name)
    }))

  it.live("goes on in another process, and comes back", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* makeDisk({ directory: disk.root })
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, pieces("0123"))
      const other = yield* otherProcess("appendUpload", disk.root, "app", writer.id, "4", "456")
      assert.deepStrictEqual([yield* other.line, yield* other.ended], ["7", 0])
      assert.deepStrictEqual(
        yield* Effect.flip(writer.append(4, pieces("x"))),
        new RangeInvalid({ offset: 4, size: 7 })
      )
      yield* writer.append(7, pieces("789"))
      assert.strictEqual((yield* writer.commit(name)).size, 10)
    }))

  it.live("keeps what a process had sent that was killed in the middle", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* makeDisk({ directory: disk.root })
      const writer = yield* registry.pushBlobChunked("app")
      const other = yield* otherProcess("appendUpload", disk.root, "app", writer.id, "0", "01234", "hold")
      assert.strictEqual(yield* other.line, "holding")
      assert.deepStrictEqual(yield* Effect.flip(writer.append(5, pieces("x"))), new UploadBusy({ upload: writer.id }))
      yield* other.kill
      const resumed = yield* registry.pushBlobChunkedResume("app", writer.id)
      assert.strictEqual(resumed.size, 5)
      yield* resumed.append(5, pieces("56789"))
      yield* resumed.commit(name)
    }))
})

describe("expiry", () => {
  it.live("sweeps a session a day after its last append, when the next one is started", () =>
    Effect.gen(function*() {
      const { folder, id, uploads } = yield* opened()
      yield* append(uploads, id, "01234")
      yield* uploads.create(app).pipe(later(day - 2 * hour))
      assert.isTrue(fs.existsSync(folder()))
      yield* uploads.create(app).pipe(later(day + 60_000))
      assert.isFalse(fs.existsSync(folder()))
    }))

  it.live("counts from the last append", () =>
    Effect.gen(function*() {
      const { folder, id, uploads } = yield* opened()
      const longAgo = Date.now() / 1000 - 3 * day / 1000
      for (const path of [folder("data"), folder("meta.json"), folder()]) fs.utimesSync(path, longAgo, longAgo)
      yield* append(uploads, id, "01234")
      yield* uploads.create(app).pipe(later(2 * hour))
      assert.strictEqual(sizeOf(yield* uploads.stat(id)), 5)
      fs.utimesSync(folder("data"), longAgo, longAgo)
      yield* uploads.create(app).pipe(later(4 * hour))
      assert.isFalse(fs.existsSync(folder()))
    }))

  it.live("is looked for once an hour, however many sessions are started, also after a clock was set back", () =>
    Effect.gen(function*() {
      const { disk, uploads } = yield* opened()
      yield* uploads.create(app)
      assert.deepStrictEqual(disk.told("readDirectory"), [])
      yield* uploads.create(app).pipe(later(hour))
      assert.lengthOf(disk.told("readDirectory"), 1)
      yield* uploads.create(app)
      assert.lengthOf(disk.told("readDirectory"), 1)
    }))

  it.live("sweeps nothing that is in use", () =>
    Effect.gen(function*() {
      const { folder, id, uploads } = yield* opened()
      yield* Effect.scoped(Effect.andThen(uploads.exclusive(id), uploads.create(app).pipe(later(2 * day))))
      assert.isTrue(fs.existsSync(folder()))
    }))

  it.live("forgets a committed session after a day as well, and what is no session", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened()
      yield* commit(uploads, id)
      const broken = `.ocilayout/uploads/${"a".repeat(32)}`
      disk.write(`${broken}/data`, "x")
      yield* uploads.create(app).pipe(later(day - 2 * hour))
      assert.isTrue(fs.existsSync(folder()) && fs.existsSync(disk.path(broken)))
      yield* uploads.create(app).pipe(later(day + 60_000))
      assert.isFalse(fs.existsSync(folder()) || fs.existsSync(disk.path(broken)))
    }))

  it.live("makes a session unknown at once, swept or not", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* makeDisk({ directory: disk.root })
      const writer = yield* registry.pushBlobChunked("app")
      const tooLate = registry.pushBlobChunkedResume("app", writer.id).pipe(later(day + 60_000))
      assert.instanceOf(yield* Effect.flip(tooLate), BlobUploadUnknown)
      assert.deepStrictEqual(yield* registry.uploads("app").pipe(later(day + 60_000)), [])
    }))
})

describe("the last piece", () => {
  const last = ({ exclusive }: UploadStore, id: UploadId, options?: { readonly committed: boolean }) =>
    Effect.scoped(Effect.gen(function*() {
      const session = yield* exclusive(id)
      yield* session.append(pieces("56789"), options)
      const digest = yield* session.digest("sha256")
      yield* session.conclude({ _tag: "UploadCommitted", digest })
      return digest
    }))

  it.live("is synced once, with the blob it becomes", () =>
    Effect.gen(function*() {
      const syncs = Effect.fnUntraced(function*(options?: { readonly committed: boolean }) {
        const { disk, id, uploads } = yield* opened({ durability: "power" })
        yield* append(uploads, id, "01234")
        disk.told()
        assert.strictEqual(yield* last(uploads, id, options), name)
        return disk.told("sync", "dataSync").filter((call) => call.endsWith("/data")).length
      })
      assert.deepStrictEqual([yield* syncs(), yield* syncs({ committed: true })], [2, 1])
    }))

  it.live("that is not what it was to be stays, and lasts", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* makeDisk({ directory: disk.root })
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, pieces("01234"))
      const elsewhere = writer.finish(4, pieces("xxxxx"), name)
      assert.deepStrictEqual(yield* Effect.flip(elsewhere), new RangeInvalid({ offset: 4, size: 5 }))
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", writer.id)).size, 5)
      const wrong = writer.finish(5, pieces("xxxxx"), name)
      assert.strictEqual((yield* Effect.flip(wrong))._tag, "DigestInvalid")
      assert.strictEqual((yield* registry.pushBlobChunkedResume("app", writer.id)).size, 10)
      assert.strictEqual((yield* writer.finish(10, Stream.empty, digestOf(utf8("01234xxxxx")))).size, 10)
    }))

  it.live("may be all there is", () =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: (yield* newDisk).root })
      const writer = yield* registry.pushBlobChunked("app")
      assert.strictEqual((yield* writer.finish(0, Stream.succeed(content), name)).size, 10)
      assert.strictEqual((yield* writer.commit(name)).size, 10)
      const again = writer.finish(0, Stream.succeed(content), name)
      assert.strictEqual((yield* Effect.flip(again))._tag, "BlobUploadUnknown")
    }))
})

describe("committing", () => {
  it.live("twice is answered twice, also by another store", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const registry = yield* makeDisk({ directory: disk.root })
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(content))
      const descriptor = yield* writer.commit(name)
      assert.deepStrictEqual(yield* writer.commit(name), descriptor)
      const other = yield* makeDisk({ directory: disk.root })
      assert.deepStrictEqual(yield* (yield* other.findUpload(writer.id)).commit(name), descriptor)
    }))

  it.live("replaces a blob of that name that was torn", () =>
    Effect.gen(function*() {
      const { disk, id, uploads } = yield* opened()
      disk.write(`blobs/sha256/${name.slice(7)}`, "torn")
      yield* append(uploads, id, "0123456789")
      yield* commit(uploads, id)
      assert.strictEqual(disk.read("blobs", "sha256", name.slice(7)), "0123456789")
      assert.deepStrictEqual(leftovers(disk.root), [])
    }))

  it.live("that fails leaves the session open", () =>
    Effect.gen(function*() {
      for (
        const [operation, place] of [["link", "blobs/"], ["link", "tmp/commit"], ["open", "committed.json"]] as const
      ) {
        const { disk, id, uploads } = yield* opened()
        yield* append(uploads, id, "0123456789")
        disk.intercept((call) =>
          call.operation === operation && call.path.includes(place) ? fails("ENOSPC")(call) : Effect.void
        )
        assert.instanceOf(yield* Effect.flip(commit(uploads, id)), StorageError)
        disk.intercept(() => Effect.void)
        assert.strictEqual(sizeOf(yield* uploads.stat(id)), 10)
        assert.deepStrictEqual(leftovers(disk.root), [])
        assert.strictEqual(yield* commit(uploads, id), name)
      }
    }))

  /** A commit by a process that dies in place of this call, and calls nothing more. */
  const dyingAt = Effect.fnUntraced(function*(dies: (operation: string, path: string) => boolean) {
    const made = yield* opened()
    yield* append(made.uploads, made.id, "0123456789")
    let dead = false
    made.disk.intercept((call) => {
      dead ||= dies(call.operation, call.path)
      return dead ? fails("DEAD")(call) : Effect.void
    })
    yield* Effect.flip(commit(made.uploads, made.id))
    made.disk.intercept(() => Effect.void)
    return { ...made, other: yield* made.disk.open() }
  })

  it.live("that a crash cut short before the blob had its name can be done again", () =>
    Effect.gen(function*() {
      const { id, other } = yield* dyingAt((operation, path) => operation === "link" && path.startsWith("blobs/"))
      assert.strictEqual(sizeOf(yield* other.uploads.stat(id)), 10)
      assert.strictEqual(yield* commit(other.uploads, id), name)
    }))

  it.live("that a crash cut short after that has happened, and its data cannot be appended to", () =>
    Effect.gen(function*() {
      const { disk, folder, id, other } = yield* dyingAt((operation, path) =>
        operation === "syncDirectory" && path === "blobs/sha256"
      )
      assert.isTrue(fs.existsSync(folder("data")))
      assert.strictEqual((yield* other.uploads.stat(id))._tag, "Committed")
      disk.told()
      const { state } = yield* Effect.scoped(other.uploads.exclusive(id))
      assert.deepStrictEqual(state, { _tag: "Committed", repository: app, digest: name, size: 10 })
      assert.include(disk.told("syncDirectory"), "syncDirectory blobs/sha256", "the answer promises as much")
      assert.isFalse(fs.existsSync(folder("data")))
      assert.strictEqual(disk.read("blobs", "sha256", name.slice(7)), "0123456789")
    }))

  it.live("whose data is another name of a blob, or of any file, goes on with a copy of it", () =>
    Effect.gen(function*() {
      const { blobs, disk, folder, id, uploads } = yield* opened()
      const { digest } = yield* blobs.write(pieces("a blob"), { algorithm: "sha256" })
      const blob = disk.path("blobs", "sha256", digest.slice(7))
      for (const [place, victim] of [blob, disk.path("precious")].entries()) {
        if (victim !== blob) fs.writeFileSync(victim, "a blob")
        fs.rmSync(folder("data"))
        fs.linkSync(victim, folder("data"))
        yield* append(uploads, id, " and more")
        assert.strictEqual(fs.readFileSync(victim, "utf8"), "a blob", `${place}`)
        assert.strictEqual(fs.readFileSync(folder("data"), "utf8"), "a blob and more")
        assert.strictEqual(fs.statSync(folder("data")).nlink, 1)
      }
      fs.rmSync(folder("data"))
      fs.linkSync(disk.path("precious"), folder("data"))
      const committed = yield* commit(uploads, id)
      assert.strictEqual(committed, digest)
      assert.notStrictEqual(fs.statSync(blob).ino, fs.statSync(disk.path("precious")).ino)
    }))

  it.live("whose data is exchanged is hashed as it is, and not committed once it was hashed", () =>
    Effect.gen(function*() {
      const { blobs, disk, folder, id, uploads } = yield* opened()
      const exchange = (text: string): void => {
        fs.writeFileSync(disk.path("other"), text)
        fs.renameSync(disk.path("other"), folder("data"))
      }
      yield* append(uploads, id, "sent")
      exchange("SENT")
      const late = Effect.scoped(Effect.gen(function*() {
        const session = yield* uploads.exclusive(id)
        assert.strictEqual(yield* session.digest("sha256"), digestOf(utf8("SENT")))
        exchange("sent")
        yield* session.conclude({ _tag: "UploadCommitted", digest: digestOf(utf8("SENT")) })
      }))
      assert.strictEqual((yield* Effect.flip(late))._tag, "StorageError")
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
      assert.strictEqual(yield* commit(uploads, id), digestOf(utf8("sent")))
    }))

  it.live("whose data is given another name again and again is refused", () =>
    Effect.gen(function*() {
      const { disk, folder, id, uploads } = yield* opened()
      let names = 0
      disk.intercept(({ operation, path }) =>
        operation === "open" && path.endsWith("/data")
          ? Effect.sync(() => fs.linkSync(folder("data"), disk.path(`name${names++}`)))
          : Effect.void
      )
      const error = yield* Effect.flip(append(uploads, id, "some"))
      assert.deepInclude({ ...error }, { _tag: "StorageError", path: `.ocilayout/uploads/${id}/data` })
      for (let name = 0; name < names; name++) assert.strictEqual(disk.read(`name${name}`), "")
    }))

  it.live("whose blob was replaced before the session removed its data never touches that blob", () =>
    Effect.gen(function*() {
      const { disk, id, other } = yield* dyingAt((operation, path) =>
        operation === "syncDirectory" && path === "blobs/sha256"
      )
      yield* other.blobs.write(Stream.succeed(content), { algorithm: "sha256", digest: name })
      assert.strictEqual(sizeOf(yield* other.uploads.stat(id)), 10)
      yield* append(other.uploads, id, "more")
      assert.strictEqual(disk.read("blobs", "sha256", name.slice(7)), "0123456789")
    }))
})

it.live("no upload leaves anything under blobs/ before it is committed", () =>
  Effect.gen(function*() {
    const { disk, id, uploads } = yield* opened()
    yield* append(uploads, id, "01234")
    assert.isFalse(fs.existsSync(disk.path("blobs")))
  }))
