import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { TarReader } from "../../../src/image/tar/TarReader.ts"
import type { FolderOptions } from "../../../src/make/ports/LayerMaker.ts"
import { patternsOf } from "../../../src/make/tar/ignored.ts"
import { localFiles } from "../../../src/node/index.ts"
import { folderTar } from "../../../src/node/making/folderTar.ts"
import { InputUnsuitable } from "../../../src/oci/OciError.ts"
import { temporaryFolder } from "../../support/folders.ts"

const packed = (folder: string, options: FolderOptions = {}) =>
  Effect.map(Stream.runCollect(folderTar(folder, options)), (pieces) => Buffer.concat(pieces))

/** Names and types, as a reader of tars tells them. */
const listed = (tar: Uint8Array): ReadonlyArray<string> => {
  const names: Array<string> = []
  const reader = new TarReader({
    begin: ({ link, name, type }) => {
      const target = link.length === 0 ? "" : ` -> ${Buffer.from(link).toString()}`
      names.push(`${type} ${Buffer.from(name).toString()}${target}`)
    },
    data: () => undefined,
    end: () => undefined
  })
  reader.write(tar)
  reader.finish()
  return names
}

const refusal = Effect.fnUntraced(function*(folder: string, reason: string) {
  const error = yield* Effect.flip(packed(folder))
  assert.instanceOf(error, InputUnsuitable)
  assert.include(error.message, reason)
})

