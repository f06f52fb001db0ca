import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { isVacant, parseDirectories, parseDirectory } from "../../src/cli/directories.ts"
import { ocl, temporaryDirectory } from "./support/command.ts"

describe("a directory in which another process is making a layout", () => {
  it.live.each([{ names: [".ocilayout"] }, { names: [".ocilayout", "blobs"] }])(
    "is made one by this process too: $names",
    ({ names }) =>
      Effect.gen(function*() {
        const root = yield* temporaryDirectory
        const directory = join(root, "layout")
        for (const name of names) mkdirSync(join(directory, name), { recursive: true })
        writeFileSync(join(root, "file"), "hello")
        const { code, err } = yield* ocl(["artifact", "push", `${directory}:v1`, join(root, "file"), "--type", "a/b"])
        assert.deepStrictEqual([code, err], [0, ""])
        assert.strictEqual((yield* ocl(["tags", directory])).out.trim(), "v1")
      })
  )

  it.live("is refused where the blobs are of something else", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      mkdirSync(join(root, "layout", "blobs"), { recursive: true })
      writeFileSync(join(root, "file"), "hello")
      assert.isFalse(isVacant(join(root, "layout")))
      const pushed = yield* ocl(["artifact", "push", `${root}/layout:v1`, join(root, "file"), "--type", "a/b"])
      assert.notStrictEqual(pushed.code, 0)
      assert.isFalse(isVacant(join(root, "file")))
    }))
})

describe("a layout on the command line", () => {
  it("is called after its directory, or as it says", () => {
    assert.deepStrictEqual(parseDirectory("/srv/web"), { id: "web", path: "/srv/web" })
    assert.deepStrictEqual(parseDirectory("base=/srv/web/"), { id: "base", path: "/srv/web" })
    assert.deepStrictEqual(parseDirectory("web"), { id: "web", path: resolve("web") })
  })

  it("may have = in its path", () => {
    assert.deepStrictEqual(parseDirectory("./a=b"), { id: "a-b", path: resolve("a=b") })
    assert.deepStrictEqual(parseDirectory("/x=1/web"), { id: "web", path: "/x=1/web" })
    assert.deepStrictEqual(parseDirectory("one=a=b").path, resolve("a=b"))
    assert.strictEqual(parseDirectory("a=").path, resolve("a="))
  })

  it("has a valid id, with any name of the directory", () => {
    assert.deepStrictEqual(parseDirectory("/srv/My Layout"), { id: "My-Layout", path: "/srv/My Layout" })
    assert.deepStrictEqual(parseDirectory("/"), { id: "layout", path: "/" })
  })

  it("is the only one of its id", () => {
    assert.isTrue(Result.isSuccess(parseDirectories(["/a/web", "other=/b/web"])))
    assert.deepStrictEqual(
      parseDirectories(["/a/web", "/b/web"]),
      Result.fail("/a/web and /b/web would both be called web; name one of them: other=/b/web")
    )
  })
})
