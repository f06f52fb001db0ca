import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { type Image, pushImage } from "../mcp/support/images.ts"
import { missingOf, run } from "../support/commands.ts"
import { copyOfFixture, fixturePath, temporaryFolder } from "../support/folders.ts"
import { commitsIn, generationIn } from "../support/journal.ts"
import { entriesIn, plainBlob, reachedFrom, refNameOf } from "../support/plainLayout.ts"

const missing = missingOf("clients", ["skopeo", "umoci"])

const copy = (from: string, to: string): void =>
  void run("skopeo", "--insecure-policy", "copy", "--dest-oci-accept-uncompressed-layers", `oci:${from}`, `oci:${to}`)
const inspect = (reference: string): Buffer => run("skopeo", "inspect", "--raw", `oci:${reference}`)
const umociTags = (layout: string): ReadonlyArray<string> =>
  run("umoci", "list", "--layout", layout).toString().trim().split("\n").filter((tag) => tag !== "")

/** Every manifest and blob that the tags lead to is there, and is what its name says. */
const assertWhole = (layout: string): void => {
  const named = entriesIn(layout).filter((entry) => refNameOf(entry) !== undefined)
  const { blobs, manifests } = reachedFrom(layout, named)
  for (const { digest } of named) assert.isTrue(manifests.has(digest), `${digest} is there`)
  for (const digest of blobs.keys()) assert.isDefined(plainBlob(layout, digest))
}

/** A write of ours changes the entries it names, and nothing of the meaning of any other that has a name. */
const unharmed = Effect.fnUntraced(
  function*<A, E>(layout: string, tags: ReadonlyArray<string>, write: Effect.Effect<A, E>) {
    const others = () => entriesIn(layout).filter((entry) => ![undefined, ...tags].includes(refNameOf(entry)))
    const before = others()
    const answer = yield* write
    const after = others().map((entry) => JSON.stringify(entry))
    for (const entry of before) assert.include(after, JSON.stringify(entry))
    return answer
  }
)

const assertTags = Effect.fnUntraced(
  function*(registry: LayoutRegistry, repository: string, tags: ReadonlySet<string>) {
    assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(repository)), Array.from(tags).toSorted())
  }
)

const config = { os: "linux", architecture: "amd64", config: {}, rootfs: { type: "layers", diff_ids: [] } }

