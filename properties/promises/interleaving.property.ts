/** Writers at the same time: conditions are won once, and nothing is lost, in every order that fibers run in. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, type Scope, Stream } from "effect"
import fc from "fast-check"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as memory from "../../src/memory/index.ts"
import * as node from "../../src/node/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { digestOf } from "../support/contents.ts"
import { interleave } from "../support/interleave.ts"
import { runs } from "../support/share.ts"

const mediaType = "application/vnd.oci.image.manifest.v1+json"
const repository = "app"

/** The smallest manifest there is, with a note in it. */
const manifest = (note: string): Uint8Array =>
  Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: digestOf(Buffer.from("{}")),
      size: 2,
      data: "e30="
    },
    layers: [],
    annotations: { "example.note": note }
  }))

const push = (registry: LayoutRegistry, note: string, tags: ReadonlyArray<string> = []) =>
  registry.pushManifest(repository, manifest(note), mediaType, { tags })

/** How often each of them happened. */
const tally = (names: ReadonlyArray<string>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

const outcome = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>): Effect.Effect<string> =>
  Effect.match(effect, { onSuccess: () => "ok", onFailure: ({ _tag }) => _tag })

const together = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

interface Place {
  readonly name: string
  readonly runs: number
  /** Registries that know nothing of each other but what is stored; in memory there can be one only. */
  readonly open: (directory: string) => Effect.Effect<ReadonlyArray<LayoutRegistry>, unknown, Scope.Scope>
}

const openOnDisk = (directory: string) => node.makeDisk({ directory, durability: "none" })

const places: ReadonlyArray<Place> = [
  { name: "in memory", runs, open: () => Effect.map(memory.makeMemory(), (registry) => [registry]) },
  {
    name: "on disk",
    runs: Math.ceil(runs / 5),
    open: (directory) => Effect.map(openOnDisk(directory), (one) => [one])
  },
  {
    name: "on disk through two stores",
    runs: Math.ceil(runs / 5),
    open: (directory) => Effect.all([openOnDisk(directory), openOnDisk(directory)])
  }
]

