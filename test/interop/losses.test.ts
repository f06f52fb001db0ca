/** How acknowledged tags and content were lost beside real tools, step by step as people would do it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { collect } from "../../properties/runs/stress/collect.ts"
import { open } from "../../properties/runs/stress/open.ts"
import { makeDisk } from "../../src/node/index.ts"
import { ocl } from "../cli/support/command.ts"
import { missingOf, run } from "../support/commands.ts"
import { fixturePath, temporaryFolder } from "../support/folders.ts"
import { entriesIn, refNameOf } from "../support/plainLayout.ts"

const missing = missingOf("losses", ["skopeo", "umoci", "regctl"])
const without = (...commands: ReadonlyArray<string>): boolean => commands.some((command) => missing.has(command))

const source = fixturePath("buildah-push-gzip")
const manifestType = "application/vnd.oci.image.manifest.v1+json"
const configType = "application/vnd.oci.image.config.v1+json"

/** Our command line; it has to succeed. */
const ours = (...args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.map(ocl(args), ({ code, err, out }) => {
    assert.strictEqual(code, 0, err)
    return out
  })

const copyArgs = (from: string, to: string) => ["--insecure-policy", "copy", "--quiet", from, to] as const
const copy = (from: string, to: string): void => void run("skopeo", ...copyArgs(from, to))

interface Commit {
  readonly revision: number
  readonly changes: ReadonlyArray<{ readonly tag?: string }>
}

/** Newest first. */
const history = (layout: string): Effect.Effect<ReadonlyArray<Commit>> =>
  Effect.map(
    ours("history", layout, "--json", "--limit", "100"),
    (out) => (JSON.parse(out) as { readonly commits: ReadonlyArray<Commit> }).commits
  )

const tags = (layout: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(ours("tags", layout), (out) => out.trim().split("\n"))

const blobsIn = (layout: string): Array<string> => fs.readdirSync(join(layout, "blobs", "sha256")).toSorted()

/** A layout of skopeo's with one tag, `a`. */
const prepared = Effect.map(temporaryFolder, (folder) => {
  const layout = join(folder, "d")
  copy(`oci:${source}:gz`, `oci:${layout}:a`)
  return { folder, layout }
})

const assertReadable = (folder: string, layout: string, name: string): void => {
  const target = join(folder, `read-${name}`)
  copy(`oci:${layout}:${name}`, `dir:${target}`)
  assert.isAtLeast(fs.readdirSync(target).length, 3)
}

describe("a tool that writes back what it read", () => {
  it.live.skipIf(without("skopeo"))(
    "takes no tag that was set meanwhile, and no number of a commit",
    () =>
      Effect.gen(function*() {
        const { folder, layout } = yield* prepared
        yield* ours("tag", "set", `${layout}:a`, "one")
        fs.copyFileSync(join(layout, "index.json"), join(folder, "saved"))
        yield* ours("tag", "set", `${layout}:a`, "two")
        const before = yield* history(layout)
        fs.renameSync(join(folder, "saved"), join(layout, "index.json"))

        assert.deepStrictEqual(yield* tags(layout), ["a", "one", "two"])
        assert.deepStrictEqual((yield* history(layout)).filter(({ revision }) => revision <= before.length), before)
        yield* ours("tag", "set", `${layout}:a`, "three")
        assert.deepStrictEqual(yield* tags(layout), ["a", "one", "three", "two"])
        const revisions = (yield* history(layout)).map(({ revision }) => revision)
        assert.strictEqual(new Set(revisions).size, revisions.length)
        assertReadable(folder, layout, "two")
      })
  )

  it.live.skipIf(without("skopeo"))(
    "takes none of many that are set while skopeo copies what is there already",
    () =>
      Effect.gen(function*() {
        const { folder, layout } = yield* prepared
        const registry = yield* makeDisk({ directory: layout, defaultRepository: "d" })
        const { digest } = yield* registry.resolveTag("d", "a")
        const set = Effect.forEach(
          Array.from({ length: 21 }, (_, at) => `t${at}`),
          (tag) => Effect.andThen(registry.tagManifest("d", digest, [tag]), Effect.sleep(15))
        )
        let copies = 0
        let last: Promise<unknown> = Promise.resolve()
        const copying = Effect.forever(Effect.promise(async () => {
          last = promisify(execFile)("skopeo", copyArgs(`oci:${source}:gz`, `oci:${layout}:a`))
          await last
          copies++
        }))
        yield* Effect.raceFirst(set, copying)
        // The last copy goes on after the race. What it writes back is merged by the next commit.
        yield* Effect.promise(() => last)
        assert.isAbove(copies, 0)
        yield* ours("tag", "set", `${layout}:a`, "last")
        const found = yield* tags(layout)
        const told = (yield* history(layout)).flatMap(({ changes }) => changes.map(({ tag }) => tag))
        for (let at = 0; at < 21; at++) {
          assert.include(found, `t${at}`)
          assert.include(told, `t${at}`)
        }
        assertReadable(folder, layout, "t20")
      })
  )
})

/** Two blobs of an image, and a manifest in a file, as people push them. */
const pushParts = Effect.fnUntraced(function*(folder: string, layout: string) {
  const push = Effect.fnUntraced(function*(name: string, content: string, mediaType: string) {
    const file = join(folder, name)
    fs.writeFileSync(file, content)
    const digest = (yield* ours("blob", "push", `${layout}/d`, file)).trim()
    return { mediaType, digest, size: content.length }
  })
  const config = yield* push(
    "config.json",
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\"}}",
    configType
  )
  const layer = yield* push("layer", "the layer of our image", "application/vnd.oci.image.layer.v1.tar")
  const manifest = join(folder, "m.json")
  fs.writeFileSync(
    manifest,
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer] })
  )
  return manifest
})