describe("the same folder, by turns", () => {
  it.live.skipIf(missing.size > 0)("skopeo, umoci and we lose nothing of each other's", () =>
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("umoci-new")
      const index = join(layout, "index.json")
      const document = JSON.parse(fs.readFileSync(index, "utf8")) as object
      fs.writeFileSync(index, JSON.stringify({ ...document, annotations: { "com.example.kept": "yes" } }))
      const registry = yield* makeDisk({ directory: layout, defaultRepository: "app" })
      const tags = new Set(["v1"])
      const images: Array<Image> = []

      for (const round of [1, 2, 3]) {
        // We write, they read.
        const image = yield* unharmed(
          layout,
          [`ours-${round}`],
          pushImage(registry, { tags: [`ours-${round}`], config, layers: [`layer ${round}`] })
        )
        images.push(image)
        tags.add(`ours-${round}`)
        const generation = generationIn(layout)
        assert.isDefined(generation)
        assert.deepStrictEqual(inspect(`${layout}:ours-${round}`), Buffer.from(image.bytes))
        assert.includeMembers([...umociTags(layout)], [...tags])
        run("umoci", "stat", "--image", `${layout}:ours-${round}`)

        // They write, we read.
        copy(`${fixturePath("buildah-push-gzip")}:gz`, `${layout}:theirs-${round}`)
        tags.add(`theirs-${round}`)
        assert.strictEqual(generationIn(layout), generation, "skopeo keeps our annotation")
        const theirs = yield* registry.getTag("app", `theirs-${round}`)
        assert.deepStrictEqual(Buffer.from(theirs.bytes), inspect(`${layout}:theirs-${round}`))
        yield* assertTags(registry, "app", tags)

        run("umoci", "tag", "--image", `${layout}:theirs-${round}`, `umoci-${round}`)
        tags.add(`umoci-${round}`)
        assert.strictEqual(generationIn(layout), generation, "umoci keeps our annotation")
        assert.strictEqual(
          (yield* registry.resolveTag("app", `umoci-${round}`)).digest,
          theirs.descriptor.digest
        )

        // They move a tag of ours, and we one of theirs.
        copy(`${fixturePath("buildah-commit-oci")}:v1`, `${layout}:ours-${round}`)
        const moved = yield* registry.getTag("app", `ours-${round}`)
        assert.notStrictEqual(moved.descriptor.digest, image.digest)
        assert.deepStrictEqual(Buffer.from(moved.bytes), inspect(`${layout}:ours-${round}`))
        assert.strictEqual((yield* registry.getManifest("app", image.digest)).descriptor.digest, image.digest)
        yield* unharmed(layout, [`theirs-${round}`], registry.tagManifest("app", image.digest, [`theirs-${round}`]))
        assert.deepStrictEqual(inspect(`${layout}:theirs-${round}`), Buffer.from(image.bytes))
        assert.deepStrictEqual([...umociTags(layout)].toSorted(), Array.from(tags).toSorted())

        // They remove one, and we another.
        run("umoci", "rm", "--image", `${layout}:umoci-${round}`)
        tags.delete(`umoci-${round}`)
        yield* assertTags(registry, "app", tags)
        yield* unharmed(layout, [`ours-${round}`], registry.deleteTag("app", `ours-${round}`))
        tags.delete(`ours-${round}`)
        assert.deepStrictEqual([...umociTags(layout)].toSorted(), Array.from(tags).toSorted())
        assertWhole(layout)
      }

      const again = yield* makeDisk({ directory: layout, defaultRepository: "app" })
      for (const one of [registry, again]) {
        yield* assertTags(one, "app", tags)
        for (const image of images) {
          assert.deepStrictEqual(
            Buffer.from((yield* one.getManifest("app", image.digest)).bytes),
            Buffer.from(image.bytes)
          )
        }
      }
      const { annotations } = JSON.parse(fs.readFileSync(index, "utf8")) as { annotations: Record<string, string> }
      assert.strictEqual(annotations["com.example.kept"], "yes")
      const actors = commitsIn(layout).map(({ actor }) => actor)
      assert.isAtLeast(actors.filter((actor) => actor === "foreign").length, 4, "what we took over, and each round")
    }))

  it.live.skipIf(missing.size > 0)("full names are read and written by skopeo too", () =>
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("dockeroci-server-push")
      const registry = yield* makeDisk({ directory: layout, defaultRepository: "mine" })
      const image = yield* unharmed(
        layout,
        ["example/app:new"],
        pushImage(registry, { repository: "example/app", tags: ["new"], config })
      )
      assert.deepStrictEqual(inspect(`${layout}:example/app:new`), Buffer.from(image.bytes))
      copy(`${layout}:example/app:new`, `${layout}:third/repo:copied`)
      assert.strictEqual((yield* registry.resolveTag("third/repo", "copied")).digest, image.digest)
      // What loses its name that way belongs to the default repository, and is read by its digest.
      copy(`${fixturePath("buildah-push-gzip")}:gz`, `${layout}:example/app:new`)
      const untagged = yield* Stream.runCollect(registry.untagged("mine"))
      assert.deepStrictEqual(Array.from(untagged, ({ digest }) => digest), [image.digest])
      assert.strictEqual((yield* registry.resolveBlob("example/app", image.digest)).size, image.bytes.length)
      yield* registry.tagManifest("example/app", (yield* registry.resolveTag("example/app", "new")).digest, ["newest"])
      assertWhole(layout)
    }))

  it.live.skipIf(missing.size > 0)(
    "a layout that we have made is theirs to read, write and collect",
    () =>
      Effect.gen(function*() {
        const layout = join(yield* temporaryFolder, "layout")
        const registry = yield* makeDisk({ directory: layout, defaultRepository: "app" })
        const image = yield* pushImage(registry, { repository: "app", tags: ["v1", "v2"], config })
        const needless = yield* registry.pushBlob("app", Stream.succeed(Buffer.from("needless")))
        yield* registry.deleteTag("app", "v2")
        const copied = join(yield* temporaryFolder, "copied")
        // The default repository of a layout that we make has bare tags, as these tools write them.
        copy(`${layout}:v1`, `${copied}:v1`)
        assert.deepStrictEqual(inspect(`${copied}:v1`), Buffer.from(image.bytes))
        const file = join(layout, "blobs", needless.descriptor.digest.replace(":", "/"))
        run("umoci", "gc", "--layout", layout)
        assert.isFalse(fs.existsSync(file))
        // What was pushed within the hour is held by a second name, whichever tool collects.
        assert.strictEqual((yield* registry.resolveBlob("app", needless.descriptor.digest)).size, 8)
        assert.strictEqual((yield* registry.getTag("app", "v1")).descriptor.digest, image.digest)
        assertWhole(layout)
        // What was collected is pushed again like anything else.
        yield* registry.pushBlob("app", Stream.succeed(Buffer.from("needless")))
        assert.strictEqual((yield* registry.resolveBlob("app", needless.descriptor.digest)).size, 8)
      })
  )
})
