import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { EntryAdded } from "../../../src/layout/Event.ts"
import { appendRecord, cutTorn, emptyJournal, readEnd } from "../../../src/node/journal/journalFile.ts"
import { genesis, GroupRecord, type JournalRecord, writeLine } from "../../../src/node/journal/journalRecord.ts"
import { readLines } from "../../../src/node/journal/journalSegments.ts"
import { add, type Disk, newDisk, plainLayout, valuesIn } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { fails } from "../../support/watchedFs.ts"

const journalPath = [".ocilayout", "journal", "2", "current.ndjson"] as const

const record = (seq: number, prev: string, note = "") =>
  new GroupRecord({
    journal: "0".repeat(32),
    seq,
    prev,
    id: "d".repeat(16),
    before: "b".repeat(64),
    after: "c".repeat(64),
    parts: { blobs: "", own: "", marker: "" },
    commits: [{
      revision: seq,
      time: 0,
      actor: "test",
      events: [new EntryAdded({ value: entry("a", "app:v1", { note }) })]
    }]
  })

/** Lines that name one another, as text. */
const chain = (...notes: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let prev = genesis
  for (const [place, note] of notes.entries()) {
    const { hash, text } = writeLine(record(place + 1, prev, note))
    lines.push(text)
    prev = hash
  }
  return lines
}

const journalOf = Effect.fnUntraced(function*(...texts: ReadonlyArray<string>) {
  const disk = yield* newDisk
  disk.write(journalPath.join("/"), texts.join(""))
  return disk
})

const seqs = (lines: ReadonlyArray<{ readonly record: JournalRecord }>) => lines.map(({ record }) => record.seq)
const text = (disk: Disk): string => disk.read(...journalPath)
const aside = (disk: Disk): ReadonlyArray<string> =>
  fs.readdirSync(disk.path(".ocilayout", "journal", "2")).filter((name) => name.startsWith("torn."))

describe("the end of a journal", () => {
  it.live("that does not exist or is empty is nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* readEnd((yield* newDisk).files), emptyJournal)
      const { files } = yield* journalOf("")
      assert.deepInclude(yield* readEnd(files), { last: undefined, size: 0, torn: 0 })
      assert.deepStrictEqual(yield* readLines(files), [])
    }))

  it.live("is its last line", () =>
    Effect.gen(function*() {
      const lines = chain("one", "two", "three")
      const { files } = yield* journalOf(...lines)
      const end = yield* readEnd(files)
      assert.strictEqual(end.last?.record.seq, 3)
      assert.deepInclude(end, { size: lines.join("").length, torn: 0 })
    }))

  it.live("is found in one short read, however long the journal is", () =>
    Effect.gen(function*() {
      const { files, told } = yield* journalOf(...chain(...Array.from({ length: 2000 }, (_, number) => `${number}`)))
      assert.strictEqual((yield* readEnd(files)).last?.record.seq, 2000)
      assert.strictEqual(told("read").length, 1)
    }))

  it.live("is not read again while the file is the same", () =>
    Effect.gen(function*() {
      const disk = yield* journalOf(...chain("one"))
      const { files, told } = disk
      const end = yield* readEnd(files)
      told()
      assert.strictEqual(yield* readEnd(files, end), end)
      assert.deepStrictEqual(told("read"), [])
      yield* appendRecord(files, end, record(2, end.last?.hash ?? ""))
      assert.strictEqual((yield* readEnd(files, end)).last?.record.seq, 2)
    }))

  const large = "x".repeat(100_000)
  const huge = "y".repeat(1_000_000)
  const shapes = [
    ["a last line longer than the first look", [large], "", 1],
    ["a last line longer than the second look", ["one", huge], "", 2],
    ["a tail longer than the first look", ["one", "two"], large, 2],
    ["a tail of many broken lines", ["one"], "{}\n".repeat(50_000), 1],
    ["nothing but a tail", [], huge, undefined],
    ["a line break alone", ["one"], "\n", 1],
    ["half a line", ["one", "two"], chain("one", "two", "three")[2]?.slice(0, 50), 2],
    ["a line without its break", ["one"], chain("one", "two")[1]?.slice(0, -1), 1]
  ] as const

  it.live.each(shapes)("is found past %s", ([, notes, tail = "", last]) =>
    Effect.gen(function*() {
      const lines = chain(...notes)
      const { files } = yield* journalOf(...lines, tail)
      const end = yield* readEnd(files)
      assert.strictEqual(end.last?.record.seq, last)
      assert.deepInclude(end, { size: lines.join("").length, torn: tail.length })
    }))

  it.live("is found where a line ends just where the first look begins, and around there", () =>
    Effect.gen(function*() {
      const [first = ""] = chain("one")
      for (const difference of [-1, 0, 1]) {
        const tail = "z".repeat(64 * 1024 + difference)
        const { files } = yield* journalOf(first, tail)
        const end = yield* readEnd(files)
        assert.deepInclude(end, { size: first.length, torn: tail.length })
        assert.strictEqual(end.last?.record.seq, 1)
      }
    }))
})

