import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { randomBytes } from "node:crypto"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { type FileHandle, FsError } from "../../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { textOf, utf8 } from "../../support/images.ts"

const folder = Effect.map(temporaryFolder, (root) => ({ root, path: (name: string) => join(root, name) }))

const created = Effect.fnUntraced(function*(content: string) {
  const { path, root } = yield* folder
  fs.writeFileSync(path("file"), content)
  return { root, path, file: path("file"), handle: yield* nodeFs.open(path("file"), { access: "update" }) }
})

const codeOf = (effect: Effect.Effect<unknown, FsError, Scope.Scope>) =>
  Effect.map(Effect.flip(Effect.scoped(effect)), (error) => {
    assert.instanceOf(error, FsError)
    return error.code
  })

const readWhole = Effect.fnUntraced(function*(handle: FileHandle, size: number, position: number) {
  const target = new Uint8Array(size)
  const count = yield* handle.read(target, position)
  return target.subarray(0, count)
})

/** A system that reads or writes at most so many bytes in one call, as every system may. */
const shortCalls = (bytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { read, readSync, write, writeSync } = fs
      const calls = { count: 0 }
      const cut = (length: number): number => {
        calls.count++
        return Math.min(length, bytes)
      }
      type Done = (error: NodeJS.ErrnoException | null, count: number) => void
      Object.assign(fs, {
        writeSync: (fd: number, from: Uint8Array, offset: number, length: number, position: number) =>
          writeSync(fd, from, offset, cut(length), position),
        readSync: (fd: number, to: Uint8Array, offset: number, length: number, position: number) =>
          readSync(fd, to, offset, cut(length), position),
        write: (fd: number, from: Uint8Array, offset: number, length: number, position: number, done: Done) =>
          write(fd, from, offset, cut(length), position, done),
        read: (fd: number, to: Uint8Array, offset: number, length: number, position: number, done: Done) =>
          read(fd, to, offset, cut(length), position, done)
      })
      syncBuiltinESMExports()
      return { calls, original: { read, readSync, write, writeSync } }
    }),
    ({ original }) =>
      Effect.sync(() => {
        Object.assign(fs, original)
        syncBuiltinESMExports()
      })
  )

describe("a handle", () => {
  it.live("reads and writes where it is told", () =>
    Effect.gen(function*() {
      const { file, handle } = yield* created("0123456789")
      assert.strictEqual(textOf(yield* readWhole(handle, 4, 3)), "3456")
      assert.strictEqual(textOf(yield* readWhole(handle, 20, 8)), "89")
      assert.strictEqual(textOf(yield* readWhole(handle, 5, 10)), "")
      assert.strictEqual(textOf(yield* readWhole(handle, 0, 5)), "")
      yield* handle.write(utf8("ab"), 4)
      yield* handle.write(utf8("z"), 12)
      yield* handle.write(new Uint8Array(), 99)
      assert.strictEqual(fs.readFileSync(file, "utf8"), "0123ab6789\0\0z")
      yield* handle.truncate(3)
      assert.strictEqual(fs.readFileSync(file, "utf8"), "012")
      assert.strictEqual((yield* handle.stat).size, 3)
      yield* handle.setMode(0o600)
      assert.strictEqual((yield* handle.stat).mode & 0o777, 0o600)
      yield* handle.sync
      yield* handle.dataSync
    }))

  it.live("reads and writes everything, small and large, however short the system's calls are", () =>
    Effect.gen(function*() {
      for (const [size, bytes] of [[1000, 7], [64 * 1024, 5000], [64 * 1024 + 1, 5000], [300_000, 100_000]] as const) {
        yield* Effect.scoped(Effect.gen(function*() {
          const content = randomBytes(size)
          const { file, handle } = yield* created("x")
          const { calls } = yield* shortCalls(bytes)
          yield* handle.write(content, 1)
          assert.isAtLeast(calls.count, Math.ceil(size / bytes))
          calls.count = 0
          assert.isTrue(content.equals(yield* readWhole(handle, size, 1)))
          assert.isAtLeast(calls.count, Math.ceil(size / bytes))
          assert.isTrue(content.equals(yield* readWhole(handle, size + 10, 1)), "up to the end of the file")
          assert.strictEqual((yield* handle.stat).size, size + 1)
          assert.isTrue(fs.readFileSync(file).subarray(1).equals(content))
        }))
      }
    }))

  it.live("tells what a file is, to the nanosecond", () =>
    Effect.gen(function*() {
      const { file, handle } = yield* created("x")
      const expected = fs.statSync(file, { bigint: true })
      const { ctimeNs, dev, gid, ino, kind, mode, mtimeNs, size, uid } = yield* handle.stat
      assert.deepStrictEqual([dev, ino, mtimeNs, ctimeNs], [
        expected.dev,
        expected.ino,
        expected.mtimeNs,
        expected.ctimeNs
      ])
      assert.deepStrictEqual([mode, uid, gid].map(BigInt), [expected.mode, expected.uid, expected.gid])
      assert.deepStrictEqual([kind, size], ["file", 1])
      assert.deepStrictEqual(yield* nodeFs.stat(file), yield* handle.stat)
    }))

  it.live("is closed with its scope, and not before a call on it is done", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      const scope = yield* Scope.make()
      const handle = yield* Effect.provideService(nodeFs.open(path("new"), { access: "create" }), Scope.Scope, scope)
      const content = randomBytes(2_000_000)
      const writing = yield* Effect.forkChild(handle.write(content, 0), { startImmediately: true })
      yield* Fiber.interrupt(writing)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(content.equals(fs.readFileSync(path("new"))))
      assert.strictEqual(yield* codeOf(handle.stat), "EBADF")
    }))
})

