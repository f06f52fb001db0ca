import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import * as fs from "node:fs"
import { join } from "node:path"
import { GroupRecord, writeLine } from "../../../src/node/journal/journalRecord.ts"
import { add, type Disk, newDisk, plainLayout, sha256, valuesIn } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { fails } from "../../support/watchedFs.ts"

const a1 = entry("a", "app:v1")
const b2 = entry("b", "app:v2")
const c3 = entry("c", "app:v3")
const d4 = entry("d", "app:v4")
const journalFile = ".ocilayout/journal/2/current.ndjson"

/** A layout of ours with one commit, opened. */
const written = Effect.gen(function*() {
  const disk = yield* newDisk
  const stores = yield* disk.open()
  yield* add(stores.layout, a1)
  return { disk, ...stores }
})

const displacedIn = (disk: Disk): ReadonlyArray<string> => fs.readdirSync(disk.files.replaced)

const actorsOf = (disk: Disk) => disk.journal().map(({ commits }) => commits?.map(({ actor }) => actor))

/** Does something once, in front of the exchange. */
const beforeExchange = (disk: Disk, act: () => void): void => {
  let first = true
  disk.intercept(({ operation }) =>
    Effect.sync(() => {
      if (!first || operation !== "exchange") return
      first = false
      act()
    })
  )
}

/** The index with other entries, as a tool writes it that keeps what it does not know. */
const withEntries = (text: string, ...manifests: ReadonlyArray<unknown>): string =>
  JSON.stringify({ ...JSON.parse(text) as object, manifests })

describe("an index that another tool replaced between our last look and the exchange", () => {
  it.live("is merged before any answer, what it removed included", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      beforeExchange(disk, () => {
        fs.writeFileSync(disk.path("index.json.new"), withEntries(disk.read("index.json"), b2, c3))
        fs.renameSync(disk.path("index.json.new"), disk.path("index.json"))
      })
      const { revision } = yield* add(layout, d4)
      assert.deepStrictEqual(revision, Option.some(3))
      assert.deepStrictEqual(disk.entries(), [b2, d4, c3])
      assert.deepStrictEqual(yield* valuesIn(layout), [b2, d4, c3])
      assert.deepStrictEqual(actorsOf(disk), [["library"], ["library"], ["library"], ["foreign"]])
    }))

  it.live("by a tool that keeps no annotations removes and moves what it found, and nothing that we have set", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const [x, y] = [entry("1", "app:x"), entry("2", "app:y")]
      plainLayout(disk, [x, y])
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      const [moved, overruled] = [entry("3", "app:y"), entry("f", "app:v2")]
      beforeExchange(
        disk,
        () => disk.write("index.json", JSON.stringify({ schemaVersion: 2, manifests: [moved, overruled, c3] }))
      )
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2, moved, c3])
    }))

  it.live("that says what a version since its base said is stale, also where another tool had the last word", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const moved = entry("e", "app:v2")
      const before = disk.read("index.json")
      disk.foreign(a1, moved, c3)
      beforeExchange(disk, () => disk.write("index.json", before))
      yield* add(layout, d4)
      assert.deepStrictEqual(disk.entries(), [a1, moved, c3, d4])
    }))

  it.live("that others had rewritten before is merged with what no version said, removals included", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const moved = entry("e", "app:v2")
      disk.foreign(a1, moved, c3)
      const again = entry("f", "app:v2")
      beforeExchange(disk, () => disk.foreign(again, c3))
      yield* add(layout, d4)
      assert.deepStrictEqual(disk.entries(), [c3, d4, again])
    }))

  it.live("in place and not to its end is waited for", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      beforeExchange(disk, () => {
        const whole = withEntries(disk.read("index.json"), a1, c3)
        const fd = fs.openSync(disk.path("index.json"), "r+")
        fs.ftruncateSync(fd)
        fs.writeSync(fd, whole.slice(0, 40), 0)
        setTimeout(() => {
          fs.writeSync(fd, whole, 0)
          fs.closeSync(fd)
        }, 30)
      })
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))

  it.live("stays for the next writer where it cannot be merged now, and what we were asked for is done", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      let exchanges = 0
      disk.intercept((call) => {
        if (call.operation === "exchange" && exchanges++ === 0) disk.foreign(a1, c3)
        return call.operation === "write" && call.path.startsWith(".ocilayout/replaced") && exchanges === 1
          ? fails("ENOSPC")(call)
          : Effect.void
      })
      assert.deepStrictEqual((yield* add(layout, b2)).revision, Option.some(2))
      assert.deepStrictEqual(disk.entries(), [a1, b2])
      disk.intercept(() => Effect.void)
      yield* add((yield* disk.open()).layout)
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))
})

