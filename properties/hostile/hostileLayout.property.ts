/** Whatever lies in the place of any file of a layout, nothing breaks, nothing outside is touched, and the rest works. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Scope, Stream } from "effect"
import fc from "fast-check"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { hasher } from "../../src/node/files/hasher.ts"
import type { SymlinkPolicy } from "../../src/node/files/layoutFiles.ts"
import { makeDisk } from "../../src/node/index.ts"
import { openStores } from "../../src/node/stores.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { Level } from "../../src/ops/api/Maintenance.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { confinedFs } from "../support/confinedFs.ts"
import { bytesOf, digestOf, documentOf } from "../support/contents.ts"
import { figures } from "../support/figures.ts"
import { contentsOf, doHarm, type Harmed, harms, treeOf } from "../support/harm.ts"
import { isWhole, runs, someOf } from "../support/share.ts"
import { assertTold } from "../support/told.ts"

const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "ocilayout-hostile-")))
afterAll(() => fs.rmSync(folder, { recursive: true }))

/** A layout with two images that share nothing but a config, a session that is open and one that was committed. */
const template = join(folder, "template")
/** The same, where links lead: nothing in it may be touched. */
const sentinel = join(folder, "sentinel")
const sessions: Array<string> = []
const image = documentOf("imageOne")
const other = documentOf("elsewhere")

const push = (registry: LayoutRegistry, name: string) => registry.pushBlob("app", Stream.succeed(bytesOf(name)))

const furnish = Effect.gen(function*() {
  const registry = yield* makeDisk({ directory: template, durability: "none" })
  for (const name of ["config", "one", "two", "foreign"]) yield* push(registry, name)
  yield* registry.pushManifest("app", image.bytes, image.mediaType, { tags: ["v1", "v2"] })
  yield* registry.pushManifest("app/web", other.bytes, other.mediaType, { tags: ["v1"] })
  for (const content of ["an unfinished blob", "a finished one"]) {
    const writer = yield* registry.pushBlobChunked("app")
    sessions.push(writer.id)
    const bytes = Buffer.from(content)
    yield* writer.append(0, Stream.succeed(bytes))
    if (content === "a finished one") yield* writer.commit(digestOf(bytes))
  }
})

beforeAll(async () => {
  await Effect.runPromise(Effect.scoped(furnish))
  // Old enough that no tool is still writing it.
  fs.utimesSync(join(template, "index.json"), 1, 1)
  fs.cpSync(template, sentinel, { recursive: true, preserveTimestamps: true })
})

const blobOne = join("blobs", "sha256", digestOf(bytesOf("one")).slice("sha256:".length))

/** Every file and folder a layout has. */
const places = (): ReadonlyArray<string> => fs.readdirSync(template, { recursive: true, encoding: "utf8" }).toSorted()

type Operation = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError, Scope.Scope>

/** What is read to its end is what was pushed, or the end of it. */
const content = (name: string, stream: Stream.Stream<Uint8Array, RegistryError>, from = 0) =>
  Effect.map(
    Stream.runCollect(stream),
    (pieces) => assert.deepStrictEqual(Buffer.concat(pieces), Buffer.from(bytesOf(name).subarray(from)))
  )

const readBlob = (registry: LayoutRegistry, name: string) =>
  Effect.flatMap(registry.getBlob("app", digestOf(bytesOf(name))), ({ stream }) => content(name, stream))

/** Whatever the damage, it is told, and can be shown: no harm here is the medium's. */
const verified = (registry: LayoutRegistry, level: Level) =>
  Effect.orDie(Stream.runForEach(registry.verify({ level }), (step) =>
    Effect.sync(() => {
      if (step._tag === "Found") assertTold({ _tag: step.finding.code, message: step.finding.message })
    })))

