import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { type Image, pushImage } from "../mcp/support/images.ts"
import { copyOfFixture, makeOld, outside } from "../support/folders.ts"
import { commitsIn, generationIn } from "../support/journal.ts"
import { ownLayout } from "../support/layouts.ts"

/** A tool that read the index a while ago, and now writes what it has made of it, in place, as skopeo does. */
interface Document {
  manifests: Array<Record<string, unknown>>
  annotations?: Record<string, string>
  [field: string]: unknown
}

const read = (layout: string): Document => JSON.parse(fs.readFileSync(join(layout, "index.json"), "utf8")) as Document

const rewrite = (layout: string, document: Document): void => {
  fs.writeFileSync(join(layout, "index.json"), JSON.stringify(document))
  makeOld(layout)
}

const entry = ({ digest, mediaType, size }: Image, refName: string): Record<string, unknown> => ({
  mediaType,
  digest,
  size,
  annotations: { "org.opencontainers.image.ref.name": refName }
})

/** Two images, `app:v1` and one without a tag. */
const prepared = Effect.gen(function*() {
  const made = yield* ownLayout()
  const other = yield* pushImage(made.registry, { repository: "app", layers: ["another layer"] })
  return { ...made, other }
})

const tagsOf = (registry: LayoutRegistry): Effect.Effect<Readonly<Record<string, string>>, RegistryError> =>
  Effect.gen(function*() {
    const tags = yield* Stream.runCollect(registry.tags("app"))
    const resolved = yield* Effect.forEach(tags, (tag) => registry.resolveTag("app", tag))
    return Object.fromEntries(tags.map((tag, place) => [tag, resolved[place]?.digest ?? ""]))
  })

/** What everybody sees now, and after the next write, and what the journal then says that others have done. */
const assertReconciled = Effect.fnUntraced(function*(
  layout: string,
  registry: LayoutRegistry,
  expected: Readonly<Record<string, string>>,
  events: ReadonlyArray<readonly [string, string | undefined]>
) {
  const before = outside(layout)
  const reader = yield* makeDisk({ directory: layout, defaultRepository: "app" })
  for (const one of [registry, reader]) assert.deepStrictEqual(yield* tagsOf(one), expected)
  assert.deepStrictEqual(outside(layout), before, "readers write nothing")

  const [first = ""] = Object.values(expected)
  yield* registry.tagManifest("app", first, ["next"])
  const writer = yield* makeDisk({ directory: layout, defaultRepository: "app" })
  for (const one of [registry, reader, writer]) {
    assert.deepStrictEqual(
      yield* tagsOf(one),
      { ...expected, next: first }
    )
  }
  const names = read(layout).manifests.map(({ annotations }) =>
    (annotations as Record<string, string> | undefined)?.["org.opencontainers.image.ref.name"]
  )
  for (const tag of Object.keys(expected)) assert.include(names, `app:${tag}`)
  const [foreign, ours] = commitsIn(layout).slice(-2)
  if (foreign === undefined || ours === undefined) return assert.fail("there are two commits")
  // What we only put back, we have done.
  assert.deepStrictEqual([foreign.actor, ours.actor], [events.length === 0 ? "ocilayout" : "foreign", "library"])
  assert.strictEqual(foreign.revision + 1, ours.revision)
  assert.deepStrictEqual(
    foreign.events.map(({ _tag, refName, value }) => [_tag, refName ?? nameIn(value)] as const),
    events
  )
})

const nameIn = (value: unknown): string | undefined =>
  (value as { annotations?: Record<string, string> }).annotations?.["org.opencontainers.image.ref.name"]

