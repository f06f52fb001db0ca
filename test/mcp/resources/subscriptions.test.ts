import { assert, describe, it } from "@effect/vitest"
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js"
import { Deferred, Effect, Exit, Logger, Queue, Scope, Stream } from "effect"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { makeSubscriptions } from "../../../src/mcp/resources/subscriptions.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { hasher } from "../../../src/node/files/hasher.ts"
import { StorageError } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { newDisk, plainLayout } from "../../support/disk.ts"
import { entry } from "../../support/entries.ts"
import { pushImage } from "../support/images.ts"
import { memoryFiles } from "../support/memoryFiles.ts"
import { session } from "../support/session.ts"

/** A registry that counts the watches which are running. */
const counting = (registry: LayoutRegistry) => {
  const watches = { begun: 0, running: 0 }
  const counted: LayoutRegistry = {
    ...registry,
    startWatch: (options) =>
      Effect.map(registry.startWatch(options), (commits) => {
        watches.begun++
        return Stream.unwrap(Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => void watches.running++),
            () => Effect.sync(() => void watches.running--)
          ),
          commits
        ))
      })
  }
  return { counted, watches }
}

const opened = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  options: {
    readonly others?: Readonly<Record<string, LayoutRegistry>>
    readonly perRepository?: boolean
    readonly notify?: Effect.Effect<void>
  } = {}
) {
  const { notify = Effect.void, others = {}, perRepository = false } = options
  const told = yield* Queue.unbounded<string>()
  const layout = (id: string, registry: LayoutRegistry) => ({ id, path: `/${id}`, registry, perRepository })
  const catalogue = makeToolCatalog({
    layouts: [layout("main", registry), ...Object.entries(others).map(([id, registry]) => layout(id, registry))],
    mode: "write",
    files: memoryFiles([])
  })
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const { subscribe, unsubscribe } = yield* makeSubscriptions(
    catalogue,
    (uri) => Effect.andThen(notify, Queue.offer(told, uri)),
    50
  ).pipe(Effect.provideService(Scope.Scope, scope))
  return {
    subscribe,
    unsubscribe,
    close: Scope.close(scope, Exit.void),
    next: Effect.timeout(Queue.take(told), 9000),
    /** What has been told until now, and in a while. */
    rest: Effect.map(Effect.delay(Queue.clear(told), 250), (uris) => uris.toSorted())
  }
})

const tags = "oci-layout://main/app/tags"
const one = "oci-layout://main/app/manifests/1"
const layout = "oci-layout://main"

describe("a subscription", () => {
  it.live("to tags, a tag and a layout is told of what changes them, and of nothing else", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { rest, subscribe } = yield* opened(registry)
      const { digest } = yield* pushImage(registry, { tags: ["1"] })
      for (const uri of [tags, one, layout]) yield* subscribe(uri)
      assert.deepStrictEqual(yield* rest, [], "what was before is not told")
      yield* Effect.orDie(registry.tagManifest("app", digest, ["2"]))
      assert.deepStrictEqual(yield* rest, [layout, tags])
      yield* pushImage(registry, { repository: "web", tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [layout])
      yield* pushImage(registry, { layers: ["untagged"] })
      assert.deepStrictEqual(yield* rest, [layout])
      yield* pushImage(registry, { tags: ["1"], layers: ["moved"] })
      assert.deepStrictEqual(yield* rest, [layout, one, tags])
      yield* Effect.orDie(registry.deleteTag("app", "1"))
      assert.deepStrictEqual(yield* rest, [layout, one, tags])
    }))

  it.live("tells under the URI it was made with, and once however often it is made", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { rest, subscribe } = yield* opened(registry)
      const encoded = "oci-layout://main/ap%70/manifests/%31"
      yield* subscribe(encoded)
      yield* subscribe(encoded)
      yield* pushImage(registry, { tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [encoded])
    }))

  it.live("is told of every change that comes after its answer", () =>
    Effect.gen(function*() {
      for (let time = 0; time < 20; time++) {
        const registry = yield* Effect.orDie(makeMemory())
        const { next, subscribe } = yield* opened(registry)
        yield* subscribe(tags)
        yield* pushImage(registry, { tags: ["1"] })
        assert.strictEqual(yield* next, tags)
      }
    }))

  it.live("watches a layout once, from the first subscription to the last, and not after the connection", () =>
    Effect.gen(function*() {
      const { counted, watches } = counting(yield* Effect.orDie(makeMemory()))
      const { close, rest, subscribe, unsubscribe } = yield* opened(counted)
      assert.deepStrictEqual(watches, { begun: 0, running: 0 })
      yield* Effect.forEach([tags, one, layout], subscribe, { concurrency: "unbounded" })
      yield* Effect.sleep(20)
      assert.deepStrictEqual(watches, { begun: 1, running: 1 })
      yield* unsubscribe(tags)
      yield* unsubscribe(one)
      yield* unsubscribe("oci-layout://main/never/tags")
      assert.strictEqual(watches.running, 1)
      yield* pushImage(counted, { tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [layout])
      yield* unsubscribe(layout)
      assert.strictEqual(watches.running, 0)
      yield* subscribe(tags)
      yield* Effect.sleep(20)
      assert.deepStrictEqual(watches, { begun: 2, running: 1 })
      yield* close
      assert.strictEqual(watches.running, 0)
    }))

  it.live("is of one layout among several", () =>
    Effect.gen(function*() {
      const [main, other] = [counting(yield* Effect.orDie(makeMemory())), yield* Effect.orDie(makeMemory())]
      const { rest, subscribe } = yield* opened(main.counted, { others: { other } })
      yield* subscribe("oci-layout://other/app/tags")
      yield* pushImage(main.counted, { tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [])
      yield* pushImage(other, { tags: ["1"] })
      assert.deepStrictEqual(yield* rest, ["oci-layout://other/app/tags"])
      assert.strictEqual(main.watches.begun, 0)
    }))

  it.live("in a tree of layouts is to one repository", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const { rest, subscribe } = yield* opened(registry, { perRepository: true })
      yield* subscribe(tags)
      yield* subscribe("oci-layout://main/web/manifests/1")
      yield* pushImage(registry, { repository: "web", tags: ["2"] })
      assert.deepStrictEqual(yield* rest, [])
      yield* pushImage(registry, { tags: ["1"] })
      yield* pushImage(registry, { repository: "web", tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [tags, "oci-layout://main/web/manifests/1"])
      const { message } = yield* Effect.flip(subscribe(layout))
      assert.match(message, /^UNSUPPORTED: .*layouts of their own/u)
    }))

  it.live("is refused for what is not there, never changes or is too much", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const { subscribe } = yield* opened(registry)
      const digest = `sha256:${"a".repeat(64)}`
      const refusals = [
        ["oci-layout://none", "unknown"],
        ["oci-layout://main/App/tags", "invalid"],
        ["oci-layout://main/app/manifests/..", "invalid"],
        [`oci-layout://main/app/manifests/${digest}`, "invalid"],
        [`oci-layout://main/app/blobs/${digest}`, "invalid"],
        [`oci-layout://main/app/referrers/${digest}`, "invalid"]
      ] as const
      for (const [uri, why] of refusals) assert.strictEqual((yield* Effect.flip(subscribe(uri))).why, why, uri)
      for (let at = 0; at < 500; at++) yield* subscribe(`oci-layout://main/app/manifests/${at}`)
      assert.match((yield* Effect.flip(subscribe(tags))).message, /^LIMIT_EXCEEDED/u)
      yield* subscribe("oci-layout://main/app/manifests/0")
    }))

  it.live("of a client that reads slowly is told once of many changes", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const open = yield* Deferred.make<void>()
      const { rest, subscribe } = yield* opened(registry, { notify: Deferred.await(open) })
      yield* subscribe(tags)
      const { digest } = yield* pushImage(registry, { tags: ["1"] })
      for (let at = 0; at < 50; at++) yield* Effect.orDie(registry.tagManifest("app", digest, [`t${at}`]))
      yield* Effect.sleep(20)
      yield* Deferred.succeed(open, undefined)
      const told = yield* rest
      assert.isAtLeast(told.length, 1)
      assert.isAtMost(told.length, 3)
    }))
})

