import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Result, Scope, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced } from "../../../src/layout/Event.ts"
import { holdLock } from "../../../src/node/files/lock.ts"
import type { FsError } from "../../../src/node/fs/LayoutFs.ts"
import { GroupRecord, writeLine } from "../../../src/node/journal/journalRecord.ts"
import { openStores } from "../../../src/node/stores.ts"
import {
  IndexInvalid,
  LayoutInvalid,
  LayoutLocked,
  ManifestUnknown,
  OutcomeUnknown,
  StorageError
} from "../../../src/oci/OciError.ts"
import { Actor } from "../../../src/ops/api/Actor.ts"
import type { LayoutStore } from "../../../src/ops/ports/LayoutStore.ts"
import {
  add,
  decideTo,
  type Disk,
  type JournalRecord,
  newDisk,
  plainLayout,
  sha256,
  valuesIn
} from "../../support/disk.ts"
import { at, digest, entry } from "../../support/entries.ts"
import { makeOld } from "../../support/folders.ts"
import { digestOf, image, utf8 } from "../../support/images.ts"
import { openBelow, whyNotTold } from "../../support/openFiles.ts"
import { otherProcess } from "../../support/otherProcess.ts"
import { type Call, fails } from "../../support/watchedFs.ts"

const a1 = entry("a", "app:v1")
const b2 = entry("b", "app:v2")
const c3 = entry("c", "app:v3")
const journalFile = ".ocilayout/journal/2/current.ndjson"
const unknown = new ManifestUnknown({ repository: "app", reference: "v9" })

/** A layout of ours with one commit, opened. */
const written = Effect.fnUntraced(function*(options: Parameters<Disk["open"]>[0] = {}) {
  const disk = yield* newDisk
  const stores = yield* disk.open(options)
  yield* add(stores.layout, a1)
  disk.told()
  return { disk, ...stores }
})

const refuse = (layout: LayoutStore) =>
  layout.transact({ evidence: () => Effect.void, decide: () => Result.fail(unknown) })

/** A layout whose index another tool has written into between our exchange and our last look at it. */
const writtenWhilePublished = Effect.gen(function*() {
  const disk = yield* newDisk
  disk.pretendTimes(true)
  const { layout } = yield* disk.open()
  yield* add(layout, a1)
  disk.intercept(({ operation, path }) =>
    Effect.sync(() => {
      // The exchange is over: the index is looked at for the last time.
      if (operation !== "syncDirectory" || path !== ".") return
      disk.intercept(() => Effect.void)
      disk.foreign(b2)
    })
  )
  yield* add(layout, c3)
  return { disk, layout }
})

/** Holds what is submitted up in front of the lock, so that it waits together. */
const together = Effect.fnUntraced(function*<A, E>(
  { files }: Disk,
  decisions: ReadonlyArray<Effect.Effect<A, E>>
) {
  const scope = yield* Scope.make()
  yield* Effect.provideService(holdLock(files, 10_000), Scope.Scope, scope)
  const fibers = yield* Effect.forEach(decisions, (decision) => Effect.forkChild(decision))
  yield* Effect.sleep(10)
  return { fibers, release: Scope.close(scope, Exit.void) }
})

const done = Effect.fnUntraced(function*<A, E>(disk: Disk, decisions: ReadonlyArray<Effect.Effect<A, E>>) {
  const { fibers, release } = yield* together(disk, decisions)
  yield* release
  return yield* Effect.forEach(fibers, Fiber.await)
})

const commitsOf = (journal: ReadonlyArray<JournalRecord>) => journal.map(({ commits }) => commits?.length)

describe("a layout that does not exist", () => {
  it.live("is empty, and is not created by a read, a refusal or a commit without changes", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { blobs, layout, uploads } = yield* disk.open()
      assert.deepStrictEqual(yield* valuesIn(layout), [])
      assert.deepStrictEqual(yield* Effect.flip(refuse(layout)), unknown)
      assert.isTrue(Option.isNone((yield* add(layout)).revision))
      assert.deepStrictEqual(yield* uploads.list, [])
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
      assert.isFalse(fs.existsSync(disk.root))
    }))

  it.live("is created by the first commit, as the image-spec wants it", () =>
    Effect.gen(function*() {
      const { disk } = yield* written()
      assert.deepStrictEqual(JSON.parse(disk.read("oci-layout")), { imageLayoutVersion: "1.0.0" })
      const { annotations, ...rest } = JSON.parse(disk.read("index.json")) as Record<string, unknown>
      assert.deepStrictEqual(rest, {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [a1]
      })
      assert.isObject(annotations)
      assert.deepStrictEqual(fs.readdirSync(disk.root).toSorted(), [".ocilayout", "blobs", "index.json", "oci-layout"])
      assert.deepStrictEqual(fs.readdirSync(disk.path(".ocilayout", "tmp")), [])
      const modes = ["index.json", "oci-layout", "blobs", ".ocilayout"].map((name) =>
        fs.statSync(disk.path(name)).mode & 0o777
      )
      const mask = process.umask()
      assert.deepStrictEqual(modes, [0o644 & ~mask, 0o644 & ~mask, 0o755 & ~mask, 0o755 & ~mask])
    }))

  it.live("is not created by a decision that was withdrawn", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      fs.mkdirSync(disk.files.own, { recursive: true })
      const { layout } = yield* disk.open()
      const { fibers, release } = yield* together(disk, [add(layout, a1)])
      yield* Effect.forEach(fibers, Fiber.interrupt)
      yield* release
      yield* Effect.sleep(10)
      assert.isFalse(fs.existsSync(disk.path("index.json")))
    }))

  it.live("is made whole where only oci-layout is", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("oci-layout", `{ "imageLayoutVersion": "1.0.0" }`)
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      assert.deepStrictEqual(disk.entries(), [a1])
      assert.strictEqual(disk.read("oci-layout"), `{ "imageLayoutVersion": "1.0.0" }`)
    }))

  it.live("is not made where there is something else", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const { layout } = yield* disk.open()
      disk.write("index.json", `{"manifests":[]}`)
      assert.instanceOf(yield* Effect.flip(add(layout, a1)), LayoutInvalid)
      assert.deepStrictEqual(fs.readdirSync(disk.root), ["index.json"])
    }))
})

