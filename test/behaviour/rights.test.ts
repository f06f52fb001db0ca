/** Several users of one layout: whichever of them writes, all others whose the layout's folder is can go on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryFolder } from "../support/folders.ts"
import { whyNoNobody } from "../support/mounts.ts"
import { otherProcess } from "../support/otherProcess.ts"

const team = 23_000

interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly groups: string
}

const alice: User = { name: "alice", uid: 23_001, gid: 23_001, groups: String(team) }
const bob: User = { name: "bob", uid: 23_002, gid: 23_002, groups: String(team) }
const root: User = { name: "root", uid: 0, gid: 0, groups: "" }
const stranger: User = { name: "stranger", uid: 23_003, gid: 23_003, groups: "" }

/** An empty folder of alice's, of these rights. */
const folderOf = Effect.fnUntraced(function*(mode: number) {
  const parent = yield* temporaryFolder
  fs.chmodSync(parent, 0o755)
  const directory = join(parent, "layout")
  fs.mkdirSync(directory)
  fs.chownSync(directory, alice.uid, team)
  fs.chmodSync(directory, mode)
  return directory
})

let pushes = 0

const pushAs = (directory: string, { gid, groups, name, uid }: User, umask: string, kind = "layout") =>
  Effect.scoped(Effect.gen(function*() {
    const args = [`${name}${pushes++}`, umask, String(uid), String(gid), groups, kind]
    const { line } = yield* otherProcess("pushAs", directory, ...args)
    return yield* line
  }))

/**
 * Everything in the layout that is not as open as its folder, or not of its group; or not its owner's, where it can be.
 */
const locked = (directory: string, owned: boolean): ReadonlyArray<string> => {
  const shared = fs.statSync(directory)
  return fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).flatMap((path) => {
    const stat = fs.lstatSync(join(directory, path))
    const mode = shared.mode & (stat.isDirectory() ? 0o2777 : 0o666)
    const isAsShared = (stat.mode & 0o7777) === mode && stat.gid === shared.gid && (!owned || stat.uid === shared.uid)
    return isAsShared ? [] : [`${path} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`]
  })
}

/** As root of a name space of its own, in which no other user has a number: as in a container without root. */
const pushAlone = (directory: string): string =>
  execFileSync("unshare", ["--user", "--map-root-user", process.execPath, script, directory, "alone", "022"], {
    encoding: "utf8"
  })

const script = fileURLToPath(new URL("../support/processes/pushAs.ts", import.meta.url))

const whyNoNameSpace = ((): string | undefined => {
  try {
    execFileSync("unshare", ["--user", "--map-root-user", "true"], { stdio: "pipe" })
    return undefined
  } catch {
    return "no name space of users can be made"
  }
})()

const skipped = whyNoNobody === undefined ? "" : ` (skipped: ${whyNoNobody})`

describe.skipIf(whyNoNobody !== undefined)(`a layout of several users${skipped}`, () => {
  it.live.each<readonly [mode: string, umask: string]>([
    ["2775", "022"],
    ["2770", "077"],
    ["770", "022"],
    ["3775", "002"]
  ])(
    "of a group (%s, umask %s) is written by all of it in turns, and by root",
    ([octal, umask]) =>
      Effect.gen(function*() {
        const mode = Number.parseInt(octal, 8)
        const directory = yield* folderOf(mode)
        // In a sticky folder only its owner may put another index in the place of one that is not theirs.
        const users = (mode & 0o1000) === 0 ? [bob, alice, root, bob, alice] : [alice, root, alice]
        for (const user of users) {
          assert.strictEqual(yield* pushAs(directory, user, umask), "done", user.name)
          assert.deepStrictEqual(locked(directory, !users.includes(bob)), [])
        }
        assert.match(yield* pushAs(directory, stranger, umask), /^StorageError: /u)
      }),
    60_000
  )

  it.live.each<readonly [umask: string, shared: ReadonlyArray<User>]>([["002", [alice, bob]], ["022", [alice, root]]])(
    "that is made is as open as the umask of its maker (%s)",
    ([umask, users]) =>
      Effect.gen(function*() {
        const directory = join(yield* folderOf(0o2777), "made")
        for (const user of users) {
          assert.strictEqual(yield* pushAs(directory, user, umask), "done", user.name)
          assert.strictEqual(fs.statSync(directory).mode & 0o7777, 0o2777 & ~Number.parseInt(umask, 8))
          assert.strictEqual(fs.statSync(directory).gid, team)
          assert.deepStrictEqual(locked(directory, !users.includes(bob)), [])
        }
      }),
    60_000
  )

  it.live.each(["022", "077"])(
    "that is made in a tree has the rights of the tree (umask %s)",
    (umask) =>
      Effect.gen(function*() {
        const directory = yield* folderOf(0o2775)
        for (const user of [root, alice, bob, alice]) {
          assert.strictEqual(yield* pushAs(directory, user, umask, "tree"), "done", user.name)
          assert.deepStrictEqual(locked(directory, false), [])
        }
      }),
    60_000
  )

  it.live.each(["022", "077"])(
    "of one user (umask %s) stays that user's when root writes once, or makes it",
    (umask) =>
      Effect.gen(function*() {
        for (const first of [root, alice]) {
          const directory = yield* folderOf(0o755)
          assert.strictEqual(yield* pushAs(directory, first, umask), "done")
          assert.strictEqual(yield* pushAs(directory, root, umask), "done")
          assert.deepStrictEqual(locked(directory, true), [])
          assert.strictEqual(yield* pushAs(directory, alice, umask), "done")
          assert.deepStrictEqual(locked(directory, true), [])
        }
      }),
    60_000
  )

  it.live.skipIf(whyNoNameSpace !== undefined)(
    "whose owner has no number in a name space is written there",
    () =>
      Effect.gen(function*() {
        const directory = yield* folderOf(0o777)
        const lines = pushAlone(directory).trimEnd().split("\n")
        assert.strictEqual(lines.at(-1), "done")
        // Everybody may change what everybody's folder holds, so that nothing is missed.
        assert.strictEqual(lines.length, 1)
        assert.strictEqual(yield* pushAs(directory, alice, "022"), "done")
      }),
    60_000
  )

  it.live("notes that another user has made for itself are made anew, and stop no write", () =>
    Effect.gen(function*() {
      const directory = yield* folderOf(0o2775)
      assert.strictEqual(yield* pushAs(directory, alice, "022"), "done")
      fs.chmodSync(join(directory, ".ocilayout/holder"), 0o600)
      assert.strictEqual(yield* pushAs(directory, bob, "022"), "done")
      assert.deepStrictEqual(locked(directory, false), [])
    }), 60_000)
})