describe("a journal larger than any memory", () => {
  it.live("is lost, unless its end is a line, and none of it is read into memory", () =>
    Effect.gen(function*() {
      const [one = ""] = chain("one")
      const disk = yield* journalOf(one)
      fs.truncateSync(disk.path(...journalPath), 2 ** 40)
      assert.deepInclude(yield* readEnd(disk.files), { last: undefined, torn: 0, lost: true })
      assert.strictEqual((yield* Effect.flip(readLines(disk.files))).code, "EFBIG")
      fs.appendFileSync(disk.path(...journalPath), `\n${one}`)
      assert.strictEqual((yield* readEnd(disk.files)).size, 2 ** 40 + 1 + one.length)
      assert.strictEqual((yield* Effect.flip(readLines(disk.files))).code, "EFBIG")
    }))

  it.live("does not stop readers of the layout, and is put aside by the next write", () =>
    Effect.gen(function*() {
      const disk = yield* journalOf("")
      plainLayout(disk, [entry("a", "app:v1")])
      fs.truncateSync(disk.path(...journalPath), 2 ** 40)
      const { layout } = yield* disk.open()
      assert.lengthOf(yield* valuesIn(layout), 1)
      yield* add(layout, entry("b", "app:v2"))
      assert.lengthOf(yield* valuesIn(layout), 2)
      assert.isTrue(fs.readdirSync(disk.path(".ocilayout", "journal", "2")).some((name) => name.includes("damaged")))
    }))
})

describe("the lines of a journal", () => {
  it.live("are read back to where one does not name the one before", () =>
    Effect.gen(function*() {
      const [one = "", two = "", three = ""] = chain("one", "two", "three")
      const lines = (...texts: ReadonlyArray<string>) =>
        Effect.flatMap(journalOf(...texts), ({ files }) => Effect.map(readLines(files), seqs))
      assert.deepStrictEqual(yield* lines(one, two, three), [1, 2, 3])
      assert.deepStrictEqual(yield* lines(one, three), [3])
      assert.deepStrictEqual(yield* lines(two, three), [2, 3])
      assert.deepStrictEqual(yield* lines(one, two.replace("two", "2wo"), three), [3])
      assert.deepStrictEqual(yield* lines(one, "\n", two), [2])
      assert.deepStrictEqual(yield* lines(one, two.slice(0, -1)), [1])
      assert.deepStrictEqual(yield* lines(one, one), [1])
    }))
})

