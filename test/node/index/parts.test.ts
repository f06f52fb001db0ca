import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { partsDiffer, partsNow } from "../../../src/node/index/parts.ts"
import { openStores } from "../../../src/node/stores.ts"
import { add, type Disk, newDisk, plainLayout, valuesIn } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { digestOf, utf8 } from "../../support/images.ts"

const content = utf8("an image, as far as anybody looks")
const other = utf8("another image")

const named = (bytes: Uint8Array, name: string) => ({
  ...entry("0", name),
  digest: digestOf(bytes),
  size: bytes.length
})

const n = named(content, "app:n")
const m = named(other, "app:m")

/** What a tool writes that builds a layout anew. */
const build = (
  disk: Disk,
  entries: ReadonlyArray<ReturnType<typeof named>>,
  ...blobs: ReadonlyArray<Uint8Array>
): void => {
  for (const bytes of blobs) disk.write(`blobs/${digestOf(bytes).replace(":", "/")}`, bytes)
  plainLayout(disk, entries)
}

/** `rm -rf DIR/*`, which leaves what begins with a dot. */
const removeAll = (disk: Disk): void => {
  for (const name of fs.readdirSync(disk.root)) {
    if (!name.startsWith(".")) fs.rmSync(disk.path(name), { recursive: true })
  }
}

/** A layout of ours with `n`, and `m` that was replaced by it in the last write: both have their content. */
const written = Effect.gen(function*() {
  const disk = yield* newDisk
  const { blobs, layout } = yield* disk.open()
  for (const bytes of [content, other]) yield* blobs.write(Stream.succeed(bytes), { algorithm: "sha256" })
  yield* add(layout, n)
  yield* add(layout, m)
  return disk
})

const reopened = (disk: Disk) => Effect.map(disk.open(), ({ layout }) => layout)

const aside = (disk: Disk): ReadonlyArray<string> =>
  fs.readdirSync(dirname(disk.files.journal)).filter((name) => name.includes(".removed."))
    .map((name) => name.replace(/\.removed\..*$/u, "")).toSorted()

/** What was there before comes back neither for readers nor for writers, and is put aside. */
const assertBuiltAnew = Effect.fnUntraced(function*(disk: Disk, entries: ReadonlyArray<unknown>) {
  const before = fs.readFileSync(disk.files.journal, "utf8")
  assert.deepStrictEqual<unknown>(yield* valuesIn(yield* reopened(disk)), entries)
  assert.strictEqual(fs.readFileSync(disk.files.journal, "utf8"), before, "a reader writes nothing")
  const more = entry("f", "app:more")
  yield* add(yield* reopened(disk), more)
  assert.deepStrictEqual<unknown>(disk.entries(), [...entries, more])
  assert.deepStrictEqual(aside(disk), ["current.ndjson", "replaced"])
  assert.deepStrictEqual(disk.journal().map(({ seq }) => seq), [1])
  assert.notInclude(before, disk.journal()[0]?.journal ?? "")
  const { journal } = yield* disk.open()
  const kept = yield* Stream.runCollect(journal.putAside(Date.now() - 60_000))
  assert.strictEqual(kept.length, 2, "what it names can still be had")
  assert.deepStrictEqual(yield* Stream.runCollect(journal.putAside(Date.now() + 60_000)), [])
})