describe("a snapshot", () => {
  it.live("of an index that has not changed costs a glance and reads nothing", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [a1])
      yield* Effect.sleep("30 millis")
      const { layout } = yield* disk.open()
      const first = yield* layout.snapshot
      disk.told()
      assert.strictEqual(yield* layout.snapshot, first)
      assert.deepStrictEqual(disk.told(), ["glance index.json"])
    }))

  it.live("of an index so young that it could change unseen is compared by its bytes, and not parsed again", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.pretendTimes(false)
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      // Whole milliseconds look like a coarse clock, which is not trusted for two seconds.
      const now = Date.now() / 1000
      fs.utimesSync(disk.path("index.json"), now, now)
      const first = yield* layout.snapshot
      disk.told()
      assert.strictEqual(yield* layout.snapshot, first)
      assert.deepStrictEqual(disk.told("read"), ["read index.json"])
      disk.write("index.json", disk.read("index.json"))
      yield* Effect.sleep("30 millis")
      const second = yield* layout.snapshot
      disk.told()
      assert.strictEqual(yield* layout.snapshot, second)
      assert.deepStrictEqual(disk.told(), ["glance index.json"])
    }))

  it.live("of a young index costs no more where the times of files tell every change", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.pretendTimes(true)
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      const first = yield* layout.snapshot
      disk.told()
      assert.strictEqual(yield* layout.snapshot, first)
      assert.deepStrictEqual(disk.told(), ["glance index.json"])
    }))

  it.live("of an index that was just read is compared by its bytes all the same: times tell of bytes yet to come", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.pretendTimes(true)
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      disk.foreign(b2)
      yield* layout.snapshot
      disk.told()
      yield* layout.snapshot
      assert.deepStrictEqual(disk.told("read"), ["read index.json"])
    }))

  it.live("sees what was written into an index while it was published, even if its times do not tell", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* writtenWhilePublished
      assert.deepStrictEqual(disk.entries(), [b2])
      assert.deepStrictEqual(yield* valuesIn(layout), [b2])
    }))

  it.live("sees every rewrite by others at once, in place or not, of the same size or not", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      for (let round = 0; round < 30; round++) {
        const value = entry("abcdef"[round % 6] ?? "a", `app:v${round % 10}`)
        if (round % 3 === 0) {
          const text = JSON.stringify({ ...JSON.parse(disk.read("index.json")) as object, manifests: [value] })
          disk.write("index.json.new", text)
          fs.renameSync(disk.path("index.json.new"), disk.path("index.json"))
        } else disk.foreign(value)
        assert.deepStrictEqual(yield* valuesIn(layout), [value], `round ${round}`)
      }
    }))

  it.live("waits for an index that is being written in place", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const whole = disk.read("index.json")
      disk.write("index.json", whole.slice(0, 20))
      const reading = yield* Effect.forkChild(valuesIn(layout))
      yield* Effect.sleep(20)
      assert.isUndefined(reading.pollUnsafe())
      disk.write("index.json", whole)
      assert.deepStrictEqual(yield* Fiber.join(reading), [a1])
    }))

  it.live("fails while the index is no index, and recovers with it", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const whole = disk.read("index.json")
      disk.write("index.json", "[]")
      makeOld(disk.root)
      for (let time = 0; time < 2; time++) assert.instanceOf(yield* Effect.flip(layout.snapshot), IndexInvalid)
      fs.rmSync(disk.path("index.json"))
      assert.instanceOf(yield* Effect.flip(layout.snapshot), IndexInvalid)
      disk.write("index.json", whole)
      assert.deepStrictEqual(yield* valuesIn(layout), [a1])
    }))

  it.live("keeps no file open beyond its scope, however often the index changed", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      yield* Effect.scoped(Effect.gen(function*() {
        const { layout } = yield* disk.open()
        for (let round = 0; round < 5; round++) {
          yield* add(layout, entry("a", `app:v${round}`))
          disk.foreign(entry("b", `app:w${round}`))
          yield* layout.snapshot
          yield* add(layout)
          if (whyNotTold !== undefined) continue
          const { files, folders } = openBelow(disk.root)
          assert.strictEqual(files, 1)
          // The layout, and those of ours that a commit needs.
          assert.isAtMost(folders, 10)
        }
      }))
      if (whyNotTold === undefined) assert.deepStrictEqual(openBelow(disk.root), { files: 0, folders: 0 })
    }))
})