describe("a stale rewrite by another tool", () => {
  it.live("hides nothing that was committed since it read the index", () =>
    Effect.gen(function*() {
      const { directory, image, other, registry } = yield* prepared
      const stale = read(directory)
      yield* registry.tagManifest("app", other.digest, ["ours"])
      yield* registry.tagManifest("app", image.digest, ["more"])
      rewrite(directory, { ...stale, manifests: [...stale.manifests, entry(image, "app:theirs")] })
      yield* assertReconciled(
        directory,
        registry,
        { more: image.digest, ours: other.digest, theirs: image.digest, v1: image.digest },
        [["EntryAdded", "app:theirs"]]
      )
    }))

  it.live("brings back no tag that was deleted or moved since", () =>
    Effect.gen(function*() {
      const { directory, image, other, registry } = yield* prepared
      yield* registry.tagManifest("app", image.digest, ["doomed"])
      const stale = read(directory)
      yield* registry.deleteTag("app", "doomed")
      yield* registry.tagManifest("app", other.digest, ["v1"])
      rewrite(directory, { ...stale, manifests: [...stale.manifests, entry(image, "app:theirs")] })
      yield* assertReconciled(directory, registry, { theirs: image.digest, v1: other.digest }, [
        ["EntryAdded", "app:theirs"]
      ])
    }))

  it.live("wins where it changed the same name", () =>
    Effect.gen(function*() {
      const { directory, image, other, registry } = yield* prepared
      const third = yield* pushImage(registry, { repository: "app", layers: ["third"] })
      const stale = read(directory)
      yield* registry.tagManifest("app", other.digest, ["v1", "ours"])
      const manifests = stale.manifests.map((one) => nameIn(one) === "app:v1" ? entry(third, "app:v1") : one)
      rewrite(directory, { ...stale, manifests })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, third.digest)
      assert.strictEqual((yield* registry.resolveTag("app", "ours")).digest, other.digest)
      // What we had taken the tag from stays reachable by its digest.
      assert.strictEqual((yield* registry.resolveManifest("app", image.digest)).digest, image.digest)
      yield* registry.tagManifest("app", third.digest, ["next"])
      assert.deepStrictEqual(yield* tagsOf(registry), { next: third.digest, ours: other.digest, v1: third.digest })
      assert.strictEqual(commitsIn(directory).at(-2)?.actor, "foreign")
    }))

  it.live("may delete what no other process has touched", () =>
    Effect.gen(function*() {
      const { directory, image, other, registry } = yield* prepared
      yield* registry.tagManifest("app", image.digest, ["kept"])
      const stale = read(directory)
      yield* registry.tagManifest("app", other.digest, ["ours"])
      rewrite(directory, { ...stale, manifests: stale.manifests.filter((one) => nameIn(one) !== "app:v1") })
      yield* assertReconciled(directory, registry, { kept: image.digest, ours: other.digest }, [
        ["EntryRemoved", "app:v1"]
      ])
    }))

  it.live("that dropped fields of entries has changed no name", () =>
    Effect.gen(function*() {
      const { directory, image, other, registry } = yield* prepared
      const document = read(directory)
      rewrite(directory, { ...document, manifests: document.manifests.map((one) => ({ ...one, "x-field": "kept" })) })
      yield* registry.tagManifest("app", other.digest, ["ours"])
      const stale = read(directory)
      yield* registry.tagManifest("app", image.digest, ["v2"])
      yield* registry.deleteTag("app", "ours")
      rewrite(directory, {
        ...stale,
        manifests: stale.manifests.map(({ "x-field": _dropped, ...one }) => one)
      })
      assert.deepStrictEqual(yield* tagsOf(registry), { v1: image.digest, v2: image.digest })
      yield* registry.tagManifest("app", other.digest, ["next"])
      assert.deepStrictEqual(yield* tagsOf(registry), { next: other.digest, v1: image.digest, v2: image.digest })
    }))

  it.live("that lost the annotations is merged against what we took over, within an hour of that", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("buildah-commit-oci")
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      const { digest } = yield* registry.resolveTag("app", "v1")
      const stale = read(directory)
      yield* registry.tagManifest("app", digest, ["ours"])
      assert.isDefined(generationIn(directory))
      const [first] = stale.manifests
      rewrite(directory, {
        ...stale,
        manifests: [...stale.manifests, { ...first, annotations: { "org.opencontainers.image.ref.name": "theirs" } }]
      })
      assert.isUndefined(generationIn(directory))
      assert.deepStrictEqual(yield* tagsOf(registry), { ours: digest, theirs: digest, v1: digest })
      yield* registry.tagManifest("app", digest, ["next"])
      assert.deepStrictEqual(yield* tagsOf(registry), { next: digest, ours: digest, theirs: digest, v1: digest })
      assert.deepStrictEqual(commitsIn(directory).map(({ actor }) => actor), [
        "foreign",
        "library",
        "foreign",
        "library"
      ])
    }))
})

describe("an index that was put there on purpose", () => {
  it.live("a copy of an earlier version that comes back within a day leaves what was committed since", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* prepared
      const copy = fs.readFileSync(join(directory, "index.json"))
      yield* registry.tagManifest("app", image.digest, ["later"])
      yield* registry.deleteTag("app", "v1")
      fs.writeFileSync(join(directory, "index.json"), copy)
      makeOld(directory)
      yield* assertReconciled(directory, registry, { later: image.digest }, [])
    }))

  it.live("another journal's index soon after our first commit is merged with what we committed", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* prepared
      yield* registry.tagManifest("app", image.digest, ["later"])
      const other = yield* prepared
      yield* other.registry.tagManifest("app", other.image.digest, ["elsewhere"])
      fs.copyFileSync(join(other.directory, "index.json"), join(directory, "index.json"))
      makeOld(directory)
      const merged = { elsewhere: image.digest, later: image.digest, v1: image.digest }
      assert.deepStrictEqual(yield* tagsOf(registry), merged)
      yield* registry.tagManifest("app", image.digest, ["next"])
      assert.deepStrictEqual(yield* tagsOf(registry), { ...merged, next: image.digest })
      assert.strictEqual(commitsIn(directory).at(-2)?.actor, "foreign")
    }))
})
