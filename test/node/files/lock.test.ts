import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { hostname } from "node:os"
import { type LayoutFiles, layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { holdLock } from "../../../src/node/files/lock.ts"
import { makeNodeFs } from "../../../src/node/fs/nodeFs.ts"
import { LayoutLocked } from "../../../src/oci/OciError.ts"
import { type Disk, newDisk } from "../../support/disk.ts"
import { otherProcess } from "../../support/otherProcess.ts"
import { fails } from "../../support/watchedFs.ts"

const patient = 20_000

const lockedDisk = Effect.map(newDisk, (disk) => {
  fs.mkdirSync(disk.files.own, { recursive: true })
  return disk
})

/** Takes the lock until `release`. */
const holding = Effect.fnUntraced(function*({ files }: Disk, waitMillis: number = patient) {
  const scope = yield* Scope.make()
  yield* Effect.provideService(holdLock(files, waitMillis), Scope.Scope, scope)
  return { release: Scope.close(scope, Exit.void) }
})

const tried = ({ files }: Disk, waitMillis = 0) => Effect.scoped(holdLock(files, waitMillis))

describe("the lock", () => {
  it.live("excludes two handles of one process, and is free again when its scope closes", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const { release } = yield* holding(disk)
      assert.instanceOf(yield* Effect.flip(tried(disk)), LayoutLocked)
      yield* release
      // The wait that was given up is granted first, and let go at once.
      yield* tried(disk, patient)
    }))

  it.live("is given to one that waits as soon as it is free", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const { release } = yield* holding(disk)
      const waiting = yield* Effect.forkChild(tried(disk, patient))
      yield* Effect.sleep(20)
      assert.isUndefined(waiting.pollUnsafe())
      yield* release
      yield* Fiber.join(waiting)
    }))

  it.live("is each waiter's alone", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      let inside = 0
      yield* Effect.forEach(Array.from({ length: 8 }), () =>
        Effect.scoped(Effect.gen(function*() {
          yield* holdLock(disk.files, patient)
          inside++
          assert.strictEqual(inside, 1)
          yield* Effect.sleep(1)
          inside--
        })), { concurrency: "unbounded" })
    }))

  it.live("names who holds it when the wait is over", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      yield* holding(disk)
      const error = yield* Effect.flip(tried(disk, 30))
      assert.instanceOf(error, LayoutLocked)
      assert.strictEqual(error.path, ".ocilayout/lock")
      assert.strictEqual(error.waitedMillis, 30)
      assert.match(error.holder ?? "", new RegExp(`^process ${process.pid} on ${hostname()} since \\d{4}-.*Z$`, "u"))
    }))

  it.live("names no process that is gone", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      yield* holding(disk)
      const { pid } = spawnSync(process.execPath, ["-e", "0"])
      const since = new Date(0).toISOString()
      const holderFor = Effect.fnUntraced(function*(note: string) {
        disk.write(".ocilayout/holder", note)
        const error = yield* Effect.flip(tried(disk))
        assert.instanceOf(error, LayoutLocked)
        return error.holder
      })
      assert.isUndefined(yield* holderFor(`process ${pid} on ${hostname()} since ${since}`))
      // Of another machine nothing is known, nor of another's process here.
      const elsewhere = `process ${pid} on elsewhere.${hostname()} since ${since}`
      assert.strictEqual(yield* holderFor(elsewhere), elsewhere)
      const first = `process 1 on ${hostname()} since ${since}`
      assert.strictEqual(yield* holderFor(first), first)
    }))

  it.live("does not need to know who holds it", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      disk.intercept((call) => call.path === ".ocilayout/holder" ? fails("EACCES")(call) : Effect.void)
      yield* holding(disk)
      const error = yield* Effect.flip(tried(disk))
      assert.instanceOf(error, LayoutLocked)
      assert.isUndefined(error.holder)
    }))

  it.live("is not kept by a waiter that gave up or was interrupted", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const { release } = yield* holding(disk)
      const interrupted = yield* Effect.forkChild(tried(disk, patient))
      yield* Effect.flip(tried(disk, 10))
      yield* Fiber.interrupt(interrupted)
      yield* release
      yield* tried(disk, patient)
      yield* tried(disk, patient)
    }))

  it.live("on a file that was replaced is taken again on the new one", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const { release } = yield* holding(disk)
      const scope = yield* Effect.scope
      const waiting = yield* Effect.forkChild(
        Effect.provideService(holdLock(disk.files, patient), Scope.Scope, scope)
      )
      yield* Effect.sleep(20)
      fs.rmSync(disk.files.lock)
      fs.writeFileSync(disk.files.lock, "")
      yield* release
      yield* Fiber.join(waiting)
      assert.instanceOf(yield* Effect.flip(tried(disk)), LayoutLocked)
    }))

  it.live("is never written to and never removed", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      yield* tried(disk)
      const { ino } = fs.statSync(disk.files.lock)
      yield* tried(disk)
      const stat = fs.statSync(disk.files.lock)
      assert.deepStrictEqual([stat.ino, stat.size], [ino, 0])
    }))
})

