import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { basename, join } from "node:path"
import { zstdCompressSync } from "node:zlib"
import { NewTree } from "../../../src/node/fs/NewTree.ts"
import { extractFiles } from "../../../src/node/layers/extractFiles.ts"
import { imageFiles, layerTar, type Written } from "../../image/support/layers.ts"
import { failure, opened, put } from "../../image/support/opened.ts"
import { base256, file, gnu, header, octal, pax, tar } from "../../image/support/tars.ts"
import { temporaryFolder } from "../../support/folders.ts"

/** Every path below a folder, with what it is; links are not followed. */
const below = (folder: string, inside = ""): ReadonlyArray<string> =>
  fs.readdirSync(join(folder, inside)).flatMap((one) => {
    const name = inside === "" ? one : `${inside}/${one}`
    const path = join(folder, name)
    const stat = fs.lstatSync(path)
    return stat.isSymbolicLink()
      ? [`${name} -> ${fs.readlinkSync(path)}`]
      : stat.isDirectory()
      ? [`${name}/`, ...below(folder, name)]
      : [`${name}: ${fs.readFileSync(path).toString("latin1").slice(0, 20)}`]
  }).toSorted()

const extracted = (layers: ReadonlyArray<ReadonlyArray<Written>>, path = "/", options = {}) =>
  Effect.gen(function*() {
    const { folder, image } = yield* opened({ v1: layers.map(layerTar) })
    const directory = join(folder, "out", "inner")
    const done = yield* extractFiles(image, path, directory, options)
    return { done, directory, folder }
  })

const base: ReadonlyArray<Written> = [
  ["etc", "d", 0o750],
  ["etc/motd", "f", "hello\n", 0o640],
  ["etc/empty", "f", ""],
  ["usr/bin/tool", "f", "x".repeat(5000), 0o4755],
  ["usr/bin/same", "h", "usr/bin/tool"],
  ["bin", "s", "usr/bin"],
  ["dev/null", "c", [1, 3]]
]

