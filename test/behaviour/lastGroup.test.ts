import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { nameOfHash } from "../../src/node/files/names.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { FormatUnsupported, StorageError } from "../../src/oci/OciError.ts"
import { add, type Disk, newDisk, plainLayout, valuesIn } from "../support/disk.ts"
import { entry } from "../support/entries.ts"
import { listing } from "../support/folders.ts"
import { fails } from "../support/watchedFs.ts"

const a1 = entry("a", "app:v1")
const b2 = entry("b", "app:v2")
const c3 = entry("c", "app:v3")
const journalFile = ".ocilayout/journal/2/current.ndjson"

const written = Effect.gen(function*() {
  const disk = yield* newDisk
  const { layout } = yield* disk.open()
  yield* add(layout, a1)
  const old = disk.read("index.json")
  yield* add(layout, b2)
  return { disk, layout, old }
})

const reopened = (disk: Disk) => Effect.map(disk.open(), ({ layout }) => layout)

/** What a power cut leaves that keeps one half of an exchange: the new index, and its waiting name as well. */
const waitAgain = (disk: Disk): string => {
  const last = disk.journal().at(-1)
  assert(last?.before !== undefined)
  const name = fs.readdirSync(disk.files.replaced).find((name) => name.includes(nameOfHash(last.after))) ?? ""
  fs.writeFileSync(join(disk.files.replaced, name), disk.read("index.json"))
  return name
}

describe("the last group of the journal", () => {
  it.live("has happened where the index carries its generation: its waiting file is gone before anything is answered", () =>
    Effect.gen(function*() {
      for (const order of [true, false]) {
        const { disk, old } = yield* written
        disk.pretendOrder(order)
        const waiting = waitAgain(disk)
        assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [a1, b2])
        assert.include(fs.readdirSync(disk.files.replaced), waiting, "a reader writes nothing")
        disk.told()
        yield* add(yield* reopened(disk))
        assert.notInclude(fs.readdirSync(disk.files.replaced), waiting)
        const calls = disk.told("unlink", "syncDirectory").filter((call) => call.includes("replaced"))
        assert.deepStrictEqual(calls, ["unlink .ocilayout/replaced/index", "syncDirectory .ocilayout/replaced"])
        // Nothing says any more that it did not happen.
        disk.write("index.json", old)
        assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [a1, b2])
      }
    }))

  it.live("is not answered where its waiting file cannot be removed, or that cannot be made to last", () =>
    Effect.gen(function*() {
      for (const failing of ["unlink .ocilayout/replaced/index", "syncDirectory .ocilayout/replaced"]) {
        const { disk } = yield* written
        waitAgain(disk)
        disk.intercept((call) => `${call.operation} ${call.path}` === failing ? fails("EIO")(call) : Effect.void)
        assert.instanceOf(yield* Effect.flip(add(yield* reopened(disk))), StorageError)
      }
    }))

  it.live("has not happened where its exchange failed: that is recorded and synced before its waiting file is removed", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      disk.told()
      disk.intercept((call) => call.operation === "exchange" ? fails("EIO")(call) : Effect.void)
      yield* Effect.flip(add(layout, c3))
      const calls = disk.told("write", "dataSync", "unlink", "exchange")
        .filter((call) => call.includes("replaced") || call.includes("journal") || call.includes("index.json"))
      assert.deepStrictEqual(calls.slice(0, 7), [
        "write .ocilayout/replaced/index",
        `write ${journalFile}`,
        `dataSync ${journalFile}`,
        "exchange index.json",
        `write ${journalFile}`,
        `dataSync ${journalFile}`,
        "unlink .ocilayout/replaced/index"
      ])
      assert.strictEqual(disk.journal().at(-1)?._tag, "Abort")
    }))

  it.live("keeps its waiting file where it cannot be recorded that it did not happen", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      let exchanged = false
      disk.intercept((call) => {
        if (call.operation === "exchange") exchanged = true
        return exchanged && (call.operation === "exchange" || call.path.startsWith(".ocilayout/journal"))
          ? fails("EIO")(call)
          : Effect.void
      })
      assert.strictEqual((yield* Effect.flip(add(layout, c3)))._tag, "OutcomeUnknown")
      disk.intercept(() => Effect.void)
      assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [a1, b2])
      // A process that only looks does not remove it, however old it is by its name.
      for (const name of fs.readdirSync(disk.files.replaced)) {
        const old = name.replace(/^\d+/u, String(Date.now() - 48 * 60 * 60 * 1000))
        fs.renameSync(join(disk.files.replaced, name), join(disk.files.replaced, old))
      }
      yield* add(yield* reopened(disk))
      assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [a1, b2])
      assert.deepStrictEqual((yield* add(yield* reopened(disk), c3)).revision, Option.some(3))
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))

  it.live("is not taken for published by a reader whom its writer overtakes in saying that it was not", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      const reached = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      let writer: Fiber.Fiber<unknown, unknown> | undefined
      let reading = false
      disk.intercept((call) => {
        if (call.operation === "exchange") {
          return Deferred.succeed(reached, undefined).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.andThen(fails("EIO")(call))
          )
        }
        // The reader has the end of the journal, and looks for the waiting file.
        if (!reading || call.operation !== "readDirectory" || call.path !== ".ocilayout/replaced") return Effect.void
        reading = false
        return Effect.andThen(
          Deferred.succeed(gate, undefined),
          writer === undefined ? Effect.void : Effect.asVoid(Fiber.await(writer))
        )
      })
      writer = yield* Effect.forkChild(add(layout, c3))
      yield* Deferred.await(reached)
      reading = true
      assert.deepStrictEqual(yield* valuesIn(yield* reopened(disk)), [a1, b2])
      assert.isFalse(reading)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(writer)))
    }))

  it.live("has happened where its exchange failed and was done, even if a tool has replaced the index since", () =>
    Effect.gen(function*() {
      const { disk, layout, old } = yield* written
      const d4 = entry("d", "app:v4")
      disk.intercept((call) => {
        if (call.operation !== "exchange") return Effect.void
        disk.intercept(() => Effect.void)
        const waiting = fs.readdirSync(disk.files.replaced).toSorted().at(-1) ?? ""
        return nodeFs.exchange(join(disk.files.replaced, waiting), disk.path("index.json")).pipe(
          Effect.andThen(Effect.sync(() => {
            // By a tool that had read the index long before.
            disk.write("index.json.new", JSON.stringify({ ...JSON.parse(old) as object, manifests: [a1, d4] }))
            fs.renameSync(disk.path("index.json.new"), disk.path("index.json"))
          })),
          Effect.andThen(fails("EIO")(call))
        )
      })
      assert.deepStrictEqual((yield* add(layout, c3)).revision, Option.some(3))
      assert.deepStrictEqual(disk.journal().map(({ _tag }) => _tag), ["Group", "Group", "Group"])
      assert.sameDeepMembers([...yield* valuesIn(yield* reopened(disk))], [a1, b2, c3, d4])
      yield* add(yield* reopened(disk))
      assert.sameDeepMembers([...disk.entries()], [a1, b2, c3, d4])
    }))
})

