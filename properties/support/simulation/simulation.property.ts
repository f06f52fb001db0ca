/** The simulated disk answers as a real one does, and a power cut leaves of it what POSIX lets it leave. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { FsError, LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { isWhole, runs } from "../share.ts"
import { chanceOf } from "./chance.ts"
import { calls, carryOut } from "./conformance.ts"
import { type Crash, crash, create, find, nodeAt } from "./Disk.ts"
import { Machine, type MachineOptions } from "./Machine.ts"

/** What every call is met to have answered. */
const succeeding = [
  "open openFolder close read write truncate setMode fstat sync dataSync tryLock stat linkStat realPath readDirectory",
  "makeDirectory removeDirectory link rename exchange unlink syncDirectory symlink"
].flatMap((line) => line.split(" ").map((call) => `${call} ok`))

const failing = Object.entries({
  open: "ELOOP EEXIST ENOENT ENOTDIR EISDIR",
  openFolder: "ELOOP ENOTDIR",
  read: "EBADF",
  write: "EBADF",
  truncate: "EINVAL",
  makeDirectory: "EEXIST",
  removeDirectory: "ENOTEMPTY ENOTDIR",
  link: "EEXIST EPERM",
  rename: "EINVAL ENOTDIR EISDIR ENOTEMPTY",
  exchange: "ENOENT EINVAL",
  unlink: "EISDIR"
}).flatMap(([call, codes]) => codes.split(" ").map((code) => `${call} ${code}`))

const isAnswer = (answer: unknown): answer is { readonly call: string; readonly code?: string } =>
  typeof answer === "object" && answer !== null && "call" in answer

const makeLink = (machine: Machine) => (path: string, target: string): void =>
  machine.prepare((disk, nowNs) => create(disk, nowNs, find(disk, path, false), { kind: "link", target }, []))

describe("the simulated disk", () => {
  it("answers every call as the machine's file system does, error codes included", async () => {
    const met = new Set<string>()
    const property = fc.asyncProperty(fc.noBias(calls), async (calls) => {
      const root = join(mkdtempSync(join(tmpdir(), "ocilayout-simulation-")), "r")
      mkdirSync(root, 0o755)
      try {
        const real = await carryOut({ fs: nodeFs, root, makeLink: (path, to) => symlinkSync(to, path) }, calls)
        const machine = new Machine()
        const { fs } = machine.process()
        await Effect.runPromise(fs.makeDirectory("/r", 0o755))
        const simulated = await carryOut({ fs, root: "/r", makeLink: makeLink(machine) }, calls)
        assert.deepStrictEqual(simulated, real)
        for (const answer of real) if (isAnswer(answer)) met.add(`${answer.call} ${answer.code ?? "ok"}`)
      } finally {
        rmSync(dirname(root), { recursive: true })
      }
    })
    await fc.assert(property, { numRuns: runs * 5 })
    if (isWhole) assert.includeMembers(Array.from(met), [...succeeding, ...failing])
  })
})

/** A machine with what was done to its disk by one process. */
const afterwards = async (
  use: (fs: LayoutFs, machine: Machine) => Effect.Effect<void, FsError>,
  options: MachineOptions = {}
): Promise<Machine> => {
  const machine = new Machine(options)
  const { fs } = machine.process()
  await Effect.runPromise(
    fs.makeDirectory("/r", 0o755).pipe(Effect.andThen(fs.syncDirectory("/")), Effect.andThen(use(fs, machine)))
  )
  return machine
}

/** Everything that power cuts are seen to leave of these files: their texts, `?` for none. */
const leftovers = ({ disk }: Machine, kind: Crash, ...paths: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(
    new Set(Array.from({ length: 400 }, (_, seed) => {
      const left = crash(disk, kind, chanceOf(seed))
      return paths.map((path) => {
        const { node } = find(left, path, true)
        const found = node === undefined ? undefined : nodeAt(left, node)
        return found?.kind === "file" ? Buffer.from(found.content).toString().replaceAll("\0", "0") : "?"
      }).join(" ")
    }))
  ).toSorted()

const newFile = (fs: LayoutFs, path: string, text: string, synced = true): Effect.Effect<void, FsError> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(path, { access: "create" })
    yield* handle.write(Buffer.from(text), 0)
    if (synced) yield* handle.sync
  }))

