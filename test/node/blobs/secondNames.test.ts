import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { BlobDeleted } from "../../../src/layout/Event.ts"
import { secondNameOf } from "../../../src/node/blobs/secondNames.ts"
import { makeDisk } from "../../../src/node/index.ts"
import { encodedOf } from "../../../src/oci/Digest.ts"
import { imageManifest } from "../../../src/oci/MediaType.ts"
import { bytesOf } from "../../mcp/support/images.ts"
import { decideTo, type Disk, newDisk } from "../../support/disk.ts"
import { listing, outside, temporaryFolder } from "../../support/folders.ts"
import { collect, digestOf, utf8 } from "../../support/images.ts"
import { ownLayout, smallManifest } from "../../support/layouts.ts"
import { fails } from "../../support/watchedFs.ts"

const content = utf8("0123456789")
const name = digestOf(content)
const place = (disk: Disk): string => disk.path("blobs", "sha256", encodedOf(name))

const blobPath = (directory: string, digest: string): string => join(directory, "blobs", "sha256", digest.slice(7))

const hoursIn = (disk: Disk): ReadonlyArray<string> =>
  fs.readdirSync(disk.files.marks).filter((name) => /^\d+$/u.test(name)).toSorted()
const marksIn = (disk: Disk): ReadonlyArray<string> =>
  hoursIn(disk).flatMap((hour) => fs.readdirSync(join(disk.files.marks, hour)))

/** The second name. */
const kept = (disk: Disk): string => secondNameOf(disk.files, name)
const isKept = (disk: Disk): boolean => fs.existsSync(kept(disk))

/** Lets the marks there are look as if they had been given so many hours ago. */
const age = (disk: Disk, hours: number): void => {
  for (const hour of hoursIn(disk).toReversed()) {
    fs.renameSync(join(disk.files.marks, hour), join(disk.files.marks, String(Number(hour) - hours)))
  }
}

/** A layout with one pushed blob. */
const pushed = Effect.gen(function*() {
  const disk = yield* newDisk
  const stores = yield* disk.open()
  yield* stores.blobs.write(Stream.succeed(content), { algorithm: "sha256" })
  return { disk, ...stores }
})

/** What a tool does that knows no grace: everything under `blobs/` goes. */
const collectForeign = (directory: string): void => {
  for (const file of fs.readdirSync(join(directory, "blobs", "sha256"))) {
    fs.unlinkSync(join(directory, "blobs", "sha256", file))
  }
}

