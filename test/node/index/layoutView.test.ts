import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, type Schema } from "effect"
import * as fs from "node:fs"
import { BlobDeleted, EntryAdded, EntryReplaced, type Event } from "../../../src/layout/Event.ts"
import { equivalent } from "../../../src/layout/reconcile.ts"
import { readLayoutView } from "../../../src/node/index/layoutView.ts"
import {
  AbortRecord,
  genesis,
  GroupRecord,
  type JournalRecord,
  writeLine
} from "../../../src/node/journal/journalRecord.ts"
import { IndexInvalid, LayoutInvalid, LayoutVersionUnsupported } from "../../../src/oci/OciError.ts"
import { stateOf, valuesOf } from "../../support/decider.ts"
import { type Disk, newDisk, plainLayout, sha256 } from "../../support/disk.ts"
import { at, digest, entry, repository } from "../../support/entries.ts"
import { makeOld } from "../../support/folders.ts"

type Entries = ReadonlyArray<Schema.Json>

const journalPath = ".ocilayout/journal/2/current.ndjson"
const version = JSON.stringify({ imageLayoutVersion: "1.0.0" })

const look = Effect.fnUntraced(function*({ files }: Disk, defaultRepository?: string) {
  const seen = yield* readLayoutView(files, defaultRepository === undefined ? undefined : repository(defaultRepository))
  if (seen.handle !== undefined) yield* Effect.addFinalizer(() => seen.handle?.close ?? Effect.void)
  return seen
})

const fails = ({ files }: Disk) => Effect.flip(readLayoutView(files, undefined))

describe("what is there", () => {
  it.live("without oci-layout and index.json is an empty layout, with any other files", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      assert.deepInclude(yield* look(disk), { index: undefined, created: false, restored: false })
      disk.write("README", "a folder")
      disk.write("blobs/sha256/x", "")
      assert.deepStrictEqual(valuesOf((yield* look(disk)).state), [])
    }))

  it.live("with oci-layout alone is empty only while the journal has no commit", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("oci-layout", version)
      assert.deepInclude(yield* look(disk), { index: undefined, created: true })
      disk.write(journalPath, "")
      assert.deepInclude(yield* look(disk), { index: undefined, created: true })
      disk.write(journalPath, history().text)
      const error = yield* fails(disk)
      assert.instanceOf(error, IndexInvalid)
      assert.include(error.reason, "is missing")
    }))

  it.live("with a journal alone is an empty layout", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write(journalPath, history().text)
      assert.deepStrictEqual(valuesOf((yield* look(disk)).state), [])
    }))

  it.live("with index.json alone is no layout", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("index.json", `{"manifests":[]}`)
      const error = yield* fails(disk)
      assert.instanceOf(error, LayoutInvalid)
      assert.strictEqual(error.path, "oci-layout")
    }))

  it.live("without blobs/ is readable", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [entry("a", "app:v1")])
      assert.deepStrictEqual(valuesOf((yield* look(disk)).state), [entry("a", "app:v1")])
      assert.deepStrictEqual(
        fs.readdirSync(disk.root).toSorted(),
        ["index.json", "oci-layout"],
        "a reader makes nothing"
      )
    }))

  it.live.each([`{"manifests":null}`, `{}`, `{"schemaVersion":2}`, `{"manifests":[]}`])(
    "%s has no entries",
    (text) =>
      Effect.gen(function*() {
        const disk = yield* newDisk
        disk.write("oci-layout", version)
        disk.write("index.json", text)
        assert.deepStrictEqual(valuesOf((yield* look(disk)).state), [])
      })
  )

  it.live.each(["null", "[]", "", `{"manifests":[`, "7", `{"manifests":{}}`, `{"manifests":[],"layers":[]}`, "\u0000"])(
    "%j is no index, and never an empty one",
    (text) =>
      Effect.gen(function*() {
        const disk = yield* newDisk
        disk.write("oci-layout", version)
        disk.write("index.json", text)
        makeOld(disk.root)
        assert.instanceOf(yield* fails(disk), IndexInvalid)
      })
  )

  it.live("with a key twice is what the last one says", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("oci-layout", version)
      disk.write("index.json", `{"manifests":[{"old":1}],"manifests":[${JSON.stringify(entry("a", "app:v1"))}]}`)
      assert.deepStrictEqual(valuesOf((yield* look(disk)).state), [entry("a", "app:v1")])
    }))

  it.live("has the version it says", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk)
      for (const text of ["", "{", "[]", `{"imageLayoutVersion":1}`, `{}`, " ".repeat(5000)]) {
        disk.write("oci-layout", text)
        makeOld(disk.root)
        assert.instanceOf(yield* fails(disk), LayoutInvalid, JSON.stringify(text))
      }
      disk.write("oci-layout", `{"imageLayoutVersion":"1.1.0"}`)
      assert.instanceOf(yield* fails(disk), LayoutVersionUnsupported)
      disk.write("oci-layout", `{"imageLayoutVersion":"1.0.0","x":[1]}\n`)
      yield* look(disk)
    }))

  it.live("belongs to the default repository where it has no name", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [entry("a", "v1")])
      assert.isTrue(HashMap.isEmpty((yield* look(disk)).state.repositories))
      assert.isTrue(HashMap.has((yield* look(disk, "def")).state.repositories, repository("def")))
    }))
})