describe("opening", () => {
  it.live("creates what is not there, and only that", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      const mode = (name: string) => fs.statSync(path(name)).mode & 0o777
      yield* Effect.scoped(nodeFs.open(path("new"), { access: "create" }))
      assert.strictEqual(mode("new"), 0o644 & ~process.umask())
      yield* Effect.scoped(nodeFs.open(path("private"), { access: "create" }, 0o600))
      assert.strictEqual(mode("private"), 0o600)
      assert.strictEqual(yield* codeOf(nodeFs.open(path("new"), { access: "create" })), "EEXIST")
      assert.strictEqual(yield* codeOf(nodeFs.open(path("missing"), { access: "read" })), "ENOENT")
      assert.strictEqual(yield* codeOf(nodeFs.open(path("missing"), { access: "update" })), "ENOENT")
      yield* Effect.scoped(nodeFs.open(path("lock"), { access: "lock" }))
      yield* Effect.scoped(nodeFs.open(path("lock"), { access: "lock" }))
    }))

  it.live("follows a link in the last component only when it is told to", () =>
    Effect.gen(function*() {
      const { file, path } = yield* created("x")
      fs.symlinkSync(file, path("link"))
      for (const access of ["read", "update", "lock"] as const) {
        assert.strictEqual(yield* codeOf(nodeFs.open(path("link"), { access })), "ELOOP")
        yield* Effect.scoped(nodeFs.open(path("link"), { access, follow: true }))
      }
      assert.strictEqual(yield* codeOf(nodeFs.open(path("link"), { access: "create" })), "EEXIST")
      fs.symlinkSync(path("nowhere"), path("dangling"))
      assert.strictEqual(yield* codeOf(nodeFs.open(path("dangling"), { access: "create" })), "EEXIST")
      assert.isFalse(fs.existsSync(path("nowhere")))
    }))

  it.live("tells the call, the path and the system's code when it fails", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      const error = yield* Effect.flip(nodeFs.stat(path("missing")))
      assert.deepInclude(error, { operation: "stat", path: path("missing"), code: "ENOENT" })
      assert.strictEqual(error.message, `stat ${path("missing")}: ENOENT`)
      assert.strictEqual(yield* codeOf(nodeFs.stat("a\0b")), "ERR_INVALID_ARG_VALUE")
    }))
})