describe("a layout that was removed, all but our own folder", () => {
  it.live("and built anew by another tool is that tool's", () =>
    Effect.gen(function*() {
      const disk = yield* written
      removeAll(disk)
      const x = named(utf8("x"), "app:x")
      build(disk, [x], utf8("x"))
      yield* assertBuiltAnew(disk, [x])
    }))

  it.live("and built anew with the same images is that tool's as well: no deleted tag comes back", () =>
    Effect.gen(function*() {
      const disk = yield* written
      removeAll(disk)
      const x = named(content, "app:x")
      build(disk, [x], content, other)
      yield* assertBuiltAnew(disk, [x])
    }))

  it.live("and into which our next push comes first is empty but for that", () =>
    Effect.gen(function*() {
      const disk = yield* written
      removeAll(disk)
      const { blobs, layout } = yield* disk.open()
      yield* blobs.write(Stream.succeed(content), { algorithm: "sha256" })
      const x = named(content, "app:x")
      yield* add(layout, x)
      assert.deepStrictEqual<unknown>(disk.entries(), [x])
      yield* add(yield* reopened(disk))
      assert.deepStrictEqual<unknown>(disk.entries(), [x])
    }))

  it.live("is empty for readers, and for the first writer", () =>
    Effect.gen(function*() {
      const disk = yield* written
      removeAll(disk)
      assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [])
      yield* assertBuiltAnewByUs(disk)
    }))

  it.live("is gone as soon as neither oci-layout nor the index is there, though its content stayed", () =>
    Effect.gen(function*() {
      const disk = yield* written
      fs.rmSync(disk.path("oci-layout"))
      fs.rmSync(disk.path("index.json"))
      const { journal, layout } = yield* disk.open()
      assert.deepStrictEqual([yield* valuesIn(layout), yield* Stream.runCollect(journal.commits())], [[], []])
      yield* assertBuiltAnewByUs(disk)
    }))

  it.live("is not merged with what was written into an index that had been replaced before", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const [late = ""] = fs.readdirSync(disk.files.replaced).toSorted()
      const ghost = named(utf8("ghost"), "app:ghost")
      fs.writeFileSync(join(disk.files.replaced, late), JSON.stringify({ schemaVersion: 2, manifests: [n, ghost] }))
      removeAll(disk)
      const x = named(utf8("x"), "app:x")
      build(disk, [x], utf8("x"))
      yield* assertBuiltAnew(disk, [x])
    }))

  it.live("without oci-layout, whose blobs alone were built anew and lack ours, is another's", () =>
    Effect.gen(function*() {
      const disk = yield* written
      // `rm -rf blobs index.json`
      fs.rmSync(disk.path("blobs"), { recursive: true })
      fs.rmSync(disk.path("index.json"))
      const x = named(utf8("x"), "app:x")
      disk.write(`blobs/${digestOf(utf8("x")).replace(":", "/")}`, "x")
      disk.write("index.json", JSON.stringify({ schemaVersion: 2, manifests: [x] }))
      yield* assertBuiltAnew(disk, [x])
    }))
})

const assertBuiltAnewByUs = Effect.fnUntraced(function*(disk: Disk) {
  const x = entry("1", "app:x")
  yield* add(yield* reopened(disk), x)
  assert.deepStrictEqual(disk.entries(), [x])
  assert.deepStrictEqual(aside(disk), ["current.ndjson", "replaced"])
})