const journal = "f".repeat(32)
const day = 24 * 60 * 60 * 1000

const indexOf = (entries: Entries, generation?: string): string =>
  JSON.stringify({
    manifests: entries,
    ...(generation === undefined ? {} : { annotations: { "dev.ocilayout.generation": generation } })
  })

const idOf = (seq: number): string => String(seq).padStart(16, "0")
const ours = (seq: number, id = idOf(seq)): string => `${journal}.${seq}.${id}`

const v1 = (digit: string) => entry(digit, "app:v1")
const v2 = (digit: string) => entry(digit, "app:v2")
const untagged = (digit: string) => entry(digit, at("app", digit))
const foreign = entry("d", "other:v1")

const moved = (name: string, from: string, to: string): EntryReplaced =>
  new EntryReplaced({
    refName: name,
    digest: digest(from),
    occurrence: 0,
    from: entry(from, name),
    to: entry(to, name)
  })

/** An index that we adopted with v1 at a; then v1 moved to b; then v2 was added at c; then v2 moved to e. */
const states: ReadonlyArray<Entries> = [
  [v1("a")],
  [v1("b"), untagged("a")],
  [v1("b"), untagged("a"), v2("c")],
  [v1("b"), untagged("a"), v2("e"), untagged("c")]
]
const steps: ReadonlyArray<ReadonlyArray<Event>> = [
  [moved("app:v1", "a", "b"), new EntryAdded({ value: untagged("a") })],
  [new EntryAdded({ value: v2("c") })],
  [moved("app:v2", "c", "e"), new BlobDeleted({ digest: digest("9") }), new EntryAdded({ value: untagged("c") })]
]
/** The index file of each of these states. */
const versions = states.map((entries, seq) => seq === 0 ? indexOf(entries) : indexOf(entries, ours(seq)))
const hashes = versions.map(sha256)

