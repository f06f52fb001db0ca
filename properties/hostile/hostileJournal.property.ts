/** A journal, whatever its bytes, never keeps a layout from being read and written; what it says is read or set aside. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, type Schema, Stream } from "effect"
import fc from "fast-check"
import * as fs from "node:fs"
import { EntryAdded, EntryRemoved, EntryReplaced, type Event, isNote } from "../../src/layout/Event.ts"
import {
  AbortRecord,
  generationText,
  genesis,
  GroupRecord,
  isOfGroup,
  isSpent,
  type JournalRecord,
  nextRevision,
  parseGeneration,
  readLine,
  sha256,
  SnapshotRecord,
  writeLine
} from "../../src/node/journal/journalRecord.ts"
import { parseJson } from "../../src/oci/Json.ts"
import { HistoryInvalid } from "../../src/oci/OciError.ts"
import type { Stores } from "../../src/ops/ports/Stores.ts"
import { add, type Disk, newDisk, plainLayout, valuesIn } from "../../test/support/disk.ts"
import { digest, entry } from "../../test/support/entries.ts"
import { leftovers, makeOld } from "../../test/support/folders.ts"
import { figures } from "../support/figures.ts"
import { assertHolds } from "../support/fuzz.ts"
import { mutatedBytes } from "../support/mutate.ts"
import { jsonMutator } from "../support/mutateJson.ts"
import { type Random, randomOf } from "../support/random.ts"
import { isWhole, runs } from "../support/share.ts"
import { assertTold } from "../support/told.ts"

const journal = "0123456789abcdef".repeat(2)
const [a1, b2, c3] = [entry("a", "app:v1"), entry("b", "app:v2"), entry("c", "app:v3")]

const group = (seq: number, before: string, after: string, ...events: ReadonlyArray<Event>) => ({
  journal,
  seq,
  id: String(seq).padStart(16, "0"),
  before,
  after,
  parts: { blobs: "", own: "", marker: "" },
  commits: [{ revision: seq, time: seq, actor: "test", events }] as const
})

/** What a journal may hold, without the chain. */
const records = (index: string): ReadonlyArray<Omit<GroupRecord, "_tag" | "prev">> => [
  group(1, "0".repeat(64), "1".repeat(64), new EntryAdded({ value: a1 }), new EntryAdded({ value: b2 })),
  group(
    2,
    "1".repeat(64),
    "2".repeat(64),
    new EntryReplaced({ refName: "app:v1", digest: digest("a"), occurrence: 0, from: a1, to: c3 })
  ),
  group(
    3,
    "2".repeat(64),
    index,
    new EntryRemoved({ refName: "app:v2", digest: digest("b"), occurrence: 0, value: b2 })
  )
]

/** The first line of a later segment, which goes on from a line that is in another file. */
const snapshot = (prev: string): SnapshotRecord =>
  new SnapshotRecord({
    journal,
    seq: 1,
    prev,
    revision: 1,
    started: 0,
    time: 0,
    oldest: 1,
    after: "0".repeat(64),
    id: "",
    parts: { blobs: "", own: "", marker: "" },
    entries: [a1]
  })

const bodyOf = (record: JournalRecord): string =>
  writeLine(record).text.slice(`{"v":2,"h":"${genesis}","e":`.length, -2)

const bodies: ReadonlyArray<Buffer> = [
  ...records("3".repeat(64)).map((record) => new GroupRecord({ ...record, prev: genesis })),
  snapshot(genesis),
  new AbortRecord({ journal, seq: 4, prev: genesis, aborts: 3, after: "2".repeat(64), revision: 3, time: 3 })
].map((record) => Buffer.from(bodyOf(record)))

/** The line of anybody who can compute a hash. */
const hashed = (body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`{"v":2,"h":"${sha256(body)}","e":`), body, Buffer.from("}")])

const mutatedBody = jsonMutator(bodies)

const far = ["9007199254740991", "9007199254740990", "999999999999999", "1000000000000000"]

/** With a number at the end of all numbers, or nested without end. */
const extreme = (random: Random, body: Buffer): Buffer => {
  const deep = random.pick([100, 10_000])
  const value = random.once(2) ? random.pick(far) : `${"[".repeat(deep)}${"]".repeat(deep)}`
  const field = random.pick(["seq", "revision", "aborts", "size", "size"])
  return Buffer.from(body.toString("latin1").replace(new RegExp(`(?<="${field}":)\\d+`, "u"), value), "latin1")
}

const body = (random: Random): Buffer => {
  const drawn = mutatedBody(random)
  return random.once(6) ? extreme(random, drawn) : drawn
}

const line = (random: Random): Buffer =>
  random.once(2) ? hashed(body(random)) : mutatedBytes(random, bodies.map(hashed))

const entriesIn = (record: JournalRecord): ReadonlyArray<Schema.Json> => {
  if (record._tag === "Abort") return []
  if (record._tag === "Snapshot") return record.entries
  return record.commits.flatMap(({ events }) =>
    events.flatMap((event) => {
      if (isNote(event)) return []
      return event._tag === "EntryReplaced" ? [event.from, event.to] : [event.value]
    })
  )
}

const readIndexOf = (manifests: ReadonlyArray<Schema.Json>) =>
  parseJson(Buffer.from(JSON.stringify({ manifests })), { maxDepth: 64, duplicateKeys: "lastWins" })

