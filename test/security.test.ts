/** Holds SECURITY.md to what lies in a layout: each file has a row, and each row a test. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { hasher } from "../src/node/files/hasher.ts"
import { layoutFiles } from "../src/node/files/layoutFiles.ts"
import { nodeFs } from "../src/node/fs/nodeFs.ts"
import { sharedRegistry } from "../src/ops/makeRegistry.ts"
import { newDisk } from "./support/disk.ts"
import { image, pushImage } from "./support/images.ts"

const rows = readFileSync("SECURITY.md", "utf8").split("\n").filter((line) => line.startsWith("| ")).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
)

const named = new Set(rows.flatMap(([file = ""]) => /^`\.ocilayout\/(\w+)`$/u.exec(file)?.[1] ?? []))

describe("SECURITY.md", () => {
  it("names a test for each claim", () => {
    const claims = rows.filter(([first]) =>
      !/^-+$/u.test(first ?? "") && first !== "File" && first !== "What comes back"
    )
    assert.isAbove(claims.length, 20)
    for (const cells of claims) {
      assert.lengthOf(cells, 4, cells[0])
      const path = /^`(.*)`$/u.exec(cells[3] ?? "")?.[1] ?? ""
      assert.isTrue(existsSync(path), `${cells[0]}: ${path}`)
    }
  })

  it("has a row for every file of ours", () => {
    const { own, blob: _blob, ...files } = layoutFiles(nodeFs, "/l", { durability: "power", symlinks: "refuse" })
    const paths = Object.values(files).flatMap((value) => typeof value === "string" ? [value] : [])
    for (const path of paths.filter((path) => path.startsWith(`${own}/`))) {
      const name = path.slice(own.length + 1).replace(/\/.*/u, "")
      assert.isTrue(named.has(name), name)
    }
  })

  it.live("has a row for everything that use of a layout leaves", () =>
    Effect.gen(function*() {
      const disk = yield* newDisk
      const one = image("one")
      yield* Effect.scoped(Effect.gen(function*() {
        const registry = sharedRegistry(yield* disk.open(), hasher)
        yield* pushImage(registry, "app", one, ["v1"])
        yield* registry.pin("app", one.descriptor.digest)
        yield* registry.planGarbage()
        const writer = yield* registry.pushBlobChunked("app")
        yield* writer.append(0, Stream.succeed(one.bytes))
        disk.write("blobs/sha256/" + one.config.descriptor.digest.slice(7), "damaged")
        yield* registry.repair()
      }))
      const left = readdirSync(disk.path(".ocilayout"))
      assert.includeMembers(left, ["journal", "pins", "plans", "uploads", "quarantine"])
      assert.deepStrictEqual(left.filter((name) => !named.has(name)), [])
    }))
})