describe("the lock of another process", () => {
  it.live("excludes this one until it dies, however it dies", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const other = yield* otherProcess("holdLock", disk.root)
      assert.strictEqual(yield* other.line, "held")
      const error = yield* Effect.flip(tried(disk))
      assert.instanceOf(error, LayoutLocked)
      assert.include(error.holder, `process ${other.pid} `)
      const waiting = yield* Effect.forkChild(tried(disk, patient))
      yield* other.kill
      yield* Fiber.join(waiting)
    }))
})

describe("the lock where there is no native one", () => {
  /** What a machine without the native extensions has. */
  const database = (disk: Disk): LayoutFiles =>
    layoutFiles(makeNodeFs(() => undefined), disk.root, { durability: "power", symlinks: "refuse" })

  it.live("excludes another of its kind and the native one, in both directions, and stays an empty file", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const files = database(disk)
      const pairs = [[files, files], [files, disk.files], [disk.files, files]] as const
      for (const [holder, other] of pairs) {
        yield* Effect.scoped(Effect.gen(function*() {
          // The wait of the turn before that was given up may be granted only now.
          yield* holdLock(holder, patient)
          assert.instanceOf(yield* Effect.flip(Effect.scoped(holdLock(other, 20))), LayoutLocked)
        }))
        // A native wait that was given up is granted first, and let go at once.
        yield* Effect.scoped(holdLock(other, patient))
      }
      assert.strictEqual(fs.statSync(disk.files.lock).size, 0)
      assert.deepStrictEqual(fs.readdirSync(disk.files.own).filter((name) => name.startsWith("lock")), ["lock"])
    }))

  it.live("is waited for, also while others of the process try and give up", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const files = database(disk)
      const scope = yield* Scope.make()
      yield* Effect.provideService(holdLock(files, 0), Scope.Scope, scope)
      const waiting = yield* Effect.forkChild(Effect.scoped(holdLock(files, patient)))
      yield* Effect.flip(Effect.scoped(holdLock(files, 30)))
      assert.instanceOf(yield* Effect.flip(Effect.scoped(holdLock(disk.files, 30))), LayoutLocked, "it is still held")
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(waiting)
    }))

  it.live("excludes and is excluded by another process, until that dies", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const files = database(disk)
      const other = yield* otherProcess("holdLock", disk.root)
      yield* other.line
      assert.instanceOf(yield* Effect.flip(Effect.scoped(holdLock(files, 20))), LayoutLocked)
      yield* other.kill
      yield* Effect.scoped(holdLock(files, patient))
    }))

  it.live("is no link, and good for nothing else", () =>
    Effect.gen(function*() {
      const disk = yield* lockedDisk
      const { fs: files, lock } = database(disk)
      yield* Effect.scoped(Effect.gen(function*() {
        const handle = yield* files.open(lock, { access: "lock" })
        const uses = [
          handle.read(new Uint8Array(1), 0),
          handle.write(new Uint8Array(1), 0),
          handle.truncate(0),
          handle.setMode(0o600),
          handle.setOwner(0, 0),
          handle.sync,
          handle.dataSync
        ]
        for (const use of uses) assert.strictEqual((yield* Effect.flip(Effect.asVoid(use))).code, "EINVAL")
      }))
      fs.rmSync(lock)
      fs.symlinkSync(disk.path("elsewhere"), lock)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(files.open(lock, { access: "lock" })))).code, "ELOOP")
      assert.isFalse(fs.existsSync(disk.path("elsewhere")))
    }))
})
