import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk, makeDiskTree } from "../../src/node/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { RepairOptions, RepairStep } from "../../src/ops/api/Maintenance.ts"
import { bytesOf, pushImage, pushIndex } from "../mcp/support/images.ts"
import { verified } from "../support/findings.ts"
import { copyOfFixture, listing, makeOld, outside, temporaryFolder } from "../support/folders.ts"
import { ownLayout } from "../support/layouts.ts"
import { entriesIn, refNameOf } from "../support/plainLayout.ts"

const pathOf = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`

const told = (steps: ReadonlyArray<RepairStep>): ReadonlyArray<string> =>
  steps.map(({ code, path, what }) => `${code} ${path}: ${what}`)

/** What is done, and what is left, word for word but for random names. */
const repaired = Effect.fnUntraced(function*(registry: LayoutRegistry, options?: RepairOptions) {
  const { done, left } = yield* registry.repair(options)
  const plain = (line: string) => line.replaceAll(/\.[0-9a-f]{32}/gu, ".*")
  return { done: told(done).map(plain), left: told(left).map(plain), steps: done }
})

const errors = (registry: LayoutRegistry) =>
  Effect.map(verified(registry), ({ lines }) => lines.filter((line) => !line.startsWith("info")))

const quarantine = (directory: string): ReadonlyArray<string> => {
  const folder = join(directory, ".ocilayout/quarantine")
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => name.replace(/\.[0-9a-f]{32}$/u, "")) : []
}

const damage = (path: string): void => {
  const bytes = fs.readFileSync(path)
  fs.rmSync(path)
  fs.writeFileSync(path, bytes.map((byte, place) => place === 0 ? byte ^ 1 : byte))
}

/** As in a layout that holds nothing, or lost what it held. */
const forgetHeld = (directory: string): void =>
  fs.rmSync(join(directory, ".ocilayout/kept"), { recursive: true, force: true })

describe("repairing the files that make a layout", () => {
  it.live("leaves a layout alone that is in order", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      const before = listing(directory, { times: true })
      assert.deepStrictEqual(yield* registry.repair(), { done: [], left: [] })
      assert.deepStrictEqual(listing(directory, { times: true }), before)
    }))

  it.live("only says what it would do when that is all that is wanted", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      fs.rmSync(join(directory, "oci-layout"))
      damage(join(directory, pathOf(image.config.digest)))
      fs.writeFileSync(join(directory, "oci-put-blob1"), "")
      fs.utimesSync(join(directory, "oci-put-blob1"), 1, 1)
      const before = listing(directory, { times: true })
      const { done, left } = yield* repaired(registry, { dryRun: true })
      assert.deepStrictEqual(done.map((line) => line.split(" ")[0]), [
        "LAYOUT_FILE_MISSING",
        "BLOB_CORRUPT",
        "LEFTOVER"
      ])
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(listing(directory, { times: true }), before)
    }))

  it.live("writes oci-layout beside a good index", () =>
    Effect.gen(function*() {
      const directory = yield* copyOfFixture("hand/no-oci-layout")
      const registry = yield* makeDisk({ directory, defaultRepository: "app" })
      assert.deepStrictEqual(yield* repaired(registry), {
        done: ["LAYOUT_FILE_MISSING oci-layout: wrote oci-layout"],
        left: [],
        steps: [{
          code: "LAYOUT_FILE_MISSING",
          path: "oci-layout",
          what: "wrote oci-layout",
          revision: Option.none()
        }]
      })
      assert.deepStrictEqual(yield* errors(registry), [])
      yield* registry.resolveTag("app", "v1")
    }))

  for (
    const name of ["hand/manifests-null", "hand/manifests-absent", "umoci-empty", "oras-delete", "dockeroci-empty"]
  ) {
    it.live(`${name}: writes a list into the index, and leaves the rest of it as it is`, () =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture(name)
        const text = fs.readFileSync(join(directory, "index.json"), "utf8")
        const registry = yield* makeDisk({ directory })
        const { done, left } = yield* repaired(registry)
        assert.deepStrictEqual(done, [`INDEX_NO_LIST index.json: wrote "manifests": [] into index.json`])
        assert.deepStrictEqual(left, [])
        const now = fs.readFileSync(join(directory, "index.json"), "utf8")
        assert.deepStrictEqual(JSON.parse(now), { ...JSON.parse(text), manifests: [] })
        if (text.includes("null")) assert.strictEqual(now, text.replace("null", "[]"))
        assert.deepStrictEqual(quarantine(directory), ["index.json"])
        assert.deepStrictEqual(yield* errors(registry), [])
      }))
  }
})

describe("repairing an index that is lost", () => {
  const harms: Readonly<Record<string, (path: string) => void>> = {
    deleted: (path) => fs.rmSync(path),
    "cut short": (path) => fs.truncateSync(path, 20),
    emptied: (path) => fs.writeFileSync(path, "")
  }

  for (const [harm, doHarm] of Object.entries(harms)) {
    it.live(`${harm}: it is what the last commit made it, history and all`, () =>
      Effect.gen(function*() {
        const { directory, image, registry } = yield* ownLayout()
        yield* registry.tagManifest("app", image.digest, ["v2"])
        yield* registry.deleteTag("app", "v1")
        const entries = entriesIn(directory)
        const commits = yield* Stream.runCollect(registry.history())
        doHarm(join(directory, "index.json"))
        makeOld(directory)
        const again = yield* makeDisk({ directory, durability: "none" })
        const kept = harm === "deleted" ? "" : "; what was there is kept as .ocilayout/quarantine/index.json.*"
        const { done, left } = yield* repaired(again)
        assert.deepStrictEqual(done, [
          `${harm === "deleted" ? "INDEX_MISSING" : "INDEX_INVALID"} index.json: ` +
          `wrote the index of the last commit again${kept}`
        ])
        assert.deepStrictEqual(left, [])
        assert.deepStrictEqual(entriesIn(directory), entries)
        for (const registry of [again, yield* makeDisk({ directory })]) {
          assert.deepStrictEqual(yield* Stream.runCollect(registry.history()), commits)
          assert.strictEqual((yield* registry.resolveTag("app", "v2")).digest, image.digest)
        }
        // What is done afterwards goes on from there, and can be taken back.
        yield* again.tagManifest("app", image.digest, ["v3"])
        yield* again.revert(3)
        assert.deepStrictEqual(yield* Stream.runCollect(again.tags("app")), ["v1", "v2", "v3"])
      }))

    it.live(`${harm}: without a journal it lists what no other manifest has as a part`, () =>
      Effect.gen(function*() {
        const { directory, image, registry } = yield* ownLayout()
        const second = yield* pushImage(registry, { layers: ["layer two"] })
        const third = yield* pushImage(registry, { layers: ["layer three"] })
        const index = yield* pushIndex(registry, [image, second], ["all"])
        const signature = yield* pushImage(registry, {
          layers: ["signature"],
          manifest: { subject: { mediaType: third.mediaType, digest: third.digest, size: third.size } }
        })
        const strangers = ["not JSON", `{"schemaVersion":2,"manifests":{}}`, `{"manifests":[]}`, `{"schemaVersion":2}`]
        for (const content of strangers) yield* registry.pushBlob("app", Stream.succeed(bytesOf(content)))
        fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
        doHarm(join(directory, "index.json"))
        makeOld(directory)
        const again = yield* makeDisk({ directory, durability: "none" })
        const { done, left } = yield* repaired(again)
        assert.match(
          done.join("\n"),
          /: wrote an index of 3 manifests that could be read in it or were found under blobs\//u
        )
        assert.deepStrictEqual([done.length, left], [1, []])
        assert.deepStrictEqual(
          entriesIn(directory).map((entry) => `${refNameOf(entry)} ${entry.digest} ${entry.mediaType} ${entry.size}`),
          [third, index, signature]
            .map(({ digest, mediaType, size }) => `recovered:${digest.slice(7, 19)} ${digest} ${mediaType} ${size}`)
            .toSorted()
        )
        assert.deepStrictEqual(yield* errors(again), [])
        // It is a commit like all others, though no process of ours made it.
        const [commit] = yield* Stream.runCollect(again.history())
        assert.deepStrictEqual([commit?.revision, commit?.actor, commit?.changes.length], [1, "foreign", 3])
        yield* again.revert(1)
        assert.deepStrictEqual(entriesIn(directory), [])
      }))
  }

  it.live("gives the names to the repository that a layout of a tree is", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const registry = yield* makeDiskTree({ directory, durability: "none" })
      const image = yield* pushImage(registry, { repository: "app/web", tags: ["v1"] })
      const layout = join(directory, "app/web")
      fs.rmSync(join(layout, ".ocilayout"), { recursive: true })
      fs.rmSync(join(layout, "index.json"))
      const again = yield* makeDiskTree({ directory, durability: "none" })
      const { done } = yield* repaired(again)
      assert.match(
        done.join("\n"),
        /^INDEX_MISSING app\/web\/index\.json: wrote an index of 1 manifests/u
      )
      assert.deepStrictEqual(yield* Stream.runCollect(again.tags("app/web")), [
        `recovered-${image.digest.slice(7, 19)}`
      ])
    }))

  it.live("drops a group that was never published, and never answered", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const journal = join(directory, ".ocilayout/journal/2/current.ndjson")
      const waiting = join(directory, ".ocilayout/replaced")
      yield* registry.tagManifest("app", image.digest, ["v2"])
      // As a crash just before the exchange leaves it: the line is written, and its index waits.
      const { e } = JSON.parse(fs.readFileSync(journal, "utf8").trimEnd().split("\n").at(-1) ?? "") as {
        readonly e: { readonly before: string; readonly after: string }
      }
      for (const name of fs.readdirSync(waiting)) fs.rmSync(join(waiting, name))
      const path = join(waiting, `${Date.now()}.${e.before}.${e.after}.${"0".repeat(32)}`)
      fs.renameSync(join(directory, "index.json"), path)
      const again = yield* makeDisk({ directory, durability: "none" })
      const { done } = yield* repaired(again)
      assert.match(done[0] ?? "", /^INDEX_MISSING index\.json: wrote the index of the last commit again/u)
      assert.deepStrictEqual(yield* Stream.runCollect(again.tags("app")), ["v1"])
      yield* again.tagManifest("app", image.digest, ["v3"])
      assert.deepStrictEqual(yield* Stream.runCollect(again.tags("app")), ["v1", "v3"])
    }))

  it.live("writes nothing in the place of a link, also where links are followed", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout({ symlinks: "inside" })
      const index = join(directory, "index.json")
      fs.writeFileSync(join(directory, "elsewhere.json"), "{")
      fs.utimesSync(join(directory, "elsewhere.json"), 1, 1)
      fs.rmSync(index)
      fs.symlinkSync("elsewhere.json", index)
      const before = outside(directory)
      const { done, left } = yield* repaired(registry)
      assert.deepStrictEqual(done, [])
      assert.match(left.join("\n"), /^INDEX_INVALID index\.json: .*is no regular file; move it away first/u)
      assert.deepStrictEqual(outside(directory), before)
    }))

  it.live("touches nothing that is no file, and says so", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      fs.rmSync(join(directory, "index.json"))
      fs.mkdirSync(join(directory, "index.json"))
      const before = outside(directory)
      const { done, left } = yield* repaired(registry)
      assert.deepStrictEqual(done, [])
      assert.match(left.join("\n"), /^INDEX_UNREADABLE index\.json: put the file back/u)
      const asked = [{ code: "INDEX_INVALID", path: "index.json", affected: [] }] as const
      assert.match(
        (yield* repaired(registry, { findings: asked })).left.join("\n"),
        /^INDEX_INVALID index\.json: cannot/u
      )
      assert.deepStrictEqual(outside(directory), before)
    }))
})

describe("repairing content", () => {
  it.live("moves what is damaged to the quarantine, and says what is missing from then on", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      forgetHeld(directory)
      const [config, layer] = [image.config.digest, image.layers[0]?.digest ?? ""]
      damage(join(directory, pathOf(config)))
      fs.truncateSync(join(directory, pathOf(layer)), 3)
      const broken = [config, layer].map((digest) => fs.readFileSync(join(directory, pathOf(digest)), "utf8"))
      const { done, left } = yield* repaired(registry)
      const name = (digest: string) => digest.replace(":", "-")
      assert.deepStrictEqual(done, [
        `BLOB_CORRUPT ${pathOf(config)}: moved it to .ocilayout/quarantine/${name(config)}.*`,
        `SIZE_MISMATCH ${pathOf(layer)}: moved it to .ocilayout/quarantine/${name(layer)}.*`
      ])
      assert.deepStrictEqual(
        left.toSorted(),
        [config, layer].map((digest) => `BLOB_MISSING ${pathOf(digest)}: no source was given to fetch it from`)
          .toSorted()
      )
      assert.deepStrictEqual(quarantine(directory).toSorted(), [name(config), name(layer)].toSorted())
      const kept = fs.readdirSync(join(directory, ".ocilayout/quarantine"))
        .map((file) => fs.readFileSync(join(directory, ".ocilayout/quarantine", file), "utf8"))
      assert.sameMembers(kept, broken)
      assert.isFalse(fs.existsSync(join(directory, pathOf(config))))
    }))

  it.live("puts back what .ocilayout still holds", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const layer = image.layers[0]?.digest ?? ""
      damage(join(directory, pathOf(image.config.digest)))
      fs.rmSync(join(directory, pathOf(layer)))
      const before = listing(directory, { times: true })
      const dry = yield* repaired(registry, { dryRun: true, codes: ["BLOB_HELD"] })
      assert.deepStrictEqual(dry.done, [`BLOB_HELD ${pathOf(layer)}: put back what .ocilayout still held of it`])
      assert.deepStrictEqual(listing(directory, { times: true }), before)
      damage(join(directory, pathOf(image.digest)))
      const { done, left } = yield* repaired(registry)
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(done.map((line) => line.replace(/: moved it to \S+;/u, ":")), [
        `MANIFEST_CORRUPT ${pathOf(image.digest)}: put back what .ocilayout still held of it`,
        // It was not known that they were needed until the manifest could be read again.
        `BLOB_CORRUPT ${pathOf(image.config.digest)}: put back what .ocilayout still held of it`,
        `BLOB_HELD ${pathOf(layer)}: put back what .ocilayout still held of it`
      ])
      assert.deepStrictEqual(yield* errors(registry), [])
    }))

  it.live("fetches from another layout what is missing or damaged, down to what that needs", () =>
    Effect.gen(function*() {
      const mirror = yield* ownLayout()
      const index = yield* pushIndex(mirror.registry, [mirror.image], ["all"])
      for (const perRepository of [false, true]) {
        const directory = yield* temporaryFolder
        fs.cpSync(mirror.directory, directory, { recursive: true })
        fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
        fs.rmSync(join(directory, "blobs"), { recursive: true })
        fs.mkdirSync(join(directory, "blobs/sha256"), { recursive: true })
        fs.writeFileSync(join(directory, pathOf(index.digest)), "damaged")
        const registry = yield* makeDisk({ directory, durability: "none" })
        const tree = yield* makeDiskTree({ directory: yield* temporaryFolder, durability: "none" })
        yield* pushIndex(tree, [yield* pushImage(tree, { repository: "app" })], [])
        const source = perRepository ? tree : mirror.registry
        const { done, left } = yield* repaired(registry, { source })
        assert.deepStrictEqual(left, [])
        assert.strictEqual(done.length, 4)
        for (const line of done) assert.match(line, /fetched it from the source$/u)
        assert.deepStrictEqual(yield* errors(registry), [])
      }
    }))

  it.live("takes from a source only what is right there, and says what it does not have", () =>
    Effect.gen(function*() {
      const mirror = yield* ownLayout()
      forgetHeld(mirror.directory)
      const { image } = mirror
      const layer = image.layers[0]?.digest ?? ""
      damage(join(mirror.directory, pathOf(layer)))
      fs.rmSync(join(mirror.directory, pathOf(image.config.digest)))
      const { directory, registry } = yield* ownLayout()
      forgetHeld(directory)
      for (const digest of [layer, image.config.digest]) fs.rmSync(join(directory, pathOf(digest)))
      for (const dryRun of [true, false]) {
        const { done, left } = yield* repaired(registry, { source: mirror.registry, dryRun, codes: ["BLOB_MISSING"] })
        const told = `BLOB_MISSING ${pathOf(image.config.digest)}: the source does not have it`
        assert.include(left, told)
        // Whether its bytes are right shows only when they are taken.
        if (!dryRun) assert.deepStrictEqual([done, left.length], [[], 2])
      }
      assert.isFalse(fs.existsSync(join(directory, pathOf(layer))))
      assert.deepStrictEqual(quarantine(directory), [])
    }))

  it.live("moves nothing that is right, whatever the finding says", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const before = outside(directory)
      const digests = [image.digest, image.config.digest, `sha256:${"0".repeat(64)}`, "sha256:../../oci-layout", "x"]
      for (const digest of digests) {
        const findings = (["BLOB_CORRUPT", "SIZE_MISMATCH", "BLOB_MISSING", "LEFTOVER", "NAME_TWICE"] as const)
          .map((code) => ({ code, path: "../oci-layout", digest, affected: ["../x:v1"] }))
        yield* registry.repair({ findings })
      }
      const wrong = yield* makeDisk({ directory: yield* copyOfFixture("hand/wrong-size"), defaultRepository: "app" })
      const { done, left } = yield* repaired(wrong)
      assert.match(done.join("\n"), /^SIZE_MISMATCH .*: wrote the right size, 401, into the index$/u)
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(outside(directory), before)
    }))
})

describe("repairing names and leftovers", () => {
  it.live("leaves a name to the entry that is read, as a commit that can be reverted", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      const second = yield* pushImage(registry, { layers: ["layer two"], tags: ["v2"] })
      const index = JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8")) as { manifests: Array<object> }
      const named = (digest: string, size: number, refName: string) => ({
        mediaType: image.mediaType,
        digest,
        size,
        annotations: { "org.opencontainers.image.ref.name": refName }
      })
      index.manifests = [
        named(image.digest, image.size, "app:v1"),
        named(second.digest, second.size, "app:v1"),
        named(image.digest, image.size, "app:v1")
      ]
      fs.writeFileSync(join(directory, "index.json"), JSON.stringify(index))
      const { done, left, steps } = yield* repaired(registry)
      assert.deepStrictEqual(done, ["NAME_TWICE index.json: dropped it from 2 of them"])
      assert.deepStrictEqual(left, [])
      assert.deepStrictEqual(entriesIn(directory).map((entry) => [refNameOf(entry), entry.digest]), [
        ["app:v1", image.digest],
        [`app@${second.digest}`, second.digest]
      ])
      const revision = Option.getOrThrow(steps[0]?.revision ?? Option.none())
      yield* registry.revert(revision)
      assert.strictEqual(entriesIn(directory).filter((entry) => refNameOf(entry) === "app:v1").length, 3)
    }))

  it.live("removes what tools left behind more than a day ago", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* ownLayout()
      for (const [name, hours] of [["oci-put-blob1", 25], ["oci-put-blob2", 1], ["notes.txt", 25]] as const) {
        fs.writeFileSync(join(directory, name), "content")
        const time = Date.now() / 1000 - hours * 3600
        fs.utimesSync(join(directory, name), time, time)
      }
      const young = ["LEFTOVER oci-put-blob2: it was touched less than a day ago, or is nothing that may be removed"]
      const dry = yield* repaired(registry, { dryRun: true })
      assert.deepStrictEqual(dry.done, ["LEFTOVER oci-put-blob1: remove it once it has not been touched for a day"])
      assert.deepStrictEqual(dry.left, young)
      const { done, left } = yield* repaired(registry)
      assert.deepStrictEqual(done, ["LEFTOVER oci-put-blob1: removed 7 bytes"])
      assert.deepStrictEqual(left, young)
      assert.deepStrictEqual(fs.readdirSync(directory).filter((name) => /blob|notes/u.test(name)), [
        "blobs",
        "notes.txt",
        "oci-put-blob2"
      ])
    }))

  it.live("does only what is asked for", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout()
      fs.rmSync(join(directory, "oci-layout"))
      damage(join(directory, pathOf(image.config.digest)))
      const { done, left } = yield* repaired(registry, { codes: ["LAYOUT_FILE_MISSING"], level: "links" })
      assert.deepStrictEqual([done, left], [["LAYOUT_FILE_MISSING oci-layout: wrote oci-layout"], []])
      const unneeded = yield* repaired(registry, { codes: ["BLOB_UNREFERENCED"] })
      assert.match(unneeded.left.join("\n"), /^BLOB_UNREFERENCED .*garbage collection removes what nothing needs$/u)
      const findings = (["LAYOUT_FILE_MISSING", "BLOB_CORRUPT"] as const)
        .map((code) => ({ code, path: "oci-layout", digest: image.config.digest, affected: [] }))
      const given = yield* repaired(registry, { findings, codes: ["LAYOUT_FILE_MISSING"] })
      assert.deepStrictEqual([given.done, given.left], [[], ["LAYOUT_FILE_MISSING oci-layout: it is in order by now"]])
      assert.deepStrictEqual(yield* errors(registry), [`error BLOB_CORRUPT ${pathOf(image.config.digest)}`])
    }))
})