describe("a commit", () => {
  it.live("has a number, an actor and its events, in the journal and in its answer", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const committed = yield* add(layout, b2).pipe(Effect.provideService(Actor, "mcp:test"))
      assert.deepStrictEqual(committed.revision, Option.some(2))
      assert.deepStrictEqual(committed.events, [new EntryAdded({ value: b2 })])
      assert.deepStrictEqual(committed.before.entries.map(({ value }) => value), [a1])
      assert.deepStrictEqual(committed.after.entries.map(({ value }) => value), [a1, b2])
      const [first, second] = disk.journal()
      assert.deepInclude(first?.commits?.[0], { revision: 1, actor: "library" })
      assert.deepInclude(second?.commits?.[0], {
        revision: 2,
        actor: "mcp:test",
        events: [{ _tag: "EntryAdded", value: b2 }]
      })
    }))

  it.live("writes the generation into the index: the journal's id, the number of its line and its random name", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const generation = () =>
        (JSON.parse(disk.read("index.json")) as { annotations: Record<string, string> })
          .annotations["dev.ocilayout.generation"]
      const [line] = disk.journal()
      assert.match(line?.journal ?? "", /^[0-9a-f]{32}$/u)
      assert.match(line?.id ?? "", /^[0-9a-f]{16}$/u)
      assert.strictEqual(generation(), `${line?.journal}.1.${line?.id}`)
      yield* add(layout, b2)
      const [, second] = disk.journal()
      assert.notStrictEqual(second?.id, line?.id)
      assert.strictEqual(generation(), `${line?.journal}.2.${second?.id}`)
    }))

  it.live("chains the journal to the index: before and after are its hashes, and each line names the one before", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const first = sha256(disk.read("index.json"))
      yield* add(layout, b2)
      const [one, two] = disk.journal()
      assert.strictEqual(one?.after, first)
      assert.deepStrictEqual([two?.before, two?.after], [first, sha256(disk.read("index.json"))])
      assert.strictEqual(two?.prev, (JSON.parse(disk.read(journalFile).split("\n")[0] ?? "") as { h: string }).h)
    }))

  it.live("keeps every byte of what it does not touch", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const [first, second] = [
        `{ "digest":"${
          digest("a")
        }", "size":1.0e2,"mediaType":"m/m", "annotations":{"org.opencontainers.image.ref.name":"app:v1"},"x":"\\u00e9" }`,
        `{"odd": [1,  2]}`
      ]
      disk.write("oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
      disk.write(
        "index.json",
        `{\n\t"x-first": 1.50,\n\t"manifests": [\n\t\t${first},\n\t\t${second}\n\t],\n\t"schemaVersion": 2\n}`
      )
      const { layout } = yield* disk.open()
      yield* add(layout, c3)
      yield* decideTo(layout, new EntryRemoved({ digest: "", occurrence: 0, value: { odd: [1, 2] } }))
      const text = disk.read("index.json")
      assert.isTrue(text.startsWith(`{\n\t"x-first": 1.50,\n\t"manifests": [\n\t\t${first},\n\t\t{\n`), text)
      assert.notInclude(text, "odd")
      assert.match(
        text,
        /\n\t"schemaVersion": 2,\n\t"annotations": \{\n\t\t"dev.ocilayout.generation": "[^"]*"\n\t\}\n\}$/u
      )
    }))

  it.live("keeps the mode of the index, and gives our folders that of the layout", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk)
      fs.chmodSync(disk.path("index.json"), 0o600)
      fs.chmodSync(disk.root, 0o2770)
      const { layout } = yield* disk.open()
      yield* add(layout, a1)
      const mode = (...names: ReadonlyArray<string>) => fs.statSync(disk.path(...names)).mode & 0o7777
      assert.strictEqual(mode("index.json"), 0o600)
      const folders = [[], ["journal"], ["journal", "2"], ["uploads"], ["tmp"], ["replaced"], ["kept"], ["leases"], [
        "trash"
      ]]
      assert.deepStrictEqual(folders.map((names) => mode(".ocilayout", ...names)), folders.map(() => 0o2770))
    }))

  it.live("waits for the lock no longer than it should, and says who has it", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written({ lockWait: 40 })
      yield* holdLock(disk.files, 0)
      const error = yield* Effect.flip(add(layout, b2))
      assert.instanceOf(error, LayoutLocked)
      assert.include(error.holder, `process ${process.pid} `)
      assert.deepStrictEqual(disk.entries(), [a1])
    }))
})

