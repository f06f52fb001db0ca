/** What is made of files is those files again, a change changes what was asked, and the same twice has the same digest. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeInside } from "../../src/image/inside/openImage.ts"
import { TarReader } from "../../src/image/tar/TarReader.ts"
import { type ConfigEdit, editConfig } from "../../src/make/documents/imageEdit.ts"
import * as Image from "../../src/make/Image.ts"
import type { Compressing } from "../../src/make/ports/LayerMaker.ts"
import { type TarFile, tarHeader } from "../../src/make/tar/tarHeader.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { extractFiles } from "../../src/node/layers/extractFiles.ts"
import { layerCodec } from "../../src/node/layers/layerCodec.ts"
import { folderTar } from "../../src/node/making/folderTar.ts"
import { layerMaker } from "../../src/node/making/layerMaker.ts"
import { temporaryFolder } from "../../test/support/folders.ts"
import { figures } from "../support/figures.ts"
import { runs, seed } from "../support/share.ts"

type Tree = ReadonlyArray<readonly [path: ReadonlyArray<string>, kind: "file" | "link" | "again", content: string]>

const name = fc.oneof(
  fc.constantFrom("a", "b", "c", "etc", "x".repeat(130)),
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((text) =>
    // oxlint-disable-next-line no-control-regex -- a zero ends a name for the system
    !/[/\0]/u.test(text) && text !== "." && text !== ".." && !text.startsWith(".wh.") && text.isWellFormed() &&
    Buffer.byteLength(text) <= 200
  )
)

const trees: fc.Arbitrary<Tree> = fc.array(
  fc.tuple(
    fc.array(name, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("file", "file", "link", "again"),
    fc.string({ maxLength: 3000 })
  ),
  { maxLength: 12 }
)

/** Makes what can be made of it: a name may be taken, or be below a file. */
const fill = (folder: string, tree: Tree): void => {
  const files: Array<string> = []
  fs.mkdirSync(folder, { recursive: true })
  for (const [at, [path, kind, content]] of tree.entries()) {
    const target = join(folder, ...path)
    try {
      fs.mkdirSync(join(target, ".."), { recursive: true })
      if (kind === "link") fs.symlinkSync(content === "" ? "." : content.replaceAll("\0", "0").slice(0, 300), target)
      else if (kind === "again" && files[0] !== undefined) fs.linkSync(files[0], target)
      else {
        fs.writeFileSync(target, content, { flag: "wx", mode: at % 2 === 0 ? 0o644 : 0o755 })
        fs.utimesSync(target, 1_600_000_000 + at, 1_600_000_000 + at)
        files.push(target)
      }
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error
    }
  }
}

/** All that a layer says of the files of a folder; no link is followed, as `readdir` would. */
const told = (folder: string, below = ""): ReadonlyArray<unknown> =>
  fs.readdirSync(join(folder, below)).toSorted().flatMap((name): ReadonlyArray<unknown> => {
    const path = join(below, name)
    const stats = fs.lstatSync(join(folder, path))
    const seconds = Math.floor(stats.mtimeMs / 1000)
    if (stats.isSymbolicLink()) return [[path, stats.mode, fs.readlinkSync(join(folder, path))]]
    if (stats.isDirectory()) return [[path, stats.mode, seconds], ...told(folder, path)]
    return [[path, stats.mode, stats.nlink, seconds, fs.readFileSync(join(folder, path), "utf8")]]
  })

const inside = makeInside(layerCodec)

