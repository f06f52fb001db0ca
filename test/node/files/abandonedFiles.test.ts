import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeLeftovers } from "../../../src/node/files/abandonedFiles.ts"
import { layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"
import { listing, temporaryFolder } from "../../support/folders.ts"

const hex = "0".repeat(64)

/** What each tool leaves, and what may be done with it. */
const left: ReadonlyArray<readonly [path: string, tool: string | undefined, removable: boolean]> = [
  ["oci-put-blob1234567", "skopeo, podman or buildah", true],
  ["index.json.tmp", "docker/oci", true],
  ["index.json.3791.tmp", "regctl", true],
  [".umoci-abc", "umoci", true],
  ["ingest/sha256_1234", "oras", true],
  [".ocilayout/tmp/blob.1234", "ocilayout", true],
  [`blobs/sha256/${hex}.123.tmp`, "regctl", true],
  [`blobs/sha256/${hex}12345`, "crane", true],
  ["blobs/uploads/1234", "docker/oci", false],
  ["blobs/sha256/README", undefined, false],
  ["blobs/notes.txt", undefined, false],
  ["blobs/blake3", undefined, false]
]

/** Ours, part of the layout, or not to be touched. */
const kept = [
  "oci-layout",
  "index.json",
  "manifest.json",
  `blobs/sha256/${hex}`,
  "ingest.txt",
  "somewhere/oci-put-blob1",
  ".ocilayout/journal/2/current.ndjson",
  ".ocilayout/quarantine/index.json.1234"
]

const folders = new Set([".umoci-abc", "blobs/blake3"])

const made = Effect.gen(function*() {
  const root = join(yield* temporaryFolder, "layout")
  const write = (path: string): void => {
    fs.mkdirSync(join(root, path, ".."), { recursive: true })
    fs.writeFileSync(join(root, path), "content")
  }
  for (const path of [...left.map(([path]) => path), ...kept]) {
    if (!folders.has(path)) write(path)
  }
  write(".umoci-abc/blob")
  write(`blobs/blake3/${hex}`)
  const files = layoutFiles(nodeFs, root, { durability: "none", symlinks: "refuse" })
  const leftovers = makeLeftovers(files)
  const old = (path: string, hours: number): void => {
    const time = Date.now() / 1000 - hours * 3600
    fs.utimesSync(join(root, path), time, time)
  }
  return { root, leftovers, write, old }
})

const sorted = (paths: ReadonlyArray<string>) => paths.toSorted()

describe("leftovers", () => {
  it.live("are told by the tool that left them, strangers under blobs/ with them", () =>
    Effect.gen(function*() {
      const { leftovers } = yield* made
      const list = yield* Stream.runCollect(leftovers.list)
      assert.deepStrictEqual(
        sorted(list.map(({ bytes, path, removable, tool }) => `${path} ${tool} ${removable} ${bytes}`)),
        sorted(left.map(([path, tool, removable]) => `${path} ${tool} ${removable} 7`))
      )
      for (const { changed } of list) assert.isBelow(Math.abs(Date.now() - changed), 60_000)
    }))

  it.live("are removed once they were not touched for a day", () =>
    Effect.gen(function*() {
      const { leftovers, old, root } = yield* made
      const before = listing(root)
      for (const [path] of left) {
        assert.deepStrictEqual(yield* leftovers.remove(path), Option.none(), path)
        old(path, 23)
        assert.deepStrictEqual(yield* leftovers.remove(path), Option.none(), path)
        old(path, 25)
      }
      assert.deepStrictEqual(listing(root), before)
      // Another tool is at work in the folder.
      assert.deepStrictEqual(yield* leftovers.remove(".umoci-abc"), Option.none())
      old(".umoci-abc/blob", 25)
      for (const [path, , removable] of left) {
        assert.deepStrictEqual(yield* leftovers.remove(path), removable ? Option.some(7) : Option.none(), path)
      }
      const rest = (yield* Stream.runCollect(leftovers.list)).map(({ path }) => path)
      assert.deepStrictEqual(sorted(rest), sorted(left.flatMap(([path, , removable]) => removable ? [] : [path])))
    }))

  it.live("are nothing else, wherever that is said to be", () =>
    Effect.gen(function*() {
      const { leftovers, old, root, write } = yield* made
      write("../outside/oci-put-blob1")
      fs.symlinkSync("../outside", join(root, "ingest.d"))
      const paths = [
        ...kept,
        "",
        ".",
        "..",
        "ingest",
        "blobs",
        "ingest/..",
        "ingest/../index.json",
        "../outside/oci-put-blob1",
        "ingest.d/oci-put-blob1",
        "./oci-put-blob1234567",
        "blobs/sha256/../../oci-put-blob1234567",
        "/etc/passwd",
        "oci-put-blob9"
      ]
      for (const path of kept) old(path, 48)
      const before = listing(join(root, ".."))
      for (const path of paths) assert.deepStrictEqual(yield* leftovers.remove(path), Option.none(), path)
      assert.deepStrictEqual(listing(join(root, "..")), before)
    }))

  it.live("are not looked for elsewhere, not even where links are followed", () =>
    Effect.gen(function*() {
      const { old, root, write } = yield* made
      fs.renameSync(join(root, ".ocilayout"), join(root, "../ocilayout"))
      fs.symlinkSync("../ocilayout", join(root, ".ocilayout"))
      write("../blobs/sha256/README")
      fs.rmSync(join(root, "blobs"), { recursive: true })
      fs.symlinkSync("../blobs", join(root, "blobs"))
      old(".ocilayout/tmp/blob.1234", 48)
      const leftovers = makeLeftovers(layoutFiles(nodeFs, root, { durability: "none", symlinks: "follow" }))
      const paths = (yield* Stream.runCollect(leftovers.list)).map(({ path }) => path)
      assert.isFalse(paths.some((path) => /^(?:\.ocilayout|blobs)\//u.test(path)))
      assert.deepStrictEqual(yield* leftovers.remove(".ocilayout/tmp/blob.1234"), Option.none())
    }))

  it.live("are neither followed nor removed where they are links, or not what the tool leaves", () =>
    Effect.gen(function*() {
      const { leftovers, old, root, write } = yield* made
      write("../outside/sha256_1")
      fs.rmSync(join(root, "ingest"), { recursive: true })
      fs.symlinkSync("../outside", join(root, "ingest"))
      for (const [path] of left.slice(0, 4)) fs.rmSync(join(root, path), { recursive: true })
      fs.symlinkSync("../outside/sha256_1", join(root, "oci-put-blob1234567"))
      fs.mkdirSync(join(root, "index.json.tmp"))
      write(".umoci-abc/folder/file")
      old("../outside/sha256_1", 48)
      for (const path of ["index.json.tmp", ".umoci-abc/folder", ".umoci-abc"]) old(path, 48)
      fs.lutimesSync(join(root, "oci-put-blob1234567"), 1, 1)
      const before = listing(join(root, ".."))
      for (const path of ["ingest/sha256_1", "oci-put-blob1234567", "index.json.tmp", ".umoci-abc"]) {
        assert.deepStrictEqual(yield* leftovers.remove(path), Option.none(), path)
      }
      const list = yield* Stream.runCollect(leftovers.list)
      assert.isFalse(list.some(({ path }) => path.startsWith("ingest")))
      assert.deepStrictEqual(listing(join(root, "..")), before)
    }))
})