describe("a blob that another tool collects", () => {
  it.live("is there for readers, and no reader puts it back", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* pushed
      fs.unlinkSync(place(disk))
      for (const one of [blobs, (yield* disk.open()).blobs]) {
        assert.deepStrictEqual(yield* one.stat(name), Option.some(10))
        assert.deepStrictEqual(yield* one.get(name, 100), Option.some(content))
        const read = yield* one.read(name, { verify: true })
        assert.deepStrictEqual(yield* collect(Option.getOrThrow(read).content), content)
      }
      assert.isFalse(fs.existsSync(place(disk)))
    }))

  it.live("between its push and its manifest's is put back by the manifest", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "layout")
      const registry = yield* makeDisk({ directory })
      const config = yield* registry.pushBlob("app", Stream.succeed(utf8("{}")))
      const layer = yield* registry.pushBlob("app", Stream.succeed(content))
      const started = yield* registry.pushBlobChunked("app")
      yield* started.append(0, Stream.succeed(utf8("chunked")))
      const chunked = yield* started.commit(digestOf(utf8("chunked")))
      collectForeign(directory)
      const manifest = {
        schemaVersion: 2,
        mediaType: imageManifest,
        config: { ...config.descriptor, mediaType: "application/vnd.oci.image.config.v1+json" },
        layers: [layer.descriptor, chunked]
      }
      yield* registry.pushManifest("app", bytesOf(JSON.stringify(manifest)), imageManifest, { tags: ["v1"] })
      for (const { digest } of [config.descriptor, layer.descriptor, chunked]) {
        assert.isTrue(fs.existsSync(blobPath(directory, digest)))
      }
    }))

  it.live("after its manifest was pushed is put back by the next commit that names it", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const before = outside(directory)
      const digests = fs.readdirSync(join(directory, "blobs", "sha256")).map((hex) => `sha256:${hex}`)
      collectForeign(directory)
      yield* registry.tagManifest("app", image.digest, ["v1"])
      assert.isTrue(fs.existsSync(blobPath(directory, image.digest)))
      for (const digest of digests) yield* registry.mountBlob("app", "other", digest)
      assert.deepStrictEqual(outside(directory), before)
    }))

  it.live("between two calls of its holder is looked for again, and put back", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      age(disk, 3)
      const { blobs } = yield* disk.open()
      let removals = 2
      disk.intercept(({ operation, path }) =>
        Effect.sync(() => {
          const holds = operation === "link" && path.startsWith(".ocilayout/kept")
          if (holds && removals-- > 0) fs.rmSync(place(disk), { force: true })
        })
      )
      assert.deepStrictEqual(yield* blobs.protect(name), Option.some(10))
      assert.isBelow(removals, 1)
      assert.isTrue(fs.existsSync(place(disk)))
    }))

  it.live("and whose second name has another size than it is to have is not hashed", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      fs.unlinkSync(place(disk))
      fs.rmSync(kept(disk))
      fs.writeFileSync(kept(disk), "")
      // Nothing could hash as much as this.
      fs.truncateSync(kept(disk), 2 ** 42)
      const { blobs } = yield* disk.open()
      assert.deepStrictEqual(yield* blobs.stat(name, { size: 10 }), Option.none())
      assert.deepStrictEqual(yield* blobs.protect(name, { size: 10 }), Option.none())
      assert.deepStrictEqual(yield* blobs.protect(name, { size: 10, manifest: true }), Option.none())
      assert.deepStrictEqual(yield* blobs.get(name, 100), Option.none())
    }))

  it.live("and that lies there larger than any manifest is held as one by a link", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      fs.rmSync(kept(disk))
      fs.truncateSync(place(disk), 2 ** 42)
      const { blobs } = yield* disk.open()
      assert.deepStrictEqual(yield* blobs.protect(name, { manifest: true }), Option.some(2 ** 42))
      assert.strictEqual(fs.statSync(kept(disk)).ino, fs.statSync(place(disk)).ino)
    }))

  it.live("is copied back piece by piece where it gets no link", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const large = new Uint8Array(3 * 1024 * 1024 + 5).fill(7)
      const { blobs } = yield* disk.open()
      yield* blobs.write(Stream.succeed(large), { algorithm: "sha256" })
      const digest = digestOf(large)
      fs.unlinkSync(disk.path("blobs", "sha256", encodedOf(digest)))
      let pieces = 0
      disk.intercept(({ operation, path }) =>
        Effect.sync(() => {
          if (operation === "write" && path.includes("/tmp/")) pieces++
        })
      )
      assert.deepStrictEqual(yield* blobs.protect(digest, { manifest: true }), Option.some(large.length))
      assert.isAtLeast(pieces, 4)
      assert.deepStrictEqual(new Uint8Array(fs.readFileSync(disk.path("blobs", "sha256", encodedOf(digest)))), large)
    }))

  it.live("and that is torn under its second name as well is not put back", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      fs.unlinkSync(place(disk))
      fs.writeFileSync(kept(disk), "01234")
      const { blobs } = yield* disk.open()
      assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
      assert.deepStrictEqual(yield* blobs.protect(name), Option.none())
      assert.isFalse(fs.existsSync(place(disk)))
    }))
})

