/** Layers put together are as a model says, and what is written of them lies in one folder, and nowhere else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { whichLayers } from "../../src/image/inside/whichLayers.ts"
import { foldLayers, FoldRefused } from "../../src/image/tree/foldLayers.ts"
import { entryOf, type Folder, type Inode, type Node } from "../../src/image/tree/Node.ts"
import { below, reach } from "../../src/image/tree/walk.ts"
import { extractFiles } from "../../src/node/layers/extractFiles.ts"
import { imageFiles, layerTar, tableOf } from "../../test/image/support/layers.ts"
import { opened, put } from "../../test/image/support/opened.ts"
import { temporaryFolder } from "../../test/support/folders.ts"
import { figures } from "../support/figures.ts"
import { modelOf } from "../support/layerModel.ts"
import { randomOf } from "../support/random.ts"
import { isWhole, pureRuns, runs, seed } from "../support/share.ts"
import { layers } from "../support/writtenLayers.ts"

const hasUmoci = spawnSync("umoci", ["--version"]).status === 0

/** Without root, umoci has to be told that it may not change owners. */
const mapping = process.getuid?.() === 0 ? [] : ["--rootless"]

const shown = (root: Folder, identities: ReadonlyMap<unknown, string>): ReadonlyArray<string> =>
  Array.from(below(root, "/"), ({ node, path }) =>
    node.kind === "folder"
      ? `${path.slice(1)} d `
      : `${path.slice(1)} ${node.inode.entry.type === "symlink" ? "s" : "f"} ${identities.get(node.inode.entry)}`)
    .toSorted()

describe("layers", () => {
  it("are put together as a model says", () => {
    const met = { told: 0, refused: 0 }
    for (let at = 0; at < 20 * pureRuns; at++) {
      const written = layers(randomOf(seed + at), false)
      const tables = written.map((entries) => tableOf(layerTar(entries)))
      const identities = new Map<unknown, string>(
        tables.flatMap(({ entries }, layer) => entries.map((entry, at) => [entry, `${layer}.${at}`] as const))
      )
      let found: ReadonlyArray<string> | undefined
      try {
        found = shown(foldLayers(tables.map(({ entries }) => entries)), identities)
      } catch (error) {
        if (!(error instanceof FoldRefused)) throw error
      }
      met[found === undefined ? "refused" : "told"]++
      assert.deepStrictEqual(found, modelOf(written), `PROPERTY_SEED=${seed}, input ${at}: ${JSON.stringify(written)}`)
    }
    figures("layers put together", met)
    if (isWhole) { for (const [kind, count] of Object.entries(met)) assert.isAbove(count, 0, kind) }
  })

  it.live("tell which of them touch a path, as all of them put together one by one do", () =>
    Effect.gen(function*() {
      const met = { added: 0, replaced: 0, changed: 0, removed: 0 }
      for (let at = 0; at < Math.max(10, runs); at++) {
        const written = layers(randomOf(seed + at), at % 3 === 0)
        const opening = yield* Effect.result(opened({ v1: written.map(layerTar) }))
        if (opening._tag === "Failure") continue
        const { image } = opening.success
        const names = new Set(["a/b", ...image.tables.flatMap(({ entries }) => entries.map(({ name }) => name))])
        for (const name of names) {
          const path = name.replace("/.wh.", "/").replace(/^\.wh\./u, "")
          const expected = touchedBy(image.tables.map(({ entries }) => entries), path)
          const found = yield* Effect.result(whichLayers(image, path))
          const told = found._tag === "Success" ? found.success.map(({ did, layer }) => `${layer} ${did}`) : []
          assert.deepStrictEqual(
            told,
            expected,
            `PROPERTY_SEED=${seed}, input ${at}, ${path}: ${JSON.stringify(written)}`
          )
          if (found._tag === "Success") { for (const { did } of found.success) met[did]++ }
        }
      }
      figures("layers that touch a path", met)
      if (isWhole) { for (const [kind, count] of Object.entries(met)) assert.isAbove(count, 0, kind) }
    }))

  it.live("are written into one folder, and nowhere else", () =>
    Effect.gen(function*() {
      const met = { written: 0, refused: 0 }
      for (let at = 0; at < runs; at++) {
        const written = layers(randomOf(seed + at), true)
        const told = `PROPERTY_SEED=${seed}, input ${at}: ${JSON.stringify(written)}`
        const folder = yield* temporaryFolder
        const target = join(folder, "1", "2", "3", "target")
        fs.mkdirSync(target, { recursive: true })
        const image = yield* Effect.result(opened({ v1: written.map(layerTar) }))
        if (image._tag === "Failure") {
          met.refused++
          assert.strictEqual(image.failure._tag, "LayerInvalid", told)
          continue
        }
        const done = yield* extractFiles(image.success.image, "/", target)
        met.written++
        const names: Array<string> = []
        const waiting = [folder]
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          for (const one of fs.readdirSync(next, { withFileTypes: true })) {
            const path = join(next, one.name)
            names.push(path)
            if (one.isDirectory()) waiting.push(path)
          }
        }
        const inside = names.filter((path) => path.startsWith(`${target}/`)).map((path) => path.slice(target.length))
        const outside = names.filter((path) => !path.startsWith(`${target}/`))
        assert.lengthOf(outside, 4, told)
        const all = Array.from(below(image.success.image.root, "/"))
        assert.sameMembers(inside, all.map(({ path }) => path), told)
        const inodes = new Set<Inode>(all.flatMap(({ node }) => node.kind === "leaf" ? [node.inode] : []))
        assert.isAtLeast(done.files + done.links, inodes.size, told)
      }
      figures("layers written", met)
      if (isWhole) { for (const [kind, count] of Object.entries(met)) assert.isAbove(count, 0, kind) }
    }))

  it.live.skipIf(!hasUmoci)("are written as umoci unpacks them", () =>
    Effect.gen(function*() {
      const met = { same: 0, refused: 0 }
      for (let at = 0; at < Math.max(5, runs / 5); at++) {
        const written = layers(randomOf(seed + at), false)
        const told = `PROPERTY_SEED=${seed}, input ${at}: ${JSON.stringify(written)}`
        const image = yield* Effect.result(opened({ v1: written.map(layerTar) }))
        const { folder } = image._tag === "Success" ? image.success : { folder: yield* temporaryFolder }
        if (image._tag === "Failure") put(folder, imageFiles({ v1: written.map(layerTar) }))
        const bundle = join(folder, "bundle")
        const { status } = spawnSync("umoci", ["unpack", ...mapping, "--image", `${folder}:v1`, bundle], {
          timeout: 60_000
        })
        if (image._tag === "Failure") {
          assert.notStrictEqual(status, 0, told)
          met.refused++
          continue
        }
        assert.strictEqual(status, 0, told)
        const ours = join(folder, "ours")
        yield* extractFiles(image.success.image, "/", ours)
        assert.deepStrictEqual(files(ours), files(join(bundle, "rootfs")), told)
        met.same++
      }
      figures("layers, beside umoci", met)
    }))
})