describe("extracting files of an image", () => {
  it.live("writes all layers put together, with modes and times", () =>
    Effect.gen(function*() {
      const { directory, done } = yield* extracted([base, [["etc/motd", "f", "welcome\n", 0o600], [
        "usr/bin/.wh.same",
        "f",
        ""
      ]]])
      assert.deepStrictEqual(below(directory), [
        "bin -> usr/bin",
        "dev/",
        "etc/",
        "etc/empty: ",
        "etc/motd: welcome\n",
        "usr/",
        "usr/bin/",
        `usr/bin/tool: ${"x".repeat(20)}`
      ])
      assert.deepStrictEqual(done, {
        files: 3,
        folders: 4,
        links: 1,
        bytes: 5008,
        skipped: [{ path: "/dev/null", reason: "is a character device" }],
        skippedCount: 1,
        plainModes: 1,
        withoutXattrs: 0,
        withoutOwners: 0
      })
      assert.strictEqual(fs.statSync(join(directory, "etc")).mode & 0o7777, 0o750)
      assert.strictEqual(fs.statSync(join(directory, "etc/motd")).mode & 0o7777, 0o600)
      // Extracting does not lend the file rights.
      assert.strictEqual(fs.statSync(join(directory, "usr/bin/tool")).mode & 0o7777, 0o755)
      assert.strictEqual(fs.statSync(join(directory, "etc/motd")).mtimeMs, 1e12)
      assert.strictEqual(fs.lstatSync(join(directory, "bin")).mtimeMs, 1e12)
      assert.strictEqual(fs.statSync(join(directory, "etc")).mtimeMs, 1e12)
    }))

  it.live("writes one file, or one folder, under its own name; links to it are followed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(below((yield* extracted([base], "/bin/same")).directory), [`same: ${"x".repeat(20)}`])
      const { directory, done } = yield* extracted([base], "/bin")
      assert.deepStrictEqual(below(directory), ["bin/", `bin/same: ${"x".repeat(20)}`, `bin/tool: ${"x".repeat(20)}`])
      assert.strictEqual(done.files, 2)
      const [one, other] = ["same", "tool"].map((name) => fs.statSync(join(directory, "bin", name)))
      assert.strictEqual(one?.ino, other?.ino)
      const { image } = yield* opened({ v1: [layerTar(base)] })
      assert.strictEqual(yield* failure(extractFiles(image, "/none", directory)), "PathUnknown")
    }))

  it.live("writes what zstd and sparse files hold, and names that are no UTF-8", () =>
    Effect.gen(function*() {
      const sparse = header({
        name: "sparse",
        type: "S",
        size: 512,
        magic: gnu,
        patch: (block) => {
          octal(1024, 12).copy(block, 386)
          octal(512, 12).copy(block, 398)
          octal(3000, 12).copy(block, 483)
        }
      })
      const odd = tar(
        sparse,
        Buffer.alloc(512, "s"),
        file("a", ""),
        pax({ path: Buffer.from([0x6e, 0xff, 0x6f]) }),
        file("x", "bytes"),
        header({ name: "far", rawMtime: base256(2n ** 60n, 12), magic: gnu }),
        file("z", "")
      )
      const folder = yield* temporaryFolder
      const { image } = yield* opened({ v1: [odd] }, {
        change: (layout) => {
          fs.rmSync(layout, { recursive: true })
          put(layout, imageFiles({ v1: [odd] }, zstdCompressSync))
        }
      })
      yield* extractFiles(image, "/", folder)
      const content = fs.readFileSync(join(folder, "sparse"))
      assert.strictEqual(content.length, 3000)
      assert.isTrue(content.equals(Buffer.concat([Buffer.alloc(1024), Buffer.alloc(512, "s"), Buffer.alloc(1464)])))
      assert.strictEqual(
        fs.readFileSync(Buffer.concat([Buffer.from(`${folder}/n`), Buffer.from([0xff, 0x6f])])).length,
        5
      )
      assert.strictEqual(fs.statSync(join(folder, "z")).size, 0)
    }))

  it.live("tells what files, folders and links are made without", () =>
    Effect.gen(function*() {
      const xattr = pax({ "SCHILY.xattr.user.note": "x" })
      const odd = tar(
        header({ name: "shared/", type: "5", mode: 0o2775, gid: 50 }),
        xattr,
        header({ name: "marked/", type: "5", mode: 0o755 }),
        xattr,
        file("marked/file", "x", { uid: 33 }),
        header({ name: "link", type: "2", link: "shared", mode: 0o777, uid: 33 }),
        file("plain", "x"),
        header({ name: "pipe", type: "6" })
      )
      const { folder, image } = yield* opened({ v1: [odd] })
      const { plainModes, skipped, withoutOwners, withoutXattrs } = yield* extractFiles(image, "/", join(folder, "out"))
      assert.deepStrictEqual(
        { plainModes, withoutOwners, withoutXattrs, skipped },
        { plainModes: 1, withoutOwners: 3, withoutXattrs: 2, skipped: [{ path: "/pipe", reason: "is a pipe" }] }
      )
    }))

  it.live("never leaves the folder, whatever links and names say", () =>
    Effect.gen(function*() {
      const outside = yield* temporaryFolder
      fs.writeFileSync(join(outside, "mine"), "mine")
      const { directory, folder } = yield* extracted([[
        ["l", "s", outside],
        ["l/mine", "f", "through an absolute link"],
        ["up", "s", "../../../../../../../../../.."],
        [`up${outside}/mine`, "f", "through a relative link"],
        ["../../../escape", "f", "dots"],
        ["/etc/absolute", "f", "absolute"],
        ["a/../../b", "f", "clamped"],
        ["loop", "s", "."],
        ["loop/loop2", "f", "looped"],
        ["hard", "h", `l/mine`]
      ]])
      assert.deepStrictEqual(below(outside), ["mine: mine"])
      assert.deepStrictEqual(fs.readdirSync(join(folder, "out")), ["inner"])
      const inner = below(directory)
      assert.includeMembers(Array.from(inner), [
        `l -> ${outside}`,
        `${outside.slice(1)}/mine: through a relative l`,
        "escape: dots",
        "etc/absolute: absolute",
        "loop2: looped",
        "hard: through a relative l"
      ])
      const hostile = yield* opened({ v1: [layerTar([["h", "h", "../../../../etc/hostname"]])] }).pipe(failure)
      assert.strictEqual(hostile, "LayerInvalid")
    }))

  it.live("replaces nothing, and goes into folders but not through links that are there", () =>
    Effect.gen(function*() {
      const { image } = yield* opened({ v1: [layerTar(base)] })
      const [outside, directory] = [yield* temporaryFolder, yield* temporaryFolder]
      fs.mkdirSync(join(directory, "usr"), { mode: 0o700 })
      fs.symlinkSync(outside, join(directory, "etc"))
      assert.strictEqual(yield* failure(extractFiles(image, "/", directory)), "FileExists")
      fs.unlinkSync(join(directory, "etc"))
      fs.rmSync(directory, { recursive: true })
      fs.mkdirSync(join(directory, "usr/bin"), { recursive: true })
      fs.symlinkSync(join(outside, "written"), join(directory, "usr/bin/tool"))
      assert.strictEqual(yield* failure(extractFiles(image, "/", directory)), "FileExists")
      assert.deepStrictEqual(below(outside), [])
      assert.deepStrictEqual(fs.readdirSync(join(directory, "usr/bin")), ["tool"])
      // The folder itself may be reached through a link: the user says so.
      const link = join(outside, "link")
      const target = yield* temporaryFolder
      fs.symlinkSync(target, link)
      yield* extractFiles(image, "/etc/motd", link)
      assert.deepStrictEqual(below(target), ["motd: hello\n"])
    }))

  it.live("gives no name to a file that is not what it was", () =>
    Effect.gen(function*() {
      const { folder, image } = yield* opened({ v1: [layerTar([["a", "f", "first"], ["b", "f", "second"]])] })
      const [blob = ""] = imageFiles({ v1: [layerTar([["a", "f", "first"], ["b", "f", "second"]])] }).keys()
      put(
        folder,
        new Map([[
          blob,
          imageFiles({ v1: [layerTar([["a", "f", "first"], ["b", "f", "SECOND"]])] }).values().next()
            .value ?? Buffer.alloc(0)
        ]])
      )
      const directory = yield* temporaryFolder
      assert.strictEqual(yield* failure(extractFiles(image, "/", directory)), "LayerInvalid")
      assert.deepStrictEqual(below(directory), ["a: first"])
    }))
})

