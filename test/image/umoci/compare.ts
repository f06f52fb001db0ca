/**
 * Compares every file of ten real images with what `umoci unpack` makes of them: `npm run inside:umoci`, as root, since owners
 * and devices are compared too. Each image is read with layers of gzip and of zstd; umoci reads those of gzip.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { rowOf } from "../../../src/image/inside/FileRow.ts"
import { makeInside } from "../../../src/image/inside/openImage.ts"
import { bytesOf, textIn } from "../../../src/image/tar/bytes.ts"
import { below } from "../../../src/image/tree/walk.ts"
import { layerCodec, makeDisk } from "../../../src/node/index.ts"
import { sourceOf } from "../../../src/ops/refs/copySource.ts"
import { findManifest } from "../../../src/ops/refs/find.ts"
import { hasCommand } from "../../bench/inside/cost.ts"
import { fetchPackages, makeImage, recipes, zstdTag } from "./images.ts"

/** What is compared, by name: type, mode, owner, time, and what it holds, a line. */
type Seen = ReadonlyMap<string, string>

const octal = (mode: number): string => (mode & 0o7777).toString(8)

/** Names of one file have one line; the least of them tells which they are. */
const withNames = (lines: Map<string, string>, groups: Iterable<ReadonlyArray<string>>): Seen => {
  for (const names of groups) {
    const first = names.toSorted()[0] ?? ""
    if (names.length > 1) { for (const name of names) lines.set(name, `${lines.get(name) ?? ""} =${first}`) }
  }
  return lines
}

const grouped = <K>(into: Map<K, Array<string>>, key: K, name: string): void => {
  into.set(key, [...into.get(key) ?? [], name])
}

const seenByUs = Effect.fn("seenByUs")(function*(layout: string, tag: string) {
  const registry = yield* makeDisk({ directory: layout, defaultRepository: "app" })
  const found = yield* findManifest({ registry, perRepository: false }, `app:${tag}`)
  const image = yield* makeInside(layerCodec).open(sourceOf(found))
  const [lines, groups] = [new Map<string, string>(), new Map<unknown, Array<string>>()]
  for (const at of below(image.root, "/")) {
    const { digest = "", gid, mode, mtime, target = "", type, uid } = rowOf(image, at)
    const holds = type === "file"
      ? digest
      : type === "symlink"
      ? target
      : at.node.kind === "leaf" && (type === "character" || type === "block")
      ? `${at.node.inode.entry.major}:${at.node.inode.entry.minor}`
      : ""
    lines.set(
      at.path,
      `${type} ${type === "symlink" ? "-" : octal(mode)} ${uid}:${gid} ${Math.floor(mtime ?? 0)} ${holds}`
    )
    if (at.node.kind === "leaf") grouped(groups, at.node.inode, at.path)
  }
  const removals = image.tables.flatMap(({ entries }) => entries.filter(({ name }) => /(?:^|\/)\.wh\./u.test(name)))
  const opaque = removals.filter(({ name }) => name.endsWith("/.wh..wh..opq")).length
  return {
    layers: image.tables.length,
    compressions: new Set(image.tables.map(({ compression }) => compression)),
    whiteouts: removals.length - opaque,
    opaque,
    seen: withNames(lines, groups.values())
  }
})

const typeOf = (stat: fs.Stats): string =>
  stat.isFile()
    ? "file"
    : stat.isDirectory()
    ? "directory"
    : stat.isSymbolicLink()
    ? "symlink"
    : stat.isFIFO()
    ? "fifo"
    : stat.isCharacterDevice()
    ? "character"
    : "block"

