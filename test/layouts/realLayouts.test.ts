import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk, makeDiskTree } from "../../src/node/index.ts"
import { copyOfFixture, fixtureNames, fixturePath, outside, temporaryFolder } from "../support/folders.ts"
import { entriesIn, reachedFrom } from "../support/plainLayout.ts"
import { broken } from "./broken.ts"
import { assertHashes, assertSeen, assertSeenWithoutDefault, blobBytes, byDefault, givenUntouched } from "./seen.ts"
import { madeByHand, writtenByTools } from "./tables.ts"

const perRepository = "dockeroci-per-repository"
const readable = [...writtenByTools, ...madeByHand]

it("every fixture is read by a test", () => {
  const known = [...readable, ...broken].map(({ name }) => name)
  assert.deepStrictEqual([...known, perRepository].toSorted(), fixtureNames())
})

describe("a layout that a tool has written", () => {
  it.live.each(writtenByTools)("$name", (row) => assertSeen(row))
})

describe("a layout that bends a rule", () => {
  it.live.each(madeByHand)("$name", (row) => assertSeen(row))
})

describe("without a default repository", () => {
  it.live.each(readable)("$name", (row) => assertSeenWithoutDefault(row))
})

describe("a tree of layouts, one per repository", () => {
  const repositories = ["example/app", "example/app/sub", "other"]

  it.live("is read as a whole, a layout inside another's folder included", () =>
    givenUntouched(perRepository, (root) =>
      Effect.gen(function*() {
        const registry = yield* makeDiskTree({ directory: root })
        assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), repositories)
        assert.deepStrictEqual(yield* Stream.runCollect(registry.unnamed()), [])
        for (const repository of repositories) {
          const layout = join(root, repository)
          const reached = reachedFrom(layout, entriesIn(layout))
          assert.deepStrictEqual([reached.manifests.size, reached.blobs.size], [1, 3])
          assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(repository)), ["v1"])
          const { bytes, descriptor } = yield* registry.getTag(repository, "v1")
          assertHashes(bytes, descriptor.digest)
          for (const digest of [...reached.manifests.keys(), ...reached.blobs.keys()]) {
            assertHashes(yield* blobBytes(registry, repository, digest), digest)
          }
        }
        assert.deepStrictEqual(yield* registry.usage, {
          blobs: 12,
          bytes: 3 * bytesBelow(join(root, "other", "blobs"))
        })
      })))

  it.live("pages over its repositories in order", () =>
    givenUntouched(perRepository, (root) =>
      Effect.gen(function*() {
        const registry = yield* makeDiskTree({ directory: root })
        const page = registry.repositories({ startAfter: "example/app", limit: 1 })
        assert.deepStrictEqual(yield* Stream.runCollect(page), ["example/app/sub"])
        const rest = registry.repositories({ startAfter: "example/app/sub" })
        assert.deepStrictEqual(yield* Stream.runCollect(rest), ["other"])
      })))
})

const bytesBelow = (folder: string): number =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name, parentPath }) => sum + fs.statSync(join(parentPath, name)).size, 0)

describe("a folder that is no layout yet", () => {
  it.live("holds nothing, and stays as it is while it is read", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      // What a failed `skopeo copy` leaves behind.
      fs.mkdirSync(join(directory, "blobs", "sha256"), { recursive: true })
      const before = outside(directory)
      const registry = yield* makeDisk({ directory, defaultRepository: byDefault })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.deepStrictEqual((yield* Effect.flip(registry.resolveTag(byDefault, "v1")))._tag, "NameUnknown")
      assert.deepStrictEqual(outside(directory), before)
      assert.isFalse(fs.existsSync(join(directory, ".ocilayout")))
    }))

  it.live("is empty even when it does not exist", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "none")
      const registry = yield* makeDisk({ directory })
      yield* registry.check
      assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), [])
      assert.isFalse(fs.existsSync(directory))
    }))
})

describe("writing into what another tool has made", () => {
  const manifest = Buffer.from(
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
      + "\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2},\"layers\":[]}"
  )

  it.live.each(readable)("$name keeps every entry, field and file", ({ name }) =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture(name)
      const registry = yield* makeDisk({ directory, durability: "none" })
      yield* registry.pushBlob("new/repo", Stream.succeed(Buffer.from("{}")))
      const { descriptor } = yield* registry.pushManifest(
        "new/repo",
        manifest,
        "application/vnd.oci.image.manifest.v1+json",
        { tags: ["added"] }
      )
      assert.strictEqual((yield* registry.resolveTag("new/repo", "added")).digest, descriptor.digest)

      const after = documentOf(directory)
      const before = documentOf(fixturePath(name))
      const { annotations: added, manifests, ...fields } = after
      const { annotations: kept, manifests: old, ...otherFields } = before
      assert.deepStrictEqual(fields, otherFields)
      assert.deepInclude(added, kept ?? {})
      assert.deepStrictEqual(manifests?.slice(0, -1), old ?? [])
      assert.strictEqual(newlines(directory) > 0, newlines(fixturePath(name)) > 0, "the indentation is the writer's")

      const untouched = (line: string): boolean => !/^(?:\.|index\.json|blobs(?:\/sha256)?) /u.test(line)
      const lines = outside(directory).filter(untouched)
      for (const line of outside(fixturePath(name)).filter(untouched)) {
        if (!line.startsWith(".ocilayout")) assert.include(lines, line)
      }
    }))
})

interface Document {
  readonly annotations?: Readonly<Record<string, string>>
  readonly manifests?: ReadonlyArray<unknown> | null
}

const textOf = (layout: string): string => fs.readFileSync(join(layout, "index.json"), "utf8")

const documentOf = (layout: string): Document => JSON.parse(textOf(layout)) as Document

/** Line breaks inside the document. */
const newlines = (layout: string): number => textOf(layout).trimEnd().split("\n").length - 1
