/** Which repository bare tags belong to, and where that is written down. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { createLayout, makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import { derivedRepository } from "../../../src/node/sidecars/defaultRepository.ts"
import { temporaryFolder } from "../../support/folders.ts"

const defaultOf = (directory: string, defaultRepository?: string) =>
  Effect.scoped(Effect.gen(function*() {
    const registry = yield* makeDisk({ directory, defaultRepository })
    return Option.getOrUndefined(yield* registry.defaultRepository)
  }))

describe("the default repository", () => {
  it("is what the directory is called, as far as a repository can be", () => {
    const derived: ReadonlyArray<readonly [directory: string, repository: string]> = [
      ["/srv/images", "images"],
      ["/srv/D", "d"],
      ["/srv/MyApp", "myapp"],
      ["/tmp/tmp.Ab12Cd", "tmp.ab12cd"],
      ["/srv/my app (2)", "my-app-2"],
      ["/srv/-a-", "a"],
      ["/srv/ünï", "n"],
      ["/srv/---", "layout"],
      ["/", "layout"],
      [`/srv/${"X".repeat(300)}`, "x".repeat(255)]
    ]
    for (const [directory, repository] of derived) assert.strictEqual(derivedRepository(directory), repository)
  })

  it.live("is written down with the first change, and stays what it is when the directory is renamed", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const directory = join(root, "MyApp")
      yield* createLayout({ directory })
      assert.strictEqual(fs.readFileSync(join(directory, ".ocilayout", "default-repository"), "utf8"), "myapp\n")
      fs.renameSync(directory, join(root, "other"))
      assert.strictEqual(yield* defaultOf(join(root, "other")), "myapp")
      // What is said for one opening is for that one alone.
      assert.strictEqual(yield* defaultOf(join(root, "other"), "team/app"), "team/app")
      yield* createLayout({ directory: join(root, "other"), defaultRepository: "team/app" })
      assert.strictEqual(yield* defaultOf(join(root, "other")), "myapp")
    }))

  it.live("is not believed where no repository can be called so, and not read through a link", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "images")
      yield* createLayout({ directory })
      const path = join(directory, ".ocilayout", "default-repository")
      for (const content of ["", "Not/Valid\n", `${"a".repeat(1000)}\n`, "a\nb\n", "\u001b[31m"]) {
        fs.writeFileSync(path, content)
        assert.strictEqual(yield* defaultOf(directory), "images", JSON.stringify(content))
      }
      fs.writeFileSync(join(directory, "elsewhere"), "stolen\n")
      fs.rmSync(path)
      fs.symlinkSync(join(directory, "elsewhere"), path)
      assert.strictEqual((yield* Effect.flip(defaultOf(directory)))._tag, "SymlinkRefused")
    }))

  it.live("is none in a tree, where paths say it", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const registry = yield* makeDiskTree({ directory, durability: "none" })
      yield* registry.pushBlob("team/app", Stream.empty)
      assert.isTrue(Option.isNone(yield* registry.defaultRepository))
      assert.isFalse(fs.existsSync(join(directory, "team", "app", ".ocilayout", "default-repository")))
    }))
})

describe("mustExist", () => {
  it.live("refuses at once what is no layout, or no tree of them", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      fs.mkdirSync(join(directory, "things"))
      fs.writeFileSync(join(directory, "things", "file"), "")
      yield* createLayout({ directory: join(directory, "tree", "app") })
      for (const name of ["none", "things", "tree", "things/file"]) {
        const refused = yield* Effect.flip(makeDisk({ directory: join(directory, name), mustExist: true }))
        assert.strictEqual(refused._tag, "LayoutNotFound", name)
      }
      for (const name of ["none", "things", "tree/app", "things/file"]) {
        const refused = yield* Effect.flip(makeDiskTree({ directory: join(directory, name), mustExist: true }))
        assert.strictEqual(refused._tag, "LayoutNotFound", name)
      }
      yield* makeDisk({ directory: join(directory, "tree", "app"), mustExist: true })
      yield* makeDiskTree({ directory: join(directory, "tree"), mustExist: true })
    }))
})
