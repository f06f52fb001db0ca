import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { NameChange } from "../../../src/layout/changes.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import {
  Conflict,
  Denied,
  ManifestBlobUnknown,
  ManifestUnknown,
  RevisionUnknown,
  TagInvalid,
  Unsupported
} from "../../../src/oci/OciError.ts"
import { Actor } from "../../../src/ops/api/Actor.ts"
import type { HistoryQuery } from "../../../src/ops/api/History.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { utcOf } from "../../../src/ops/api/utcOf.ts"
import {
  entryOf,
  foreignLayout,
  image,
  index,
  pushBlob,
  pushImage,
  pushManifest,
  referrerOf
} from "../../support/images.ts"

const one = image("one")
const two = image("two")
const three = image("three")
const [oneDigest, twoDigest, threeDigest] = [one, two, three].map(({ descriptor }) => descriptor.digest)

const revisions = (registry: LayoutRegistry, query?: HistoryQuery) =>
  Effect.map(Stream.runCollect(registry.history(query)), (commits) => commits.map(({ revision }) => revision))

const changed = (changes: ReadonlyArray<NameChange> | undefined): unknown => changes

const tagsIn = (registry: LayoutRegistry, repository = "app") =>
  Effect.map(Stream.runCollect(registry.tags(repository)), (tags) => Array.from(tags))

/** `app:v1` at one, then two, then three, each a second after the other, and `web:v1` at one. */
const moved = Effect.gen(function*() {
  const registry = yield* makeMemory()
  yield* TestClock.adjust(1000)
  yield* pushImage(registry, "app", one, ["v1"])
  yield* TestClock.adjust(1000)
  yield* Effect.provideService(pushImage(registry, "app", two, ["v1"]), Actor, "somebody")
  yield* TestClock.adjust(1000)
  yield* pushImage(registry, "web", one, ["v1"])
  yield* TestClock.adjust(1000)
  yield* pushImage(registry, "app", three, ["v1"])
  return registry
})

describe("history", () => {
  it.effect("tells every commit, newest first, with who, when, and what moved from where to where", () =>
    Effect.gen(function*() {
      const commits: ReadonlyArray<unknown> = yield* Stream.runCollect((yield* moved).history())
      assert.deepStrictEqual(commits, [
        {
          revision: 4,
          time: utcOf(4000),
          actor: "library",
          changes: [
            { repository: "app", tag: "v1", from: twoDigest, to: threeDigest },
            { repository: "app", to: twoDigest }
          ]
        },
        {
          revision: 3,
          time: utcOf(3000),
          actor: "library",
          changes: [{ repository: "web", tag: "v1", to: oneDigest }]
        },
        {
          revision: 2,
          time: utcOf(2000),
          actor: "somebody",
          changes: [
            { repository: "app", tag: "v1", from: oneDigest, to: twoDigest },
            { repository: "app", to: oneDigest }
          ]
        },
        { revision: 1, time: utcOf(1000), actor: "library", changes: [{ repository: "app", tag: "v1", to: oneDigest }] }
      ])
    }))

  it.effect("can be asked for a repository, a tag, an actor, a time, and a page", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.tagManifest("app", oneDigest ?? "", ["v2"])
      assert.deepStrictEqual(yield* revisions(registry), [5, 4, 3, 2, 1])
      assert.deepStrictEqual(yield* revisions(registry, { repository: "app" }), [5, 4, 2, 1])
      assert.deepStrictEqual(yield* revisions(registry, { repository: "app", tag: "v1" }), [4, 2, 1])
      assert.deepStrictEqual(yield* revisions(registry, { tag: "v1" }), [4, 3, 2, 1])
      assert.deepStrictEqual(yield* revisions(registry, { actor: "somebody" }), [2])
      assert.deepStrictEqual(yield* revisions(registry, { since: utcOf(3000) }), [5, 4, 3])
      assert.deepStrictEqual(yield* revisions(registry, { limit: 2 }), [5, 4])
      assert.deepStrictEqual(yield* revisions(registry, { limit: 2, before: 4 }), [3, 2])
      assert.deepStrictEqual(yield* revisions(registry, { repository: "nobody" }), [])
      assert.instanceOf(yield* Effect.flip(revisions(registry, { tag: "" })), TagInvalid)
    }))

  it.effect("tells of a deleted tag what it pointed at, and of a deleted blob its digest", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.deleteTag("app", "v1")
      const pushed = yield* registry.pushBlob("app", Stream.succeed(Buffer.from("x")))
      yield* registry.deleteBlob("app", pushed.descriptor.digest)
      const [last, before] = yield* Stream.runCollect(registry.history({ limit: 2 }))
      assert.deepStrictEqual(last?.changes, [{ from: pushed.descriptor.digest }])
      assert.deepStrictEqual(changed(before?.changes), [
        { repository: "app", tag: "v1", from: threeDigest },
        { repository: "app", to: threeDigest }
      ])
    }))

  it.effect("of a tree has to be told whose", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* pushImage(registry, "app", one, ["v1"])
      assert.deepStrictEqual(yield* revisions(registry), [1])
      yield* pushImage(registry, "web", one, ["v1"])
      yield* pushImage(registry, "web", two, ["v1"])
      assert.instanceOf(yield* Effect.flip(revisions(registry)), Unsupported)
      assert.deepStrictEqual(yield* revisions(registry, { repository: "app" }), [1])
      assert.deepStrictEqual(yield* revisions(registry, { repository: "web" }), [2, 1])
    }))
})

