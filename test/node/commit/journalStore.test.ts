import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fs from "node:fs"
import type { Commit } from "../../../src/layout/Commit.ts"
import { EntryAdded } from "../../../src/layout/Event.ts"
import { HistoryInvalid, RevisionUnknown } from "../../../src/oci/OciError.ts"
import type { Journal } from "../../../src/ops/ports/Journal.ts"
import type { Stores } from "../../../src/ops/ports/Stores.ts"
import { add, type Disk, newDisk, plainLayout } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { fails } from "../../support/watchedFs.ts"

/** Each commit in a segment of its own. */
const history = { segmentBytes: 1, segmentIndexes: 0 }

const value = (number: number) => entry("abcdef0123456789"[number % 16] ?? "a", `app:v${number}`)

const commit = (stores: Stores, number: number) => add(stores.layout, value(number))

const written = Effect.fnUntraced(function*(commits: number, options: Parameters<Disk["open"]>[0] = { history }) {
  const disk = yield* newDisk
  const stores = yield* disk.open(options)
  for (let number = 1; number <= commits; number++) yield* commit(stores, number)
  return { disk, stores }
})

const all = ({ commits }: Journal, before?: number) =>
  Effect.map(Stream.runCollect(commits({ before })), (found): ReadonlyArray<Commit> => found)

const revisions = (journal: Journal, before?: number) =>
  Effect.map(all(journal, before), (commits) => commits.map(({ revision }) => revision))

/** What a stream tells before it fails, and what it fails with. */
const told = Effect.fnUntraced(function*({ commits }: Journal) {
  const seen: Array<number> = []
  const end = yield* Effect.result(
    Stream.runForEach(commits(), ({ revision }) => Effect.sync(() => void seen.push(revision)))
  )
  return { seen, error: Result.isFailure(end) ? end.failure : undefined }
})

const namesAt = (journal: Journal, revision: number) =>
  Effect.map(journal.stateAt(revision), ({ entries }) => entries.map(({ refName }) => refName))

const segments = (disk: Disk): ReadonlyArray<string> =>
  fs.readdirSync(disk.path(".ocilayout", "journal", "2")).toSorted()
const segment = (revision: number): string => `before-${String(revision).padStart(15, "0")}.ndjson`
const pathOf = (revision: number): string => `.ocilayout/journal/2/${segment(revision)}`