describe("durability", () => {
  const syncs = ["sync", "dataSync", "syncDirectory"]
  const table = {
    power: {
      created: [
        "syncDirectory ..",
        "syncDirectory .",
        // Of `journal`, of the format in it, and of the other folders of ours.
        "syncDirectory .ocilayout",
        "syncDirectory .ocilayout/journal",
        ...Array.from({ length: 6 }, () => "syncDirectory .ocilayout"),
        "syncDirectory .",
        "sync .ocilayout/tmp/new",
        "syncDirectory .",
        "sync .ocilayout/tmp/new",
        "syncDirectory .",
        "sync index.json",
        "syncDirectory .",
        "sync .ocilayout/replaced/index",
        `dataSync ${journalFile}`,
        "syncDirectory .ocilayout/journal/2",
        "syncDirectory ."
      ],
      changed: ["sync .ocilayout/replaced/index", `dataSync ${journalFile}`, "syncDirectory ."],
      blobDeleted: [
        "sync .ocilayout/replaced/index",
        `dataSync ${journalFile}`,
        "syncDirectory .",
        "syncDirectory blobs/sha256"
      ],
      acknowledged: ["sync index.json", "syncDirectory ."]
    },
    process: {
      created: ["sync .ocilayout/tmp/new", "sync .ocilayout/tmp/new", "sync .ocilayout/replaced/index"],
      changed: ["sync .ocilayout/replaced/index"],
      blobDeleted: ["sync .ocilayout/replaced/index"],
      acknowledged: []
    },
    none: { created: [], changed: [], blobDeleted: [], acknowledged: [] }
  } as const

  for (const durability of ["power", "process", "none"] as const) {
    it.live(`${durability} syncs what it promises, in order, and no more`, () =>
      Effect.gen(function*() {
        const { acknowledged, blobDeleted, changed, created } = table[durability]
        const disk = yield* newDisk
        const { blobs, layout } = yield* disk.open({ durability })
        yield* add(layout, a1)
        // Above the layout there are as many folders as the machine has.
        const inside = disk.told(...syncs).filter((call) => !call.startsWith("syncDirectory ../"))
        assert.deepStrictEqual(inside, [...created])
        yield* add(layout, b2)
        assert.deepStrictEqual(disk.told(...syncs), changed)

        const { digest } = yield* blobs.write(Stream.succeed(utf8("x")), { algorithm: "sha256" })
        disk.told()
        yield* decideTo(layout, new BlobDeleted({ digest }))
        assert.deepStrictEqual(disk.told(...syncs), blobDeleted)

        const again = yield* disk.open({ durability })
        yield* add(again.layout)
        assert.deepStrictEqual(disk.told(...syncs), acknowledged)
      }))
  }

  it.live("of what another process left comes before an answer that builds on it, once", () =>
    Effect.gen(function*() {
      const { disk } = yield* written()
      const { layout } = yield* disk.open()
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.told(...syncs), [
        ...table.power.acknowledged,
        "sync .ocilayout/replaced/index",
        `dataSync ${journalFile}`,
        // Nor need the name of the journal be on the disk.
        "syncDirectory .ocilayout/journal/2",
        "syncDirectory ."
      ])
      yield* add(layout, c3)
      assert.deepStrictEqual(disk.told(...syncs), table.power.changed)
    }))

  it.live("is not believed from a process that promises less", () =>
    Effect.gen(function*() {
      const { disk } = yield* written({ durability: "none" })
      yield* add((yield* disk.open({ durability: "power" })).layout)
      assert.deepStrictEqual(disk.told(...syncs), table.power.acknowledged)
    }))

  it.live("is what a no-op promises too: once for what it did not write, never for what it did", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      yield* add(layout)
      yield* Effect.flip(refuse(layout))
      assert.deepStrictEqual(disk.told(...syncs), [])

      // What a tool has changed is recorded first: what goes back to it is known from then on.
      disk.foreign(b2)
      yield* add(layout)
      assert.deepStrictEqual(disk.told(...syncs), [...table.power.acknowledged, ...table.power.changed])
      yield* add(layout)
      assert.deepStrictEqual(disk.told(...syncs), [])
    }))

  it.live("is what a no-op promises in a layout that we have never written, and leaves no trace there", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [a1])
      const { layout } = yield* disk.open()
      yield* Effect.flip(refuse(layout))
      assert.deepStrictEqual(disk.told(...syncs), [])
      yield* add(layout)
      assert.deepStrictEqual(disk.told(...syncs), table.power.acknowledged)
      yield* add(layout)
      assert.deepStrictEqual(disk.told(...syncs), [])
      assert.deepStrictEqual(fs.readdirSync(disk.root).toSorted(), ["index.json", "oci-layout"])
    }))
})

describe("decisions that wait together", () => {
  it.live("are one line of the journal and one write of the index, each on the state its predecessors left", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const values = Array.from({ length: 5 }, (_, number) => entry("b", `app:w${number}`))
      const exits = yield* done(disk, values.map((value) => add(layout, value)))
      assert.deepStrictEqual(
        exits.map((exit) => Exit.isSuccess(exit) ? [exit.value.before.entries.length, exit.value.revision] : exit),
        values.map((_, number) => [1 + number, Option.some(2 + number)])
      )
      assert.deepStrictEqual(commitsOf(disk.journal()), [1, 5])
      assert.deepStrictEqual(disk.told("exchange", "rename"), ["exchange index.json"])
      assert.deepStrictEqual(disk.entries(), [a1, ...values])
    }))

  it.live("leave the state as it was where they are refused or die, and everything else happens", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const [first, refused, died, last] = yield* done(disk, [
        add(layout, b2),
        refuse(layout),
        layout.transact({ evidence: () => Effect.die("bug"), decide: () => Result.succeed([]) }),
        add(layout, c3)
      ])
      assert(first && refused && died && last)
      assert.isTrue(Exit.isSuccess(first) && Exit.isSuccess(last))
      assert.deepStrictEqual(refused, Exit.fail(unknown))
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      assert.deepStrictEqual(commitsOf(disk.journal()), [1, 2])
      assert.deepStrictEqual(disk.entries(), [a1, b2, c3])
    }))

  it.live("that all change nothing write nothing", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      yield* done(disk, [add(layout), refuse(layout), add(layout)])
      assert.deepStrictEqual(disk.told("exchange", "sync", "dataSync"), [])
      assert.strictEqual(disk.journal().length, 1)
    }))

  it.live("can be withdrawn until their group is sealed", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const { fibers: [first, second], release } = yield* together(disk, [add(layout, b2), add(layout, c3)])
      assert(first && second)
      yield* Fiber.interrupt(first)
      yield* release
      yield* Fiber.join(second)
      assert.deepStrictEqual(disk.entries(), [a1, c3])
    }))

  it.live("complete once their group is sealed, interrupted or not", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      let fiber: Fiber.Fiber<unknown, unknown> | undefined
      disk.intercept(({ operation, path }) =>
        operation === "dataSync" && path === journalFile && fiber !== undefined
          ? Effect.asVoid(Effect.andThen(Effect.forkDetach(Fiber.interrupt(fiber)), Effect.sleep(10)))
          : Effect.void
      )
      fiber = yield* Effect.forkChild(add(layout, b2))
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepStrictEqual(disk.entries(), [a1, b2])
    }))

  it.live("end with the deletion of a blob: who comes after it looks when the blob is gone", () =>
    Effect.gen(function*() {
      const { blobs, disk, layout } = yield* written()
      const { digest } = yield* blobs.write(Stream.succeed(utf8("x")), { algorithm: "sha256" })
      const evidence: Array<boolean> = []
      const asking = (value: typeof a1) =>
        layout.transact({
          evidence: () => Effect.map(blobs.stat(digest), (stored) => void evidence.push(Option.isSome(stored))),
          decide: () => Result.succeed([new EntryAdded({ value })])
        })
      const exits = yield* done(disk, [asking(b2), decideTo(layout, new BlobDeleted({ digest })), asking(c3)])
      assert.isTrue(exits.every(Exit.isSuccess))
      assert.deepStrictEqual(commitsOf(disk.journal()), [1, 2, 1])
      assert.deepStrictEqual(evidence, [true, false])
      assert.isTrue(Option.isNone(yield* blobs.stat(digest)))
    }))
})

