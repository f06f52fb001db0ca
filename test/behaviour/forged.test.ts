/** What a layout brings along was written by anyone: what lies in `.ocilayout`, and what it cannot do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { BlobCollected, BlobDeleted, EntryAdded } from "../../src/layout/Event.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import { holdLock } from "../../src/node/files/lock.ts"
import { genesis, GroupRecord, writeLine } from "../../src/node/journal/journalRecord.ts"
import { encodedOf } from "../../src/oci/Digest.ts"
import { BlobUploadUnknown, DigestInvalid, LayoutLocked, RangeInvalid } from "../../src/oci/OciError.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { type Disk, newDisk, sha256 } from "../support/disk.ts"
import { entryOf, image, pushBlob, pushImage, sample, utf8 } from "../support/images.ts"

const one = image("one")
const evil = image("evil")
const session = "5".repeat(32)

const opened = Effect.gen(function*() {
  const disk = yield* newDisk
  const open = Effect.map(disk.open(), (stores) => sharedRegistry(stores, hasher))
  const registry = yield* open
  yield* pushImage(registry, "app", one, ["v1"])
  return { disk, open, registry }
})

const blobPath = (disk: Disk, { descriptor }: { readonly descriptor: { readonly digest: string } }): string =>
  disk.path("blobs", "sha256", descriptor.digest.slice("sha256:".length))

/** A session as another user has put it there. */
const forge = (disk: Disk, files: { readonly meta: object; readonly committed?: object; readonly data?: string }) => {
  const folder = `.ocilayout/uploads/${session}`
  fs.rmSync(disk.path(folder), { recursive: true, force: true })
  disk.write(`${folder}/meta.json`, JSON.stringify(files.meta))
  if (files.committed !== undefined) disk.write(`${folder}/committed.json`, JSON.stringify(files.committed))
  if (files.data !== undefined) disk.write(`${folder}/data`, files.data)
}

describe("a forged journal", () => {
  const journal = "f".repeat(32)
  const record = (before: string, after: string) =>
    new GroupRecord({
      journal,
      seq: 1,
      prev: genesis,
      before,
      id: "0".repeat(16),
      parts: { blobs: "", own: "", marker: "" },
      after,
      commits: [{
        revision: 1,
        time: 0,
        actor: "cli:\u001b[31madmin",
        events: [
          new BlobDeleted({ digest: one.config.descriptor.digest }),
          new BlobCollected({ digest: one.descriptor.digest }),
          new EntryAdded({ value: entryOf(evil, "app:v1") })
        ]
      }]
    })

  it.live.each(["a journal", "nothing"])(
    "that is another name of a blob with %s in it does not change it",
    (kind) =>
      Effect.gen(function*() {
        const { disk, open, registry } = yield* opened
        const text = kind === "nothing" ? "" : writeLine(record(genesis, sha256(disk.read("index.json")))).text
        const { descriptor } = yield* registry.pushBlob("app", Stream.succeed(utf8(text)))
        fs.rmSync(disk.path(".ocilayout/journal/2/current.ndjson"))
        fs.linkSync(blobPath(disk, { descriptor }), disk.path(".ocilayout/journal/2/current.ndjson"))
        yield* (yield* open).tagManifest("app", one.descriptor.digest, ["v2"])
        assert.strictEqual(fs.readFileSync(blobPath(disk, { descriptor }), "utf8"), text)
        assert.strictEqual((yield* (yield* open).resolveTag("app", "v2")).digest, one.descriptor.digest)
      })
  )

  it.live.each(["the index that is there", "another index"])(
    "that leads to %s deletes nothing",
    (leads) =>
      Effect.gen(function*() {
        const { disk, open } = yield* opened
        const there = disk.read("index.json")
        const after = leads === "another index" ? sha256("another") : sha256(there)
        disk.write(".ocilayout/journal/2/current.ndjson", writeLine(record(genesis, after)).text)
        const registry = yield* open
        // An index without generation overrules no name that a journal has: a journal says no more than an index could.
        const holds = leads === "another index" ? evil.descriptor.digest : one.descriptor.digest
        assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, holds)
        yield* registry.deleteTag("app", "v1")
        for (const needed of [one, one.config]) assert.isTrue(fs.existsSync(blobPath(disk, needed)))
        // What it says of the past can be asked for, and is no more than an index could say: without content it is
        // refused.
        const refused = yield* Effect.flip(registry.restore({ to: { revision: 1 } }))
        assert.include(["ManifestBlobUnknown", "RevisionUnknown"], refused._tag)
        assert.isTrue(fs.existsSync(blobPath(disk, one)))
      })
  )
})

