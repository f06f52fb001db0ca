import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { mostFolders } from "../../src/node/fs/heldFolders.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { makeLayoutTree } from "../../src/node/layoutTree.ts"
import { SymlinkRefused } from "../../src/oci/OciError.ts"
import { add, valuesIn } from "../support/disk.ts"
import { entry, repository } from "../support/entries.ts"
import { temporaryFolder } from "../support/folders.ts"
import { utf8 } from "../support/images.ts"
import { openBelow, whyNotTold } from "../support/openFiles.ts"

const planted = Effect.gen(function*() {
  const root = yield* temporaryFolder
  const tree = yield* makeLayoutTree(nodeFs, { directory: root, durability: "none" })
  return {
    root,
    tree,
    /** A layout of this name, by another tool. */
    plant: (name: string, ...entries: ReadonlyArray<object>) => {
      fs.mkdirSync(join(root, name), { recursive: true })
      fs.writeFileSync(join(root, name, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
      fs.writeFileSync(join(root, name, "index.json"), JSON.stringify({ manifests: entries }))
    },
    put: (name: string) => Effect.flatMap(tree.open(repository(name)), ({ layout }) => add(layout, entry("a", "v1")))
  }
})

describe("a tree of layouts", () => {
  it.live("has a layout in the folder of each repository's name", () =>
    Effect.gen(function*() {
      const { put, root, tree } = yield* planted
      for (const name of ["b", "a/b", "a", "a-b"]) yield* put(name)
      assert.isTrue(fs.existsSync(join(root, "a", "b", "index.json")))
      assert.isTrue(fs.existsSync(join(root, "a", "index.json")))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tree.list, ["a", "a-b", "a/b", "b"])
    }))

  it.live("gives the same stores for the same repository, also when two ask at once", () =>
    Effect.gen(function*() {
      const { tree } = yield* planted
      const [first, second] = yield* Effect.all([tree.open(repository("a")), tree.open(repository("a"))], {
        concurrency: "unbounded"
      })
      assert.strictEqual(first, second)
      assert.strictEqual(yield* tree.open(repository("a")), first)
      assert.notStrictEqual(yield* tree.open(repository("b")), first)
    }))

  it.live("is not changed by being asked", () =>
    Effect.gen(function*() {
      const { root, tree } = yield* planted
      const { blobs, layout, uploads } = yield* tree.open(repository("a/b"))
      assert.deepStrictEqual(yield* valuesIn(layout), [])
      assert.deepStrictEqual(yield* uploads.list, [])
      assert.deepStrictEqual(yield* Stream.runCollect(blobs.list), [])
      assert.deepStrictEqual(fs.readdirSync(root), [])
      assert.deepStrictEqual(yield* tree.list, [])
    }))

  it.live("lists what can be a repository, and looks nowhere else", () =>
    Effect.gen(function*() {
      const { plant, root, tree } = yield* planted
      for (const name of ["app", "app/sub", "Upper", ".hidden", "a..b", "x/y/z"]) plant(name)
      plant("app/blobs/sha256")
      plant("app/.ocilayout/x")
      fs.writeFileSync(join(root, "file"), "")
      fs.mkdirSync(join(root, "only", "index"), { recursive: true })
      fs.writeFileSync(join(root, "only", "index", "index.json"), "torn")
      fs.mkdirSync(join(root, "empty"))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tree.list, ["app", "app/sub", "only/index", "x/y/z"])
    }))

  it.live("lists a layout that is no more than a begun upload, so that the upload is found again", () =>
    Effect.gen(function*() {
      const { tree } = yield* planted
      const { uploads } = yield* tree.open(repository("app"))
      yield* uploads.create(repository("app"))
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tree.list, ["app"])
    }))

  it.live("passes over the layout that its root may be, and finds those below", () =>
    Effect.gen(function*() {
      const { plant, tree } = yield* planted
      plant(".")
      plant("app")
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tree.list, ["app"])
    }))

  it.live("that does not exist is empty", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const tree = yield* makeLayoutTree(nodeFs, { directory: join(root, "nowhere") })
      assert.deepStrictEqual(yield* tree.list, [])
    }))

  it.live("gives each layout its own repository for bare tags", () =>
    Effect.gen(function*() {
      const { plant, tree } = yield* planted
      plant("app", entry("a", "v1"))
      const { layout } = yield* tree.open(repository("app"))
      assert.deepStrictEqual((yield* layout.snapshot).entries.map(({ name }) => name), [
        { _tag: "Tagged", repository: repository("app"), tag: "v1", dialect: "bare" }
      ] as unknown)
    }))

  it.live("links a blob from one layout to another", () =>
    Effect.gen(function*() {
      const { root, tree } = yield* planted
      const [from, to] = yield* Effect.all([tree.open(repository("a")), tree.open(repository("b"))])
      const { digest } = yield* from.blobs.write(Stream.succeed(utf8("x")), { algorithm: "sha256" })
      assert.isTrue(yield* to.blobs.adopt(from.blobs, digest))
      const inode = (name: string) => fs.statSync(join(root, name, "blobs", "sha256", digest.slice(7))).ino
      assert.strictEqual(inode("a"), inode("b"))
    }))

  it.live("keeps no more than 128 indexes open, and reads those again that it let go", () =>
    Effect.gen(function*() {
      const { plant, root, tree } = yield* planted
      const names = Array.from({ length: 140 }, (_, number) => `r${number}`)
      for (const name of names) plant(name, entry("a", "v1"))
      for (const name of [...names, ...names.slice(0, 3)]) {
        const { layout } = yield* tree.open(repository(name))
        assert.strictEqual((yield* layout.snapshot).entries.length, 1)
      }
      if (whyNotTold !== undefined) return
      const { files, folders } = openBelow(root)
      assert.strictEqual(files, 128)
      assert.strictEqual(folders, mostFolders)
    }))
})