describe("the registry at a point", () => {
  const pointing = (registry: LayoutRegistry, point: Parameters<LayoutRegistry["at"]>[0]) =>
    Effect.map(registry.at(point).resolveTag("app", "v1"), ({ digest }) => digest)

  it.effect("of a revision, a time or an earlier value answers as it would have then", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      const previous = (previous: number) => ({ previous, repository: "app", tag: "v1" })
      assert.strictEqual(yield* pointing(registry, { revision: 4 }), threeDigest)
      assert.strictEqual(yield* pointing(registry, { revision: 3 }), twoDigest)
      assert.strictEqual(yield* pointing(registry, { revision: 1 }), oneDigest)
      assert.strictEqual(yield* pointing(registry, { time: utcOf(3999) }), twoDigest)
      assert.strictEqual(yield* pointing(registry, { time: utcOf(4000) }), threeDigest)
      assert.strictEqual(yield* pointing(registry, previous(1)), twoDigest)
      assert.strictEqual(yield* pointing(registry, previous(2)), oneDigest)
      assert.instanceOf(yield* Effect.flip(pointing(registry, previous(3))), RevisionUnknown)
      assert.instanceOf(yield* Effect.flip(pointing(registry, previous(4))), RevisionUnknown)
    }))

  it.effect("before the first commit and after the last there is none", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      assert.instanceOf(yield* Effect.flip(pointing(registry, { revision: 0 })), RevisionUnknown)
      assert.instanceOf(yield* Effect.flip(pointing(registry, { time: utcOf(999) })), RevisionUnknown)
      const unknown = yield* Effect.flip(pointing(registry, { revision: 5 }))
      assert.deepStrictEqual(unknown, new RevisionUnknown({ asked: "revision 5", newest: 4 }))
    }))

  it.effect("lists, describes and finds what there was, and writes nothing", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.deleteManifest("app", threeDigest ?? "", { force: true })
      yield* registry.deleteManifest("web", oneDigest ?? "")
      yield* pushImage(registry, "new", two, ["v1"])
      const then = registry.at({ revision: 4 })
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(then.repositories())), ["app", "web"])
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(then.repositories({ startAfter: "app" }))), ["web"])
      assert.deepStrictEqual((yield* then.getManifest("app", threeDigest ?? "")).bytes, three.bytes)
      assert.instanceOf(yield* Effect.flip(registry.getManifest("app", threeDigest ?? "")), ManifestUnknown)
      assert.deepStrictEqual(yield* tagsIn(then, "web"), ["v1"])
      assert.instanceOf(yield* Effect.flip(then.deleteTag("app", "v1")), Denied)
      assert.instanceOf(yield* Effect.flip(then.restore({ to: { revision: 1 } })), Denied)
      assert.instanceOf(yield* Effect.flip(then.revert(1)), Denied)
    }))

  it.effect("of a tree is one of each layout", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      yield* TestClock.adjust(1000)
      yield* pushImage(registry, "app", one, ["v1"])
      yield* TestClock.adjust(1000)
      yield* pushImage(registry, "web", one, ["v1"])
      const then = registry.at({ time: utcOf(1500) })
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(then.repositories())), ["app"])
      assert.deepStrictEqual(yield* tagsIn(then), ["v1"])
    }))
})

