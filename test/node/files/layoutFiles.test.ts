import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { asStorage } from "../../../src/node/files/asStorage.ts"
import { identityOf } from "../../../src/node/files/identity.ts"
import { guard, ifThere, layoutFiles, openRegular } from "../../../src/node/files/layoutFiles.ts"
import { isInside } from "../../../src/node/fs/isInside.ts"
import { FsError } from "../../../src/node/fs/LayoutFs.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { StorageError, SymlinkRefused } from "../../../src/oci/OciError.ts"
import { newDisk } from "../../support/disk.ts"
import { digest } from "../../support/entries.ts"
import { temporaryFolder } from "../../support/folders.ts"

const errorOf = (code: string, path: string) => new FsError({ operation: "open", path, code, cause: "test" })

describe("the files of a layout", () => {
  it("have their places, and everything unfinished is in .ocilayout", () => {
    const files = layoutFiles(nodeFs, "/layout", { durability: "power", symlinks: "refuse" })
    assert.deepInclude(files, {
      marker: "/layout/oci-layout",
      index: "/layout/index.json",
      lock: "/layout/.ocilayout/lock",
      journal: "/layout/.ocilayout/journal/2/current.ndjson",
      uploads: "/layout/.ocilayout/uploads",
      temporary: "/layout/.ocilayout/tmp"
    })
    assert.strictEqual(files.blob(digest("a")), `/layout/blobs/sha256/${"a".repeat(64)}`)
  })
})

describe("a failing call", () => {
  const kinds = [
    ["ENOSPC", "full"],
    ["EDQUOT", "full"],
    ["EROFS", "readOnly"],
    ["EACCES", "denied"],
    ["EPERM", "denied"],
    ["EMFILE", "tooManyFiles"],
    ["EINTR", "device"],
    ["ESTALE", "device"],
    ["ENFILE", "tooManyFiles"],
    ["EIO", "device"],
    ["EXOTIC", "other"]
  ] as const

  it.effect.each(kinds)(
    "with %s is told as %s, with its path inside the layout",
    ([code, kind]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(asStorage("/layout")(Effect.fail(errorOf(code, "/layout/blobs/x"))))
        assert.instanceOf(error, StorageError)
        assert.deepInclude(error, { operation: "open", path: "blobs/x", kind, cause: "test" })
      })
  )

  it.effect("on a link is told as one, and other errors are left alone", () =>
    Effect.gen(function*() {
      const tell = asStorage("/layout")
      assert.deepStrictEqual(
        yield* Effect.flip(tell(Effect.fail(errorOf("ELOOP", "/layout/index.json")))),
        new SymlinkRefused({ path: "index.json" })
      )
      assert.strictEqual(yield* Effect.flip(tell(Effect.fail("mine"))), "mine")
      const root = yield* Effect.flip(tell(Effect.fail(errorOf("EIO", "/layout"))))
      assert.propertyVal(root, "path", ".")
    }))

  it.effect("that says there is no such file is nothing, and any other one a failure", () =>
    Effect.gen(function*() {
      for (const code of ["ENOENT", "ENOTDIR"]) {
        assert.isUndefined(yield* ifThere(Effect.fail(errorOf(code, "/x"))))
      }
      assert.strictEqual((yield* Effect.flip(ifThere(Effect.fail(errorOf("EACCES", "/x"))))).code, "EACCES")
    }))
})

describe("inside", () => {
  it.each([
    ["/a", "/a", true],
    ["/a", "/a/b", true],
    ["/a", "/ab", false],
    ["/a/", "/a/b", true],
    ["/", "/a", true],
    ["/a/b", "/a", false]
  ])("%s: %s is %s", (folder, path, inside) => assert.strictEqual(isInside(folder, path), inside))
})

describe("links", () => {
  /** A layout with links of every kind; whether each policy lets a path through. */
  const table = [
    ["blobs/plain/x", true, true, true],
    ["blobs/inside/x", false, true, true],
    ["blobs/outside/x", false, false, true],
    ["blobs/inside/new", false, true, true],
    ["blobs/outside/new", false, false, true],
    ["blobs/outside/new/deeper", false, false, true],
    ["missing/x", true, true, true]
  ] as const

  it.live.each(table)(
    "on the way to %s: refuse %s, inside %s, follow %s",
    ([name, ...allowed]) =>
      Effect.gen(function*() {
        const disk = yield* newDisk
        const outside = yield* temporaryFolder
        fs.writeFileSync(`${outside}/x`, "secret")
        disk.write("blobs/plain/x", "x")
        fs.symlinkSync("plain", disk.path("blobs", "inside"))
        fs.symlinkSync(outside, disk.path("blobs", "outside"))
        const results = yield* Effect.forEach(["refuse", "inside", "follow"] as const, (symlinks) =>
          guard(layoutFiles(disk.fs, disk.root, { durability: "none", symlinks }), disk.path(name)).pipe(
            Effect.as(true),
            Effect.catchTag("SymlinkRefused", () =>
              Effect.succeed(false))
          ))
        assert.deepStrictEqual(results, [...allowed])
      })
  )

  it.live("in the place of a file are refused by opening it", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("real", "x")
      fs.symlinkSync("real", disk.path("link"))
      const open = (symlinks: "refuse" | "inside") =>
        Effect.scoped(openRegular(layoutFiles(disk.fs, disk.root, { durability: "none", symlinks }), disk.path("link")))
      const error = yield* Effect.flip(asStorage(disk.root)(open("refuse")))
      assert.deepStrictEqual(error, new SymlinkRefused({ path: "link" }))
      assert.strictEqual((yield* open("inside")).stat.size, 1)
    }))

  it.live("are not all that a file can be instead: a folder is refused as well", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      disk.write("folder/x", "")
      const error = yield* Effect.flip(Effect.scoped(openRegular(disk.files, disk.path("folder"))))
      assert.propertyVal(error, "code", "ENOTREG")
    }))
})

describe("the identity of a file", () => {
  it.live("changes with every change of it", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const identity = Effect.map(nodeFs.stat(disk.path("file")), identityOf)
      disk.write("file", "x")
      fs.utimesSync(disk.path("file"), 1, 1)
      const identities = [yield* identity]
      fs.utimesSync(disk.path("file"), 2, 2)
      identities.push(yield* identity)
      fs.appendFileSync(disk.path("file"), "y")
      identities.push(yield* identity)
      disk.write("other", "zz")
      fs.renameSync(disk.path("other"), disk.path("file"))
      identities.push(yield* identity)
      assert.strictEqual(new Set(identities).size, 4)
    }))
})
