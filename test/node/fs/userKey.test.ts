import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { findKey, isSealed, sealOf, stateFolder } from "../../../src/node/fs/userKey.ts"
import { temporaryFolder } from "../../support/folders.ts"

const place = Effect.map(temporaryFolder, (folder) => join(folder, "state", "ocilayout"))

describe("the key of a user", () => {
  it.live("is made once, is read by this user alone, and is another one for each user", () =>
    Effect.gen(function*() {
      const folder = yield* place
      const key = findKey(folder)
      assert.lengthOf(key ?? [], 32)
      assert.deepStrictEqual(findKey(folder), key)
      assert.deepStrictEqual(fs.readdirSync(folder), ["key"])
      const modes = [folder, join(folder, "key")].map((path) => fs.statSync(path).mode & 0o777)
      assert.deepStrictEqual(modes, [0o700, 0o600])
      assert.notDeepEqual(findKey(yield* place), key)
    }))

  it.live("is made by sealing, and not by checking a seal", () =>
    Effect.gen(function*() {
      const folder = yield* place
      assert.isUndefined(findKey(folder, "looking"))
      assert.isFalse(fs.existsSync(folder))
      const key = findKey(folder, "sealing")
      assert.deepStrictEqual(findKey(folder, "looking"), key)
    }))

  it.live("is none where others could have read or written it, or where something else lies in its place", () =>
    Effect.gen(function*() {
      const folder = yield* place
      const path = join(folder, "key")
      const key = findKey(folder)
      for (const mode of [0o640, 0o604, 0o620]) {
        fs.chmodSync(path, mode)
        assert.isUndefined(findKey(folder), mode.toString(8))
      }
      fs.chmodSync(path, 0o600)
      assert.deepStrictEqual(findKey(folder), key)
      fs.renameSync(path, join(folder, "elsewhere"))
      fs.symlinkSync("elsewhere", path)
      assert.isUndefined(findKey(folder))
      fs.rmSync(path)
      fs.writeFileSync(path, "short", { mode: 0o600 })
      assert.isUndefined(findKey(folder))
      fs.rmSync(path)
      fs.mkdirSync(path)
      assert.isUndefined(findKey(folder))
    }))

  it.live("is none where there is no place for it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      fs.writeFileSync(join(folder, "file"), "")
      assert.isUndefined(findKey(undefined))
      assert.isUndefined(findKey(join(folder, "file", "ocilayout")))
      fs.mkdirSync(join(folder, "open"))
      fs.chmodSync(join(folder, "open"), 0o777)
      assert.isUndefined(findKey(join(folder, "open")))
      assert.deepStrictEqual(fs.readdirSync(join(folder, "open")), [])
    }))

  it.live("is not made by root in the home of another user", () =>
    Effect.gen(function*() {
      if (process.geteuid?.() !== 0) return
      const home = yield* temporaryFolder
      fs.chownSync(home, 4711, 4711)
      assert.isUndefined(findKey(join(home, ".local", "state", "ocilayout")))
      assert.deepStrictEqual(fs.readdirSync(home), [])
    }))

  it("lies where the system keeps the state of programs", () => {
    const home = () => "/home/u"
    assert.strictEqual(stateFolder({ XDG_STATE_HOME: "/s" }, "linux", home), "/s/ocilayout")
    assert.strictEqual(stateFolder({ XDG_STATE_HOME: "relative" }, "linux", home), "/home/u/.local/state/ocilayout")
    assert.strictEqual(stateFolder({}, "linux", home), "/home/u/.local/state/ocilayout")
    assert.strictEqual(stateFolder({}, "darwin", home), "/home/u/Library/Application Support/ocilayout")
    assert.isUndefined(stateFolder({}, "linux", () => ""))
  })
})

describe("a seal", () => {
  const [key, other] = [new Uint8Array(32), new Uint8Array(32).fill(1)]

  it("is of one text, one key and one purpose", () => {
    const seal = sealOf(key, "test", "text")
    assert.isTrue(isSealed(key, "test", "text", seal))
    assert.isTrue(isSealed(key, "test", Buffer.from("text"), seal))
    assert.isFalse(isSealed(other, "test", "text", seal))
    assert.isFalse(isSealed(key, "other", "text", seal))
    assert.isFalse(isSealed(key, "test", "texts", seal))
    for (const wrong of ["", seal.slice(1), `${seal}0`, seal.toUpperCase()]) {
      assert.isFalse(isSealed(key, "test", "text", wrong), wrong)
    }
  })
})