describe("reverting", () => {
  it.effect("a tag that was moved points it back, by a new commit that can be reverted as well", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      const { changes, revision } = yield* registry.revert(4)
      assert.deepStrictEqual(revision, Option.some(5))
      assert.deepStrictEqual(changed(changes.filter(({ tag }) => tag !== undefined)), [
        { repository: "app", tag: "v1", from: threeDigest, to: twoDigest }
      ])
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, twoDigest)
      yield* registry.revert(5)
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, threeDigest)
      assert.deepStrictEqual(yield* revisions(registry), [6, 5, 4, 3, 2, 1])
    }))

  it.effect("a deletion brings the manifest and all of its tags back", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.tagManifest("app", threeDigest ?? "", ["latest"])
      yield* registry.deleteManifest("app", threeDigest ?? "")
      assert.deepStrictEqual(yield* tagsIn(registry), [])
      yield* registry.revert(6)
      assert.deepStrictEqual(yield* tagsIn(registry), ["latest", "v1"])
    }))

  it.effect("is refused where the name has been changed again, naming it, unless it is forced", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      const conflict = yield* Effect.flip(registry.revert(2))
      assert.instanceOf(conflict, Conflict)
      assert.deepStrictEqual(conflict.names, ["app:v1 in revision 4"])
      assert.include(conflict.message, "app:v1 in revision 4")
      assert.deepStrictEqual(yield* revisions(registry), [4, 3, 2, 1])
      yield* registry.revert(2, { force: true })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
    }))

  it.effect("does not change a name that points again at what it did, with other annotations", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* store(one, one.config, ...one.layers)
      const entry = entryOf(one, "app:v1")
      yield* add(entry)
      yield* pushImage(registry, "app", two, ["v1"])
      yield* registry.deleteTag("app", "v1")
      yield* add({
        ...entry,
        annotations: { "org.opencontainers.image.ref.name": "app:v1", "com.example.note": "again" }
      })
      const { changes } = yield* registry.revert(2)
      assert.deepStrictEqual(changes.filter(({ tag }) => tag !== undefined), [])
    }))

  it.effect("brings back which of several entries of a tag counts", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      for (const sample of [one, two]) yield* store(sample, sample.config, ...sample.layers)
      yield* add(entryOf(one, "app:v1"), entryOf(two, "app:v1"))
      yield* registry.deleteManifest("app", oneDigest ?? "")
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, twoDigest)
      yield* registry.revert(2)
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
      yield* registry.revert(3)
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, twoDigest)
    }))

  it.effect("what has been taken back already does nothing", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.revert(4)
      assert.deepStrictEqual(yield* registry.revert(4), { revision: Option.none(), changes: [] })
    }))

  it.effect("is refused when the content is gone, naming it, and changes nothing", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.deleteManifest("app", threeDigest ?? "")
      yield* registry.deleteBlob("app", threeDigest ?? "")
      const before = yield* revisions(registry)
      const gone = yield* Effect.flip(registry.revert(5))
      assert.instanceOf(gone, ManifestBlobUnknown)
      assert.deepStrictEqual(gone.missing, [{ path: "manifest", digest: threeDigest ?? "" }])
      assert.deepStrictEqual(yield* revisions(registry), before)
    }))

  it.effect("names the revision that was asked for, where there is none", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      for (const revision of [9, 0, -1]) {
        const unknown = yield* Effect.flip(registry.revert(revision))
        assert.instanceOf(unknown, RevisionUnknown)
        assert.strictEqual(
          unknown.message,
          `there is no revision ${revision} in the history; the newest revision is 4`
        )
      }
    }))

  it.effect("a commit that deleted a blob is not to be had", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      const { descriptor } = yield* registry.pushBlob("app", Stream.succeed(Buffer.from("x")))
      yield* registry.deleteBlob("app", descriptor.digest)
      assert.instanceOf(yield* Effect.flip(registry.revert(5)), Unsupported)
    }))

  it.effect("can be tried first", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      const { changes, revision } = yield* registry.revert(4, { dryRun: true })
      assert.isTrue(Option.isNone(revision))
      assert.deepStrictEqual((yield* registry.revert(4)).changes, changes)
      assert.isTrue(Result.isFailure(yield* Effect.result(registry.revert(9, { dryRun: true }))))
    }))
})

