import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { resolve } from "node:path"
import { parseDirectories, parseDirectory } from "../../src/cli/directories.ts"

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
