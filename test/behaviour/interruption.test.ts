/**
 * Operations that are interrupted before every call they make of the file system: a layout is as before or as after,
 * nothing is left over, and the lock is free.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Scope, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { isWhole, seed, stride } from "../../properties/support/share.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import { makeDisk } from "../../src/node/index.ts"
import { openStores } from "../../src/node/stores.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { leftovers, temporaryFolder } from "../support/folders.ts"
import { image, pushBlob, pushImage, utf8 } from "../support/images.ts"
import { watchedFs } from "../support/watchedFs.ts"

const one = image("one")
const two = image("two")

const durability = "none"

/** A layout with an image under two tags, and an upload that has begun. */
const prepared = Effect.gen(function*() {
  const directory = join(yield* temporaryFolder, "layout")
  yield* Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, durability })
    yield* pushImage(registry, "app", one, ["v1", "old"])
    yield* registry.deleteTag("app", "old")
    for (const part of two.layers) yield* pushBlob(registry, "app", part)
    const writer = yield* registry.pushBlobChunked("app")
    yield* writer.append(0, Stream.succeed(utf8("begun")))
  }))
  return directory
})

type Act = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError, Scope.Scope>

const resumed = (registry: LayoutRegistry) =>
  Effect.flatMap(registry.uploads("app"), ([upload]) => registry.pushBlobChunkedResume("app", upload?.id ?? ""))

const acts: Readonly<Record<string, Act>> = {
  "a push of an image": (registry) => pushImage(registry, "app", two, ["v2"]),
  "a tag": (registry) => registry.tagManifest("app", one.descriptor.digest, ["v3"]),
  "a tag taken back": (registry) => registry.deleteTag("app", "v1"),
  "a manifest deleted": (registry) => registry.deleteManifest("app", one.descriptor.digest),
  "an upload that goes on": (registry) =>
    Effect.flatMap(resumed(registry), (writer) => writer.append(5, Stream.succeed(utf8(" and ended")))),
  "an undo": (registry) => registry.revert(2),
  "a collection": (registry) =>
    Effect.flatMap(
      registry.planGarbage({ grace: 0, undoWindow: 0, untagged: true }),
      ({ id }) => id._tag === "None" ? Effect.void : registry.collectGarbage(id.value)
    ),
  "reading a blob": (registry) =>
    Effect.flatMap(
      registry.getBlob("app", one.layers[0]?.descriptor.digest ?? ""),
      ({ stream }) => Stream.runDrain(stream)
    )
}

/** The files that a process has open in a folder. */
const openIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = fs.readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })

const tagsOf = (registry: LayoutRegistry) =>
  Effect.map(
    Stream.runCollect(Stream.mapEffect(registry.tags("app"), (tag) => registry.get("app", tag))),
    (manifests) => manifests.map(({ descriptor: { digest } }) => digest)
  ).pipe(Effect.catchTag("NameUnknown", () => Effect.succeed([])))

/** Does it in a copy of a folder, and interrupts it before a call; whether it came so far. */
const interruptedAt = Effect.fnUntraced(function*(from: string, act: Act, at: number) {
  const directory = join(yield* temporaryFolder, "layout")
  fs.cpSync(from, directory, { recursive: true, preserveTimestamps: true })
  const watched = watchedFs(directory)
  const before = yield* Effect.scoped(Effect.flatMap(makeDisk({ directory, durability }), tagsOf))
  const exit = yield* Effect.scoped(Effect.gen(function*() {
    const registry = sharedRegistry(
      yield* openStores(watched.fs, { directory, durability, lockWait: 100 }, undefined),
      hasher
    )
    const fiber = yield* Effect.forkChild(Effect.scoped(act(registry)))
    let calls = 0
    watched.intercept(() =>
      calls++ === at ? Effect.andThen(Effect.sync(() => fiber.interruptUnsafe()), Effect.yieldNow) : Effect.void
    )
    const ended = yield* Fiber.await(fiber)
    watched.intercept(() => Effect.void)
    // The lock is free, and what is there is no hindrance.
    yield* registry.tagManifest("app", one.descriptor.digest, ["again"]).pipe(
      Effect.catchTags({ ManifestUnknown: () => Effect.void, NameUnknown: () => Effect.void })
    )
    assert.deepStrictEqual(leftovers(directory), [])
    return calls > at ? ended : undefined
  }))
  if (fs.existsSync("/proc/self/fd")) assert.deepStrictEqual(openIn(directory), [])
  const registry = yield* makeDisk({ directory, durability })
  const found = yield* Stream.runCollect(registry.verify())
  assert.deepStrictEqual(found.filter((step) => step._tag === "Found" && step.finding.severity === "error"), [])
  // What was tagged is tagged, unless the act did away with it; and every tag can be read whole.
  const after = yield* tagsOf(registry)
  assert.isAtLeast(after.length, before.length - 1)
  return exit
})

describe("an operation that is interrupted before any call", () => {
  for (const [name, act] of Object.entries(acts)) {
    it.live(`${name} leaves all of it or nothing, no file of its own, and no lock`, () =>
      Effect.gen(function*() {
        const from = yield* prepared
        let interrupted = 0
        for (let at = seed % stride;; at += stride) {
          const exit = yield* Effect.scoped(interruptedAt(from, act, at))
          if (exit === undefined) break
          if (Exit.isFailure(exit)) interrupted++
        }
        if (isWhole) assert.isAbove(interrupted, 0)
      }), 120_000)
  }
})