describe("links in a tree", () => {
  const linked = Effect.gen(function*() {
    const made = yield* planted
    const outside = yield* temporaryFolder
    made.plant("real", entry("a", "v1"))
    fs.cpSync(join(made.root, "real"), join(outside, "layout"), { recursive: true })
    fs.symlinkSync(join(outside, "layout"), join(made.root, "evil"))
    fs.symlinkSync(outside, join(made.root, "folder"))
    fs.symlinkSync(join(made.root, "real"), join(made.root, "alias"))
    fs.symlinkSync(".", join(made.root, "circle"))
    return { ...made, outside }
  })

  it.live("are not listed, and end nowhere", () =>
    Effect.gen(function*() {
      const { tree } = yield* linked
      assert.deepStrictEqual<ReadonlyArray<string>>(yield* tree.list, ["real"])
    }))

  it.live("are refused on the way to a layout", () =>
    Effect.gen(function*() {
      const { tree } = yield* linked
      for (const name of ["evil", "folder/layout", "alias", "evil/below"]) {
        const error = yield* Effect.flip(tree.open(repository(name)))
        assert.deepStrictEqual(error, new SymlinkRefused({ path: name.split("/")[0] ?? "" }))
      }
      const { layout } = yield* tree.open(repository("real"))
      assert.strictEqual((yield* layout.snapshot).entries.length, 1)
    }))

  it.live("that come to be after a layout was opened are refused too", () =>
    Effect.gen(function*() {
      const { outside, root, tree } = yield* linked
      yield* tree.open(repository("real"))
      fs.rmSync(join(root, "real"), { recursive: true })
      fs.symlinkSync(join(outside, "layout"), join(root, "real"))
      assert.instanceOf(yield* Effect.flip(tree.open(repository("real"))), SymlinkRefused)
    }))

  it.live("are followed as far as the policy says", () =>
    Effect.gen(function*() {
      const { root } = yield* linked
      const inside = yield* makeLayoutTree(nodeFs, { directory: root, symlinks: "inside" })
      const { layout } = yield* inside.open(repository("alias"))
      assert.strictEqual((yield* layout.snapshot).entries.length, 1)
      assert.instanceOf(yield* Effect.flip(inside.open(repository("evil"))), SymlinkRefused)
      const anywhere = yield* makeLayoutTree(nodeFs, { directory: root, symlinks: "follow" })
      const followed = yield* anywhere.open(repository("evil"))
      assert.strictEqual((yield* followed.layout.snapshot).entries.length, 1)
      assert.isTrue(Option.isSome(followed.blobs.path(`sha256:${"a".repeat(64)}` as never)))
    }))
})