describe("restoring", () => {
  it.effect("a tag points it where it pointed, and leaves the rest, what it leaves included", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.restore({ to: { revision: 1 }, repository: "app", tag: "v1" })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
      assert.deepStrictEqual((yield* registry.getManifest("app", threeDigest ?? "")).bytes, three.bytes)
      assert.strictEqual((yield* registry.resolveTag("web", "v1")).digest, oneDigest)
    }))

  it.effect("a tag that did not exist removes it", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.restore({ to: { revision: 0 }, repository: "web", tag: "v1" })
      assert.deepStrictEqual(yield* tagsIn(registry, "web"), [])
      assert.strictEqual((yield* registry.resolveManifest("web", oneDigest ?? "")).digest, oneDigest)
    }))

  it.effect("a tag works also when what it points at now is broken", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* registry.deleteTag("app", "v1")
      yield* store(two)
      yield* add(entryOf(two, "app:v1"))
      yield* registry.restore({ to: { revision: 1 }, repository: "app", tag: "v1" })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
    }))

  it.effect("no commit is earlier than the one before it, even if the clock was set back", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* TestClock.setTime(10)
      yield* registry.deleteTag("web", "v1")
      const times = (yield* Stream.runCollect(registry.history())).map(({ time }) => DateTime.toEpochMillis(time))
      assert.deepStrictEqual(times, [4000, 4000, 3000, 2000, 1000])
    }))

  it.effect("a tag wants to know of which repository", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      assert.instanceOf(yield* Effect.flip(registry.restore({ to: { revision: 1 }, tag: "v1" })), Unsupported)
      assert.deepStrictEqual(yield* revisions(registry), [4, 3, 2, 1])
    }))

  it.effect("a repository, or the layout, makes it what it was", () =>
    Effect.gen(function*() {
      const registry = yield* moved
      yield* registry.restore({ to: { time: utcOf(1500) }, repository: "app" })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
      assert.instanceOf(yield* Effect.flip(registry.getManifest("app", threeDigest ?? "")), ManifestUnknown)
      assert.deepStrictEqual(yield* tagsIn(registry, "web"), ["v1"])
      yield* registry.restore({ to: { revision: 2 } })
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(registry.repositories())), ["app"])
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, twoDigest)
      yield* registry.restore({ to: { revision: 4 } })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, threeDigest)
      assert.deepStrictEqual(yield* tagsIn(registry, "web"), ["v1"])
    }))

  it.effect("a tag leaves a manifest that never was whole", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      // Of a manifest in an index the layers are not asked for.
      const part = index([two])
      yield* pushBlob(registry, "app", two)
      yield* pushManifest(registry, "app", part, ["v1"])
      yield* registry.restore({ to: { revision: 1 }, repository: "app", tag: "v1" })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, oneDigest)
      assert.deepStrictEqual((yield* registry.getManifest("app", part.descriptor.digest)).bytes, part.bytes)
    }))

  it.effect("is refused when content of what comes back is gone, down to the layers of an index's manifests", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", referrerOf(one, "signature"))
      yield* registry.deleteManifest("app", referrerOf(one, "signature").descriptor.digest)
      yield* registry.deleteManifest("app", oneDigest ?? "", { force: true })
      const layer = one.layers[0]?.descriptor.digest ?? ""
      yield* registry.deleteBlob("app", layer)
      const gone = yield* Effect.flip(registry.restore({ to: { revision: 1 } }))
      assert.instanceOf(gone, ManifestBlobUnknown)
      assert.deepStrictEqual(gone.missing, [{ path: "layers[0]", digest: layer }])
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(registry.repositories())), [])
    }))
})