/** The journal of all that, lines in order. */
const history = ({ aborted = false, agoMillis = 0 } = {}) => {
  const time = Date.now() - agoMillis
  const lines: Array<string> = []
  let prev = genesis
  const append = (record: JournalRecord): void => {
    const { hash, text } = writeLine(record)
    lines.push(text)
    prev = hash
  }
  const adopted = { revision: 1, time, actor: "foreign", events: [new EntryAdded({ value: v1("a") })] }
  for (const [place, events] of steps.entries()) {
    const commit = { revision: place + 2, time, actor: "library", events }
    const [before = "", after = ""] = hashes.slice(place)
    const seq = place + 1
    append(
      new GroupRecord({
        journal,
        seq,
        prev,
        id: idOf(seq),
        before,
        after,
        parts: { blobs: "", own: "", marker: "" },
        commits: place === 0 ? [adopted, commit] : [commit]
      })
    )
  }
  if (aborted) {
    append(new AbortRecord({ journal, seq: 4, prev, aborts: 3, after: hashes[2] ?? "", revision: 4, time: 0 }))
  }
  return { lines, text: lines.join("") }
}

interface Row {
  readonly name: string
  readonly index: string | undefined
  readonly agoMillis?: number
  readonly aborted?: boolean
  /** Whether the index of the last group waits where it was written. */
  readonly waits?: boolean
  /** Whether `oci-layout` is older than the index. */
  readonly isRestored?: boolean
  /** Whether both are older than the journal. */
  readonly isOld?: boolean
  /** How long ago the index was written, by the time that its file says; now by default. */
  readonly writtenAgoMillis?: number
  /** What holds in the words of the tool that wrote the index; what holds by default. */
  readonly word?: Entries
  /** What holds. */
  readonly holds: Entries | undefined
  /** What the journal says, without the index; its last state by default. */
  readonly head?: Entries | undefined
  /** Whether something of ours has to be put back into the index. */
  readonly restored?: boolean
  readonly unpublished?: boolean
}