const seenOnDisk = (folder: string): Seen => {
  const [lines, groups] = [new Map<string, string>(), new Map<number, Array<string>>()]
  const waiting = [""]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const inside = Buffer.from(bytesOf(`${folder}${at}`))
    for (const name of fs.readdirSync(inside, { encoding: "buffer" })) {
      const path = `${at}/${textIn(name)}`
      const full = Buffer.concat([inside, Buffer.from("/"), name])
      const stat = fs.lstatSync(full)
      const type = typeOf(stat)
      const holds = type === "file"
        ? `sha256:${createHash("sha256").update(fs.readFileSync(full)).digest("hex")}`
        : type === "symlink"
        ? textIn(fs.readlinkSync(full, { encoding: "buffer" }))
        : type === "character" || type === "block"
        ? `${stat.rdev >> 8 & 0xfff}:${stat.rdev & 0xff}`
        : ""
      const time = Math.floor(stat.mtimeMs / 1000)
      lines.set(path, `${type} ${type === "symlink" ? "-" : octal(stat.mode)} ${stat.uid}:${stat.gid} ${time} ${holds}`)
      if (type === "directory") waiting.push(path)
      else grouped(groups, stat.ino, path)
    }
  }
  return withNames(lines, groups.values())
}

/** What the two do not agree about, a line each. */
const differences = (ours: Seen, theirs: Seen): ReadonlyArray<string> =>
  Array.from(new Set([...ours.keys(), ...theirs.keys()])).toSorted().flatMap((name) => {
    const [a = "not there", b = "not there"] = [ours.get(name), theirs.get(name)]
    return a === b ? [] : [`${JSON.stringify(name)}\n  ocilayout: ${a}\n  umoci:     ${b}`]
  })

const compareAll = Effect.fn("compareAll")(function*(scratch: string) {
  const [layout, packages] = [join(scratch, "layout"), join(scratch, "packages")]
  fetchPackages(packages)
  let differing = 0
  let all = 0
  console.log("image     layers  whiteouts  opaque  names  odd names  hard links  differences  with zstd")
  for (const recipe of recipes) {
    makeImage(layout, packages, recipe)
    const bundle = join(scratch, recipe.tag)
    const { status, stderr } = spawnSync("umoci", ["unpack", "--image", `${layout}:${recipe.tag}`, bundle])
    if (status !== 0) throw new Error(`umoci unpack ${recipe.tag}: ${stderr.toString().slice(0, 1000)}`)
    const { layers, opaque, seen, whiteouts } = yield* Effect.scoped(seenByUs(layout, recipe.tag))
    const zstd = yield* Effect.scoped(seenByUs(layout, zstdTag(recipe.tag)))
    if (Array.from(zstd.compressions).join() !== "zstd") throw new Error(`${recipe.tag}: layers are not of zstd`)
    const unpacked = seenOnDisk(join(bundle, "rootfs"))
    const found = differences(seen, unpacked)
    const foundOfZstd = differences(zstd.seen, unpacked)
    const odd = Array.from(seen.keys()).filter((name) => /[\udc80-\udcff]/u.test(name)).length
    const linked = Array.from(seen.values()).filter((line) => line.includes(" =")).length
    const columns = [layers, whiteouts, opaque, seen.size, odd, linked, found.length, foundOfZstd.length]
    const widths = [6, 9, 6, 5, 9, 10, 11, 9]
    console.log([recipe.tag.padEnd(8), ...columns.map((one, at) => String(one).padStart(widths[at] ?? 0))].join("  "))
    for (const one of [...found, ...foundOfZstd].slice(0, 20)) console.log(one)
    differing += found.length + foundOfZstd.length
    all += seen.size
    fs.rmSync(bundle, { recursive: true, force: true })
  }
  console.log(`${recipes.length} images, ${all} names, ${differing} differences`)
  return differing
})

const missing = ["buildah", "umoci", "apt-get", "dpkg-deb"].filter((name) => !hasCommand(name))
if (missing.length > 0 || process.getuid?.() !== 0) {
  console.log(`skipped: ${missing.length > 0 ? `${missing.join(", ")} not installed` : "only root can compare owners"}`)
} else {
  const scratch = fs.mkdtempSync(join(tmpdir(), "ocilayout-umoci-"))
  try {
    if (await Effect.runPromise(compareAll(scratch)) > 0) process.exitCode = 1
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}