describe("a journal with a line of a later format", () => {
  const later = `{"v":3,"h":"${"0".repeat(64)}","e":{"_tag":"Unheard"}}`

  for (
    const [name, line] of [["whole", `${later}\n`], ["cut short", later.slice(0, 30)], ["barely begun", `{"v":12,`]]
  ) {
    it.live(`${name}, is neither read nor written, and nothing of it is changed`, () =>
      Effect.gen(function*() {
        const { disk } = yield* written
        fs.appendFileSync(disk.path(journalFile), line ?? "")
        const before = listing(disk.root, { except: [".ocilayout/holder", ".ocilayout/tmp"] })
        const { journal, layout, upkeep } = yield* disk.open()
        const version = line?.startsWith(`{"v":12`) === true ? 12 : 3
        const refused = new FormatUnsupported({ path: journalFile, version })
        assert.deepStrictEqual(yield* Effect.flip(layout.snapshot), refused)
        assert.deepStrictEqual(yield* Effect.flip(add(layout, c3)), refused)
        assert.deepStrictEqual(yield* Effect.flip(add(layout)), refused)
        assert.deepStrictEqual(yield* Effect.flip(journal.stateAt(1)), refused)
        fs.rmSync(disk.path("index.json"))
        assert.deepStrictEqual(yield* Effect.flip(upkeep.restoreIndex([])), refused)
        assert.deepStrictEqual(
          listing(disk.root, { except: [".ocilayout/holder", ".ocilayout/tmp"] }),
          before.filter((path) => !path.startsWith("index.json "))
        )
      }))
  }

  it.live("is seen by one who has it open", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written
      fs.appendFileSync(disk.path(journalFile), `${later}\n`)
      assert.strictEqual((yield* Effect.flip(add(layout, c3)))._tag, "FormatUnsupported")
    }))

  it.live("but one of no format that we know of is a write that was cut short", () =>
    Effect.gen(function*() {
      const { disk } = yield* written
      for (const text of [`{"v":1,"h":"`, `{"h":"`, `{"v":`, `{"v":-3,`]) {
        fs.appendFileSync(disk.path(journalFile), text)
        yield* add(yield* reopened(disk), entry("c", `app:${text.length}${disk.entries().length}`))
      }
      assert.strictEqual(disk.entries().length, 6)
    }))
})

describe("the journal of version 0.1.0", () => {
  it.live("is left alone, and its layout is taken on as any other", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const old = ".ocilayout/journal/000001.ndjson"
      const text = `${JSON.stringify({ h: "0".repeat(64), r: { _tag: "Commit", seq: 1 } })}\n{"h":"cut sh`
      plainLayout(disk, [a1])
      disk.write(old, text)
      const layout = yield* reopened(disk)
      assert.deepStrictEqual(yield* valuesIn(layout), [a1])
      assert.deepStrictEqual((yield* add(layout, b2)).revision, Option.some(2))
      assert.deepStrictEqual(disk.journal().flatMap(({ commits = [] }) => commits).map(({ actor }) => actor), [
        "foreign",
        "library"
      ])
      assert.strictEqual(disk.read(old), text)
    }))
})
