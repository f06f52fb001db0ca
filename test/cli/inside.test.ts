import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { imageFiles, layerTar } from "../image/support/layers.ts"
import { put } from "../image/support/opened.ts"
import { layoutOf, type Said, withOwnTable } from "../image/support/ownTables.ts"
import { file, pax, tar } from "../image/support/tars.ts"
import { json, ocl, temporaryDirectory } from "./support/command.ts"

/** `app:v1` of two layers, and `app:v2` with one more; names that terminals would act on, and that are no UTF-8. */
const world = Effect.gen(function*() {
  const layout = join(yield* temporaryDirectory, "images")
  const layers = [
    layerTar([["etc/passwd", "f", "root\n"], ["bin/tool", "f", "\u0000\u00ff", 0o4755], [
      "etc/link",
      "s",
      "../../../etc/passwd"
    ]]),
    layerTar([["etc/.wh.passwd", "f", ""], ["etc/shadow", "f", "x"]])
  ]
  const odd = tar(
    file("red\u001b[31m", "esc"),
    pax({ path: Buffer.from([0x6e, 0xff, 0x6f]) }),
    file("x", "bytes"),
    file("etc/passwd", "back\n")
  )
  for (const [name, bytes] of imageFiles({ "app:v1": layers, "app:v2": [...layers, odd] })) {
    mkdirSync(dirname(join(layout, name)), { recursive: true })
    writeFileSync(join(layout, name), bytes)
  }
  return `${layout}/app`
})

