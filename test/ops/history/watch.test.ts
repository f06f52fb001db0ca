import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Stream } from "effect"
import * as fs from "node:fs"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { RevisionUnknown, Unsupported } from "../../../src/oci/OciError.ts"
import type { HistoryCommit } from "../../../src/ops/api/History.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { newDisk, plainLayout } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { image, pushImage } from "../../support/images.ts"
import { fails } from "../../support/watchedFs.ts"

const one = image("one")

/** Takes what a watch tells, one by one. */
const watching = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  options?: Parameters<LayoutRegistry["watch"]>[0]
) {
  const told = yield* Queue.unbounded<HistoryCommit>()
  yield* Effect.forkScoped(Stream.runForEach(registry.watch(options), (commit) => Queue.offer(told, commit)))
  yield* Effect.sleep(20)
  return {
    next: Effect.timeout(Queue.take(told), 9000),
    rest: Effect.map(Effect.delay(Queue.clear(told), 100), (commits) => commits.map(({ revision }) => revision))
  }
})

const tag = (registry: LayoutRegistry, tag: string) => registry.tagManifest("app", one.descriptor.digest, [tag])

describe("watching", () => {
  it.live("tells every commit as it happens, and none that was before", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const { next, rest } = yield* watching(registry)
      yield* tag(registry, "v2")
      const { time: _time, ...commit } = yield* next
      assert.deepStrictEqual<unknown>(commit, {
        revision: 2,
        actor: "library",
        changes: [{ repository: "app", tag: "v2", to: one.descriptor.digest }]
      })
      for (const name of ["v3", "v4", "v5"]) yield* tag(registry, name)
      assert.deepStrictEqual(yield* rest, [3, 4, 5])
    }))

  it.live("that has begun tells everything since, however late it is asked, and as often as it is", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const commits = yield* registry.startWatch()
      for (const name of ["v2", "v3"]) yield* tag(registry, name)
      for (let time = 0; time < 2; time++) {
        const told = yield* Stream.runCollect(Stream.take(commits, 2))
        assert.deepStrictEqual(told.map(({ revision }) => revision), [2, 3])
      }
    }))

  it.live("goes on from a revision, and can be about one repository", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "web", one, ["v1"])
      yield* tag(registry, "v2")
      assert.deepStrictEqual(yield* (yield* watching(registry, { after: 1 })).rest, [2, 3])
      assert.deepStrictEqual(yield* (yield* watching(registry, { after: 0, repository: "app" })).rest, [1, 3])
    }))

  it.live("leaves none out for a slow consumer, and stops when it is no longer wanted", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      const slow = registry.watch({ after: 0 }).pipe(
        Stream.tap(() => Effect.sleep(5)),
        Stream.take(40),
        Stream.runCollect
      )
      const fiber = yield* Effect.forkChild(slow)
      for (let number = 2; number <= 60; number++) yield* tag(registry, `v${number}`)
      const revisions = (yield* Fiber.join(fiber)).map(({ revision }) => revision)
      assert.deepStrictEqual(revisions, Array.from({ length: 40 }, (_, at) => at + 1))
    }))

  it.live("of a tree has to be told which layout", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "web", one, ["v1"])
      assert.instanceOf(yield* Effect.flip(Stream.runDrain(registry.watch())), Unsupported)
      const { rest } = yield* watching(registry, { repository: "app" })
      yield* tag(registry, "v2")
      yield* pushImage(registry, "web", one, ["v2"])
      assert.deepStrictEqual(yield* rest, [2])
    }))
})

describe("watching a directory", () => {
  const opened = Effect.fnUntraced(function*() {
    const disk = yield* newDisk
    plainLayout(disk, [entry("a", "app:a")])
    const open = Effect.map(disk.open(), (stores) => sharedRegistry(stores, hasher))
    return { disk, open }
  })

  it.live("tells what other processes and other tools do, without waiting for long", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened()
      const { next, rest } = yield* watching(yield* open)
      const other = yield* open
      yield* pushImage(other, "app", one, ["v1"])
      assert.deepInclude(yield* next, { revision: 2, actor: "library" })
      const values = disk.entries()
      disk.foreign(...values, entry("b", "app:b"))
      const pending = yield* next
      assert.deepInclude(pending, { revision: 3, actor: "foreign", pending: true })
      disk.foreign(...values, entry("b", "app:b"), entry("c", "app:c"))
      const grown = yield* next
      assert.deepInclude(grown, { revision: 3, actor: "foreign", pending: true })
      assert.lengthOf(grown.changes, 2)
      yield* tag(other, "v2")
      assert.deepStrictEqual(yield* rest, [4], "what was told is not told again when it is recorded")
    }))

  it.live("and tending it puts back what another tool's collection has taken, without a write of ours", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened()
      const registry = yield* open
      yield* pushImage(registry, "app", one, ["v1"])
      yield* Effect.forkScoped(registry.tend())
      yield* Effect.sleep(20)
      const places = one.layers.map(({ descriptor }) => disk.files.blob(descriptor.digest))
      const values = disk.entries()
      for (const place of places) fs.unlinkSync(place)
      disk.foreign(...values, entry("b", "app:b"))
      yield* Effect.sleep(20).pipe(
        Effect.repeat({ until: () => places.every((place) => fs.existsSync(place)) }),
        Effect.timeout(9000)
      )
    }))

  it.live("tells a history from its beginning that begins anew, and that some of it is kept no longer", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened()
      const registry = yield* open
      yield* pushImage(registry, "app", one, ["v1"])
      const { next } = yield* watching(yield* open)
      fs.rmSync(disk.path(".ocilayout"), { recursive: true })
      yield* tag(yield* open, "v2")
      assert.deepInclude(yield* next, { revision: 1, actor: "foreign" })
      assert.deepInclude(yield* next, { revision: 2, actor: "library" })

      const history = { segmentBytes: 1, segmentIndexes: 0, keep: 0, keepCommits: 1 }
      const short = sharedRegistry(yield* disk.open({ history }), hasher)
      for (const name of ["a", "b", "c"]) yield* tag(short, name)
      const gone = yield* Effect.flip(Stream.runDrain((yield* open).watch({ after: 0 })))
      assert.instanceOf(gone, RevisionUnknown)
    }))

  it.live("looks for itself where the system does not tell", () =>
    Effect.gen(function*() {
      const { disk, open } = yield* opened()
      disk.intercept((call) => call.operation === "watch" ? fails("ENOSPC")(call) : Effect.void)
      const { next } = yield* watching(yield* open)
      yield* pushImage(yield* open, "app", one, ["v1"])
      assert.deepInclude(yield* next, { revision: 2 })
    }))
})