const reads: Readonly<Record<string, Operation>> = {
  repositories: (registry) => Stream.runCollect(registry.repositories()),
  tags: (registry) => Stream.runCollect(registry.tags("app")),
  unnamed: (registry) => Stream.runCollect(registry.unnamed()),
  resolveTag: (registry) => registry.resolveTag("app", "v1"),
  choices: (registry) => registry.choices("app", "v1"),
  getTag: (registry) => registry.getTag("app", "v1"),
  getManifest: (registry) => registry.getManifest("app", digestOf(image.bytes)),
  getNamed: (registry) => registry.getNamed("app:v1"),
  resolveBlob: (registry) => registry.resolveBlob("app", digestOf(bytesOf("one"))),
  getBlob: (registry) => readBlob(registry, "one"),
  getBlobRange: (registry) =>
    Effect.flatMap(
      registry.getBlobRange("app", digestOf(bytesOf("one")), { offset: 2 }),
      ({ stream }) => content("one", stream, 2)
    ),
  blobPath: (registry) => registry.blobPath("app", digestOf(bytesOf("one"))),
  referrers: (registry) => Stream.runCollect(registry.referrers("app", digestOf(image.bytes))),
  expandDigest: (registry) => registry.expandDigest("app", digestOf(bytesOf("one")).slice(0, 20)),
  forecast: (registry) => registry.forecast("app", "blob", digestOf(bytesOf("one"))),
  uploads: (registry) => registry.uploads("app"),
  findUpload: (registry) => registry.findUpload(sessions[0] ?? ""),
  "verify links": (registry) => verified(registry, "links"),
  "verify content": (registry) => verified(registry, "content"),
  check: (registry) => registry.check,
  usage: (registry) => registry.usage
}

const writes: Readonly<Record<string, Operation>> = {
  // What cannot be repaired is told; that is no failure.
  "repair links": (registry) => Effect.orDie(registry.repair({ level: "links" })),
  "repair content": (registry) => Effect.orDie(registry.repair()),
  pushBlob: (registry) => push(registry, "{}"),
  "pushBlob again": (registry) => push(registry, "one"),
  pushManifest: (registry) => registry.pushManifest("app", image.bytes, imageManifest, { tags: ["v3"] }),
  tagManifest: (registry) => registry.tagManifest("app/web", digestOf(other.bytes), ["v2"]),
  deleteTag: (registry) => registry.deleteTag("app", "v2"),
  deleteManifest: (registry) => registry.deleteManifest("app", digestOf(image.bytes), { force: true }),
  deleteBlob: (registry) => registry.deleteBlob("app", digestOf(Buffer.from("a finished one"))),
  mountBlob: (registry) => registry.mountBlob("app", "app/web", digestOf(bytesOf("one"))),
  upload: (registry) =>
    Effect.gen(function*() {
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(bytesOf("{}")))
      yield* writer.commit(digestOf(bytesOf("{}")))
    }),
  resume: (registry) =>
    Effect.gen(function*() {
      const writer = yield* registry.pushBlobChunkedResume("app", sessions[0] ?? "")
      yield* writer.append(writer.size, Stream.succeed(Buffer.from("!")))
    }),
  "commit again": (registry) =>
    Effect.flatMap(
      registry.findUpload(sessions[1] ?? ""),
      (writer) => writer.commit(digestOf(Buffer.from("a finished one")))
    ),
  cancel: (registry) => Effect.flatMap(registry.findUpload(sessions[0] ?? ""), (writer) => writer.cancel)
}

const ours = [".ocilayout", ".ocilayout.like"]

/** More calls than any operation on so small a layout needs. */
const mostCalls = 2000

interface Case {
  readonly harmed: ReadonlyArray<Harmed>
  readonly links: SymlinkPolicy
  readonly operations: ReadonlyArray<string>
}

const cases = (place: fc.Arbitrary<string>): fc.Arbitrary<Case> =>
  fc.record({
    harmed: fc.array(fc.record({ place, harm: fc.constantFrom(...harms), seed: fc.nat() }), {
      minLength: 1,
      maxLength: 2
    }),
    links: fc.constantFrom<Array<SymlinkPolicy>>("refuse", "refuse", "inside"),
    operations: fc.shuffledSubarray([...Object.keys(reads), ...Object.keys(writes)], { minLength: 4, maxLength: 12 })
  })