describe("a layout that was not removed", () => {
  it.live("but rewritten by a tool that keeps no annotations and collects gets back what is ours", () =>
    Effect.gen(function*() {
      const disk = yield* written
      // As regctl does: oci-layout in place, the index without generation, then a collection.
      const x = named(utf8("x"), "app:x")
      build(disk, [x], utf8("x"))
      for (const bytes of [content, other]) fs.unlinkSync(disk.files.blob(digestOf(bytes)))
      assert.sameDeepMembers([...yield* valuesIn(yield* reopened(disk))], [x, n, m])
      yield* add(yield* reopened(disk))
      assert.sameDeepMembers([...disk.entries()], [x, n, m])
      for (const bytes of [content, other]) assert.isTrue(fs.existsSync(disk.files.blob(digestOf(bytes))))
      assert.deepStrictEqual(aside(disk), [])
    }))

  it.live("but copied is what it was, and the copy's parts are recorded by its next writer, once", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const root = `${disk.root}-copy`
      fs.cpSync(disk.root, root, { recursive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(root, { recursive: true })))
      const lines = () =>
        fs.readFileSync(join(root, ".ocilayout/journal/2/current.ndjson"), "utf8").split("\n").length - 1
      const open = Effect.map(openStores(disk.fs, { directory: root }, undefined), ({ layout }) => layout)
      const before = lines()
      assert.deepStrictEqual<unknown>(yield* valuesIn(yield* open), [n, m])
      yield* add(yield* open)
      assert.strictEqual(lines(), before + 1)
      yield* add(yield* open)
      assert.strictEqual(lines(), before + 1)
      // Only now can be told that the copy was removed later.
      for (const name of ["blobs", "index.json", "oci-layout"]) fs.rmSync(join(root, name), { recursive: true })
      fs.mkdirSync(join(root, "blobs/sha256"), { recursive: true })
      fs.writeFileSync(join(root, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
      fs.writeFileSync(join(root, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [n] }))
      assert.deepStrictEqual<unknown>(yield* valuesIn(yield* open), [n])
    }))

  it.live("but copied and then rewritten by a tool that keeps no annotations and collects gets back what is ours", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const root = `${disk.root}-copy`
      fs.cpSync(disk.root, root, { recursive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(root, { recursive: true })))
      const x = named(utf8("x"), "app:x")
      fs.writeFileSync(join(root, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [x] }))
      for (const bytes of [content, other]) fs.unlinkSync(join(root, "blobs", digestOf(bytes).replace(":", "/")))
      const { layout } = yield* openStores(disk.fs, { directory: root }, undefined)
      assert.sameDeepMembers([...yield* valuesIn(layout)], [x, n, m])
    }))

  it.live("but moved stays what it is, and nothing is recorded", () =>
    Effect.gen(function*() {
      const disk = yield* written
      const root = `${disk.root}-moved`
      fs.renameSync(disk.root, root)
      yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(root, { recursive: true })))
      const journal = () => fs.readFileSync(join(root, ".ocilayout/journal/2/current.ndjson"), "utf8")
      const before = journal()
      yield* add((yield* openStores(disk.fs, { directory: root }, undefined)).layout)
      assert.strictEqual(journal(), before)
    }))
})

describe("the identity of a part", () => {
  it("differs by inode, and by the time it was made where both are known", () => {
    const parts = (blobs: string) => ({ blobs, own: "1:1", marker: "2:2" })
    const rows = [
      ["3:5", "3:5", false],
      ["3:5", "4:5", true],
      ["3:5", "3:6", true],
      ["3:5", "3:", false],
      ["3:", "3:6", false],
      ["3:", "4:", true],
      ["", "3:5", false],
      ["3:5", "", false]
    ] as const
    for (const [one, other, differs] of rows) {
      assert.strictEqual(partsDiffer(parts(one), parts(other)), differs, `${one} and ${other}`)
    }
    assert.isTrue(partsDiffer({ blobs: "", own: "1:1", marker: "" }, { blobs: "", own: "1:2", marker: "" }))
    assert.isTrue(partsDiffer({ blobs: "", own: "", marker: "1:1" }, { blobs: "", own: "", marker: "1:2" }))
  })

  it.live("is the inode alone where the file system does not tell when it was made", () =>
    Effect.gen(function*() {
      const disk = yield* written
      // Then Node tells nothing, or the time of the last change.
      for (const birth of [() => 0n, (ctimeNs: bigint) => ctimeNs]) {
        const blind: LayoutFs = {
          ...disk.fs,
          linkStats: (paths) =>
            Effect.map(disk.fs.linkStats(paths), (stats) =>
              stats.map((stat) => stat === undefined ? undefined : { ...stat, birthNs: birth(stat.ctimeNs) }))
        }
        const parts = yield* partsNow({ ...disk.files, fs: blind })
        const inode = (path: string) =>
          `${fs.statSync(path).ino}:`
        assert.deepStrictEqual(parts, {
          blobs: inode(disk.files.blobs),
          own: inode(disk.files.own),
          marker: inode(disk.files.marker)
        })
        // The folder of content changes with every blob.
        disk.write(`blobs/sha256/${"7".repeat(64)}`, "7")
        fs.mkdirSync(disk.path("blobs", `made-${birth(1n)}`))
        assert.deepStrictEqual(yield* partsNow({ ...disk.files, fs: blind }), parts)
        const layout = (yield* openStores(blind, { directory: disk.root }, undefined)).layout
        yield* add(layout)
        assert.deepStrictEqual<unknown>(disk.entries(), [n, m])
      }
    }))
})