describe("looking inside an image", () => {
  it.live("pages through files", () =>
    Effect.gen(function*() {
      const app = yield* world
      const seen: Array<string> = []
      let after: ReadonlyArray<string> = []
      for (let page = 0; page < 10; page++) {
        const { files, next_start_after: next } = yield* json(["files", `${app}:v1`, "-r", "--limit", "2", ...after])
        seen.push(...(files as ReadonlyArray<{ readonly path: string }>).map(({ path }) => path))
        if (typeof next !== "string") break
        after = ["--start-after", next]
      }
      assert.deepStrictEqual(seen, ["/bin", "/bin/tool", "/etc", "/etc/link", "/etc/shadow"])
      const { out } = yield* ocl(["files", `${app}:v1`, "-r", "--limit", "2"])
      assert.strictEqual(out, "/bin/\n/bin/tool\n… there are more: --start-after \"/bin/tool\"\n")
    }))

  it.live("believes the table that a layer has of itself only when it is told to, and says so", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      const lie = (said: ReadonlyArray<Said>) => said.map((one) => ({ ...one, name: "etc/claimed" }))
      const layer = withOwnTable("zstd:chunked", layerTar([["etc/real", "f", "content"]]), { lie })
      put(layout, layoutOf(layer))
      const trusted = yield* json(["files", `${layout}:v1`, "-r", "--trust-tables"])
      assert.deepStrictEqual(trusted["trusted_layers"], [0])
      assert.strictEqual(
        (yield* ocl(["files", `${layout}:v1`, "/etc", "--trust-tables"])).out,
        "/etc/claimed\nnot read: layers 0, whose own tables are believed\n"
      )
      assert.strictEqual((yield* ocl(["cat", `${layout}:v1`, "/etc/claimed", "--trust-tables"])).out, "content")
      assert.strictEqual((yield* ocl(["find", `${layout}:v1`, "--name", "real"])).out, "/etc/real\n")
      const read = yield* json(["find", `${layout}:v1`, "--name", "claimed", "--trust-tables"])
      assert.deepStrictEqual(read["trusted_layers"], [0])
      assert.isUndefined((yield* json(["files", `${layout}:v1`]))["trusted_layers"])
      // What a table says can be compared with what the layer has, also after that was read.
      mkdirSync(join(layout, ".ocilayout"))
      for (let time = 0; time < 2; time++) {
        assert.strictEqual(
          (yield* ocl(["diff", `${layout}:v1`, `${layout}:v1`, "--trust-tables"])).out,
          "- /etc/claimed\n+ /etc/real\n"
        )
        assert.strictEqual((yield* ocl(["diff", `${layout}:v1`, `${layout}:v1`])).out, "")
      }
      assert.strictEqual((yield* ocl(["files", `${layout}:v1`, "/etc", "--trust-tables"])).out, "/etc/real\n")
    }))

  it.live("prints files byte for byte, and says why it cannot", () =>
    Effect.gen(function*() {
      const app = yield* world
      assert.deepStrictEqual(Array.from((yield* ocl(["cat", `${app}:v1`, "/bin/tool"])).bytes), [0, 0xc3, 0xbf])
      assert.deepStrictEqual(
        Array.from((yield* ocl(["cat", `${app}:v1`, "/bin/tool", "--offset", "1", "--length", "1"])).bytes),
        [0xc3]
      )
      // Links never lead out of the image.
      assert.strictEqual((yield* ocl(["cat", `${app}:v2`, "/etc/link"])).out, "back\n")
      const gone = yield* ocl(["cat", `${app}:v1`, "/etc/link"])
      assert.deepInclude(gone, { code: 3, out: "" })
      assert.include(gone.err, "\"/etc/link\" in the image does not exist")
      const asked = yield* ocl(["cat", `${app}:v1`, "/bin/tool", "--json"])
      assert.strictEqual(asked.code, 2)
      assert.deepInclude(JSON.parse(asked.err), {
        error: { code: "INVALID_ARGUMENT", message: "a file is printed as it is; leave --json out" }
      })
      assert.strictEqual((yield* ocl(["cat", `${app}:v1`, "--length", "1"])).code, 2)
      assert.include((yield* ocl(["cat", `${app}:v1`])).out, "\"schemaVersion\"")
    }))

  it.live("finds, and tells which layer did what", () =>
    Effect.gen(function*() {
      const app = yield* world
      assert.strictEqual((yield* ocl(["find", `${app}:v1`, "--setuid"])).out, "/bin/tool\n")
      assert.strictEqual(
        (yield* ocl(["find", `${app}:v1`, "--name", "*/l?nk"])).out,
        "/etc/link -> ../../../etc/passwd\n"
      )
      assert.strictEqual((yield* ocl(["find", `${app}:v1`, "--newer", "soon"])).code, 2)
      const { layers } = yield* json(["which", `${app}:v2`, "/etc/passwd"])
      assert.deepStrictEqual((layers as ReadonlyArray<{ readonly did: string }>).map(({ did }) => did), [
        "added",
        "removed",
        "added"
      ])
      assert.strictEqual((yield* ocl(["which", `${app}:v1`, "/none"])).code, 3)
    }))

  it.live("compares, and lets no name act on a terminal", () =>
    Effect.gen(function*() {
      const app = yield* world
      const { out } = yield* ocl(["diff", `${app}:v1`, `${app}:v2`])
      assert.strictEqual(out, "+ /etc/passwd\n+ /n\\udcffo\n+ /red\\u001b[31m\n")
      const { changes, shared_layers: shared } = yield* json(["diff", `${app}:v1`, `${app}:v2`])
      assert.strictEqual(shared, 2)
      assert.deepStrictEqual((changes as ReadonlyArray<{ readonly path: string }>).map(({ path }) => path), [
        "/etc/passwd",
        "/n\udcffo",
        "/red\u001b[31m"
      ])
      for (const args of [["files", "--long"], ["find", "--long"], ["du"]]) {
        const [command = "", ...flags] = args
        assert.notInclude((yield* ocl([command, `${app}:v2`, ...flags])).out, "\u001b[31m", command)
      }
    }))

  it.live("measures", () =>
    Effect.gen(function*() {
      const app = yield* world
      const sizes = yield* json(["du", `${app}:v1`])
      assert.deepInclude(sizes, { files: 9, visible: 4, hidden: 5 })
      assert.strictEqual((yield* ocl(["du", `${app}:v1`, "--limit", "1"])).code, 0)
    }))
})