describe("a line of a journal", () => {
  it("is read, and can be followed by another, or is refused", () => {
    assertHolds({
      name: "journal lines",
      perRun: 200,
      draw: line,
      kinds: ["read", "refused", "spent"],
      hold: (bytes) => {
        const read = readLine(bytes.toString("utf8"))
        if (Result.isFailure(read)) {
          assert.isNotEmpty(read.failure)
          return "refused"
        }
        const { hash, record } = read.success
        for (const value of entriesIn(record)) {
          assert.isTrue(Result.isSuccess(readIndexOf([value])), "an index could hold its entries")
        }
        const again = writeLine(record)
        const said = Result.map(readLine(again.text.slice(0, -1)), ({ record }) => writeLine(record).hash)
        assert.deepStrictEqual(said, Result.succeed(again.hash))
        if (isSpent(read.success)) return "spent"
        const next = new GroupRecord({
          journal: record.journal,
          seq: record.seq + 1,
          prev: hash,
          id: "0123456789abcdef",
          before: "",
          after: "",
          parts: { blobs: "", own: "", marker: "" },
          commits: [{ revision: nextRevision(read.success), time: 0, actor: "", events: [] }]
        })
        assert.deepStrictEqual(
          Result.map(readLine(writeLine(next).text.slice(0, -1)), ({ record }) => record.seq),
          Result.succeed(next.seq)
        )
        assert.isTrue(isOfGroup(parseGeneration(generationText(next)), next))
        return "read"
      }
    })
  })
})

/** Lines that name one another, some of them mutated before they were hashed, and some after. */
const journalBytes = (random: Random, index: string): Buffer => {
  let prev: string = genesis
  const groups = records(index).map((record) => (prev: string) => new GroupRecord({ ...record, prev }))
  const all = random.once(3) ? [() => snapshot(sha256("elsewhere")), ...groups] : groups
  const lines = all.map((record) => {
    const good = Buffer.from(bodyOf(record(prev)))
    const mutated = random.once(3) ? jsonMutator([good])(random) : good
    const written = random.once(6) ? extreme(random, mutated) : mutated
    prev = sha256(written)
    return Buffer.concat([hashed(written), Buffer.from("\n")])
  })
  return random.once(2) ? mutatedBytes(random, [Buffer.concat(lines)]) : Buffer.concat(lines)
}

const written = (disk: Disk, seed: number): void => {
  const random = randomOf(seed)
  plainLayout(disk, [a1, b2], 2)
  const seq = random.pick(["0", "1", "2", "3", "4", "99", "999999999999999"])
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [a1, b2, { kept: true }],
    annotations: random.once(2)
      ? { "dev.ocilayout.generation": `${journal}.${seq}.${seq.padStart(16, "0").slice(-16)}`, kept: "kept" }
      : { kept: "kept" }
  })
  disk.write("index.json", index)
  makeOld(disk.root)
  disk.write(
    ".ocilayout/journal/2/current.ndjson",
    journalBytes(random, random.once(2) ? sha256(index) : "3".repeat(64))
  )
  if (random.once(2)) disk.write(".ocilayout/journal/2/before-000000000000001.ndjson", journalBytes(random, ""))
}

describe("a layout with a hostile journal", () => {
  const d4 = entry("d", "app:v4")

  /** Its history is told, or said to be broken from some point on. */
  const tellsHistory = Effect.fnUntraced(function*({ journal }: Stores) {
    const told: Array<number> = []
    const end = yield* Effect.result(
      Stream.runForEach(journal.commits(), ({ revision }) => Effect.sync(() => void told.push(revision)))
    )
    if (Result.isFailure(end)) assert.instanceOf(end.failure, HistoryInvalid)
    for (const revision of [0, 1, ...told.slice(0, 2), 1e15]) {
      const state = yield* Effect.result(journal.stateAt(revision))
      if (Result.isFailure(state)) assert.include(["HistoryInvalid", "RevisionUnknown"], state.failure._tag)
    }
  })

  const goesOn = Effect.fnUntraced(function*(seed: number) {
    const disk = yield* newDisk
    written(disk, seed)
    const history = seed % 2 === 0 ? { segmentBytes: 1, segmentIndexes: 0 } : {}
    const stores = yield* disk.open({ durability: "none", history })
    const { layout } = stores
    yield* tellsHistory(stores)
    const before = yield* valuesIn(layout)
    yield* add(layout, d4)
    assert.deepStrictEqual(yield* valuesIn(layout), [...before, d4])
    const again = yield* disk.open({ durability: "none" })
    assert.deepStrictEqual(yield* valuesIn(again.layout), [...before, d4])
    yield* add(again.layout, a1)
    assert.deepStrictEqual(disk.entries(), [...before, d4, a1])
    assert.include(fs.readFileSync(disk.path("index.json"), "utf8"), "\"kept\":\"kept\"")
    const lines = disk.read(".ocilayout", "journal", "2", "current.ndjson").trimEnd().split("\n")
    const last = Result.getOrThrow(readLine(lines.at(-1) ?? ""))
    assert.strictEqual(last.record.after, sha256(disk.read("index.json")))
    assert.deepStrictEqual(leftovers(disk.root), [])
    yield* tellsHistory(again)
    return lines.length
  })

  it("goes on: it is read and written, and the journal after it", async () => {
    const lengths = new Set<number>()
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      const exit = await Effect.runPromise(Effect.result(Effect.scoped(goesOn(seed))))
      if (Result.isFailure(exit)) {
        assertTold(exit.failure)
        // What looks as if a later version had written it is refused, and nothing is cut off.
        if (exit.failure._tag === "FormatUnsupported") return
        assert.fail(exit.failure.message)
      }
      lengths.add(exit.success)
    })
    await fc.assert(property, { numRuns: runs })
    figures("layouts with a hostile journal", { inputs: runs, lengths: lengths.size })
    // Sometimes all of it is put aside, sometimes the lines go on.
    if (isWhole) assert.isAbove(lengths.size, 2)
  })
})