const rows: ReadonlyArray<Row> = [
  { name: "the journal's head is taken as it is", index: versions[3], holds: states[3] },
  {
    name: "a stale rewrite that kept our annotations gets back all that we committed since",
    index: indexOf([v1("b"), untagged("a"), foreign], ours(1)),
    holds: [v1("b"), untagged("a"), foreign, v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "a stale rewrite of the version before gets back the last commit alone, which may have been acknowledged",
    index: indexOf([v1("b"), untagged("a"), v2("c"), foreign], ours(2)),
    holds: [v1("b"), untagged("a"), foreign, v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "a stale rewrite wins where it changed the same name",
    index: indexOf([v1("b"), untagged("a"), v2("d")], ours(2)),
    holds: [v1("b"), untagged("a"), v2("d"), untagged("c")],
    restored: true
  },
  {
    name: "a stale rewrite that changed nothing leaves the head",
    index: indexOf([untagged("a"), v1("b")], ours(1)),
    holds: [untagged("a"), v1("b"), v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "a rewrite of the head is accepted, removals included",
    index: indexOf([v1("b"), foreign], ours(3)),
    holds: [v1("b"), foreign]
  },
  {
    name: "a rewrite of a copy that went its own way is merged with all versions, and removes nothing",
    index: indexOf([v1("d"), foreign], ours(7)),
    holds: [v1("d"), foreign, untagged("a"), v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "another group of the same number is that of a copy",
    index: indexOf([v1("b"), foreign], ours(3, "f".repeat(16))),
    holds: [v1("b"), foreign, untagged("a"), v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "the bytes of an earlier version of ours, written by a tool that read them, leave the head",
    index: versions[1],
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "so do the bytes of before us",
    index: versions[0],
    holds: states[3],
    restored: true
  },
  {
    name: "a copy of an earlier version that was superseded a day before it came here is accepted",
    index: versions[1],
    agoMillis: day + 1000,
    isRestored: true,
    holds: states[1]
  },
  {
    name: "the index as it was before us, restored after a day, is accepted",
    index: versions[0],
    agoMillis: day + 1000,
    isRestored: true,
    holds: states[0]
  },
  {
    name: "a copy that kept the time at which it was written, from before it was superseded, is accepted",
    index: versions[1],
    agoMillis: day + 1000,
    writtenAgoMillis: 2 * day,
    isRestored: true,
    holds: states[1]
  },
  {
    name: "what was written soon after the version was superseded, and put here later, was read by a tool before",
    index: versions[1],
    agoMillis: 2 * day,
    writtenAgoMillis: 2 * day - 60 * 60 * 1000,
    isRestored: true,
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "a copy that kept its time, and came here less than a day after it was superseded, may be a stale rewrite",
    index: versions[1],
    agoMillis: day - 60_000,
    writtenAgoMillis: 2 * day,
    isRestored: true,
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "what was written in the future was written by a tool",
    index: versions[1],
    agoMillis: 2 * day,
    writtenAgoMillis: -60 * 60 * 1000,
    isRestored: true,
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "one whose oci-layout was written at the same time was written by a tool",
    index: versions[1],
    agoMillis: day + 1000,
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "one that is as old as oci-layout, since both were made together, is accepted",
    index: versions[0],
    agoMillis: day + 1000,
    isOld: true,
    holds: states[0]
  },
  {
    name: "one that was superseded less than a day before was written by a tool",
    index: versions[1],
    agoMillis: day - 1000,
    isRestored: true,
    holds: [...states[1] ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "a rewrite without our annotations is merged with the index that we adopted, and with all since",
    index: indexOf([v1("a"), foreign]),
    agoMillis: 30 * day,
    holds: [foreign, ...states[3] ?? []],
    restored: true
  },
  {
    name: "a rewrite without our annotations overrules no name that we have changed",
    index: indexOf([v1("d"), foreign]),
    holds: [foreign, untagged("a"), v2("e"), untagged("c"), v1("b")],
    word: [v1("d"), foreign, untagged("a"), v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "one of another journal counts as one without generation",
    index: indexOf([v1("a"), foreign], `${"0".repeat(32)}.1.${idOf(1)}`),
    holds: [foreign, ...states[3] ?? []],
    restored: true
  },
  {
    name: "a generation that is none counts as no generation",
    index: indexOf([v1("a"), foreign], "nonsense"),
    holds: [foreign, ...states[3] ?? []],
    restored: true
  },
  {
    name: "the index from before the last group, without the file that waits, was written by a tool",
    index: versions[2],
    holds: [...states[2]?.slice(0, 2) ?? [], v2("e"), untagged("c")],
    restored: true
  },
  {
    name: "the index from before the last group while its file waits says that it never happened",
    index: versions[2],
    waits: true,
    holds: states[2],
    head: states[2],
    unpublished: true
  },
  {
    name: "an index with the generation of the last group says that it happened, even if a file waits",
    index: indexOf([v1("b"), foreign], ours(3)),
    waits: true,
    holds: [v1("b"), foreign]
  },
  {
    name: "a group that was aborted did not happen",
    index: versions[2],
    aborted: true,
    holds: states[2],
    head: states[2]
  },
  {
    name: "a group that was aborted is not put back into a stale rewrite",
    index: indexOf([v1("b"), untagged("a"), foreign], ours(1)),
    aborted: true,
    holds: [v1("b"), untagged("a"), foreign, v2("c")],
    head: states[2],
    restored: true
  }
]

const layoutWith = Effect.fnUntraced(function*(index: string, ...lines: ReadonlyArray<string>) {
  const disk = yield* newDisk
  disk.write("oci-layout", version)
  disk.write(journalPath, lines.join(""))
  disk.write("index.json", index)
  return disk
})

describe("reconciling", () => {
  // Vitest would cut `$name` short.
  it.live.each(rows.map((row) => [row.name, row] as const))("%s", ([, row]) =>
    Effect.gen(function*() {
      const { agoMillis = 0, aborted = false, head = states[3], holds, index = "" } = row
      const disk = yield* layoutWith(index, ...history({ agoMillis, aborted }).lines)
      if (row.isRestored === true) fs.utimesSync(disk.path("oci-layout"), 0, 0)
      if (row.isOld === true) { for (const name of ["oci-layout", "index.json"]) fs.utimesSync(disk.path(name), 0, 0) }
      if (row.writtenAgoMillis !== undefined) {
        const written = (Date.now() - row.writtenAgoMillis) / 1000
        fs.utimesSync(disk.path("index.json"), written, written)
      }
      if (row.waits === true) {
        const [before = "", after = ""] = hashes.slice(2)
        disk.write(`.ocilayout/replaced/1.${before}.${after}.${"0".repeat(32)}`, versions[3] ?? "")
      }
      const seen = yield* look(disk)
      assert.deepStrictEqual(valuesOf(seen.state), holds)
      assert.deepStrictEqual(valuesOf(seen.toolState), row.word ?? holds)
      assert.isTrue(equivalent(seen.head, stateOf(head as ReadonlyArray<Schema.JsonObject>)))
      assert.deepStrictEqual(
        { restored: seen.restored, unpublished: seen.unpublished, damaged: seen.damaged },
        { restored: row.restored ?? false, unpublished: row.unpublished ?? false, damaged: false }
      )
    }))

  it.live("gives no answer from a group that is taken back while it looks", () =>
    Effect.gen(function*() {
      const disk = yield* layoutWith(versions[2] ?? "", ...history().lines)
      const [before = "", after = ""] = hashes.slice(2)
      const waiting = `.ocilayout/replaced/1.${before}.${after}.${"0".repeat(32)}`
      disk.write(waiting, versions[3] ?? "")
      let isTakenBack = false
      disk.intercept(({ operation, path }) =>
        Effect.sync(() => {
          if (isTakenBack || operation !== "readDirectory" || path !== ".ocilayout/replaced") return
          isTakenBack = true
          // The writer was overtaken: it says so in the journal, and then removes its file.
          disk.write(journalPath, history({ aborted: true }).text)
          fs.unlinkSync(disk.path(waiting))
        })
      )
      const seen = yield* look(disk)
      assert.isTrue(isTakenBack)
      assert.deepStrictEqual(valuesOf(seen.state), states[2])
      assert.strictEqual(seen.end.last?.record._tag, "Abort")
    }))

  it.live("takes what is there before the first commit as the first thing that happened", () =>
    Effect.gen(function*() {
      const seen = yield* look(yield* layoutWith(versions[0] ?? ""))
      assert.deepStrictEqual([valuesOf(seen.state), valuesOf(seen.head), seen.restored], [states[0], [], false])
    }))

  it.live("does not need the journal while its last line speaks of the index that is there", () =>
    Effect.gen(function*() {
      const [first = "", second = "", third = ""] = history().lines
      const seen = yield* look(yield* layoutWith(versions[3] ?? "", first, second.replace("seq", "qes"), third))
      assert.deepStrictEqual([valuesOf(seen.state), seen.damaged], [states[3], false])
    }))

  it.live("accepts the index as it is when the journal is damaged, since it cannot tell then", () =>
    Effect.gen(function*() {
      const [first = "", second = "", third = ""] = history().lines
      const stale = indexOf([v1("a"), foreign], ours(1))
      for (const lines of [[first, second.replace("seq", "qes"), third], [second, third], [first, third]]) {
        const seen = yield* look(yield* layoutWith(stale, ...lines))
        assert.deepStrictEqual(valuesOf(seen.state), [v1("a"), foreign])
        assert.deepStrictEqual([valuesOf(seen.head), seen.damaged, seen.restored], [[], true, false])
      }
    }))

  it.live("counts what a crash cut short as never written", () =>
    Effect.gen(function*() {
      const [first = "", second = "", third = ""] = history().lines
      const seen = yield* look(yield* layoutWith(versions[2] ?? "", first, second, third.slice(0, -20)))
      assert.deepStrictEqual([valuesOf(seen.state), seen.unpublished, seen.damaged], [states[2], false, false])
      assert.strictEqual(seen.end.torn, third.length - 20)
    }))
})