describe("a power cut", () => {
  it("takes what was not synced, or tears it, and never what was", async () => {
    const machine = await afterwards((fs) =>
      Effect.gen(function*() {
        yield* newFile(fs, "/r/a", "old")
        yield* fs.syncDirectory("/r")
        yield* Effect.scoped(
          Effect.flatMap(fs.open("/r/a", { access: "update" }), (a) => a.write(Buffer.from("new+"), 0))
        )
      })
    )
    for (const kind of ["ordered", "adversarial"] as const) {
      assert.deepStrictEqual(leftovers(machine, kind, "/r/a"), ["new", "new+", "old", "old0"])
    }
    assert.deepStrictEqual(leftovers(machine, "kill", "/r/a"), ["new+"])
  })

  it("tears at sectors", async () => {
    const machine = await afterwards((fs) => newFile(fs, "/r/a", "x".repeat(1100), false))
    const torn = leftovers(machine, "adversarial", "/r/a").map((text) =>
      text.replace(/x{512}/gu, "X").replace(/0{512}/gu, "O")
    )
    assert.includeMembers(torn, ["?", "", `XX${"x".repeat(76)}`, `OX${"0".repeat(76)}`])
  })

  it("takes names whose folder was not synced, in the order they were given or in any", async () => {
    const machine = await afterwards((fs) => Effect.andThen(newFile(fs, "/r/a", "a"), newFile(fs, "/r/b", "b")))
    assert.deepStrictEqual(leftovers(machine, "ordered", "/r/a", "/r/b"), ["? ?", "a ?", "a b"])
    assert.deepStrictEqual(leftovers(machine, "adversarial", "/r/a", "/r/b"), ["? ?", "? b", "a ?", "a b"])
  })

  it("lets no operation overtake another one of the same name, and none happen by half", async () => {
    const machine = await afterwards((fs) =>
      Effect.gen(function*() {
        yield* newFile(fs, "/r/a", "old")
        yield* fs.syncDirectory("/r")
        yield* newFile(fs, "/r/b", "new")
        yield* fs.exchange("/r/a", "/r/b")
        yield* fs.unlink("/r/b")
      })
    )
    const possible = ["new ?", "new old", "old ?", "old new"]
    assert.deepStrictEqual(leftovers(machine, "adversarial", "/r/a", "/r/b"), possible)
    assert.deepStrictEqual(leftovers(machine, "ordered", "/r/a", "/r/b"), possible)
  })

  it("leaves what a synced folder holds, and what that depends on", async () => {
    const machine = await afterwards((fs) =>
      Effect.gen(function*() {
        yield* newFile(fs, "/r/a", "a")
        yield* fs.makeDirectory("/r/d", 0o755)
        yield* fs.rename("/r/a", "/r/d/a")
        yield* fs.syncDirectory("/r/d")
        // The rename is on the platter as a whole, and with it that there was something to rename.
        yield* newFile(fs, "/r/a", "again", false)
        yield* fs.syncDirectory("/r")
      })
    )
    assert.deepStrictEqual(leftovers(machine, "adversarial", "/r/d/a"), ["a"])
    assert.includeMembers([...leftovers(machine, "adversarial", "/r/a")], ["again", ""])
  })

  it("leaves nothing of what a failed sync was to write, even if a later one succeeds", async () => {
    let syncs = 0
    const options: MachineOptions = {
      before: ({ operation }) => operation === "sync" && syncs++ === 0 ? { code: "EIO", form: "refused" } : undefined
    }
    const machine = await afterwards((fs) =>
      Effect.scoped(Effect.gen(function*() {
        const handle = yield* fs.open("/r/a", { access: "create" })
        yield* handle.write(Buffer.from("lost"), 0)
        yield* Effect.catchIf(handle.sync, ({ code }) => code === "EIO", () => handle.sync)
        yield* fs.syncDirectory("/r")
      })), options)
    assert.includeMembers([...leftovers(machine, "adversarial", "/r/a")], ["", "lost"])
  })
})

describe("a simulated process", () => {
  const locking = (fs: LayoutFs) => fs.openHandle("/lock", { access: "lock" })

  it("loses its files and locks when it is killed, and its calls never return", async () => {
    const machine = new Machine()
    const [killed, other] = [machine.process(), machine.process()]
    assert.isTrue(await Effect.runPromise(Effect.flatMap(locking(killed.fs), ({ tryLock }) => tryLock)))
    assert.isFalse(await Effect.runPromise(Effect.flatMap(locking(other.fs), ({ tryLock }) => tryLock)))
    const granted = Effect.runPromise(Effect.flatMap(locking(other.fs), ({ waitForLock }) => waitForLock))
    machine.kill(killed.id)
    await granted
    const never = Effect.runPromise(Effect.timeoutOption(killed.fs.stat("/"), "20 millis"))
    assert.strictEqual((await never)._tag, "None")
  })

  it("sees an inode number again once the file is closed everywhere", async () => {
    await afterwards((fs) =>
      Effect.gen(function*() {
        const numberOf = (path: string) => Effect.map(fs.stat(path), ({ ino }) => ino)
        yield* newFile(fs, "/r/a", "1")
        const first = yield* numberOf("/r/a")
        yield* newFile(fs, "/r/b", "2")
        yield* fs.rename("/r/b", "/r/a")
        yield* newFile(fs, "/r/b", "3")
        assert.strictEqual(yield* numberOf("/r/b"), first)
        yield* Effect.scoped(Effect.gen(function*() {
          const pinned = yield* fs.open("/r/b", { access: "read" })
          yield* fs.unlink("/r/b")
          yield* newFile(fs, "/r/c", "4")
          assert.notStrictEqual(yield* numberOf("/r/c"), first)
          assert.strictEqual((yield* pinned.stat).ino, first)
        }))
        yield* newFile(fs, "/r/d", "5")
        assert.strictEqual(yield* numberOf("/r/d"), first)
      })
    )
  })

  it("sees coarse times and missing calls where that is asked for", async () => {
    const { fs } = new Machine({ tickNs: 1_000_000_000n, lacking: { link: "EPERM", exchange: "ENOSYS" } }).process()
    const codes = Effect.gen(function*() {
      yield* newFile(fs, "/a", "a")
      assert.strictEqual((yield* fs.stat("/a")).mtimeNs % 1_000_000_000n, 0n)
      const failures = yield* Effect.all([Effect.flip(fs.link("/a", "/b")), Effect.flip(fs.exchange("/a", "/a"))])
      return failures.map(({ code }) => code)
    })
    assert.deepStrictEqual(await Effect.runPromise(codes), ["EPERM", "ENOSYS"])
  })
})