/** What each layer does to a path, by one folding of which each node is remembered. */
const touchedBy = (entries: Parameters<typeof foldLayers>[0], path: string): ReadonlyArray<string> => {
  const told: Array<string> = []
  let before: { readonly node: Node; readonly entry: unknown; readonly layer: number } | undefined
  foldLayers(entries, (layer, root) => {
    const found = reach(root, path, false)
    const node = typeof found === "string" ? undefined : found.node
    const now = node === undefined ? undefined : { node, entry: entryOf(node), layer: node.layer }
    if (before === undefined && now !== undefined) told.push(`${layer} added`)
    else if (before !== undefined && now === undefined) told.push(`${layer} removed`)
    else if (before?.node !== now?.node) told.push(`${layer} replaced`)
    else if (before?.entry !== now?.entry || before?.layer !== now?.layer) told.push(`${layer} changed`)
    before = now
  })
  return told
}

/** Every path below a folder, with all that was written of it. */
const files = (folder: string, inside = ""): ReadonlyArray<string> =>
  fs.readdirSync(join(folder, inside)).flatMap((one) => {
    const name = `${inside}/${one}`
    const path = join(folder, name)
    const stat = fs.lstatSync(path)
    const mode = (stat.mode & 0o7777).toString(8)
    if (stat.isSymbolicLink()) return [`${name} -> ${fs.readlinkSync(path)}`]
    if (stat.isDirectory()) return [`${name}/ ${mode}`, ...files(folder, name)]
    return [`${name} ${mode} ${stat.nlink} ${fs.readFileSync(path, "utf8")}`]
  }).toSorted()