describe("an index that was replaced while a tool had it open", () => {
  it.live("is merged by the next writer: what it adds, what it moves, and what it removes of what it knew", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const stale = disk.read("index.json")
      const fd = fs.openSync(disk.path("index.json"), "r+")
      yield* add(layout, c3)
      const moved = entry("e", "app:v1")
      const late = withEntries(stale, moved, d4)
      fs.ftruncateSync(fd)
      fs.writeSync(fd, late, 0)
      fs.closeSync(fd)
      assert.deepStrictEqual(yield* valuesIn(layout), [a1, b2, c3], "it is not read yet")
      yield* add((yield* disk.open()).layout)
      assert.deepStrictEqual(disk.entries(), [c3, moved, d4])
      assert.deepStrictEqual(actorsOf(disk).at(-1), ["foreign"])
      assert.isFalse(
        displacedIn(disk).some((name) => fs.readFileSync(disk.path(".ocilayout/replaced", name), "utf8") === late)
      )
    }))

  it.live("does not undo what the same tool has written since", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      const fd = fs.openSync(disk.path("index.json"), "r+")
      const stale = disk.read("index.json")
      yield* add(layout, b2)
      const first = withEntries(stale, a1, c3)
      fs.ftruncateSync(fd)
      fs.writeSync(fd, first, 0)
      fs.closeSync(fd)
      const again = entry("e", "app:v3")
      disk.write("index.json", withEntries(disk.read("index.json"), a1, b2, again))
      yield* add(layout, d4)
      assert.deepStrictEqual(disk.entries(), [a1, b2, again, d4])
    }))

  it.live("and not finished stays, and stops no write", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      const fd = fs.openSync(disk.path("index.json"), "r+")
      yield* add(layout, b2)
      fs.ftruncateSync(fd)
      fs.writeSync(fd, `{"schemaVersion":2,"mani`, 0)
      yield* add(layout, c3)
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
      fs.writeSync(fd, JSON.stringify({ schemaVersion: 2, manifests: [a1, d4] }), 0)
      fs.closeSync(fd)
      yield* add(layout)
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3, d4])
    }))

  it.live("adds only new names where the journal does not know it", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const [name = ""] = displacedIn(disk)
      const stranger = name.replace(/\.[\w-]{43}\./u, `.${"0".repeat(64)}.`)
      const manifests = [entry("f", "app:v1"), d4]
      fs.writeFileSync(join(disk.files.replaced, stranger), JSON.stringify({ schemaVersion: 2, manifests }))
      yield* add(layout)
      assert.deepStrictEqual(disk.entries(), [a1, b2, d4])
      assert.notInclude(displacedIn(disk), stranger)
    }))
})

describe("a displaced index", () => {
  it.live("is watched for a minute, then it is gone, except that of the last line", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const [first = "", second = ""] = displacedIn(disk).toSorted()
      const aged = (name: string, seconds: number): string => {
        const old = name.replace(/^\d+/u, (since) => String(Number(since) - seconds * 1000))
        fs.renameSync(join(disk.files.replaced, name), join(disk.files.replaced, old))
        return old
      }
      const young = aged(first, 50)
      const last = aged(second, 70)
      yield* add(layout)
      assert.sameMembers([...displacedIn(disk)], [young, last])
      const old = aged(young, 20)
      yield* add(layout)
      assert.sameMembers([...displacedIn(disk)], [last])
      assert.notInclude(displacedIn(disk), old)
      yield* add(layout, c3)
      assert.notInclude(displacedIn(disk), last)
    }))

  it.live("is one of few, however many writes there are", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      for (let tag = 0; tag < 40; tag++) yield* add(layout, entry("b", `app:w${tag}`))
      assert.isAtMost(displacedIn(disk).length, 33)
    }))

  it.live("that never became an index is gone after a day, and names that are none stay", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      const name = (hours: number): string =>
        `${Date.now() - hours * 3_600_000}.${"1".repeat(64)}.${"2".repeat(64)}.${"3".repeat(32)}`
      const names = [name(23), name(25), "notes.txt"]
      for (const each of names) fs.writeFileSync(join(disk.files.replaced, each), "{")
      yield* add(layout, b2)
      const left = displacedIn(disk)
      assert.deepStrictEqual(names.map((each) => left.includes(each)), [true, false, true])
    }))

  it.effect("is looked at again when its time is over, even without a write", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      yield* TestClock.setTime(Date.now())
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      const late = join(disk.files.replaced, displacedIn(disk)[0] ?? "")
      yield* add(layout, b2)
      fs.writeFileSync(late, withEntries(disk.read("index.json"), a1, b2, c3))
      yield* TestClock.adjust("61 seconds")
      while (fs.existsSync(late)) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))
})

describe("an intent whose index still waits", () => {
  it.live("never happened, even if the index was overwritten since", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      yield* add(layout, b2)
      const stale = disk.read("index.json")
      const last = disk.journal().at(-1)
      assert(last !== undefined)
      // A process that dies between its intent and the exchange leaves these two.
      const waiting = withEntries(stale, a1, b2, d4)
      const lines = disk.read(journalFile)
      const [, hash = ""] = /^\{"v":2,"h":"([0-9a-f]{64})"/u.exec(lines.trimEnd().split("\n").at(-1) ?? "") ?? []
      const record = new GroupRecord({
        journal: last.journal,
        seq: last.seq + 1,
        prev: hash,
        id: "0".repeat(16),
        before: sha256(stale),
        after: sha256(waiting),
        parts: { blobs: "", own: "", marker: "" },
        commits: [{ revision: 3, time: Date.now(), actor: "dead", events: [] }]
      })
      fs.appendFileSync(disk.path(journalFile), writeLine(record).text)
      const name = `${Date.now()}.${record.before}.${record.after}.${"0".repeat(32)}`
      fs.writeFileSync(join(disk.files.replaced, name), waiting)
      // And then a tool writes that had read the index before.
      disk.write("index.json", withEntries(stale, a1, b2, c3))

      const reader = (yield* disk.open()).layout
      assert.deepStrictEqual(yield* valuesIn(reader), [a1, b2, c3])
      const { revision } = yield* add(reader, entry("e", "app:v5"))
      assert.deepStrictEqual(revision, Option.some(4))
      assert.deepStrictEqual(disk.journal().map(({ _tag }) => _tag), ["Group", "Group", "Group", "Abort", "Group"])
    }))

  it.live("but an acknowledged one that a stale rewrite covers has happened", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [a1])
      const { layout } = yield* disk.open()
      yield* add(layout, b2)
      const stale = disk.read("index.json")
      yield* add(layout, c3)
      disk.write("index.json", withEntries(stale, a1, b2, d4))
      assert.deepStrictEqual(yield* valuesIn((yield* disk.open()).layout), [a1, b2, d4, c3])
    }))
})
