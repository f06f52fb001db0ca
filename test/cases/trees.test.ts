/** Names that fit no grammar, in a tree of layouts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDiskTree } from "../../src/node/index.ts"
import { ocl } from "../cli/support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { caseAt, short } from "./given.ts"
import { isRefusal } from "./Surface.ts"
import { commandLine } from "./surfaces/commandLine.ts"
import { library } from "./surfaces/library.ts"
import { mcp } from "./surfaces/mcp.ts"

const plus = "06-names-that-fit-nothing-cannot-be-tagged/plus_tag"

/** A tree with the same layout at these places. */
const treeOf = (...repositories: ReadonlyArray<string>) =>
  Effect.map(temporaryFolder, (folder) => {
    for (const repository of repositories) {
      fs.cpSync(caseAt(plus), join(folder, "tree", repository), { recursive: true })
    }
    return { directory: join(folder, "tree"), perRepository: true, symlinks: "refuse" as const }
  })

describe.each([library, commandLine, mcp])("a tree through $name", (surface) => {
  it.live("has the entry behind its repository", () =>
    Effect.gen(function*() {
      const tree = yield* treeOf("team/app", "team/other")
      for (const ref of ["team/app:1.2.3+build.5", "team/app/1.2.3+build.5"]) {
        assert.deepStrictEqual(yield* surface.ask({ asks: "resolve", ref }, tree), ["sha256:08f789852f9b"], ref)
        const inspected = yield* surface.ask({ asks: "inspect", ref }, tree)
        assert.include(inspected, "08f789852f9b", ref)
        const copied = yield* surface.ask({ asks: "copy", ref }, tree)
        assert.strictEqual(Array.isArray(copied) ? copied.length : 0, 4, JSON.stringify(copied))
      }
    }).pipe(Effect.scoped))

  it.live("has it alone where no other layout has one of this name, and else refuses", () =>
    Effect.gen(function*() {
      const ref = "1.2.3+build.5"
      const found = yield* surface.ask({ asks: "resolve", ref }, yield* treeOf("team/app"))
      assert.deepStrictEqual(found, ["sha256:08f789852f9b"])
      assert.isTrue(isRefusal(yield* surface.ask({ asks: "resolve", ref }, yield* treeOf("team/app", "team/other"))))
      const none = yield* surface.ask({ asks: "resolve", ref: "team/app:9.9.9+none" }, yield* treeOf("team/app"))
      assert.isTrue(isRefusal(none))
    }).pipe(Effect.scoped))
})

describe("resolveName of a tree", () => {
  it.live("takes the full name, and getNamed gives the manifest", () =>
    Effect.gen(function*() {
      const registry = yield* makeDiskTree(yield* treeOf("team/app", "team"))
      const names: ReadonlyArray<readonly [string, string]> = [
        ["team/app:1.2.3+build.5", "sha256:08f789852f9b"],
        ["team/app:2.0.0", "sha256:713882b587a9"],
        ["team:2.0.0", "sha256:713882b587a9"],
        ["2.0.0", "sha256:713882b587a9"]
      ]
      for (const [name, digest] of names) {
        assert.strictEqual(short((yield* registry.resolveName(name)).digest), digest, name)
        assert.strictEqual(short((yield* registry.getNamed(name)).descriptor.digest), digest, name)
      }
      assert.strictEqual((yield* Effect.flip(registry.resolveName("team/none:2.0.0")))._tag, "ManifestUnknown")
    }).pipe(Effect.scoped))
})

const plusDigest = "sha256:08f789852f9b4b2402fdb3f80927fb1e40f36e0b094d4911231b892a89fa8aa1"

describe.each([commandLine, mcp])("a tree through $name", (surface) => {
  it.live("lets an entry be tagged and deleted by its raw name and by its digest", () =>
    Effect.gen(function*() {
      for (const ref of ["team/app:1.2.3+build.5", `team/app@${plusDigest}`]) {
        const tree = yield* treeOf("team/app", "team/other")
        const names = yield* surface.ask({ asks: "tag", ref, tag: "1.2.3_build.5" }, tree)
        assert.include(names, "team/app:1.2.3_build.5", ref)
      }
      for (const ref of ["team/app:1.2.3+build.5", "team/app/1.2.3+build.5"]) {
        const tree = yield* treeOf("team/app", "team/other")
        const names = yield* surface.ask({ asks: "delete", ref }, tree)
        assert.include(names, "team/app@sha256:08f789852f9b", JSON.stringify(names))
        const other = yield* surface.ask({ asks: "resolve", ref: "team/other:1.2.3+build.5" }, tree)
        assert.deepStrictEqual(other, ["sha256:08f789852f9b"])
      }
    }).pipe(Effect.scoped))

  it.live("refuses to delete a name that two layouts have, and names both", () =>
    Effect.gen(function*() {
      const refused = yield* surface.ask(
        { asks: "delete", ref: "1.2.3+build.5" },
        yield* treeOf("team/app", "team/other")
      )
      assert.isTrue(isRefusal(refused))
      if (isRefusal(refused)) {
        assert.include(refused.message, "there is: team/app:1.2.3+build.5, team/other:1.2.3+build.5")
      }
    }).pipe(Effect.scoped))
})

describe("names of a tree", () => {
  it.live("are moved and deleted in the layout whose repository stands before them", () =>
    Effect.gen(function*() {
      const tree = yield* treeOf("team/app", "team/other")
      const registry = yield* makeDiskTree(tree)
      const name = "team/app:1.2.3+build.5"
      const { digest } = yield* registry.resolveTag("team/app", "2.0.0")
      const moved = yield* registry.moveName(name, digest)
      assert.deepStrictEqual([moved.from, moved.to], [plusDigest, digest])
      assert.strictEqual((yield* registry.resolveName("team/other:1.2.3+build.5")).digest, plusDigest)
      assert.strictEqual((yield* registry.deleteName(name)).digest, digest)
      assert.strictEqual((yield* Effect.flip(registry.deleteName(name)))._tag, "ManifestUnknown")
      // The only one that is left is meant by its name alone.
      assert.strictEqual((yield* registry.deleteName("1.2.3+build.5", { keep: false })).digest, plusDigest)
    }).pipe(Effect.scoped))

  it.live("move on the command line, and go with the manifest", () =>
    Effect.gen(function*() {
      const { directory } = yield* treeOf("team/app", "team/other")
      const where = ["--layout", directory, "--per-repository"]
      const moved = yield* ocl(["tag", "set", "team/app:2.0.0", "1.2.3+build.5", "--move", ...where])
      assert.strictEqual(
        moved.out,
        "team/app:1.2.3+build.5 is sha256:713882b587a9, was sha256:08f789852f9b\n",
        moved.err
      )
      const gone = yield* ocl(["manifest", "delete", "team/other:1.2.3+build.5", ...where])
      assert.match(gone.out, /^deleted team\/other@sha256:08f789852f9b/u, gone.err)
    }).pipe(Effect.scoped))
})