describe("a failure", () => {
  const failing: ReadonlyArray<readonly [string, (call: Call) => boolean]> = [
    [
      "the index cannot be written",
      ({ operation, path }) => operation === "write" && path === ".ocilayout/replaced/index"
    ],
    [
      "the index cannot be synced",
      ({ operation, path }) => operation === "sync" && path === ".ocilayout/replaced/index"
    ],
    ["the journal cannot be written", ({ operation, path }) => operation === "write" && path === journalFile],
    ["the journal cannot be synced", ({ operation, path }) => operation === "dataSync" && path === journalFile],
    ["the index cannot be replaced", ({ operation, path }) => operation === "exchange" && path === "index.json"]
  ]

  it.live.each(failing)(
    "because %s reaches every member, and nothing happened",
    ([, matches]) =>
      Effect.gen(function*() {
        const { disk, layout } = yield* written()
        const before = disk.read("index.json")
        let first = true
        disk.intercept((call) => {
          if (!first || !matches(call)) return Effect.void
          first = false
          return fails("ENOSPC")(call)
        })
        const exits = yield* done(disk, [add(layout, b2), add(layout, c3), refuse(layout)])
        for (const exit of exits) {
          const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
          assert.isTrue(Option.isSome(error))
          assert.instanceOf(Option.getOrUndefined(error), StorageError)
          assert.propertyVal(Option.getOrUndefined(error), "kind", "full")
        }
        assert.strictEqual(disk.read("index.json"), before)
        assert.deepStrictEqual(yield* valuesIn(layout), [a1])
        assert.deepStrictEqual(fs.readdirSync(disk.path(".ocilayout", "tmp")), [])
        const again = yield* add(layout, b2)
        assert.deepStrictEqual(again.revision, Option.some(2))
        assert.deepStrictEqual(yield* valuesIn((yield* disk.open()).layout), [a1, b2])
      })
  )

  it.live("after the index was replaced is OutcomeUnknown for every member, and what is there is seen", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      let failures = 1
      disk.intercept((call) =>
        call.operation === "syncDirectory" && call.path === "." && failures-- > 0 ? fails("EIO")(call) : Effect.void
      )
      const exits = yield* done(disk, [add(layout, b2), refuse(layout)])
      for (const exit of exits) {
        const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
        assert.instanceOf(error, OutcomeUnknown)
      }
      assert.deepStrictEqual(yield* valuesIn(layout), [a1, b2])
      disk.told()
      yield* add(layout)
      assert.deepStrictEqual(disk.told("sync", "syncDirectory"), ["sync index.json", "syncDirectory ."])
    }))

  it.live("of removing a blob is OutcomeUnknown: its deletion is on record", () =>
    Effect.gen(function*() {
      const { blobs, disk, layout } = yield* written()
      const { digest } = yield* blobs.write(Stream.succeed(utf8("x")), { algorithm: "sha256" })
      disk.intercept((call) =>
        call.operation === "unlink" && call.path.startsWith("blobs/") ? fails("EACCES")(call) : Effect.void
      )
      assert.instanceOf(yield* Effect.flip(decideTo(layout, new BlobDeleted({ digest }))), OutcomeUnknown)
    }))

  it.live("of the exchange that took place all the same is none", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      disk.intercept((call) =>
        call.operation === "exchange" && call.path === "index.json"
          ? Effect.andThen(
            Effect.sync(() => {
              const waiting = fs.readdirSync(disk.files.replaced).toSorted().at(-1) ?? ""
              fs.renameSync(join(disk.files.replaced, waiting), disk.path("index.json"))
            }),
            fails("EIO")(call)
          )
          : Effect.void
      )
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
    }))
})