const assertSafe = async (layout: string, { harmed, links, operations }: Case, met: Set<string>): Promise<void> => {
  const confined = confinedFs(layout, links)
  const scope = Effect.runSync(Scope.make())
  const stores = openStores(
    confined.fs,
    { directory: layout, durability: "none", symlinks: links, lockWait: 100 },
    undefined
  )
  const registry = sharedRegistry(await Effect.runPromise(Effect.provideService(stores, Scope.Scope, scope)), hasher)
  try {
    for (const name of operations) {
      const operation = reads[name] ?? writes[name]
      if (operation === undefined) throw new TypeError(`no operation ${name}`)
      const [whole, before] = [treeOf(layout), contentsOf(layout, ours)]
      const calls = confined.calls()
      const exit = await Effect.runPromise(Effect.exit(Effect.scoped(operation(registry))))
      const place = `${name} with ${JSON.stringify(harmed)}`
      assert.strictEqual(confined.escapes.join("; "), "", place)
      assert.isAtMost(confined.calls() - calls, mostCalls, place)
      if (name in reads) assert.deepStrictEqual(treeOf(layout), whole, place)
      // The bytes of a refused manifest may stay as a blob; nothing else comes, and nothing changes or goes.
      else if (Exit.isFailure(exit)) {
        const after = contentsOf(layout, ours).filter((line) => before.includes(line) || !line.startsWith("blobs/"))
        assert.deepStrictEqual(after, before, place)
      }
      met.add(`${name} ${Exit.isSuccess(exit) ? "ok" : refusalOf(exit.cause, place)}`)
    }
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** The tag of the one typed error there is. */
const refusalOf = (cause: Cause.Cause<RegistryError>, place: string): string => {
  const [reason, ...others] = cause.reasons
  if (reason === undefined || others.length > 0 || !Cause.isFailReason(reason)) {
    throw new Error(`${place} died: ${Cause.pretty(cause)}`)
  }
  assertTold(reason.error)
  return reason.error._tag
}

let copies = 0

/** A copy is recorded as what it is by the next writer, also by one that is refused: here, before anything else. */
const recorded = (directory: string): Promise<unknown> =>
  Effect.runPromise(Effect.scoped(
    Effect.flatMap(
      makeDisk({ directory, durability: "none" }),
      (registry) => Effect.flip(registry.deleteTag("app", "none"))
    )
  ))

const withHarm = async (harmed: ReadonlyArray<Harmed>, use: (layout: string) => Promise<void>): Promise<void> => {
  const layout = join(folder, `layout${copies++}`)
  const outside = treeOf(sentinel)
  fs.cpSync(template, layout, { recursive: true, preserveTimestamps: true })
  try {
    await recorded(layout)
    for (const harm of harmed) doHarm(layout, sentinel, harm)
    if (fs.existsSync(join(layout, "index.json"))) fs.lutimesSync(join(layout, "index.json"), 1, 1)
    await use(layout)
    assert.deepStrictEqual(treeOf(sentinel), outside, "nothing outside was touched")
  } finally {
    fs.rmSync(layout, { recursive: true, force: true })
  }
}

describe("a layout in which something is not what it should be", () => {
  it("answers every operation, or refuses it in words, and touches nothing outside", async () => {
    const met = new Set<string>()
    const property = fc.asyncProperty(
      fc.constant(undefined).chain(() => cases(fc.constantFrom(...places()))),
      (drawn) => withHarm(drawn.harmed, (layout) => assertSafe(layout, drawn, met))
    )
    await fc.assert(property, { numRuns: runs })
    figures("harmed layouts", { inputs: runs, "different answers": met.size })
    if (!isWhole) return
    const operations = [...Object.keys(reads), ...Object.keys(writes)]
    assert.includeMembers(Array.from(met), operations.map((name) => `${name} ok`))
  })

  it("is never left through a link, whichever of its files is one", async () => {
    const operations = [...Object.keys(reads), ...Object.keys(writes)]
    for (const place of someOf(places())) {
      const harmed = [{ place, harm: "a link to its like outside", seed: 0 }] as const
      for (const order of [operations, operations.toReversed()]) {
        const links = order === operations ? "refuse" : "inside"
        await withHarm(harmed, (layout) => assertSafe(layout, { harmed, links, operations: order }, new Set()))
      }
    }
    figures("links in the place of files", { inputs: 2 * someOf(places()).length })
  })

  it("keeps everything usable that has nothing to do with it", async () => {
    const spared = () => [blobOne, ...places().filter((place) => sessions.some((id) => place.includes(id)))]
    const cases = fc.constant(undefined).chain(() =>
      fc.record({ place: fc.constantFrom(...spared()), harm: fc.constantFrom(...harms), seed: fc.nat() })
    )
    const use = Effect.fnUntraced(function*(layout: string, level: Level) {
      const registry = yield* makeDisk({ directory: layout, durability: "none" })
      yield* registry.repair({ level })
      assert.deepStrictEqual((yield* registry.getTag("app/web", "v1")).bytes, other.bytes)
      yield* readBlob(registry, "foreign")
      // That one may be gone or refused, but is never given for what it is not.
      yield* Effect.result(readBlob(registry, "one"))
      yield* registry.tagManifest("app/web", digestOf(other.bytes), ["v2"])
      const writer = yield* registry.pushBlobChunked("app")
      yield* writer.append(0, Stream.succeed(bytesOf("{}")))
      assert.include((yield* registry.uploads("app")).map(({ id }) => id), writer.id)
      yield* writer.commit(digestOf(bytesOf("{}")))
    })
    const property = fc.asyncProperty(
      cases,
      fc.constantFrom<Array<Level>>("links", "content"),
      (harmed, level) => withHarm([harmed], (layout) => Effect.runPromise(Effect.scoped(use(layout, level))))
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 2) })
    figures("harm elsewhere", { inputs: Math.ceil(runs / 2) })
  })

  it("is made whole again by another layout that has all of it", async () => {
    const files = () => places().filter((place) => fs.statSync(join(template, place)).isFile())
    const content = () =>
      fc.record({
        place: fc.constantFrom(...files().filter((place) => place.startsWith("blobs/"))),
        harm: fc.constantFrom<Array<Harmed["harm"]>>("missing", "empty", "mutated"),
        seed: fc.nat()
      })
    // One that is mutated may be an index as well: that of another tool, and taken for it.
    const lost = fc.record({
      place: fc.constant("index.json"),
      harm: fc.constantFrom<Array<Harmed["harm"]>>("missing", "empty"),
      seed: fc.nat()
    })
    const marker = fc.record({
      place: fc.constant("oci-layout"),
      harm: fc.constant<Harmed["harm"]>("missing"),
      seed: fc.nat()
    })
    const cases = fc.constant(undefined).chain(() =>
      fc.array(fc.oneof({ weight: 4, arbitrary: content() }, lost, marker), { minLength: 1, maxLength: 5 })
    )
    const use = Effect.fnUntraced(function*(layout: string) {
      const registry = yield* makeDisk({ directory: layout, durability: "none" })
      yield* registry.repair({ source: yield* makeDisk({ directory: template }) })
      const wrong = Stream.filter(
        registry.verify(),
        (step) => step._tag === "Found" && step.finding.severity !== "info"
      )
      assert.deepStrictEqual(yield* Stream.runCollect(wrong), [])
      for (const [repository, tag] of [["app", "v1"], ["app", "v2"], ["app/web", "v1"]] as const) {
        const { bytes } = yield* registry.getTag(repository, tag)
        assert.deepStrictEqual(bytes, repository === "app" ? image.bytes : other.bytes)
      }
      yield* Effect.scoped(readBlob(registry, "one"))
    })
    const property = fc.asyncProperty(
      cases,
      (harmed) => withHarm(harmed, (layout) => Effect.runPromise(Effect.scoped(use(layout))))
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 2) })
    figures("layouts repaired", { inputs: Math.ceil(runs / 2) })
  })
})
