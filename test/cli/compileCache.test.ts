import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { compiledFolder } from "../../src/cli/compileCache.ts"

const home = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "ocilayout-home-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true }))
)

const uid = process.getuid?.() ?? -1

describe("what Node has compiled", () => {
  it.effect("is kept in a folder that no other user can read", () =>
    Effect.gen(function*() {
      const homedir = yield* home
      const folder = compiledFolder({ homedir, uid }, "linux")
      assert.strictEqual(folder, join(homedir, ".cache/ocilayout/compiled"))
      assert.strictEqual(fs.statSync(folder ?? "").mode & 0o777, 0o700)
      assert.strictEqual(compiledFolder({ homedir, uid }, "linux"), folder, "the next time too")
      assert.strictEqual(compiledFolder({ homedir, uid }, "darwin"), join(homedir, "Library/Caches/ocilayout/compiled"))
    }))

  it.effect.each(["", ".cache", ".cache/ocilayout", ".cache/ocilayout/compiled"])(
    "is kept nowhere where others may write: ~/%s",
    (name) =>
      Effect.gen(function*() {
        const homedir = yield* home
        compiledFolder({ homedir, uid }, "linux")
        for (const mode of [0o770, 0o707]) {
          fs.chmodSync(join(homedir, name), mode)
          assert.isUndefined(compiledFolder({ homedir, uid }, "linux"))
        }
      })
  )

  it.effect("is kept nowhere where the folder is another user's, or a link", () =>
    Effect.gen(function*() {
      const homedir = yield* home
      assert.isUndefined(compiledFolder({ homedir, uid: uid + 1 }, "linux"))
      fs.rmSync(join(homedir, ".cache/ocilayout"), { recursive: true })
      fs.mkdirSync(join(homedir, "elsewhere"), { mode: 0o700 })
      fs.symlinkSync("../elsewhere", join(homedir, ".cache/ocilayout"))
      assert.isUndefined(compiledFolder({ homedir, uid }, "linux"))
    }))
})