describe("a forged upload session", () => {
  it.live("is of the repository that it says, and as long as its data is", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened
      forge(disk, { meta: { repository: "app", size: 7, offset: 7 }, data: "0123456789" })
      assert.instanceOf(yield* Effect.flip(registry.pushBlobChunkedResume("other", session)), BlobUploadUnknown)
      const writer = yield* registry.pushBlobChunkedResume("app", session)
      assert.strictEqual(writer.size, 10)
      assert.instanceOf(yield* Effect.flip(writer.append(7, Stream.succeed(utf8("x")))), RangeInvalid)
      assert.strictEqual(yield* writer.append(10, Stream.succeed(utf8("x"))), 11)
      const wrong = sample("something else", "text/plain").descriptor.digest
      assert.instanceOf(yield* Effect.flip(writer.commit(wrong)), DigestInvalid)
      const { digest } = sample("0123456789x", "text/plain").descriptor
      assert.strictEqual((yield* writer.commit(digest)).size, 11)
    }))

  it.live("that says it became a blob is answered with that blob: its size, and that it lasts", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened
      const { digest } = one.config.descriptor
      forge(disk, { meta: { repository: "app" }, committed: { digest, size: 7_000_000 } })
      const other = yield* disk.open()
      const writer = yield* sharedRegistry(other, hasher).findUpload(session)
      disk.told()
      const committed = yield* writer.commit(digest)
      assert.strictEqual(committed.size, one.config.bytes.length)
      assert.include(disk.told("dataSync"), `dataSync blobs/sha256/${encodedOf(digest)}`)
      const { descriptor } = sample("never pushed", "text/plain")
      forge(disk, { meta: { repository: "app" }, committed: { digest: descriptor.digest, size: 12 } })
      const nothing = yield* registry.findUpload(session)
      assert.instanceOf(yield* Effect.flip(nothing.commit(descriptor.digest)), BlobUploadUnknown)
    }))

  it.live("that makes no sense is none", () =>
    Effect.gen(function*() {
      const { disk, registry } = yield* opened
      const { digest } = one.config.descriptor
      const meta = { repository: "app" }
      const senseless = [
        { meta: {}, data: "data" },
        { meta: { repository: "../up" }, data: "data" },
        { meta },
        { meta, committed: { digest: "sha256:../../x", size: 1 } },
        { meta, committed: { digest, size: -1 } },
        { meta, committed: { digest, size: 1.5 } }
      ]
      for (const files of senseless) {
        forge(disk, files)
        assert.instanceOf(yield* Effect.flip(registry.findUpload(session)), BlobUploadUnknown, JSON.stringify(files))
      }
      forge(disk, { meta, committed: { digest, size: 1 }, data: "data" })
      assert.strictEqual((yield* registry.findUpload(session)).size, 4, "what has data of its own is no blob yet")
      for (const id of ["../../../x", "5".repeat(31), "A".repeat(32), ""]) {
        assert.instanceOf(yield* Effect.flip(registry.findUpload(id)), BlobUploadUnknown, id)
      }
    }))
})

describe("a forged note", () => {
  it.live("of who holds the lock is shown as quoted text, and decides nothing", () =>
    Effect.gen(function*() {
      const { disk } = yield* opened
      yield* Effect.scoped(Effect.gen(function*() {
        yield* holdLock(disk.files, 1000)
        disk.write(".ocilayout/holder", "nobody\u001b[2J\nfree to go")
        const error = yield* Effect.flip(Effect.scoped(holdLock(disk.files, 20)))
        assert.instanceOf(error, LayoutLocked)
        for (const moving of ["\n", "\u001b"]) assert.notInclude(error.message, moving)
      }))
      disk.write(".ocilayout/holder", "process 1 holds it for ever")
      yield* Effect.scoped(holdLock(disk.files, 1000))
    }))

  it.live("that is another name of a blob changes no blob", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened
      fs.rmSync(disk.path(".ocilayout/holder"))
      fs.linkSync(blobPath(disk, one.config), disk.path(".ocilayout/holder"))
      const registry = yield* open
      yield* registry.tagManifest("app", one.descriptor.digest, ["v2"])
      assert.deepStrictEqual(new Uint8Array(fs.readFileSync(blobPath(disk, one.config))), one.config.bytes)
    }))
})

describe("a forged pin or lease", () => {
  it.live("keeps content, and gives nothing other bytes", () =>
    Effect.gen(function*() {
      const { disk, open, registry } = yield* opened
      const stray = sample("needed by nothing", "text/plain")
      yield* pushBlob(registry, "app", stray)
      const { digest } = stray.descriptor
      disk.write(`.ocilayout/pins/sha256-${encodedOf(digest)}`, "pinned by somebody")
      const { items } = yield* registry.planGarbage({ grace: 0, undoWindow: 0, keep: false })
      assert.deepStrictEqual(items.filter(({ goes }) => goes), [])
      // A lease of other bytes, for a blob that is missing.
      const hour = String(Math.floor(Date.now() / 3_600_000))
      const { descriptor } = sample("never pushed", "text/plain")
      disk.write(`.ocilayout/leases/${hour}/sha256-${encodedOf(descriptor.digest)}`, "other bytes!")
      const { blobs } = yield* disk.open()
      assert.isTrue(Option.isNone(yield* blobs.read(descriptor.digest, { verify: false })))
      assert.isTrue(Option.isNone(yield* blobs.protect(descriptor.digest)))
      assert.isFalse(fs.existsSync(blobPath(disk, { descriptor })))
      yield* open
    }))
})