describe("folders and names", () => {
  it.live("are made, listed, moved, linked and removed", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      yield* nodeFs.makeDirectory(path("a"), 0o755)
      assert.strictEqual(yield* codeOf(nodeFs.makeDirectory(path("a"), 0o755)), "EEXIST")
      assert.strictEqual(yield* codeOf(nodeFs.makeDirectory(path("x/y"), 0o755)), "ENOENT")
      fs.writeFileSync(path("a/one"), "1")
      yield* nodeFs.link(path("a/one"), path("a/two"))
      assert.strictEqual(yield* codeOf(nodeFs.link(path("a/one"), path("a/two"))), "EEXIST")
      fs.writeFileSync(path("a/three"), "3")
      yield* nodeFs.rename(path("a/three"), path("a/two"))
      assert.deepStrictEqual((yield* nodeFs.readDirectory(path("a"))).toSorted(), ["one", "two"])
      assert.strictEqual(fs.readFileSync(path("a/one"), "utf8"), "1")
      assert.strictEqual(fs.readFileSync(path("a/two"), "utf8"), "3")
      assert.strictEqual(yield* codeOf(nodeFs.removeDirectory(path("a"))), "ENOTEMPTY")
      yield* nodeFs.unlink(path("a/one"))
      yield* nodeFs.unlink(path("a/two"))
      yield* nodeFs.syncDirectory(path("a"))
      yield* nodeFs.removeDirectory(path("a"))
      assert.strictEqual(yield* codeOf(nodeFs.syncDirectory(path("a"))), "ENOENT")
    }))

  it.live("are told for what they are, and a link for itself or for what it leads to", () =>
    Effect.gen(function*() {
      const { path, root } = yield* folder
      fs.symlinkSync(root, path("link"))
      const kinds = [
        yield* nodeFs.stat(path("link")),
        yield* nodeFs.linkStat(path("link")),
        yield* nodeFs.stat("/dev/null")
      ]
      assert.deepStrictEqual(kinds.map(({ kind }) => kind), ["directory", "link", "other"])
      assert.strictEqual(yield* nodeFs.realPath(path("link")), root)
    }))

  it.live("are told of several at once, those that are not there left out", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      fs.writeFileSync(path("a"), "1")
      fs.symlinkSync(path("nowhere"), path("link"))
      const found = yield* nodeFs.linkStats(["a", "missing", "a/below", "link"].map(path))
      assert.deepStrictEqual(found.map((stat) => stat?.kind), ["file", undefined, undefined, "link"])
      assert.deepStrictEqual(found[0], yield* nodeFs.linkStat(path("a")))
      assert.strictEqual(yield* codeOf(nodeFs.linkStats([path("a"), path("x".repeat(300))])), "ENAMETOOLONG")
    }))

  it.live("are told at a glance, and nothing of what cannot be looked at", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      fs.writeFileSync(path("a"), "1")
      fs.symlinkSync(path("a"), path("link"))
      assert.deepStrictEqual(nodeFs.glance(path("a")), yield* nodeFs.linkStat(path("a")))
      assert.strictEqual(nodeFs.glance(path("link"))?.kind, "link")
      const others = ["missing", "a/below", "x".repeat(300)].map((name) => nodeFs.glance(path(name)))
      assert.deepStrictEqual(others, [undefined, undefined, undefined])
    }))

  it.live("have times that are found out by trying, and nothing is left of that", () =>
    Effect.gen(function*() {
      const { path, root } = yield* folder
      const exact = yield* nodeFs.tellsEveryChange(path("probe"))
      assert.deepStrictEqual(fs.readdirSync(root), [])
      const times = new Set<bigint>()
      for (let write = 0; write < 500; write++) {
        fs.writeFileSync(path("file"), String(write))
        times.add((yield* nodeFs.linkStat(path("file"))).mtimeNs)
      }
      // Where it says no, it may still be right by chance.
      if (exact) assert.strictEqual(times.size, 500)
      assert.strictEqual(yield* codeOf(nodeFs.tellsEveryChange(path("missing/probe"))), "ENOENT")
    }))

  it.live("are exchanged at once", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      fs.writeFileSync(path("a"), "1")
      fs.writeFileSync(path("b"), "2")
      yield* nodeFs.exchange(path("a"), path("b"))
      assert.deepStrictEqual(["a", "b"].map((name) => fs.readFileSync(path(name), "utf8")), ["2", "1"])
      assert.strictEqual(yield* codeOf(nodeFs.exchange(path("a"), path("missing"))), "ENOENT")
    }))
})

describe("locks", () => {
  it.live("exclude two handles, and go with the handle", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      const open = nodeFs.openHandle(path("lock"), { access: "lock" })
      const [one, two] = [yield* open, yield* open]
      assert.isTrue(yield* one.tryLock)
      assert.isFalse(yield* two.tryLock)
      const waiting = yield* Effect.forkChild(two.waitForLock)
      yield* one.close
      yield* Fiber.join(waiting)
      yield* two.close
    }))

  it.live("that are waited for in vain are let go when they are granted", () =>
    Effect.gen(function*() {
      const { path } = yield* folder
      const open = nodeFs.openHandle(path("lock"), { access: "lock" })
      const [one, two, three] = [yield* open, yield* open, yield* open]
      assert.isTrue(yield* one.tryLock)
      const waiting = yield* Effect.forkChild(two.waitForLock, { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      yield* two.close
      assert.strictEqual((yield* two.stat).kind, "file", "its number is not given away before")
      yield* one.close
      yield* three.waitForLock
      yield* three.close
      const closed = yield* Effect.retry(Effect.flip(two.stat), { schedule: Schedule.spaced(5), times: 1000 })
      assert.strictEqual(closed.code, "EBADF")
    }))
})