describe("a second name", () => {
  it.live("takes no space, except that of a manifest, which other tools write in place", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const tornByOthers = (digest: string): void => fs.writeFileSync(blobPath(directory, digest), "")
      tornByOthers(image.digest)
      fs.unlinkSync(blobPath(directory, image.digest))
      yield* registry.tagManifest("app", image.digest, ["v1"])
      assert.isAbove(fs.statSync(blobPath(directory, image.digest)).size, 0)
      tornByOthers(image.digest)
      fs.unlinkSync(blobPath(directory, image.digest))
      yield* registry.tagManifest("app", image.digest, ["v1"])
      assert.isAbove(fs.statSync(blobPath(directory, image.digest)).size, 0, "what was put back was no link either")
      assert.strictEqual(fs.statSync(blobPath(directory, image.config.digest)).nlink, 2)
    }))

  it.live("stays when the marks of its use are over, or ends with the last of them, as the policy says", () =>
    Effect.gen(function*() {
      for (const hold of ["always", "day"] as const) {
        const disk = yield* newDisk
        const { blobs } = yield* disk.open({ hold })
        yield* blobs.write(Stream.succeed(content), { algorithm: "sha256" })
        age(disk, 24)
        yield* disk.open({ hold }).pipe(Effect.flatMap(({ blobs }) => blobs.protect(name)))
        assert.strictEqual(hoursIn(disk).length, 2, "not over yet, and given anew")
        age(disk, 2)
        const another = Effect.flatMap(
          disk.open({ hold }),
          ({ blobs }) => blobs.write(Stream.succeed(utf8("another")), { algorithm: "sha256" })
        )
        yield* another
        assert.deepStrictEqual([hoursIn(disk).length, isKept(disk)], [2, true], "the later mark holds it still")
        age(disk, 25)
        yield* another
        assert.deepStrictEqual([hoursIn(disk).length, isKept(disk)], [1, hold === "always"])
        fs.unlinkSync(place(disk))
        assert.deepStrictEqual(yield* blobs.stat(name), hold === "always" ? Option.some(10) : Option.none())
      }
    }))

  it.live("is not given where the policy is never, though the use is marked", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { blobs } = yield* disk.open({ hold: "never" })
      yield* blobs.write(Stream.succeed(content), { algorithm: "sha256" })
      yield* blobs.protect(name)
      assert.deepStrictEqual([marksIn(disk).length, isKept(disk)], [1, false])
      fs.unlinkSync(place(disk))
      assert.deepStrictEqual(yield* blobs.protect(name), Option.none())
    }))

  it.live("ends when the blob is deleted on purpose", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      age(disk, 3)
      const { blobs, layout } = yield* disk.open()
      yield* blobs.protect(name)
      assert.deepStrictEqual([marksIn(disk).length, isKept(disk)], [2, true])
      yield* decideTo(layout, new BlobDeleted({ digest: name }))
      assert.deepStrictEqual([marksIn(disk), isKept(disk)], [[], false])
      assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
      assert.deepStrictEqual(yield* blobs.protect(name), Option.none())
    }))

  it.live("that was given a moment ago is not given again, but for one that was ended", () =>
    Effect.gen(function*() {
      const { blobs, disk, layout } = yield* pushed
      disk.told()
      assert.deepStrictEqual(yield* blobs.protect(name), Option.some(10))
      assert.deepStrictEqual(disk.told("link", "open", "makeDirectory"), [])
      yield* decideTo(layout, new BlobDeleted({ digest: name }))
      yield* blobs.write(Stream.succeed(content), { algorithm: "sha256" })
      assert.deepStrictEqual([marksIn(disk).length, isKept(disk)], [1, true])
      fs.unlinkSync(place(disk))
      assert.deepStrictEqual(yield* blobs.protect(name), Option.some(10), "and is put back where it is missing")
      assert.isTrue(fs.existsSync(place(disk)))
    }))

  it.live("of a manifest that was ended is given again, where the manifest itself could not be removed", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { blobs, layout } = yield* disk.open()
      yield* blobs.write(Stream.succeed(content), { algorithm: "sha256", manifest: true })
      disk.intercept((call) =>
        call.operation === "unlink" && call.path.startsWith("blobs/") ? fails("EACCES")(call) : Effect.void
      )
      yield* Effect.flip(decideTo(layout, new BlobDeleted({ digest: name })))
      assert.deepStrictEqual([marksIn(disk), isKept(disk)], [[], false])
      assert.deepStrictEqual(yield* blobs.protect(name, { manifest: true }), Option.some(10))
      assert.deepStrictEqual([marksIn(disk).length, isKept(disk)], [1, true])
    }))

  it.live("of a manifest that a crash cut short is written again", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const expected = { algorithm: "sha256", manifest: true } as const
      yield* (yield* disk.open()).blobs.write(Stream.succeed(content), expected)
      fs.writeFileSync(kept(disk), "01234")
      yield* (yield* disk.open()).blobs.protect(name, { manifest: true })
      assert.strictEqual(fs.readFileSync(kept(disk), "utf8"), "0123456789")
    }))

  it.live("that is no file keeps no blob from being deleted", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* pushed
      const [hour = ""] = hoursIn(disk)
      for (const path of [join(disk.files.marks, hour, marksIn(disk)[0] ?? ""), kept(disk)]) {
        fs.rmSync(path)
        fs.mkdirSync(path)
      }
      yield* decideTo(layout, new BlobDeleted({ digest: name }))
      assert.isFalse(fs.existsSync(place(disk)))
    }))

  it.live("is not given where ocilayout has never written", () =>
    Effect.gen(function*() {
      const { directory, image } = yield* ownLayout()
      fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
      const registry = yield* makeDisk({ directory })
      yield* registry.tagManifest("app", image.digest, ["v1"])
      assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
    }))

  it.live("changes nothing of what is known of a file", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* pushed
      age(disk, 3)
      yield* blobs.protect(name)
      const read = yield* blobs.read(name, { verify: false, window: { offset: 0, length: 1 } })
      assert.isTrue(Option.getOrThrow(read).verified)
    }))
})

