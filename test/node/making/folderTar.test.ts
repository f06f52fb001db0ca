import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { TarReader } from "../../../src/image/tar/TarReader.ts"
import { folderTar } from "../../../src/node/making/folderTar.ts"
import { InputUnsuitable } from "../../../src/oci/OciError.ts"
import { temporaryFolder } from "../../support/folders.ts"

const packed = (folder: string) => Effect.map(Stream.runCollect(folderTar(folder)), (pieces) => Buffer.concat(pieces))

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
})
