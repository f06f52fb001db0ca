/** A whole collection of ours between any two calls of a push, and a whole push between any two calls of a collection. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Stream } from "effect"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { blobDigest, blobOf, layerOf, manifestDigest, manifestOf, mediaType } from "../runs/stress/contents.ts"
import { figures } from "../support/figures.ts"
import { runs, seed } from "../support/share.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { type Instant, restarted, World } from "../support/simulation/World.ts"

/** From 400 runs on it is every call; with fewer some, and others with another seed. */
const stride = Math.max(1, Math.round(400 / runs))

type Work = Effect.Effect<void, RegistryError>

const hours = (count: number): number => count * 60 * 60 * 1000

const note = "pushed"
const [pushed, garbage] = [layerOf(note), layerOf("garbage")]

/** Nothing is kept but what is needed, and what was pushed within the hour. */
const collect = (registry: LayoutRegistry): Work =>
  Effect.gen(function*() {
    const { id } = yield* registry.planGarbage({ grace: 0, undoWindow: 0, untagged: true })
    if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
  })

const push = (registry: LayoutRegistry, layer: string): Work =>
  Effect.asVoid(registry.pushBlob("app", Stream.succeed(blobOf(layer))))

interface Way {
  /** What of the layer was there long before, or a while before. */
  readonly before: (registry: LayoutRegistry) => Effect.Effect<string, RegistryError>
  readonly push: (registry: LayoutRegistry, upload: string) => Work
  /** It takes the layout's lock, so that nothing can be between its calls while it has it. */
  readonly locks?: true
  /** What is gone need not be named. */
  readonly refusable?: RegistryError["_tag"]
}

const nothingThere = Effect.succeed("")

/** All that is there is old: two hours, where it is an upload, and otherwise days. */
const ways: Readonly<Record<string, Way>> = {
  "of a blob": { before: () => nothingThere, push: (registry) => push(registry, pushed) },
  "of a blob that is there": {
    before: (registry) => Effect.as(push(registry, pushed), ""),
    push: (registry) => push(registry, pushed)
  },
  "of chunks that came hours ago": {
    before: (registry) =>
      Effect.gen(function*() {
        const writer = yield* registry.pushBlobChunked("app")
        yield* writer.append(0, Stream.succeed(blobOf(pushed)))
        return writer.id
      }),
    push: (registry, upload) =>
      Effect.gen(function*() {
        const writer = yield* registry.pushBlobChunkedResume("app", upload)
        yield* writer.commit(blobDigest(pushed))
      })
  },
  "by a mount": {
    before: (registry) => Effect.as(push(registry, pushed), ""),
    push: (registry) => Effect.asVoid(registry.mountBlob("app", "web", blobDigest(pushed))),
    refusable: "BlobUnknown"
  },
  "of a tag": {
    before: (registry) =>
      Effect.as(
        Effect.andThen(push(registry, pushed), registry.pushManifest("app", manifestOf(note), mediaType)),
        ""
      ),
    push: (registry) => Effect.asVoid(registry.tagManifest("app", manifestDigest(note), ["tag"])),
    locks: true,
    refusable: "ManifestUnknown"
  }
}

interface Furnished extends Instant {
  readonly upload: string
}

const furnish = async (way: Way): Promise<Furnished> => {
  const world = new World(new Machine())
  const { close, registry } = await world.open()
  await world.run(push(registry, garbage))
  world.machine.advance(hours(30))
  const upload = await world.run(way.before(registry))
  await close()
  world.machine.advance(hours(upload === "" ? 30 : 2))
  const { disk, nowNs } = world.machine
  return { disk, nowNs, names: world.names, upload }
}

const isThere = (world: World, layer: string): boolean =>
  world.bytes(`blobs/${blobDigest(layer).replace(":", "/")}`) !== undefined

const tagOf = (exit: Exit.Exit<void, RegistryError>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const [reason] = exit.cause.reasons
  return reason?._tag === "Fail" ? reason.error._tag : String(exit.cause)
}

const counts = { "collections within a push": 0, "pushes within a collection": 0 }

/** One of them does all of its work before the call of the other with this number; whether there was such a call. */
const runBetween = async (way: Way, outer: "push" | "collection", at: number): Promise<boolean> => {
  const { disk, upload, ...moment } = await furnished(way)
  let calls = 0
  let watched: number | undefined
  let within: Effect.Effect<void> = Effect.void
  const world: World = restarted(disk, moment, {
    between: ({ process }) =>
      process !== watched || calls++ !== at || (way.locks === true && world.machine.locked > 0) ? Effect.void : within
  })
  const [pusher, collector] = [await world.open(), await world.open()]
  const works = { push: way.push(pusher.registry, upload), collection: collect(collector.registry) }
  let inner: Exit.Exit<void, RegistryError> | undefined
  within = Effect.map(Effect.exit(outer === "push" ? works.collection : works.push), (exit) => {
    inner = exit
  })
  watched = outer === "push" ? pusher.id : collector.id
  const exit = await world.run(Effect.exit(works[outer]))
  watched = undefined
  if (calls <= at) return false
  if (inner === undefined) return true
  counts[outer === "push" ? "collections within a push" : "pushes within a collection"]++
  const [ofPush, ofCollection] = outer === "push" ? [exit, inner] : [inner, exit]
  assert.isUndefined(tagOf(ofCollection), "the collection")
  const refused = tagOf(ofPush)
  if (refused === undefined) assert.isTrue(isThere(world, pushed), "what was pushed is there")
  else assert.strictEqual(refused, way.refusable, "the push")
  assert.isFalse(isThere(world, garbage), "garbage stays")
  return true
}

const begun = new Map<Way, Promise<Furnished>>()

const furnished = (way: Way): Promise<Furnished> => {
  const known = begun.get(way) ?? furnish(way)
  begun.set(way, known)
  return known
}

const assertNothingLost = async (way: Way, outer: "push" | "collection"): Promise<void> => {
  let at = Math.abs(seed) % stride
  while (await runBetween(way, outer, at)) at += stride
  assert.isAtLeast(at, stride)
}

describe("a collection between any two calls of a push", () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`takes nothing from a push ${name}`, () => assertNothingLost(way, "push"))
  }
})

describe("a push between any two calls of a collection", () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`loses nothing ${name}`, () => assertNothingLost(way, "collection"))
  }
})

afterAll(() => figures("collections between calls", counts))