describe("after a crash", () => {
  /** The line that a process leaves which dies between its intent and its rename. */
  const leaveIntent = (disk: Disk): void => {
    const lines = disk.read(journalFile)
    const last = lines.trimEnd().split("\n").at(-1) ?? ""
    const { e, h } = JSON.parse(last) as { readonly h: string; readonly e: JournalRecord }
    const waiting = JSON.stringify({ manifests: [a1, c3] })
    const record = new GroupRecord({
      journal: e.journal,
      seq: e.seq + 1,
      prev: h,
      id: "0".repeat(16),
      before: sha256(disk.read("index.json")),
      after: sha256(waiting),
      parts: { blobs: "", own: "", marker: "" },
      commits: [{ revision: 2, time: 0, actor: "dead", events: [new EntryAdded({ value: c3 })] }]
    })
    const { text } = writeLine(record)
    fs.appendFileSync(disk.path(journalFile), text)
    // What says that it was never published waits where it was written.
    const name = `${Date.now()}.${record.before}.${record.after}.${"0".repeat(32)}`
    fs.writeFileSync(join(disk.files.replaced, name), waiting)
  }

  it.live("between intent and rename nothing happened; the next writer says so and takes the revision", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      leaveIntent(disk)
      for (const { snapshot } of [layout, (yield* disk.open()).layout]) {
        assert.deepStrictEqual((yield* snapshot).entries.map(({ value }) => value), [a1])
      }
      assert.strictEqual(disk.journal().length, 2, "a reader writes nothing")
      const before = fs.statSync(disk.path(journalFile)).ino
      const committed = yield* add(layout, b2)
      assert.deepStrictEqual(committed.revision, Option.some(2))
      // The dead may have failed to sync what it wrote, and no later sync of that file would make up for it.
      assert.notStrictEqual(fs.statSync(disk.path(journalFile)).ino, before)
      const [, , abort, group] = disk.journal()
      assert.deepInclude(abort, { _tag: "Abort", seq: 3, aborts: 2, revision: 2, after: sha256Of(disk, 0) })
      assert.deepInclude(group, { _tag: "Group", seq: 4 })
      assert.deepStrictEqual(yield* valuesIn((yield* disk.open()).layout), [a1, b2])
    }))

  /** The hash of the index that the given line of the journal led to. */
  const sha256Of = (disk: Disk, line: number): string => disk.journal()[line]?.after ?? ""

  it.live("in the middle of a line the line is cut off and kept aside", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      fs.appendFileSync(disk.path(journalFile), `{"v":2,"h":"12`)
      assert.deepStrictEqual(yield* valuesIn(layout), [a1])
      yield* add(layout, b2)
      assert.deepStrictEqual(commitsOf(disk.journal()), [1, 1])
      const aside = fs.readdirSync(disk.path(".ocilayout", "journal", "2")).filter((name) => name.startsWith("torn."))
      assert.deepStrictEqual(aside.map((name) => disk.read(".ocilayout", "journal", "2", name)), [`{"v":2,"h":"12`])
    }))

  it.live("temporary files stop no write", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      disk.write(".ocilayout/replaced/index.left", "half an index")
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
    }))
})

describe("a journal", () => {
  it.live("that is damaged is put aside, and a new one begins with what is there", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      yield* add(layout, b2)
      const id = disk.journal()[0]?.journal
      disk.write(journalFile, disk.read(journalFile).replace("app:v1", "app:vX"))
      disk.foreign(a1, b2, c3)
      const fresh = (yield* disk.open()).layout
      assert.deepStrictEqual(yield* valuesIn(fresh), [a1, b2, c3])
      yield* add(fresh, entry("d", "app:v4"))
      const [first, ...more] = disk.journal()
      assert.deepStrictEqual(more, [])
      assert.notStrictEqual(first?.journal, id)
      assert.deepStrictEqual(first?.commits?.map(({ actor, events }) => [actor, events.length]), [["foreign", 3], [
        "library",
        1
      ]])
      // And the replaced indexes with it: without their journal they would be merged.
      const aside = fs.readdirSync(disk.path(".ocilayout", "journal", "2")).filter((name) => name.includes("damaged."))
      assert.deepStrictEqual(aside.map((name) => name.replace(/\.damaged\..*$/u, "")).toSorted(), [
        "current.ndjson",
        "replaced"
      ])
    }))

  it.live("that has run out of numbers is put aside as well", () =>
    Effect.gen(function*() {
      const { disk } = yield* written()
      const [line] = disk.journal()
      const seq = 999_999_999_999_999
      const spent = { ...line, seq, after: sha256(disk.read("index.json")) } as unknown as GroupRecord
      disk.write(journalFile, writeLine(new GroupRecord(spent)).text)
      const fresh = (yield* disk.open()).layout
      yield* add(fresh, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
      assert.deepStrictEqual(disk.journal().map(({ seq }) => seq), [1])
    }))

  it.live("that is gone costs history, and no tag", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      fs.rmSync(disk.files.own, { recursive: true })
      assert.deepStrictEqual(yield* valuesIn(layout), [a1])
      yield* add(layout, b2)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
      assert.deepStrictEqual(disk.journal()[0]?.commits?.map(({ actor }) => actor), ["foreign", "library"])
    }))
})