describe("a tool that collects garbage with an old index in hand", () => {
  const collectors: Readonly<Record<string, (layout: string) => void>> = {
    umoci: (layout) => {
      run("umoci", "tag", "--image", `${layout}:a`, "f1")
      run("umoci", "gc", "--layout", layout)
    },
    regctl: (layout) => void run("regctl", "image", "copy", `ocidir://${source}:gz`, `ocidir://${layout}:f1`)
  }
  for (const [tool, collects] of Object.entries(collectors)) {
    it.live.skipIf(without("skopeo", tool))(
      `takes nothing of what we have acknowledged: ${tool}`,
      () =>
        Effect.gen(function*() {
          const { folder, layout } = yield* prepared
          const manifest = yield* pushParts(folder, layout)
          yield* ours("tag", "set", `${layout}:a`, "first")
          const old = fs.readFileSync(join(layout, "index.json"))
          yield* ours("manifest", "push", `${layout}:im1`, manifest)
          const before = blobsIn(layout)
          fs.writeFileSync(join(layout, "index.json"), old)
          collects(layout)
          assert.notIncludeMembers(blobsIn(layout), before, "the tool has taken our content")

          yield* ours("tag", "set", `${layout}:a`, "later")
          assert.includeMembers(blobsIn(layout), before)
          assert.deepStrictEqual(yield* tags(layout), ["a", "f1", "first", "im1", "later"])
          assertReadable(folder, layout, "im1")
          yield* ours("verify", layout)
        })
    )
  }
})

describe("our collection", () => {
  it.live.skipIf(without("skopeo"))(
    "takes no content that skopeo has found and counts on",
    () =>
      Effect.gen(function*() {
        const { folder, layout } = yield* prepared
        yield* ours("tag", "set", `${layout}:a`, "ours")
        const other = fixturePath("buildah-push-zstd")
        // Garbage of some hours ago, of which skopeo copies an image: it finds all content there, and writes an index only.
        fs.cpSync(join(other, "blobs"), join(layout, "blobs"), { recursive: true })
        const garbage = blobsIn(other).filter((name) => !blobsIn(source).includes(name))
        const then = new Date(Date.now() - 3 * 60 * 60 * 1000)
        for (const name of garbage) fs.utimesSync(join(layout, "blobs", "sha256", name), then, then)
        const elsewhere = join(folder, "elsewhere")
        fs.cpSync(layout, elsewhere, { recursive: true, preserveTimestamps: true })
        copy(`oci:${other}:zst`, `oci:${elsewhere}:relied`)

        const registry = yield* open(layout, "power")
        yield* collect(registry)
        assert.notIncludeMembers(blobsIn(layout), garbage, "our collection has taken the garbage")
        for (const name of ["index.json", "oci-layout"]) fs.copyFileSync(join(elsewhere, name), join(layout, name))

        yield* ours("tag", "set", `${layout}:a`, "later")
        assert.includeMembers(blobsIn(layout), garbage)
        assertReadable(folder, layout, "relied")
        assert.deepStrictEqual(yield* tags(layout), ["a", "later", "ours", "relied"])
      })
  )
})

describe("a layout that was emptied but for the folder of our own", () => {
  it.live.skipIf(without("skopeo"))("does not give its tags to what skopeo builds there", () =>
    Effect.gen(function*() {
      const { folder, layout } = yield* prepared
      yield* ours("tag", "set", `${layout}:a`, "gone")
      yield* ours("tag", "set", `${layout}:a`, "deleted")
      yield* ours("tag", "delete", `${layout}:deleted`)
      // As a shell does it: what begins with a dot stays.
      for (const name of fs.readdirSync(layout)) {
        if (!name.startsWith(".")) fs.rmSync(join(layout, name), { recursive: true })
      }
      copy(`oci:${source}:gz`, `oci:${layout}:new`)
      assert.deepStrictEqual(yield* tags(layout), ["new"])
      yield* ours("tag", "set", `${layout}:new`, "ours")
      assert.deepStrictEqual(yield* tags(layout), ["new", "ours"])
      assert.deepStrictEqual(new Set(entriesIn(layout).map(refNameOf)), new Set(["new", "ours"]))
      assert.deepStrictEqual((yield* history(layout)).map(({ revision }) => revision), [2, 1])
      assertReadable(folder, layout, "new")
    }))
})