const path = (...parts: ReadonlyArray<string>) => parts.map((part) => Buffer.from(part))

/** The folder below which files are written, another one, and what moves the first away and puts a link to the other there. */
const exchanged = Effect.gen(function*() {
  const [folder, elsewhere] = [yield* temporaryFolder, yield* temporaryFolder]
  const directory = join(folder, "d")
  const exchange = (at: string) => {
    fs.renameSync(at, `${at}.moved`)
    fs.symlinkSync(elsewhere, at)
  }
  return { directory, elsewhere, exchange, folder }
})

const write = (tree: NewTree, ...parts: ReadonlyArray<string>): void => {
  const made = tree.file(path(...parts))
  made.write(Buffer.from("content"))
  made.finish({ mode: 0o644 })
}

describe("a tree that is written", () => {
  it.live("is where it was, although its folder is exchanged for a link meanwhile", () =>
    Effect.gen(function*() {
      const { directory, elsewhere, exchange, folder } = yield* exchanged
      const tree = new NewTree(directory)
      tree.folder(path("a"))
      write(tree, "a", "one")
      exchange(directory)
      write(tree, "two")
      exchange(join(`${directory}.moved`, "a"))
      write(tree, "a", "three")
      tree.link(path("a", "link"), Buffer.from("x"), {})
      tree.finishFolder(path("a"), { mode: 0o700 })
      tree.close()
      assert.deepStrictEqual(below(elsewhere), [])
      assert.deepStrictEqual(below(join(folder, "d.moved", "a.moved")), ["link -> x", "one: content", "three: content"])
      // One that is opened only now does not lead through a link.
      const later = new NewTree(`${directory}.moved`)
      assert.throws(() => write(later, "a", "four"), /ELOOP/)
      assert.throws(() => later.folder(path("a", "sub")), /ELOOP/)
      assert.throws(() => later.folder(path("a")), /EEXIST/)
      later.close()
      assert.deepStrictEqual(below(elsewhere), [])
    }))

  it.live("refuses to go on where folders cannot be held", () =>
    Effect.gen(function*() {
      const { directory, elsewhere, exchange } = yield* exchanged
      const tree = new NewTree(directory, false)
      tree.folder(path("a"))
      tree.folder(path("a", "b"))
      write(tree, "a", "b", "one")
      exchange(join(directory, "a"))
      assert.throws(() => write(tree, "a", "b", "two"), /ELOOP/)
      exchange(directory)
      assert.throws(() => write(tree, "three"), /ELOOP/)
      tree.close()
      assert.deepStrictEqual(below(elsewhere), [])
      assert.strictEqual(basename(directory), "d")
    }))

  it.live("keeps the folder of a file open, however many others are opened meanwhile", () =>
    Effect.gen(function*() {
      const { directory } = yield* exchanged
      const tree = new NewTree(directory)
      const deep = Array.from({ length: 200 }, (_, at) => `d${at}`)
      for (let at = 1; at <= deep.length; at++) tree.folder(path(...deep.slice(0, at)))
      tree.folder(path("first"))
      const first = tree.file(path("first", "file"))
      first.write(Buffer.from("first"))
      for (let at = 0; at < 100; at++) {
        tree.folder(path(`other${at}`))
        write(tree, `other${at}`, "file")
      }
      first.finish({ mode: 0o600 })
      tree.name(path("first", "file"), path(...deep, "second"))
      tree.close()
      assert.deepStrictEqual(below(join(directory, "first")), ["file: first"])
      assert.strictEqual(fs.readFileSync(join(directory, ...deep, "second"), "utf8"), "first")
    }))

  it.live("takes no name that leads elsewhere", () =>
    Effect.gen(function*() {
      const { directory } = yield* exchanged
      const tree = new NewTree(directory)
      for (const name of ["", ".", "..", "a/b", "a\0b"]) {
        assert.throws(() => tree.file(path(name)), /EINVAL/)
        assert.throws(() => tree.folder(path("x", name)), /EINVAL|ENOENT/)
      }
      tree.close()
      assert.deepStrictEqual(below(directory), [])
    }))
})