describe("a folder of marks or of second names that is a link", () => {
  it.live("is neither written into, nor read, nor swept", () =>
    Effect.gen(function*() {
      const { blobs, disk, layout } = yield* pushed
      const elsewhere = yield* temporaryFolder
      const [hour = ""] = hoursIn(disk)
      fs.renameSync(join(disk.files.marks, hour), join(elsewhere, hour))
      const held = fs.readdirSync(join(elsewhere, hour))
      fs.symlinkSync(join(elsewhere, hour), join(disk.files.marks, hour))
      fs.symlinkSync(join(elsewhere, hour), join(disk.files.marks, "1"))
      yield* blobs.write(Stream.succeed(utf8("more")), { algorithm: "sha256" })
      yield* disk.open().pipe(Effect.flatMap(({ blobs }) => blobs.write(Stream.empty, { algorithm: "sha256" })))
      yield* decideTo(layout, new BlobDeleted({ digest: name }))
      assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
      assert.deepStrictEqual(fs.readdirSync(join(elsewhere, hour)), held)
    }))

  it.live("is neither read nor written into, and a blob below it is refused", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      const elsewhere = yield* temporaryFolder
      fs.renameSync(join(disk.files.kept, "sha256"), join(elsewhere, "sha256"))
      fs.symlinkSync(join(elsewhere, "sha256"), join(disk.files.kept, "sha256"))
      const before = listing(elsewhere)
      const { blobs, layout } = yield* disk.open()
      assert.strictEqual((yield* Effect.flip(blobs.protect(name)))._tag, "SymlinkRefused")
      assert.strictEqual(
        (yield* Effect.flip(decideTo(layout, new BlobDeleted({ digest: name }))))._tag,
        "SymlinkRefused"
      )
      assert.isFalse(fs.existsSync(disk.files.journal), "nothing was recorded")
      fs.unlinkSync(place(disk))
      assert.deepStrictEqual(yield* blobs.stat(name), Option.none())
      assert.deepStrictEqual(listing(elsewhere), before)
    }))

  it.live("above them refuses a second name", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      const { blobs } = yield* disk.open()
      const elsewhere = yield* temporaryFolder
      fs.renameSync(disk.files.own, join(elsewhere, "own"))
      fs.symlinkSync(join(elsewhere, "own"), disk.files.own)
      const before = listing(elsewhere)
      assert.strictEqual((yield* Effect.flip(blobs.protect(name)))._tag, "SymlinkRefused")
      assert.deepStrictEqual(listing(elsewhere), before)
    }))
})

describe("a blob that a manifest names", () => {
  it.live("is synced if we did not write it, once", () =>
    Effect.gen(function*() {
      const { disk } = yield* pushed
      // Of a younger file nothing is remembered.
      yield* Effect.sleep("30 millis")
      const { blobs } = yield* disk.open()
      disk.told()
      yield* blobs.protect(name)
      const synced = disk.told("dataSync", "syncDirectory")
      assert.deepStrictEqual(synced, [`dataSync blobs/sha256/${encodedOf(name)}`, "syncDirectory blobs/sha256"])
      yield* blobs.protect(name)
      assert.deepStrictEqual(disk.told("dataSync", "syncDirectory"), [])
    }))

  it.live("is not if we did", () =>
    Effect.gen(function*() {
      const { blobs, disk } = yield* pushed
      disk.told()
      yield* blobs.protect(name)
      assert.deepStrictEqual(disk.told("dataSync", "syncDirectory"), [])
    }))

  it.live("that is a manifest itself is held by a copy", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { blobs } = yield* disk.open()
      const bytes = smallManifest()
      yield* blobs.write(Stream.succeed(bytes), { algorithm: "sha256", manifest: true })
      const path = disk.path("blobs", "sha256", encodedOf(digestOf(bytes)))
      assert.strictEqual(fs.statSync(path).nlink, 1)
      assert.deepStrictEqual(fs.readFileSync(secondNameOf(disk.files, digestOf(bytes))), Buffer.from(bytes))
      assert.isTrue(fs.existsSync(dirname(path)))
    }))
})
