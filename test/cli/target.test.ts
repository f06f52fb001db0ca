/** Which layout, and what in it, a command line means. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join, resolve } from "node:path"
import { ocl, temporaryDirectory } from "./support/command.ts"

/** An index of an image without layers, and the names of its entries. */
const write = (layout: string, ...names: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.gen(function*() {
    yield* ocl(["init", layout])
    const { out } = yield* ocl(["blob", "push", `${layout}/a`, join(layout, "oci-layout")])
    const digest = out.trim()
    const manifests = names.map((name) => ({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest,
      size: 30,
      annotations: { "org.opencontainers.image.ref.name": name }
    }))
    fs.writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
    return digest
  })

describe("a path", () => {
  it.live("names the image of a layout as skopeo does, in a layout of any name", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      for (const name of ["Upper", "with space", "ünï \"q's", "x:y"]) {
        const layout = join(root, name)
        const digest = yield* write(layout, "v1")
        assert.strictEqual((yield* ocl(["resolve", `${layout}:v1`])).out, `${digest}\n`, name)
        const others = join(root, `${name}++`)
        yield* write(others, "one:v1", "two:v1")
        assert.strictEqual((yield* ocl(["resolve", `${others}:v1`])).code, 3, name)
      }
    }))

  it.live("that leads to no layout is told as what it was meant to be", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      yield* write(layout, "app:v1")
      fs.mkdirSync(join(root, "folder"))
      fs.writeFileSync(join(root, "file"), "")
      const cases: ReadonlyArray<readonly [path: string, code: number, message: string]> = [
        // The layout is there; what follows is not right.
        [`${layout}/App:v1`, 2, "\"App:v1\" is not a reference"],
        [`${layout}/my/App:v1`, 2, "\"my/App:v1\" is not a reference"],
        [`${layout}/app:v1/x`, 2, "\"app:v1/x\" is not a reference"],
        // What is there is no layout.
        [join(root, "folder"), 3, `no image layout at "${join(root, "folder")}"`],
        [join(root, "file"), 3, `no image layout at "${join(root, "file")}"`],
        // Nothing is there.
        [join(root, "none", "app:v1"), 3, `no image layout at "${join(root, "none")}"`],
        ["no-such-layout", 3, `no image layout at "${resolve("no-such-layout")}": it does not exist`]
      ]
      for (const [path, code, message] of cases) {
        const found = yield* ocl(["resolve", path])
        assert.deepStrictEqual([found.code, found.out], [code, ""], path)
        assert.include(found.err, message)
      }
      assert.include((yield* ocl(["resolve", `${layout}/`])).err, `write ${layout}/REPOSITORY:TAG`)
    }))

  it.live("into a layout is refused where the layout as a whole is meant", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      yield* write(layout, "app:v1")
      for (const command of ["repositories", "repair"]) {
        for (const args of [[`${layout}/app`], [`${layout}/nothing:v1`], ["--layout", layout, "app"]]) {
          const refused = yield* ocl([command, ...args])
          assert.strictEqual(refused.code, 2, `${command} ${args.join(" ")}`)
          assert.include(refused.err, "this is about a whole layout")
        }
      }
    }))
})