describe("making content", () => {
  it.live(
    "an image of a folder has its files, and the same twice has the same digest; so has one layer of several",
    () =>
      Effect.gen(function*() {
        const met = { files: 0, images: 0 }
        const worlds = fc.sample(
          fc.tuple(trees, trees, fc.constantFrom<Compressing["kind"]>("gzip", "zstd", "none")),
          { numRuns: runs, seed }
        )
        for (const [at, [tree, more, kind]] of worlds.entries()) {
          const about = `PROPERTY_SEED=${seed}, input ${at}: ${JSON.stringify([tree, more, kind])}`
          yield* Effect.scoped(Effect.gen(function*() {
            const root = yield* temporaryFolder
            const registry = yield* makeMemory()
            fill(join(root, "one"), tree)
            fill(join(root, "two"), more)
            const layer = (folder: string) => ({ content: folderTar(join(root, folder)), name: folder })
            const target = { registry, repository: "app", tags: ["v1"] }
            const edit = () => ({ layers: [layer("one")], compressing: { kind } })
            const built = yield* Image.build(target, layerMaker, {}, edit())
            const again = yield* Image.build(target, layerMaker, {}, edit())
            assert.deepStrictEqual([again.descriptor, again.existed], [built.descriptor, true], about)
            const source = { registry, repository: "app", reference: built.descriptor.digest }
            yield* extractFiles(yield* inside.open(source), "/", join(root, "out"))
            assert.deepStrictEqual(told(join(root, "out")), told(join(root, "one")), about)
            met.files += told(join(root, "out")).length
            met.images++

            const both = yield* Image.mutate(source, target, layerMaker, { layers: [layer("two")] })
            const stack = { registry, repository: "app", reference: both.descriptor.digest }
            const opened = yield* Effect.result(inside.open(stack))
            // A file below a link, or what else no runtime unpacks.
            if (opened._tag === "Failure") return
            const flat = yield* Image.flatten(stack, target, layerMaker)
            const one = { registry, repository: "app", reference: flat.descriptor.digest }
            yield* extractFiles(opened.success, "/", join(root, "stack"))
            yield* extractFiles(yield* inside.open(one), "/", join(root, "flat"))
            assert.deepStrictEqual(told(join(root, "flat")), told(join(root, "stack")), about)
          }))
        }
        figures("images of folders", met)
        assert.isAbove(met.files, met.images)
      }),
    300_000
  )

  it("a change of a config changes what was asked, and nothing else", () => {
    const text = fc.string({ maxLength: 5 })
    const words = fc.array(text, { maxLength: 3 })
    const key = fc.constantFrom("A", "B", "C", "d e", "__proto__x")
    const settings = fc.record({
      User: text,
      Entrypoint: words,
      Cmd: words,
      Env: fc.uniqueArray(fc.tuple(key, text), { selector: ([name]) => name }).map((all) =>
        all.map(([name, value]) => `${name}=${value}`)
      ),
      Labels: fc.dictionary(key, text),
      Healthcheck: fc.object({ maxDepth: 1 }),
      ArgsEscaped: fc.boolean()
    }, { requiredKeys: [] })
    const configs = fc.record({
      os: text,
      architecture: text,
      created: text,
      config: settings,
      "com.example.unknown": fc.object({ maxDepth: 1 })
    }, { requiredKeys: ["os", "architecture"] })
    const edits: fc.Arbitrary<ConfigEdit> = fc.record({
      user: fc.option(text),
      cmd: fc.option(words),
      entrypoint: fc.option(words),
      author: fc.option(text),
      created: fc.option(text),
      env: fc.dictionary(key, fc.option(text)),
      labels: fc.dictionary(key, fc.option(text))
    }, { requiredKeys: [] })
    fc.assert(fc.property(configs, edits, (drawn, edit) => {
      const config = JSON.parse(JSON.stringify(drawn)) as Record<string, never>
      const after = editConfig(config, edit) as Record<string, unknown>
      const [own = {}, now = {}] = [config["config"], after["config"]] as ReadonlyArray<Record<string, unknown>>
      const set = (object: Record<string, unknown>, name: string, value: unknown) => {
        if (value === undefined) return
        if (value === null) Reflect.deleteProperty(object, name)
        else object[name] = value
      }
      const expected: Record<string, unknown> = { ...own }
      set(expected, "User", edit.user)
      set(expected, "Entrypoint", edit.entrypoint)
      set(expected, "Cmd", edit.cmd === undefined && edit.entrypoint !== undefined ? null : edit.cmd)
      const variables = new Map(
        ((own["Env"] ?? []) as ReadonlyArray<string>).map((entry) => entry.split(/=(.*)/su) as [string, string])
      )
      for (const [name, value] of Object.entries(edit.env ?? {})) {
        if (value === null) variables.delete(name)
        else variables.set(name, value)
      }
      const labels = new Map(Object.entries((own["Labels"] ?? {}) as Record<string, string>))
      for (const [name, value] of Object.entries(edit.labels ?? {})) {
        if (value === null) labels.delete(name)
        else labels.set(name, value)
      }
      const env = Array.from(variables, ([name, value]) => `${name}=${value}`)
      if (Object.keys(edit.env ?? {}).length > 0) set(expected, "Env", env.length === 0 ? null : env)
      if (Object.keys(edit.labels ?? {}).length > 0) {
        set(expected, "Labels", labels.size === 0 ? null : Object.fromEntries(labels))
      }
      assert.deepStrictEqual(now, expected)
      const { config: _config, ...top } = after
      const { config: _own, ...before } = config
      const other: Record<string, unknown> = { ...before }
      set(other, "author", edit.author)
      set(other, "created", edit.created)
      assert.deepStrictEqual(top, other)
      assert.deepStrictEqual(editConfig(editConfig(config, edit), edit), editConfig(config, edit))
      assert.strictEqual(editConfig(config, {}), config)
    }))
  })

  it("headers of tars are read as they were meant", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((all) => all.map((byte) => byte === 0 ? 1 : byte))
    const files: fc.Arbitrary<TarFile> = fc.record({
      type: fc.constantFrom("file", "symlink", "hardlink", "directory", "fifo", "character"),
      name: bytes.map((all) => all.map((byte, at) => at === all.length - 1 && byte === 0x2f ? 0x61 : byte)),
      link: bytes,
      mode: fc.nat(0o7777),
      uid: fc.nat(2 ** 31 - 1),
      gid: fc.nat(2 ** 31 - 1),
      mtime: fc.integer({ min: -(2 ** 33), max: 2 ** 36 }),
      size: fc.constant(0),
      major: fc.nat(255),
      minor: fc.nat(255),
      xattrs: fc.dictionary(fc.constantFrom("user.a", "security.capability"), bytes).map((all) =>
        new Map(Object.entries(all))
      )
    })
    fc.assert(fc.property(files, (file) => {
      const met: Array<unknown> = []
      const reader = new TarReader({
        begin: ({ gid, link, major, minor, mode, mtime, name, type, uid, xattrs }) =>
          met.push({
            type,
            name: Array.from(name),
            link: Array.from(link),
            mode,
            uid,
            gid,
            mtime,
            major,
            minor,
            xattrs: Array.from(xattrs ?? [], ([key, value]) => [key, Array.from(value)])
          }),
        data: () => undefined,
        end: () => undefined
      })
      reader.write(tarHeader(file))
      const { link, name, size: _size, xattrs, ...rest } = file
      assert.deepStrictEqual(met, [{
        ...rest,
        name: Array.from(name),
        link: Array.from(link ?? []),
        xattrs: Array.from(xattrs ?? [], ([key, value]) => [key, Array.from(value)])
          .toSorted(([one], [other]) => String(one) < String(other) ? -1 : 1)
      }])
    }))
  })
})
