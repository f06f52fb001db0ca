import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { heldFolders, mostFolders } from "../../../src/node/fs/heldFolders.ts"
import type { FsError, LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { makeNodeFs, nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { listing, temporaryFolder } from "../../support/folders.ts"
import { asNobody, whyNoNobody } from "../../support/mounts.ts"
import { openBelow, whyNotTold } from "../../support/openFiles.ts"

/** A folder with `a/b` in it, which has the file `one`, and a folder of another user that looks the same. */
const planted = Effect.map(temporaryFolder, (folder) => {
  const [root, outside] = [join(folder, "root"), join(folder, "outside")]
  for (const place of [root, outside]) {
    fs.mkdirSync(join(place, "a", "b"), { recursive: true })
    fs.writeFileSync(join(place, "a", "b", "one"), place === root ? "ours" : "theirs")
  }
  return { folder, root, outside, path: (...names: ReadonlyArray<string>) => join(root, ...names) }
})

const codeOf = <A>(call: Effect.Effect<A, FsError, Scope.Scope>): Effect.Effect<string> =>
  Effect.match(Effect.scoped(call), { onSuccess: () => "ok", onFailure: ({ code }) => code })

const textOf = (held: LayoutFs, path: string): Effect.Effect<string, FsError> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* held.open(path, { access: "read" })
    const bytes = new Uint8Array(20)
    return Buffer.from(bytes.subarray(0, yield* handle.read(bytes, 0))).toString()
  }))

/** Every call there is that takes a path, as it would do its work on `a/b`. */
const calls = (held: LayoutFs, path: (...names: ReadonlyArray<string>) => string) => ({
  read: held.open(path("a", "b", "one"), { access: "read" }),
  update: held.open(path("a", "b", "one"), { access: "update" }),
  create: held.open(path("a", "b", "new"), { access: "create" }),
  lock: held.open(path("a", "b", "lock"), { access: "lock" }),
  stat: held.stat(path("a", "b", "one")),
  linkStat: held.linkStat(path("a", "b", "one")),
  probe: held.tellsEveryChange(path("a", "b", "probe")),
  list: held.readDirectory(path("a", "b")),
  make: held.makeDirectory(path("a", "b", "folder"), 0o755),
  link: held.link(path("one"), path("a", "b", "two")),
  linkFrom: held.link(path("a", "b", "one"), path("two")),
  rename: held.rename(path("one"), path("a", "b", "one")),
  renameFrom: held.rename(path("a", "b", "one"), path("one")),
  exchange: held.exchange(path("one"), path("a", "b", "one")),
  sync: held.syncDirectory(path("a", "b")),
  watch: held.watch(path("a", "b"), () => undefined),
  unlink: held.unlink(path("a", "b", "one")),
  remove: held.removeDirectory(path("a", "b", "folder"))
})