describe("a watch that breaks off", () => {
  const broken = new StorageError({ operation: "watch", path: "index.json", kind: "other", cause: new Error("gone") })

  it.live(
    "is logged and begun again, and everything is told, since changes may have been missed",
    () =>
      Effect.gen(function*() {
        const registry = yield* Effect.orDie(makeMemory())
        const begun = yield* Queue.unbounded<void>()
        let times = 0
        const breaking: LayoutRegistry = {
          ...registry,
          startWatch: (options) =>
            Effect.suspend(() => {
              times++
              if (times === 1) return Effect.succeed(Stream.fail(broken))
              if (times === 2) return Effect.fail(broken)
              return Effect.andThen(Queue.offer(begun, undefined), registry.startWatch(options))
            })
        }
        const logged: Array<unknown> = []
        yield* Effect.gen(function*() {
          const { next, rest, subscribe } = yield* opened(breaking)
          yield* subscribe(tags)
          yield* Effect.timeout(Queue.take(begun), 9000)
          assert.strictEqual(yield* next, tags)
          yield* pushImage(registry, { tags: ["1"] })
          assert.deepStrictEqual(yield* rest, [tags])
        }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(message))])))
        assert.match(String(logged[0]), /broke off.*STORAGE/u)
      }),
    30_000
  )

  it.live("that cannot even begin refuses the subscription", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      let times = 0
      const failing: LayoutRegistry = {
        ...registry,
        startWatch: (options) => times++ === 0 ? Effect.fail(broken) : registry.startWatch(options)
      }
      const { rest, subscribe } = yield* opened(failing)
      assert.strictEqual((yield* Effect.flip(subscribe(tags))).why, "failed")
      yield* subscribe(tags)
      yield* pushImage(registry, { tags: ["1"] })
      assert.deepStrictEqual(yield* rest, [tags])
    }))
})

describe("a client", () => {
  it.live("is told of what another process and a foreign tool do", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      plainLayout(disk, [entry("a", "app:1")])
      const open = Effect.map(disk.open(), (stores) => sharedRegistry(stores, hasher))
      const { client } = yield* session({ registry: yield* open })
      const told = yield* Queue.unbounded<string>()
      const settled = Effect.map(Effect.delay(Queue.clear(told), 400), (uris) => Array.from(new Set(uris)).toSorted())
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        Queue.offerUnsafe(told, params.uri)
      })
      for (const uri of [tags, one]) yield* Effect.promise(() => client.subscribeResource({ uri }))
      assert.deepStrictEqual(yield* settled, [])
      yield* pushImage(yield* open, { tags: ["2"] })
      assert.strictEqual(yield* Effect.timeout(Queue.take(told), 9000), tags)
      yield* settled
      disk.foreign(entry("b", "app:1"))
      assert.include([tags, one], yield* Effect.timeout(Queue.take(told), 9000))
      yield* Effect.promise(() => client.unsubscribeResource({ uri: one }))
      yield* settled
      disk.foreign(entry("a", "app:1"))
      assert.strictEqual(yield* Effect.timeout(Queue.take(told), 9000), tags)
      assert.notInclude(yield* settled, one)
    }))
})
