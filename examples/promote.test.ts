/**
 * Tests a program without a disk: the registry is in memory, and a new one for each test.
 *
 *     node --test promote.test.ts
 */
import { Effect, Stream } from "effect"
import assert from "node:assert/strict"
import { test } from "node:test"
import { mediaTypes, Registry } from "ocilayout"
import * as memory from "ocilayout/memory"
import { passed, promote } from "./promote.ts"

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

/** Pushes an image under a tag, and says its descriptor. */
const pushImage = Effect.fn("pushImage")(function*(repository: string, tag: string) {
  const registry = yield* Registry
  const mediaType = mediaTypes.imageManifest
  const config = yield* registry.pushBlob(
    repository,
    Stream.succeed(json({ architecture: "amd64", os: "linux", config: { Env: [`TAG=${tag}`] } })),
    { mediaType: mediaTypes.imageConfig }
  )
  const manifest = { schemaVersion: 2, mediaType, config: config.descriptor, layers: [] }
  return (yield* registry.pushManifest(repository, json(manifest), mediaType, { tags: [tag] })).descriptor
})

/** Attaches a report to an image. */
const attachReport = Effect.fn("attachReport")(function*(repository: string, tag: string) {
  const registry = yield* Registry
  const subject = yield* registry.resolveTag(repository, tag)
  const empty = yield* registry.pushBlob(repository, Stream.succeed(json({})), { mediaType: mediaTypes.emptyJson })
  const mediaType = mediaTypes.imageManifest
  const report = {
    schemaVersion: 2,
    mediaType,
    artifactType: passed,
    config: empty.descriptor,
    layers: [empty.descriptor],
    subject
  }
  yield* registry.pushManifest(repository, json(report), mediaType)
})

const withRegistry = <A, E>(program: Effect.Effect<A, E, Registry>) =>
  Effect.runPromise(program.pipe(Effect.provide(memory.layerMemory())))

test("the newest candidate that has passed is promoted, with its report", () =>
  withRegistry(Effect.gen(function*() {
    const registry = yield* Registry
    yield* pushImage("staging/app", "1.0.0-rc.9")
    const { digest } = yield* pushImage("staging/app", "1.0.0-rc.10")
    yield* attachReport("staging/app", "1.0.0-rc.10")

    assert.deepEqual(yield* promote("staging/app", "example/app"), ["1.0.0"])
    assert.equal((yield* registry.resolveTag("example/app", "1.0.0")).digest, digest)
    assert.equal((yield* Stream.runCollect(registry.referrers("example/app", digest))).length, 1)
  })))

test("a candidate without a report stays where it is", () =>
  withRegistry(Effect.gen(function*() {
    yield* pushImage("staging/app", "1.0.0-rc.1")
    assert.deepEqual(yield* promote("staging/app", "example/app"), [])
  })))

test("a version keeps the image that it was given first", () =>
  withRegistry(Effect.gen(function*() {
    const registry = yield* Registry
    const { digest } = yield* pushImage("staging/app", "1.0.0-rc.1")
    yield* attachReport("staging/app", "1.0.0-rc.1")
    yield* promote("staging/app", "example/app")
    yield* pushImage("staging/app", "1.0.0-rc.2")
    yield* attachReport("staging/app", "1.0.0-rc.2")

    assert.deepEqual(yield* promote("staging/app", "example/app"), [])
    assert.equal((yield* registry.resolveTag("example/app", "1.0.0")).digest, digest)
  })))