describe("appending", () => {
  it.live("makes the journal, and goes on with it", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { files } = disk
      const first = yield* appendRecord(files, emptyJournal, record(1, genesis))
      const second = yield* appendRecord(files, first, record(2, first.last?.hash ?? ""))
      assert.deepStrictEqual(seqs(yield* readLines(files)), [1, 2])
      assert.deepStrictEqual(yield* readEnd(files, second), second)
      assert.deepStrictEqual(yield* readEnd(files), { ...second, named: false })
    }))

  it.live("to a journal of another process syncs its name, once for each file", () =>
    Effect.gen(function*() {
      // Its maker may have died before syncing the folder.
      const disk = yield* journalOf(...chain("one"))
      const { files, told } = disk
      const end = yield* readEnd(files)
      told()
      const second = yield* appendRecord(files, end, record(2, end.last?.hash ?? ""))
      assert.include(told("syncDirectory"), "syncDirectory .ocilayout/journal/2")
      const third = yield* appendRecord(files, yield* readEnd(files, second), record(3, second.last?.hash ?? ""))
      assert.deepStrictEqual(told("syncDirectory"), [])
      // A process that moves the lines to a new file may die before that as well.
      const path = disk.path(...journalPath)
      fs.copyFileSync(path, `${path}.new`)
      fs.renameSync(`${path}.new`, path)
      yield* appendRecord(files, yield* readEnd(files, third), record(4, third.last?.hash ?? ""))
      assert.include(told("syncDirectory"), "syncDirectory .ocilayout/journal/2")
    }))

  it.live("that fails leaves the lines before, on a new inode", () =>
    Effect.gen(function*() {
      const [one = "", two = ""] = chain("one", "two")
      for (const operation of ["dataSync", "write"]) {
        const disk = yield* journalOf(one, two)
        const { files, intercept } = disk
        const end = yield* readEnd(files)
        const before = fs.statSync(disk.path(...journalPath)).ino
        intercept((call) =>
          call.operation === operation && call.path === journalPath.join("/") ? fails("EIO")(call) : Effect.void
        )
        const error = yield* Effect.flip(appendRecord(files, end, record(3, end.last?.hash ?? "")))
        assert.strictEqual(error.code, "EIO")
        assert.strictEqual(text(disk), one + two)
        assert.notStrictEqual(fs.statSync(disk.path(...journalPath)).ino, before)
        assert.deepStrictEqual(fs.readdirSync(disk.path(".ocilayout", "tmp")), [])
      }
    }))

  it.live("after one that failed, and could not be put right then, begins with that", () =>
    Effect.gen(function*() {
      const [one = "", two = ""] = chain("one", "two")
      const disk = yield* journalOf(one, two)
      const { files, intercept } = disk
      const end = yield* readEnd(files)
      const before = fs.statSync(disk.path(...journalPath)).ino
      let failing = false
      intercept((call) => {
        failing ||= call.operation === "dataSync"
        return failing ? fails("EIO")(call) : Effect.void
      })
      yield* Effect.flip(appendRecord(files, end, record(3, end.last?.hash ?? "")))
      intercept(() => Effect.void)
      yield* appendRecord(files, end, record(3, end.last?.hash ?? ""))
      assert.notStrictEqual(fs.statSync(disk.path(...journalPath)).ino, before)
      assert.deepStrictEqual(seqs(yield* readLines(files)), [1, 2, 3])
      const now = fs.statSync(disk.path(...journalPath)).ino
      yield* appendRecord(files, yield* readEnd(files), record(4, (yield* readEnd(files)).last?.hash ?? ""))
      assert.strictEqual(fs.statSync(disk.path(...journalPath)).ino, now)
    }))

  it.live("to a new journal that fails leaves an empty one", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.intercept((call) =>
        call.operation === "dataSync" && call.path.endsWith("ndjson") ? fails("ENOSPC")(call) : Effect.void
      )
      assert.strictEqual(
        (yield* Effect.flip(appendRecord(disk.files, emptyJournal, record(1, genesis)))).code,
        "ENOSPC"
      )
      assert.deepInclude(yield* readEnd(disk.files), { last: undefined, torn: 0 })
    }))
})

describe("a torn tail", () => {
  it.live("is cut off and kept aside", () =>
    Effect.gen(function*() {
      const [one = "", two = "", three = ""] = chain("one", "two", "three")
      const tail = three.slice(0, 70)
      const disk = yield* journalOf(one, two, tail)
      const end = yield* readEnd(disk.files)
      yield* cutTorn(disk.files, end)
      assert.strictEqual(text(disk), one + two)
      const [name = "", ...more] = aside(disk)
      assert.deepStrictEqual(more, [])
      assert.strictEqual(disk.read(".ocilayout", "journal", "2", name), tail)
      yield* appendRecord(disk.files, { ...end, torn: 0 }, record(3, end.last?.hash ?? ""))
      assert.deepStrictEqual(seqs(yield* readLines(disk.files)), [1, 2, 3])
    }))

  it.live("is not cut before it is safe aside", () =>
    Effect.gen(function*() {
      const [one = ""] = chain("one")
      const disk = yield* journalOf(one, "torn")
      const end = yield* readEnd(disk.files)
      disk.intercept((call) =>
        call.operation === "write" && call.path.includes("torn.") ? fails("ENOSPC")(call) : Effect.void
      )
      assert.strictEqual((yield* Effect.flip(cutTorn(disk.files, end))).code, "ENOSPC")
      assert.strictEqual(text(disk), `${one}torn`)
    }))
})