describe("a tool that takes no lock", () => {
  const foreignly = (record: JournalRecord | undefined) =>
    record?.commits?.map(({ actor, events }) => [actor, ...events.map(({ _tag }) => _tag)])

  it.live("wrote the layout before us: that is the first thing that happened", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [a1])
      const { layout } = yield* disk.open()
      assert.deepStrictEqual((yield* add(layout, b2)).revision, Option.some(2))
      assert.deepStrictEqual(foreignly(disk.journal()[0]), [["foreign", "EntryAdded"], ["library", "EntryAdded"]])
    }))

  it.live("changed the index since: that is a commit of its own before ours", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      disk.foreign(b2)
      assert.deepStrictEqual((yield* add(layout, c3)).revision, Option.some(3))
      assert.deepStrictEqual(foreignly(disk.journal()[1]), [
        ["foreign", "EntryRemoved", "EntryAdded"],
        ["library", "EntryAdded"]
      ])
      assert.deepStrictEqual(disk.entries(), [b2, c3])
    }))

  it.live("changed the index since, and our change failed: what they did is on record with the next one", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      disk.foreign(a1, b2)
      disk.intercept((call) => call.operation === "exchange" ? fails("EIO")(call) : Effect.void)
      assert.instanceOf(yield* Effect.flip(add(layout, c3)), StorageError)
      disk.intercept(() => Effect.void)
      yield* add((yield* disk.open()).layout, c3)
      assert.deepStrictEqual(disk.journal().map(({ _tag }) => _tag), ["Group", "Group", "Abort", "Group"])
      assert.deepStrictEqual(foreignly(disk.journal()[3]), [["foreign", "EntryAdded"], ["library", "EntryAdded"]])
    }))

  it.live("wrote a stale index over ours: no reader loses what was acknowledged, and the next writer puts it back", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const stale = disk.read("index.json")
      yield* add(layout, b2)
      disk.write("index.json", stale.replace(/(\n {2}\],)/u, `,\n    ${JSON.stringify(c3)}$1`))
      assert.deepStrictEqual(disk.entries(), [a1, c3])
      assert.deepStrictEqual(yield* valuesIn(layout), [a1, c3, b2])
      assert.deepStrictEqual(disk.entries(), [a1, c3], "a reader writes nothing")
      yield* Effect.flip(refuse(layout))
      assert.deepStrictEqual(disk.entries(), [a1, c3, b2])
      assert.deepStrictEqual(foreignly(disk.journal()[2]), [["foreign", "EntryAdded"]])
    }))

  it.live("wrote a stale index over ours and added nothing: it is put back all the same", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const stale = disk.read("index.json")
      yield* add(layout, b2)
      disk.write("index.json", `${stale}\n`)
      assert.deepStrictEqual(yield* Effect.flip(refuse(layout)), unknown)
      assert.deepStrictEqual(disk.entries(), [a1, b2])
      assert.deepStrictEqual(foreignly(disk.journal()[2]), [["ocilayout"]])
      assert.isTrue(Option.isNone((yield* add(layout)).revision))
      assert.strictEqual(disk.journal().length, 3)
    }))

  it.live("says something of a name that we have set, without knowing of it: its word is on record, and then ours", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const [ours, theirs] = [entry("b", "app:v1"), entry("c", "app:v1")]
      plainLayout(disk, [a1])
      const { layout } = yield* disk.open()
      yield* decideTo(
        layout,
        new EntryReplaced({ refName: "app:v1", digest: digest("a"), occurrence: 0, from: a1, to: ours })
      )
      // Opened before that, by a tool that keeps no annotations.
      disk.write("index.json", JSON.stringify({ schemaVersion: 2, manifests: [theirs] }))
      yield* Effect.flip(refuse(layout))
      assert.deepStrictEqual(disk.entries(), [ours])
      assert.deepStrictEqual(foreignly(disk.journal()[1]), [
        ["foreign", "EntryReplaced"],
        ["ocilayout", "EntryReplaced"]
      ])
      const { journal } = yield* disk.open()
      const named = (revision: number) =>
        Effect.map(journal.stateAt(revision), ({ entries }) => entries.map(({ value }) => value))
      assert.deepStrictEqual(yield* named(3), [theirs])
      assert.deepStrictEqual(yield* named(4), [ours])
    }))

  it.live("says what we say in an index that goes back further: its generation is renewed, once, so that what goes on from it counts", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const stale = disk.read("index.json")
      yield* add(layout, b2)
      const generation = (text: string) => (JSON.parse(text) as { annotations: object }).annotations
      const same = JSON.stringify({ ...JSON.parse(stale) as object, manifests: [a1, b2] })
      disk.write("index.json", same)
      assert.deepStrictEqual(yield* valuesIn(layout), [a1, b2])
      assert.strictEqual(disk.read("index.json"), same, "a reader writes nothing")
      yield* add(layout)
      assert.notDeepEqual(generation(disk.read("index.json")), generation(stale))
      assert.deepStrictEqual(foreignly(disk.journal()[2]), [["ocilayout"]])
      yield* add(layout)
      assert.strictEqual(disk.journal().length, 3)
      // A tool that read that index, and not the one from before, sets the name back: that is its word.
      disk.foreign(a1)
      yield* add(layout)
      assert.deepStrictEqual(disk.entries(), [a1])
    }))

  const moments: ReadonlyArray<readonly [string, (call: Call) => boolean]> = [
    ["before the intent", ({ operation, path }) => operation === "sync" && path === ".ocilayout/replaced/index"],
    ["after the intent", ({ operation, path }) => operation === "dataSync" && path === journalFile]
  ]

  it.live.each(moments)(
    "rewrites the index while we do, %s: both changes are there",
    ([, matches]) =>
      Effect.gen(function*() {
        const { disk, layout } = yield* written()
        let first = true
        disk.intercept((call) =>
          Effect.sync(() => {
            if (!first || !matches(call)) return
            first = false
            disk.foreign(a1, c3)
          })
        )
        yield* add(layout, b2)
        assert.isFalse(first)
        assert.deepStrictEqual(disk.entries(), [a1, c3, b2])
        assert.deepStrictEqual(yield* valuesIn((yield* disk.open()).layout), [a1, c3, b2])
        const tags = disk.journal().map(({ _tag }) => _tag)
        assert.deepStrictEqual(
          tags,
          matches({ operation: "dataSync", path: journalFile })
            ? ["Group", "Group", "Abort", "Group"]
            : ["Group", "Group"]
        )
      })
  )

  /** Adds an entry whenever we have written an index that is to take the place of theirs. */
  const restless = (disk: Disk, alsoDo: (call: Call) => Effect.Effect<void, FsError>) => {
    const added: Array<ReturnType<typeof entry>> = []
    disk.intercept((call) => {
      if (call.operation === "write" && call.path === ".ocilayout/replaced/index") {
        added.push(entry("c", `app:w${added.length}`))
        disk.foreign(...disk.entries(), ...added.slice(-1))
      }
      return alsoDo(call)
    })
    return added
  }

  it.live("never rests: then ours takes the place of theirs, which is merged", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const added = restless(disk, () => Effect.void)
      // 1 of ours, what had been added before the sixth try, and then this.
      assert.deepStrictEqual((yield* add(layout, b2)).revision, Option.some(3))
      assert.deepInclude(Array.from(disk.entries()), b2)
      disk.intercept(() => Effect.void)
      yield* add(layout)
      assert.sameDeepMembers(Array.from(disk.entries()), [a1, b2, ...added])
    }))

  it.live("never rests, where files cannot be exchanged: then the writer gives up, and says why", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const added = restless(disk, (call) => call.operation === "exchange" ? fails("ENOSYS")(call) : Effect.void)
      const error = yield* Effect.flip(add(layout, b2))
      assert.instanceOf(error, LayoutLocked)
      assert.strictEqual(error.path, "index.json")
      assert.strictEqual(added.length, 50)
      assert.deepStrictEqual(disk.entries(), [a1, ...added])
      assert.deepStrictEqual(disk.journal().map(({ _tag }) => _tag), ["Group", "Group", "Abort"])
    }))

  it.live("rewrites the index while theirs is put right: who was refused is asked again", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      const stale = disk.read("index.json")
      yield* add(layout, b2)
      disk.write("index.json", `${stale}\n`)
      let first = true
      disk.intercept(({ operation, path }) =>
        Effect.sync(() => {
          if (!first || operation !== "write" || path !== ".ocilayout/replaced/index") return
          first = false
          disk.foreign(a1, c3)
        })
      )
      const { revision } = yield* layout.transact({
        evidence: () => Effect.void,
        decide: ({ entries }) =>
          entries.some(({ refName }) => refName === "app:v3")
            ? Result.succeed([new EntryAdded({ value: entry("d", "app:v4") })])
            : Result.fail(unknown)
      })
      assert.isTrue(Option.isSome(revision))
      assert.deepStrictEqual(disk.entries(), [a1, c3, b2, entry("d", "app:v4")])
    }))

  it.live("rewrites the index while a no-op is made durable, and a reader looks", () =>
    Effect.gen(function*() {
      const { disk, layout } = yield* written()
      disk.foreign(b2)
      let first = true
      disk.intercept(({ operation, path }) =>
        Effect.suspend(() => {
          if (!first || operation !== "sync" || path !== "index.json") return Effect.void
          first = false
          disk.foreign(c3)
          return Effect.orDie(Effect.asVoid(layout.snapshot))
        })
      )
      yield* add(layout)
      assert.isFalse(first)
      for (const value of [a1, b2, c3]) {
        disk.foreign(value)
        assert.deepStrictEqual(yield* valuesIn(layout), [value])
      }
    }))
})