describe("a folder as a tar", () => {
  it.live("has names in the order of their bytes, links as they are, and nothing that they lead to", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      fs.writeFileSync(join(folder, "secret"), "not in it")
      const root = join(folder, "root")
      fs.mkdirSync(join(root, "b"), { recursive: true })
      for (const name of ["Z", "a", "b/c", "ä", "b-"]) fs.writeFileSync(join(root, name), name)
      fs.symlinkSync("../secret", join(root, "link"))
      fs.symlinkSync("..", join(root, "up"))
      fs.linkSync(join(root, "Z"), join(root, "b/again"))
      const tar = yield* packed(root)
      assert.deepStrictEqual(listed(tar), [
        "file Z",
        "file a",
        "directory b/",
        "hardlink b/again -> Z",
        "file b/c",
        "file b-",
        "symlink link -> ../secret",
        "symlink up -> ..",
        "file ä"
      ])
      assert.isFalse(tar.includes("not in it"))
      fs.symlinkSync(root, join(folder, "named"))
      assert.deepStrictEqual(yield* packed(join(folder, "named")), tar)
    }))

  it.live("refuses what no layer is made of", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      yield* refusal(join(root, "none"), "does not exist")
      fs.writeFileSync(join(root, "file"), "x")
      yield* refusal(join(root, "file"), "is no folder")
      fs.writeFileSync(join(root, ".wh.file"), "")
      yield* refusal(root, "means a deletion")
      fs.rmSync(join(root, ".wh.file"))
      fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0x61, 0xff)]), "")
      yield* refusal(root, "is no UTF-8")
      fs.rmSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0x61, 0xff)]))
      const server = createServer()
      yield* Effect.promise(() => new Promise<void>((resolve) => server.listen(join(root, "socket"), resolve)))
      yield* refusal(root, "is a socket")
      yield* Effect.promise(() => new Promise<void>((resolve) => server.close(() => resolve())))
    }))

  it.live("fails where a file changes while it is read", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const file = join(root, "file")
      for (const change of [() => fs.truncateSync(file, 10), () => fs.appendFileSync(file, "more")]) {
        fs.writeFileSync(file, Buffer.alloc(3_000_000))
        let isFirst = true
        const error = yield* Effect.flip(Stream.runForEach(folderTar(root), () =>
          Effect.sync(() => {
            if (isFirst) change()
            isFirst = false
          })))
        assert.instanceOf(error, InputUnsuitable)
        assert.include(error.message, "changed while it was read")
      }
    }))

  it.live("a folder that becomes a link is not followed", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const root = join(folder, "root")
      fs.mkdirSync(join(root, "z"), { recursive: true })
      fs.mkdirSync(join(folder, "elsewhere"))
      fs.writeFileSync(join(folder, "elsewhere/secret"), "secret")
      fs.writeFileSync(join(root, "a"), Buffer.alloc(3_000_000))
      const pieces: Array<Uint8Array> = []
      yield* Stream.runForEach(folderTar(root), (piece) =>
        Effect.sync(() => {
          if (pieces.length === 0) {
            fs.rmdirSync(join(root, "z"))
            fs.symlinkSync("../elsewhere", join(root, "z"))
          }
          pieces.push(piece)
        }))
      assert.deepStrictEqual(listed(Buffer.concat(pieces)), ["file a", "symlink z -> ../elsewhere"])
    }))

  it.live("leaves out what patterns match, and takes folders where something in them is brought back", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const all = [
        "a.log",
        "b/a.log",
        "b/c/d.txt",
        "b/c/e.txt",
        "keep/.wh.not-looked-at",
        "keep/x/y",
        "x-1",
        "x-2",
        "x[1"
      ]
      for (const name of all) {
        fs.mkdirSync(join(root, name, ".."), { recursive: true })
        fs.writeFileSync(join(root, name), name)
      }
      const left = Effect.fnUntraced(function*(text: string) {
        const tar = yield* packed(root, { exclude: patternsOf(text) })
        return listed(tar).map((line) => line.replace(/^\w+ /u, "")).filter((name) => name !== "b/" && name !== "keep/")
      })
      const but = (...gone: ReadonlyArray<string>) =>
        ["a.log", "b/a.log", "b/c/", "b/c/d.txt", "b/c/e.txt", "keep/x/", "keep/x/y", "x-1", "x-2", "x[1"].filter((
          name
        ) => !gone.includes(name))
      const cases: ReadonlyArray<readonly [patterns: string, gone: ReadonlyArray<string>]> = [
        ["*.log", ["a.log"]],
        ["**/*.log", ["a.log", "b/a.log"]],
        ["**/**/**/*.log", ["a.log", "b/a.log"]],
        ["b", ["b/a.log", "b/c/", "b/c/d.txt", "b/c/e.txt"]],
        ["/b/c/", ["b/c/", "b/c/d.txt", "b/c/e.txt"]],
        ["# a\n\n ./b/*/?.txt \r", ["b/c/d.txt", "b/c/e.txt"]],
        ["b/**\n!b/c/d.txt", ["b/a.log", "b/c/e.txt"]],
        ["b\n!**/*.log", ["b/c/", "b/c/d.txt", "b/c/e.txt"]],
        ["!**/*.log\nb", ["b/a.log", "b/c/", "b/c/d.txt", "b/c/e.txt"]],
        ["x-[2-9]", ["x-2"]],
        ["x-[^1]", ["x-2"]],
        ["x\\[1", ["x[1"]],
        ["X-1\nx-\nlog", []]
      ]
      for (const [patterns, gone] of cases) {
        assert.deepStrictEqual(yield* left(`keep/.wh*\n${patterns}`), but(...gone), patterns)
      }
      assert.notInclude(listed(yield* packed(root, { exclude: ["b", "keep/.wh*"] })), "directory b/")
      for (const wrong of ["../x", "x[1", "x[z-a]", "!"]) {
        assert.instanceOf(yield* Effect.flip(packed(root, { exclude: [wrong] })), InputUnsuitable)
      }
    }))

  it.live("a folder that is exchanged for a link after it was allowed leads nowhere", () =>
    Effect.gen(function*() {
      const root = fs.realpathSync(yield* temporaryFolder)
      fs.mkdirSync(join(root, "allowed/site/deep"), { recursive: true })
      fs.mkdirSync(join(root, "denied/deep"), { recursive: true })
      fs.writeFileSync(join(root, "denied/deep/secret"), "secret")
      const files = localFiles([join(root, "allowed")])
      // The folder itself, and one on the way to it.
      for (const path of ["allowed/site", "allowed/site/deep"]) {
        const folder = Option.getOrThrow(yield* files.folder(join(root, path)))
        fs.renameSync(join(root, "allowed/site"), join(root, "away"))
        fs.symlinkSync("../denied", join(root, "allowed/site"))
        const error = yield* Effect.flip(packed(folder, { resolved: true }))
        assert.instanceOf(error, InputUnsuitable, path)
        fs.unlinkSync(join(root, "allowed/site"))
        fs.renameSync(join(root, "away"), join(root, "allowed/site"))
        assert.isNotEmpty(yield* packed(folder, { resolved: true }))
      }
    }))
})