describe("a journal in segments", () => {
  it.live("tells all commits, newest first, to every reader, and each state", () =>
    Effect.gen(function*() {
      const { disk, stores } = yield* written(4)
      assert.deepStrictEqual(segments(disk), [segment(2), segment(3), segment(4), "current.ndjson"])
      for (const journal of [stores.journal, (yield* disk.open()).journal]) {
        assert.deepStrictEqual(yield* revisions(journal), [4, 3, 2, 1])
        assert.deepStrictEqual(yield* revisions(journal, 3), [2, 1])
        for (const revision of [0, 1, 2, 3, 4]) {
          const expected = [1, 2, 3, 4].slice(0, revision).map((number) => `app:v${number}`)
          assert.deepStrictEqual(yield* namesAt(journal, revision), expected)
        }
        const unknown = yield* Effect.flip(namesAt(journal, 5))
        assert.deepStrictEqual(unknown, new RevisionUnknown({ asked: "revision 5", newest: 4 }))
      }
    }))

  it.live("begins a segment only when the one before is long, and is opened by reading that alone", () =>
    Effect.gen(function*() {
      const { disk } = yield* written(40, { history: { segmentBytes: 4000, segmentIndexes: 2 } })
      assert.isAtLeast(segments(disk).length, 3)
      assert.isAtMost(segments(disk).length, 15)
      disk.told()
      const { journal, layout } = yield* disk.open()
      assert.strictEqual((yield* layout.snapshot).entries.length, 40)
      assert.deepStrictEqual(disk.told("read").filter((path) => path.includes("before-")), [])
      assert.strictEqual((yield* all(journal)).length, 40)
    }))

  it.live("takes in what others did to an index of an earlier segment", () =>
    Effect.gen(function*() {
      const { disk } = yield* written(1)
      const old = JSON.parse(disk.read("index.json")) as { readonly manifests: ReadonlyArray<unknown> }
      const stores = yield* disk.open({ history })
      for (const number of [2, 3, 4]) yield* commit(stores, number)
      disk.write("index.json", JSON.stringify({ ...old, manifests: [...old.manifests, entry("e", "foreign:f")] }))
      const names = (yield* (yield* disk.open()).layout.snapshot).entries.map(({ refName }) => refName)
      assert.sameMembers(names, ["app:v1", "app:v2", "app:v3", "app:v4", "foreign:f"])
    }))

  it.live("is not taken for damaged when it is written while it is read, in this segment or the next", () =>
    Effect.gen(function*() {
      for (const options of [{}, { history }]) {
        const { disk, stores } = yield* written(1, options)
        const old = disk.read("index.json")
        for (const number of [2, 3]) yield* commit(stores, number)
        const stale = JSON.parse(old) as { readonly manifests: ReadonlyArray<unknown> }
        disk.write("index.json", JSON.stringify({ ...stale, manifests: [...stale.manifests, entry("e", "foreign:f")] }))
        const reader = yield* disk.open()
        let opens = 0
        disk.intercept((call) => {
          if (call.operation !== "open" || !call.path.endsWith("current.ndjson") || ++opens !== 2) return Effect.void
          return Effect.orDie(Effect.asVoid(commit(stores, 4)))
        })
        const names = (yield* reader.layout.snapshot).entries.map(({ refName }) => refName)
        assert.isAtLeast(opens, 2)
        assert.includeMembers(names, ["app:v1", "app:v2", "app:v3", "foreign:f"])
      }
    }))

  it.effect("accepts a copy of an index of an earlier segment that was restored a day after it was superseded", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const now = Date.now()
      yield* TestClock.setTime(now - 25 * 60 * 60 * 1000)
      plainLayout(disk, [entry("e", "foreign:f")])
      const plain = disk.read("index.json")
      const stores = yield* disk.open({ history })
      for (const number of [1, 2]) yield* commit(stores, number)
      const first = disk.read("index.json")
      for (const number of [3, 4]) yield* commit(stores, number)
      fs.utimesSync(disk.path("oci-layout"), 0, 0)
      yield* TestClock.setTime(now + 60_000)
      for (const [copy, names] of [[first, ["foreign:f", "app:v1", "app:v2"]], [plain, ["foreign:f"]]] as const) {
        disk.write("index.json", copy)
        const { entries } = yield* (yield* disk.open()).layout.snapshot
        assert.deepStrictEqual(entries.map(({ refName }) => refName), [...names])
      }
    }))

  it.live("goes on in the old segment when no new one can be begun", () =>
    Effect.gen(function*() {
      for (const operation of ["link", "rename"]) {
        const { disk, stores } = yield* written(2)
        disk.intercept((call) =>
          call.operation === operation && call.path.includes("journal/") ? fails("EIO")(call) : Effect.void
        )
        yield* Effect.flip(commit(stores, 3))
        disk.intercept(() => Effect.void)
        yield* commit(stores, 3)
        assert.deepStrictEqual(yield* revisions((yield* disk.open()).journal), [3, 2, 1])
      }
    }))

  it.live("keeps segments by copies where files cannot have two names", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.intercept((call) => call.operation === "link" ? fails("EPERM")(call) : Effect.void)
      const stores = yield* disk.open({ history })
      for (const number of [1, 2, 3]) yield* commit(stores, number)
      assert.deepStrictEqual(yield* revisions(stores.journal), [3, 2, 1])
    }))

  it.live("lets go of segments that are old and many commits ago, and says of no commit before that there was none", () =>
    Effect.gen(function*() {
      const { disk } = yield* written(4)
      const year = 365 * 24 * 60 * 60 * 1000
      const kept = yield* disk.open({ history: { ...history, keep: year, keepCommits: 2 } })
      yield* commit(kept, 5)
      assert.include(segments(disk), segment(2))
      const stores = yield* disk.open({ history: { ...history, keep: 0, keepCommits: 2 } })
      yield* commit(stores, 6)
      assert.deepStrictEqual(segments(disk), [segment(5), segment(6), "current.ndjson"])
      const { journal } = yield* disk.open()
      assert.deepStrictEqual(yield* revisions(journal), [6, 5, 4])
      assert.strictEqual((yield* namesAt(journal, 3)).length, 3)
      assert.deepStrictEqual(
        yield* Effect.flip(namesAt(journal, 2)),
        new RevisionUnknown({ asked: "revision 2", newest: 6, oldest: 3 })
      )
    }))
})