describe("a folder that is held", () => {
  it.live.each(["a", join("a", "b")])(
    "%s, and has become a link, is refused by every call, and what it leads to is as it was",
    (place) =>
      Effect.gen(function*() {
        const { folder, outside, path, root } = yield* planted
        fs.writeFileSync(path("one"), "another")
        const held = yield* heldFolders(nodeFs, root)
        assert.strictEqual(yield* textOf(held, path("a", "b", "one")), "ours")
        fs.renameSync(path(place), join(folder, "moved"))
        fs.symlinkSync(join(outside, place), path(place))
        const before = listing(folder, { times: true })
        for (const [name, call] of Object.entries(calls(held, path))) {
          assert.strictEqual(yield* codeOf(call), "ELOOP", name)
        }
        assert.deepStrictEqual(yield* held.linkStats([path("a", "b", "one")]), [undefined], "nothing is below a link")
        assert.deepStrictEqual(listing(folder, { times: true }), before)
        const error = yield* Effect.flip(held.unlink(path("a", "b", "one")))
        assert.strictEqual(error.path, path(place), "the link is named")
      })
  )

  it.live("is reached by a call that was under way when it was exchanged", () =>
    Effect.gen(function*() {
      const { folder, outside, path, root } = yield* planted
      const moved = join(folder, "moved")
      const exchange = Effect.sync(() => {
        fs.renameSync(path("a"), moved)
        fs.symlinkSync(join(outside, "a"), path("a"))
      })
      const base: LayoutFs = { ...nodeFs, unlink: (path) => Effect.andThen(exchange, nodeFs.unlink(path)) }
      const held = yield* heldFolders(base, root)
      const before = listing(outside, { times: true })
      yield* held.unlink(path("a", "b", "one"))
      assert.deepStrictEqual(listing(outside, { times: true }), before)
      assert.deepStrictEqual(fs.readdirSync(join(moved, "b")), [], "it did its work where it had begun")
    }))

  it.live("where folders cannot be held, that is found out after the call", () =>
    Effect.gen(function*() {
      const { folder, outside, path, root } = yield* planted
      const plain = makeNodeFs(() => undefined, false)
      const exchange = Effect.sync(() => {
        fs.renameSync(path("a"), join(folder, "moved"))
        fs.symlinkSync(join(outside, "a"), path("a"))
      })
      const base: LayoutFs = {
        ...plain,
        openHandle: (path, flags) => Effect.andThen(exchange, plain.openHandle(path, flags))
      }
      const held = yield* heldFolders(base, root)
      assert.deepStrictEqual(yield* held.readDirectory(path("a", "b")), ["one"])
      assert.strictEqual(yield* codeOf(held.open(path("a", "b", "one"), { access: "read" })), "ELOOP")
      if (whyNotTold === undefined) assert.deepStrictEqual(openBelow(folder), { files: 0, folders: 0 })
      // From now on it is seen before.
      for (const [name, call] of Object.entries(calls(held, path))) {
        if (!["link", "rename", "exchange"].includes(name)) assert.strictEqual(yield* codeOf(call), "ELOOP", name)
      }
    }))

  it.live("and was replaced by another folder is let go of, and that one is used", () =>
    Effect.gen(function*() {
      const { folder, outside, path, root } = yield* planted
      const held = yield* heldFolders(nodeFs, root)
      assert.strictEqual(yield* textOf(held, path("a", "b", "one")), "ours")
      fs.renameSync(path("a"), join(folder, "moved"))
      assert.strictEqual(yield* codeOf(held.stat(path("a", "b", "one"))), "ENOENT")
      fs.renameSync(join(outside, "a"), path("a"))
      assert.strictEqual(yield* textOf(held, path("a", "b", "one")), "theirs")
      fs.rmSync(root, { recursive: true })
      assert.strictEqual(yield* codeOf(held.readDirectory(path("a"))), "ENOENT")
      assert.deepStrictEqual(yield* held.linkStats([path("a"), path("a", "b")]), [undefined, undefined])
      yield* held.makeDirectory(root, 0o755)
      yield* held.makeDirectory(path("a"), 0o755)
      assert.deepStrictEqual(yield* held.readDirectory(root), ["a"])
    }))

  it.live("tells of failures by its path, in words too", () =>
    Effect.gen(function*() {
      const { path, root } = yield* planted
      const held = yield* heldFolders(nodeFs, root)
      for (
        const call of [
          held.unlink(path("a", "missing")),
          held.rename(path("a", "missing"), path("a", "b", "new")),
          held.readDirectory(path("a", "b", "one")),
          held.openHandle(path("a", "missing"), { access: "read" }),
          Effect.scoped(
            Effect.flatMap(held.open(path("a", "b", "one"), { access: "read" }), ({ truncate }) => truncate(1))
          )
        ] as ReadonlyArray<Effect.Effect<unknown, FsError>>
      ) {
        const error = yield* Effect.flip(call)
        assert.isTrue(error.path.startsWith(root), error.path)
        const { cause } = error
        const texts = cause instanceof Error ? [cause.message, cause.stack, JSON.stringify(cause)] : []
        assert.notInclude([error.message, ...texts].join("\n"), "/proc/")
      }
    }))

  it.live("that is the outermost may be reached through a link, unless it was once reached without one", () =>
    Effect.gen(function*() {
      const { folder, outside, path, root } = yield* planted
      const link = join(folder, "link")
      fs.symlinkSync(root, link)
      const [direct, linked] = [yield* heldFolders(nodeFs, root), yield* heldFolders(nodeFs, link)]
      assert.strictEqual(yield* textOf(direct, path("a", "b", "one")), "ours")
      assert.strictEqual(yield* textOf(linked, join(link, "a", "b", "one")), "ours")
      fs.unlinkSync(link)
      fs.symlinkSync(outside, link)
      assert.strictEqual(yield* textOf(linked, join(link, "a", "b", "one")), "theirs")
      fs.renameSync(root, join(folder, "moved"))
      fs.symlinkSync(outside, root)
      assert.strictEqual(yield* codeOf(direct.open(path("a", "b", "one"), { access: "read" })), "ELOOP")
      assert.strictEqual(yield* codeOf(direct.linkStats([path("a")])), "ELOOP")
    }))

  it.live("is one of few, and closed with the scope", () =>
    Effect.gen(function*() {
      if (whyNotTold !== undefined) return
      const { folder, path, root } = yield* planted
      yield* Effect.scoped(Effect.gen(function*() {
        const held = yield* heldFolders(nodeFs, root)
        for (let number = 0; number < 2 * mostFolders; number++) {
          yield* held.makeDirectory(path(`folder${number}`), 0o755)
          assert.deepStrictEqual(yield* held.readDirectory(path(`folder${number}`)), [])
        }
        assert.strictEqual(openBelow(folder).folders, mostFolders)
        for (let number = 0; number < 2 * mostFolders; number++) yield* held.removeDirectory(path(`folder${number}`))
        assert.isAtMost(openBelow(folder).folders, mostFolders)
        assert.strictEqual(yield* textOf(held, path("a", "b", "one")), "ours")
      }))
      assert.deepStrictEqual(openBelow(folder), { files: 0, folders: 0 })
    }))

  it.live("is not closed while a call goes through it", () =>
    Effect.gen(function*() {
      const { path, root } = yield* planted
      const slow: LayoutFs = { ...nodeFs, unlink: (path) => Effect.andThen(Effect.sleep(5), nodeFs.unlink(path)) }
      const held = yield* heldFolders(slow, root)
      const unlinking = yield* Effect.forkChild(held.unlink(path("a", "b", "one")), { startImmediately: true })
      for (let number = 0; number <= mostFolders; number++) {
        yield* held.makeDirectory(path(`folder${number}`), 0o755)
        yield* held.readDirectory(path(`folder${number}`))
        // The number of a folder that was closed has no file of this name.
        fs.writeFileSync(path(`folder${number}`, "one"), "")
      }
      yield* Fiber.join(unlinking)
      assert.deepStrictEqual(fs.readdirSync(path("a", "b")), [])
    }))

  it.live.skipIf(whyNoNobody !== undefined)("need not be readable to be gone into", () =>
    Effect.gen(function*() {
      const { folder, path, root } = yield* planted
      fs.chmodSync(folder, 0o755)
      for (const place of [root, path("a"), path("a", "b")]) fs.chmodSync(place, 0o711)
      const held = yield* heldFolders(nodeFs, root)
      assert.strictEqual(yield* asNobody(textOf(held, path("a", "b", "one"))), "ours")
      assert.strictEqual(yield* asNobody(codeOf(held.readDirectory(path("a")))), "EACCES")
    }))
})