describe.each(places)("writers $name", ({ open, runs }) => {
  /** Runs a program in as many interleavings as there are runs; it gets the registry of each of its fibers. */
  const inAnyOrder = (
    program: (registryOf: (fiber: number) => LayoutRegistry, fibers: number) => Effect.Effect<void, unknown>
  ): Promise<void> =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (fuzzed, fibers) => {
        const directory = mkdtempSync(join(tmpdir(), "ocilayout-interleaving-"))
        try {
          const scoped = Effect.scoped(Effect.flatMap(open(directory), (registries) =>
            program((fiber) =>
              registries[fiber % registries.length] ?? assert.fail("no registry"), fibers)))
          await interleave(fuzzed, scoped)
        } finally {
          rmSync(directory, { recursive: true })
        }
      }),
      { numRuns: runs }
    )

  const fibersOf = (fibers: number): ReadonlyArray<number> => Array.from({ length: fibers }, (_, fiber) => fiber)

  it("win a tag that must not exist exactly once, now one and now another", async () => {
    const winners = new Set<number>()
    await inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        const outcomes = yield* together(
          fibersOf(fibers).map((fiber) =>
            outcome(
              registryOf(fiber).pushManifest(repository, manifest(`${fiber}`), mediaType, {
                tags: [{ tag: "v1", ifAbsent: true }]
              })
            )
          )
        )
        assert.deepStrictEqual(tally(outcomes), { ok: 1, TagExists: fibers - 1 })
        const winner = outcomes.indexOf("ok")
        winners.add(winner)
        assert.strictEqual((yield* registryOf(1).resolveTag(repository, "v1")).digest, digestOf(manifest(`${winner}`)))
      })
    )
    if (runs >= 20) assert.isAbove(winners.size, 1)
  })

  it("move a tag from where it was exactly once", () =>
    inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        const first = yield* push(registryOf(0), "first", ["v1"])
        yield* Effect.forEach(fibersOf(fibers), (fiber) => push(registryOf(0), `${fiber}`))
        const outcomes = yield* together(
          fibersOf(fibers).map((fiber) =>
            outcome(
              registryOf(fiber).tagManifest(repository, digestOf(manifest(`${fiber}`)), [
                { tag: "v1", ifDigest: first.descriptor.digest }
              ])
            )
          )
        )
        assert.deepStrictEqual(tally(outcomes), { ok: 1, Conflict: fibers - 1 })
        // What the tag left is still there.
        yield* registryOf(1).getManifest(repository, first.descriptor.digest)
      })
    ))

  it("take turns, each from what the one before left", () =>
    inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        yield* push(registryOf(0), "start", ["v1"])
        /** Moves the tag on from where it finds it, until it does. */
        const moveOn = (fiber: number): Effect.Effect<string, unknown> =>
          Effect.gen(function*() {
            const registry = registryOf(fiber)
            const { digest } = yield* registry.resolveTag(repository, "v1")
            const pushed = yield* Effect.result(
              registry.pushManifest(repository, manifest(`${fiber}`), mediaType, {
                tags: [{ tag: "v1", ifDigest: digest }]
              })
            )
            if (Result.isSuccess(pushed)) return digest
            return pushed.failure._tag === "Conflict" ? yield* moveOn(fiber) : yield* Effect.fail(pushed.failure)
          })
        const from = yield* together(fibersOf(fibers).map(moveOn))
        const last = (yield* registryOf(0).resolveTag(repository, "v1")).digest
        const all = [digestOf(manifest("start")), ...fibersOf(fibers).map((fiber) => digestOf(manifest(`${fiber}`)))]
        // Every version but the last was moved on from, and by one writer only.
        assert.sameMembers([...from, last], all)
      })
    ))

  it("lose nothing of what they push, and number it without gaps", () =>
    inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        const pushed = yield* together(
          fibersOf(fibers).flatMap((fiber) => [
            push(registryOf(fiber), `tagged ${fiber}`, [`v${fiber}`]),
            push(registryOf(fiber), `untagged ${fiber}`),
            push(registryOf(fiber), "the same", ["shared"])
          ])
        )
        const revisions = pushed.flatMap(({ revision }) => Option.toArray(revision))
        assert.deepStrictEqual(
          revisions.toSorted((a, b) => a - b),
          Array.from({ length: 2 * fibers + 1 }, (_, at) => at + 1)
        )
        for (const { descriptor } of pushed) yield* registryOf(1).getManifest(repository, descriptor.digest)
        const tags = yield* Stream.runCollect(registryOf(1).tags(repository))
        assert.deepStrictEqual(Array.from<string>(tags), ["shared", ...fibersOf(fibers).map((fiber) => `v${fiber}`)])
      })
    ))

  it("of one upload never mix their bytes", () =>
    inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        const { id } = yield* registryOf(0).pushBlobChunked(repository)
        const pieces = (fiber: number): ReadonlyArray<Uint8Array> =>
          Array.from({ length: 3 }, () => new Uint8Array(4).fill(fiber))
        const outcomes = yield* together(
          fibersOf(fibers).map((fiber) =>
            outcome(
              Effect.flatMap(registryOf(fiber).pushBlobChunkedResume(repository, id), (writer) =>
                writer.append(0, Stream.fromIterable(pieces(fiber))))
            )
          )
        )
        const { ok = 0, RangeInvalid: late = 0, UploadBusy: busy = 0, ...others } = tally(outcomes)
        assert.deepStrictEqual([ok, late + busy, others], [1, fibers - 1, {}])
        const writer = yield* registryOf(1).pushBlobChunkedResume(repository, id)
        yield* writer.commit(digestOf(Buffer.concat(pieces(outcomes.indexOf("ok")))))
      })
    ))

  it("that delete and tag leave no tag without its manifest", () =>
    inAnyOrder((registryOf, fibers) =>
      Effect.gen(function*() {
        const { descriptor: { digest } } = yield* push(registryOf(0), "wanted")
        const outcomes = yield* together(
          fibersOf(fibers).map((fiber) =>
            fiber === 0
              ? outcome(registryOf(fiber).deleteManifest(repository, digest))
              : outcome(registryOf(fiber).tagManifest(repository, digest, [`v${fiber}`]))
          )
        )
        assert.strictEqual(outcomes[0], "ok")
        // Who tagged in time lost the tag with the manifest; who came late was told.
        for (const tagged of outcomes.slice(1)) assert.include(["ok", "ManifestUnknown"], tagged)
        assert.strictEqual(
          yield* outcome(registryOf(1).resolveManifest(repository, digest)),
          "NameUnknown"
        )
      })
    ))
})
