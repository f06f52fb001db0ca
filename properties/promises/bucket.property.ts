/**
 * A layout in a bucket keeps its promises however each request ends: a machine that crashes at any of them, an
 * answer that is lost before or after it took effect, and machines that write at once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Result, Scope, Stream } from "effect"
import { bucketStores } from "../../src/bucket/makeBucket.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { pushImage } from "../../test/mcp/support/images.ts"
import { codeSeed } from "../support/codeSeed.ts"
import { Bucket, type Fate } from "../support/simulation/Bucket.ts"

const open = (
  bucket: Bucket,
  fate?: (request: string) => Fate,
  publishMillis = 0
): Effect.Effect<LayoutRegistry, never, Scope.Scope> =>
  Effect.map(
    bucketStores(bucket.machine(fate), { defaultRepository: undefined, foreignMillis: 0, publishMillis }),
    (stores) => sharedRegistry(stores, hasher)
  )

/** What a machine was answered. */
interface Answered {
  /** Tags by what their last acknowledged change left, and whether one is under way. */
  readonly tags: Map<string, boolean>
}

/** Pushes, tags and deletes, one after the other. */
const work = Effect.fnUntraced(function*(registry: LayoutRegistry, answered: Answered["tags"]) {
  const image = yield* pushImage(registry, { tags: ["v1"] })
  answered.set("v1", true)
  yield* registry.tagManifest("app", image.digest, ["v2"])
  answered.set("v2", true)
  answered.delete("v1")
  yield* registry.deleteTag("app", "v1")
  answered.set("v1", false)
})

const tagsOf = (registry: LayoutRegistry) =>
  Stream.runCollect(registry.tags("app")).pipe(
    // Before its first commit there is no repository.
    Effect.catchTag("NameUnknown", () => Effect.succeed([]))
  )

/** What any machine that comes later finds: what was answered, a history without doubles, and no damage. */
const check = Effect.fnUntraced(function*(bucket: Bucket, answered: Answered["tags"], publishMillis = 0) {
  // Other tools read the index alone.
  const index = Buffer.from(bucket.objects.get("index.json")?.bytes ?? []).toString()
  for (const [tag, isThere] of publishMillis > 0 ? [] : answered) {
    assert.strictEqual(index.includes(`app:${tag}"`), isThere, `${tag} in the index`)
  }
  const registry = yield* open(bucket)
  const tags: ReadonlyArray<string> = yield* tagsOf(registry)
  for (const [tag, isThere] of answered) assert.strictEqual(tags.includes(tag), isThere, tag)
  const image = yield* pushImage(registry, { tags: ["later"] })
  assert.strictEqual((yield* registry.resolveTag("app", "later")).digest, image.digest)
  const commits = yield* Stream.runCollect(registry.history())
  const revisions = commits.map(({ revision }) => revision)
  assert.deepStrictEqual(revisions, Array.from({ length: revisions.length }, (_, k) => revisions.length - k))
  for (const tag of ["v1", "v2"]) {
    const moves = commits.flatMap(({ changes }) => changes.filter((change) => change.tag === tag))
    assert.isAtMost(moves.length, tag === "v1" ? 2 : 1, `the changes of ${tag}`)
  }
  const steps = yield* Stream.runCollect(registry.verify())
  assert.deepStrictEqual(steps.filter(({ _tag }) => _tag === "Found"), [])
  assert.isDefined(bucket.objects.get("index.json"))
})

/** How many requests the work takes when nothing goes wrong. */
const requestsOf = Effect.fnUntraced(function*(publishMillis: number) {
  const bucket = new Bucket()
  yield* work(yield* open(bucket, undefined, publishMillis), new Map())
  return bucket.log.length
})

describe("a layout in a bucket", () => {
  it.live.each([0, 3_600_000])(
    "keeps what was answered when a machine crashes at any request, publishing after %i ms",
    (publishMillis) =>
      Effect.scoped(Effect.gen(function*() {
        const count = yield* requestsOf(publishMillis)
        assert.isAbove(count, 10)
        for (let at = 0; at < count; at++) {
          const bucket = new Bucket()
          const answered: Answered["tags"] = new Map()
          const crashed = yield* Deferred.make<void>()
          let sent = 0
          const fate = (): Fate => {
            if (sent++ < at) return "answered"
            Deferred.doneUnsafe(crashed, Effect.void)
            return "crash"
          }
          // A machine that crashed ends nothing: its scope stays open.
          const registry = yield* Effect.provideService(
            open(bucket, fate, publishMillis),
            Scope.Scope,
            yield* Scope.make()
          )
          yield* Effect.forkDetach(work(registry, answered))
          yield* Deferred.await(crashed)
          yield* check(bucket, answered, publishMillis)
        }
      }))
  )

  for (const lost of ["not sent", "answer lost"] as const) {
    it.live(`answers once and truly when a request is ${lost}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const count = yield* requestsOf(0)
        for (let at = 0; at < count; at++) {
          const bucket = new Bucket()
          const answered: Answered["tags"] = new Map()
          let sent = 0
          const fate = (): Fate => sent++ === at ? lost : "answered"
          let isDecisive = false
          const seen = (request: string): Fate => {
            const becomes = fate()
            if (becomes === lost) isDecisive = /^PUT (?:index|\.ocilayout\/records)/u.test(request)
            return becomes
          }
          // A read or an upload may fail; what becomes of a record and of the index is found out.
          const exit = yield* Effect.exit(work(yield* open(bucket, seen), answered))
          if (isDecisive) assert.isTrue(Exit.isSuccess(exit), `request ${at} is asked for until it is known`)
          yield* check(bucket, answered)
        }
      })), 120_000)
  }

  it.live(
    "lets one win, however the requests of several machines end",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const first = codeSeed() % 2 ** 30
        for (let run = 0; run < 20; run++) {
          const bucket = new Bucket()
          let seed = first + run
          const random = (): number => {
            seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
            return (seed >>> 8) % 100
          }
          // Changes of records and of the index, whose answers are never guessed.
          const fate = (request: string): Fate =>
            !/^PUT (?:index|\.ocilayout\/records)/u.test(request) || random() > 25
              ? "answered"
              : random() > 50
              ? "not sent"
              : "answer lost"
          const machines = yield* Effect.forEach([0, 1, 2], () => open(bucket, fate))
          const won = yield* Effect.forEach(machines, (registry, place) =>
            Effect.gen(function*() {
              const image = yield* pushImage(registry, { manifest: { annotations: { place: String(place) } } })
              const result = yield* Effect.result(
                registry.tagManifest("app", image.digest, [{ tag: "won", ifAbsent: true }])
              )
              return Result.isSuccess(result) ? [image.digest] : []
            }), { concurrency: "unbounded" })
          const winners = won.flat()
          assert.strictEqual(winners.length, 1)
          const later = yield* open(bucket)
          assert.strictEqual((yield* later.resolveTag("app", "won")).digest, winners[0])
          const commits = yield* Stream.runCollect(later.history())
          assert.strictEqual(commits.filter(({ changes }) => changes.some(({ tag }) => tag === "won")).length, 1)
        }
      })),
    120_000
  )
})