describe("a history that was tampered with", () => {
  it.live("is told up to there, and that it goes on otherwise", () =>
    Effect.gen(function*() {
      const edits: ReadonlyArray<(disk: Disk) => void> = [
        (disk) => fs.rmSync(disk.path(pathOf(3))),
        (disk) => disk.write(pathOf(3), ""),
        (disk) => disk.write(pathOf(3), disk.read(pathOf(3)).replace("app:v2", "app:x2")),
        (disk) => disk.write(pathOf(3), disk.read(pathOf(2))),
        (disk) => disk.write(pathOf(3), disk.read(pathOf(3)).split("\n").slice(0, 1).join("\n"))
      ]
      for (const edit of edits) {
        const { disk } = yield* written(4)
        edit(disk)
        const { journal, layout } = yield* disk.open()
        const { error, seen } = yield* told(journal)
        assert.deepStrictEqual(seen, [4, 3])
        assert.instanceOf(error, HistoryInvalid)
        assert.strictEqual(error.from, 3)
        assert.strictEqual((yield* layout.snapshot).entries.length, 4)
        yield* commit(yield* disk.open({ history }), 5)
      }
    }))

  it.live("tells no state that it was edited to lead to, nor is confused by a name that a crash has left", () =>
    Effect.gen(function*() {
      const { disk } = yield* written(4)
      fs.copyFileSync(disk.path(pathOf(4)), disk.path(pathOf(5)))
      const stores = yield* disk.open()
      for (const revision of [1, 2, 3, 4]) {
        assert.strictEqual((yield* stores.journal.stateAt(revision)).entries.length, revision)
      }
      disk.write(pathOf(3), disk.read(pathOf(3)).replace("app:v2", "app:x2"))
      assert.instanceOf(yield* Effect.flip(stores.journal.stateAt(2)), HistoryInvalid)
      assert.strictEqual((yield* stores.journal.stateAt(3)).entries.length, 3)
    }))

  it.live("in the segment being written is put aside by the next write, and begins anew with what is there", () =>
    Effect.gen(function*() {
      const { disk } = yield* written(4, {})
      const path = ".ocilayout/journal/2/current.ndjson"
      disk.write(path, disk.read(path).replace("app:v3", "app:x3"))
      fs.appendFileSync(disk.path("index.json"), "\n")
      const stores = yield* disk.open()
      const { error, seen } = yield* told(stores.journal)
      assert.deepStrictEqual(seen, [1])
      assert.instanceOf(error, HistoryInvalid)
      yield* commit(stores, 5)
      assert.deepStrictEqual(yield* revisions(stores.journal), [2, 1])
      assert.isTrue(segments(disk).some((name) => name.includes("damaged")))
    }))
})

describe("what others did", () => {
  it.live("is no earlier than what came before it, even if the times of files say so", () =>
    Effect.gen(function*() {
      const { disk, stores } = yield* written(2, {})
      disk.foreign(value(1), value(2), value(3))
      fs.utimesSync(disk.path("index.json"), 1, 1)
      const [pending, last] = yield* all(stores.journal)
      assert.isAtLeast(pending?.time ?? 0, last?.time ?? Number.NaN)
    }))

  it.live("is told before it is recorded, as the commit it then becomes", () =>
    Effect.gen(function*() {
      const { disk, stores } = yield* written(2, {})
      disk.foreign(value(1), value(2), value(3))
      const [pending, ...past] = yield* all(stores.journal)
      assert.deepInclude(pending, { revision: 3, actor: "foreign", events: [new EntryAdded({ value: value(3) })] })
      assert.strictEqual(pending?.time, Math.trunc(fs.statSync(disk.path("index.json")).mtimeMs))
      assert.deepStrictEqual(past.map(({ revision }) => revision), [2, 1])
      assert.strictEqual((yield* stores.journal.stateAt(3)).entries.length, 3)
      yield* commit(stores, 4)
      const [ours, theirs] = yield* all(stores.journal)
      assert.deepInclude(ours, { revision: 4, actor: "library" })
      assert.deepInclude(theirs, { revision: 3, actor: "foreign" })
    }))

  it.live("is the first commit of a layout that we have never written, and reading it leaves no trace", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [value(1), value(2)])
      const { journal } = yield* disk.open()
      const [commit, ...none] = yield* all(journal)
      assert.deepInclude(commit, { revision: 1, actor: "foreign" })
      assert.deepStrictEqual(none, [])
      assert.deepStrictEqual(yield* namesAt(journal, 0), [])
      assert.deepStrictEqual(yield* namesAt(journal, 1), ["app:v1", "app:v2"])
      assert.isFalse(fs.existsSync(disk.path(".ocilayout")))
    }))

  it.live("and what was never published is no commit", () =>
    Effect.gen(function*() {
      const { disk, stores } = yield* written(1, {})
      disk.intercept((call) => call.operation === "exchange" ? Effect.sleep(400) : Effect.void)
      const writer = yield* Effect.forkChild(commit(stores, 2))
      yield* Effect.sleep(200)
      const other = yield* disk.open()
      assert.deepStrictEqual(yield* revisions(other.journal), [1])
      assert.instanceOf(yield* Effect.flip(other.journal.stateAt(2)), RevisionUnknown)
      yield* Fiber.join(writer)
      assert.deepStrictEqual(yield* revisions(other.journal), [2, 1])
    }))
})
