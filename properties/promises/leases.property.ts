/** A tool that collects garbage without a lock takes nothing away from a process that is pushing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import type { FsError, LayoutFs } from "../../src/node/fs/LayoutFs.ts"
import { blobOf, layerOf, manifestDigest, manifestOf, mediaType } from "../runs/stress/contents.ts"
import { interleave } from "../support/interleave.ts"
import { runs } from "../support/share.ts"
import { pass } from "../support/simulation/foreign.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { root, World } from "../support/simulation/World.ts"

const folder = `${root}/blobs/sha256`

const textOf = (fs: LayoutFs, path: string): Effect.Effect<string, FsError> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(path, { access: "read" })
    const bytes = new Uint8Array((yield* handle.stat).size)
    yield* handle.read(bytes, 0)
    return Buffer.from(bytes).toString("latin1")
  }))

const namesIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/sha256:([0-9a-f]{64})/gu), ([, name = ""]) => name)

/** Removes every blob that the index, and the manifests it named when it was read, do not name. */
const collect = (fs: LayoutFs): Effect.Effect<void, FsError> =>
  Effect.gen(function*() {
    const wanted = new Set(namesIn(yield* textOf(fs, `${root}/index.json`)))
    for (const name of wanted) {
      const text = yield* Effect.orElseSucceed(textOf(fs, `${folder}/${name}`), () => "")
      for (const child of namesIn(text)) wanted.add(child)
    }
    for (const name of yield* fs.readDirectory(folder)) if (!wanted.has(name)) yield* fs.unlink(`${folder}/${name}`)
  })

const program = fc.record({
  notes: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 2 }),
  chunked: fc.boolean(),
  waits: fc.array(fc.nat({ max: 120 }), { minLength: 1, maxLength: 4 })
})

describe("a collector without a lock", () => {
  it("takes no blob from a push, and none from a reader of what was pushed", () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), program, async (fuzzed, { chunked, notes, waits }) => {
        const world = new World(new Machine({ yielding: true }))
        const [{ registry }, { fs }] = [await world.open(), await world.open()]
        await world.run(registry.pushManifest("app", manifestOf("first"), mediaType).pipe(Effect.ignore))
        await world.run(registry.pushBlob("app", Stream.succeed(Buffer.from("first"))))
        const push = (note: string) =>
          Effect.gen(function*() {
            const layer = blobOf(layerOf(note))
            if (chunked) {
              const writer = yield* registry.pushBlobChunked("app")
              yield* writer.append(0, Stream.succeed(layer))
              const digest = manifestOf(note).toString().match(/"layers".*?(sha256:[0-9a-f]{64})/u)?.[1] ?? ""
              yield* writer.commit(digest)
            } else yield* registry.pushBlob("app", Stream.succeed(layer))
            yield* registry.pushManifest("app", manifestOf(note), mediaType, { tags: [note] })
          })
        // What it finds in the middle of being made is no reason for it to stop.
        const collector = Effect.forEach(waits, (wait) => Effect.andThen(pass(wait), Effect.ignore(collect(fs))))
        const all = Effect.all([collector, ...notes.map(push)], { concurrency: "unbounded", discard: true })
        await interleave(fuzzed, world.within(all), Number.MAX_SAFE_INTEGER)
        for (const note of notes) {
          const { descriptor, bytes } = await world.run(registry.getTag("app", note))
          assert.strictEqual(descriptor.digest, manifestDigest(note))
          for (const name of namesIn(Buffer.from(bytes).toString()).slice(1)) {
            await world.run(registry.resolveBlob("app", `sha256:${name}`))
          }
        }
      }),
      { numRuns: runs }
    ))
})
