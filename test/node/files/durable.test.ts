import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { makeFolder, sweepTemporary, withTemporary } from "../../../src/node/files/durable.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { leftovers } from "../../support/folders.ts"
import { utf8 } from "../../support/images.ts"
import { fails } from "../../support/watchedFs.ts"

describe("a folder", () => {
  it.live("is made with those above it, each a durable name in its parent", () =>
    Effect.gen(function*() {
      const { files, path, told } = yield* newDisk
      yield* makeFolder(files, path("a", "b"))
      assert.isTrue(fs.statSync(path("a", "b")).isDirectory())
      const synced = told("syncDirectory")
      assert.deepStrictEqual(synced.slice(-3), ["syncDirectory ..", "syncDirectory .", "syncDirectory a"])
      // The process that made what the layout lies in may have died.
      assert.match(synced[0] ?? "", /^syncDirectory \.\.\/\.\./u)
      yield* makeFolder(files, path("a", "b"))
      assert.deepStrictEqual(told("syncDirectory"), [])
    }))

  it.live("that another process has made is synced as well, once", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      fs.mkdirSync(disk.path("a", "b"), { recursive: true })
      yield* makeFolder(disk.files, disk.path("a", "b"))
      assert.deepStrictEqual(disk.told("syncDirectory"), ["syncDirectory ..", "syncDirectory .", "syncDirectory a"])
      yield* makeFolder(disk.files, disk.path("a", "b"))
      assert.deepStrictEqual(disk.told("syncDirectory"), [])
    }))

  it.live("above the layout may be unreadable", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.intercept((call) =>
        call.operation === "syncDirectory" && call.path.startsWith("..") ? fails("EACCES")(call) : Effect.void
      )
      yield* makeFolder(disk.files, disk.path("a"))
      disk.intercept((call) => call.operation === "syncDirectory" ? fails("EIO")(call) : Effect.void)
      assert.strictEqual((yield* Effect.flip(makeFolder(disk.files, disk.path("b")))).code, "EIO")
    }))

  it.live("that cannot be made says why", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("file", "")
      assert.strictEqual((yield* Effect.flip(makeFolder(disk.files, disk.path("file", "below")))).code, "ENOTDIR")
      disk.intercept((call) => call.operation === "makeDirectory" ? fails("EROFS")(call) : Effect.void)
      assert.strictEqual((yield* Effect.flip(makeFolder(disk.files, disk.path("new")))).code, "EROFS")
    }))

  it.live("below a link that leads nowhere is not tried for ever", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("file", "")
      fs.symlinkSync(disk.path("nothing"), disk.path("link"))
      assert.strictEqual((yield* Effect.flip(makeFolder(disk.files, disk.path("link", "below")))).code, "ENOENT")
    }))
})

describe("a temporary file", () => {
  it.live("is gone afterwards unless it was given another name", () =>
    Effect.gen(function*() {
      const { files, path, root } = yield* newDisk
      const kept = yield* withTemporary(files, "kind", (temporary, handle) =>
        Effect.gen(function*() {
          assert.match(temporary, /\/\.ocilayout\/tmp\/kind\.[0-9a-f]{32}$/u)
          yield* handle.write(utf8("x"), 0)
          yield* files.fs.rename(temporary, path("kept"))
          return path("kept")
        }))
      assert.strictEqual(fs.readFileSync(kept, "utf8"), "x")
      yield* withTemporary(files, "kind", () => Effect.void)
      yield* Effect.exit(withTemporary(files, "kind", () => Effect.die("bug")))
      assert.deepStrictEqual(leftovers(root), [])
    }))

  it.live("that cannot be removed does not fail what was done with it", () =>
    Effect.gen(function*() {
      const { files, intercept } = yield* newDisk
      intercept((call) => call.operation === "unlink" ? fails("EIO")(call) : Effect.void)
      assert.strictEqual(yield* withTemporary(files, "kind", () => Effect.succeed("done")), "done")
    }))
})

describe("what dead processes left", () => {
  const left = ({ files, path, write }: Disk, name: string, ageMillis: number): void => {
    write(`.ocilayout/tmp/${name}`, "x")
    const time = (Date.now() - ageMillis) / 1000
    fs.utimesSync(path(".ocilayout", "tmp", name), time, time)
    const folder = name.split("/")[0] ?? ""
    if (folder !== name) fs.utimesSync(`${files.temporary}/${folder}`, time, time)
  }
  const day = 24 * 60 * 60 * 1000

  it.live("is swept after a day, files and folders of files", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      yield* sweepTemporary(disk.files)
      left(disk, "blob.old", day + 60_000)
      left(disk, "upload.old/data", day + 60_000)
      left(disk, "blob.young", day - 60_000)
      left(disk, "upload.young/data", 0)
      yield* sweepTemporary(disk.files)
      assert.deepStrictEqual(leftovers(disk.root).toSorted(), ["blob.young", "upload.young"])
    }))

  it.live("and cannot be swept stops no write", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      left(disk, "stubborn/deep/er", day + 60_000)
      left(disk, "z", day + 60_000)
      yield* sweepTemporary(disk.files)
      assert.deepStrictEqual(leftovers(disk.root), ["stubborn"])
      disk.intercept((call) => call.operation === "unlink" ? fails("EACCES")(call) : Effect.void)
      left(disk, "foreign", day + 60_000)
      yield* sweepTemporary(disk.files)
      assert.sameMembers([...leftovers(disk.root)], ["foreign", "stubborn"])
    }))
})