describe("several processes", () => {
  it.live("see each other's changes at once and lose none", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const openings = yield* Effect.forEach(["one", "two", "three"], (name) =>
        Effect.map(disk.open({ durability: "none" }), ({ layout }) => ({ layout, name })))
      yield* Effect.forEach(openings, ({ layout, name }) =>
        Effect.forEach(Array.from({ length: 10 }), (_, number) =>
          add(layout, entry("a", `app:${name}${number}`))), {
        concurrency: "unbounded"
      })
      for (const { layout } of openings) {
        assert.strictEqual((yield* layout.snapshot).entries.length, 30)
      }
      const revisions = disk.journal().flatMap(({ commits = [] }) =>
        commits.map(({ revision }) =>
          revision
        )
      )
      assert.deepStrictEqual(revisions, Array.from({ length: 30 }, (_, number) => number + 1))
    }))

  it.live("that are real ones lose none either", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const one = image("one", { config: emptyConfig, layers: [] })
      const { blobs, layout } = yield* disk.open()
      for (const bytes of [one.bytes, utf8("{}")]) yield* blobs.write(Stream.succeed(bytes), { algorithm: "sha256" })
      yield* add(layout, { ...one.descriptor, annotations: { "org.opencontainers.image.ref.name": at("app", "0") } })
      const tags = (name: string) => Array.from({ length: 8 }, (_, number) => `${name}${number}`)
      const others = yield* Effect.forEach(["x", "y"], (name) =>
        otherProcess("setTags", disk.root, "app", one.descriptor.digest, ...tags(name)))
      for (const number of tags("z")) {
        yield* add(layout, entry("b", `app:${number}`))
      }
      assert.deepStrictEqual(
        yield* Effect.forEach(others, ({ ended }) =>
          ended),
        [0, 0]
      )
      const { entries } = yield* layout.snapshot
      const names = entries.map(({ refName }) => refName).filter((name) => /^app:[xyz]/u.test(name ?? ""))
      assert.sameMembers(names, ["x", "y", "z"].flatMap(tags).map((tag) => `app:${tag}`))
    }))
})

const emptyConfig = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(utf8("{}")),
  size: 2
}

it.live("two stores over one layout exclude each other and share no memory", () =>
  Effect.gen(function*() {
    const disk = yield* newDisk
    const [one, two] = yield* Effect.all([disk.open(), openStores(disk.fs, { directory: disk.root }, undefined)])
    yield* add(one.layout, a1)
    yield* add(two.layout, b2)
    yield* decideTo(one.layout, new EntryRemoved({ refName: "app:v2", digest: digest("b"), occurrence: 0, value: b2 }))
    assert.deepStrictEqual(yield* valuesIn(two.layout), [a1])
  }))
