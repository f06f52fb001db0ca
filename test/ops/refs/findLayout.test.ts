import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { findLayout as findOnDisk } from "../../../src/node/index.ts"
import { findLayout, type FoundLayout } from "../../../src/ops/refs/findLayout.ts"
import { listing, temporaryFolder } from "../../support/folders.ts"

const hex = "a".repeat(64)
const digest = `sha256:${hex}`

/** The folders that hold a layout, as they are spelled in the paths below; `.` is none. */
const layouts = ["lay", "./lay", "/srv/lay", "lay/deep", "a b"]

/** A reference as text. */
const referenceOf = ({ reference }: FoundLayout): string | undefined =>
  reference === undefined
    ? undefined
    : `${reference.repository}${reference.tag === undefined ? "" : `:${reference.tag}`}${
      reference.digest === undefined ? "" : `@${reference.digest}`
    }`

const find = (path: string, known: ReadonlyArray<string> = layouts) =>
  findLayout(
    path,
    (directory) => Effect.succeed(known.some((layout) => directory === layout || directory === `${layout}/`))
  )

/** Path, folder, and the reference in it; none for the layout itself. */
const found: ReadonlyArray<readonly [string, string, string | undefined]> = [
  // As Go's FindLayout.
  ["lay:v1", ".", "lay:v1"],
  ["lay/app:v1", "lay", "app:v1"],
  [`./lay/a/b:v1@${digest}`, "./lay", `a/b:v1@${digest}`],
  ["./nolay/x/y:z", "./nolay/x", "y:z"],
  ["/abs:t", "/", "abs:t"],
  ["/srv/lay/app", "/srv/lay", "app"],
  [`/srv/lay/app@${digest}`, "/srv/lay", `app@${digest}`],
  [`lay/app@sha512:${hex}${hex}`, "lay", `app@sha512:${hex}${hex}`],
  ["nolay", ".", "nolay"],
  ["localhost:5000", ".", "localhost:5000"],
  [`nolay@${digest}`, ".", `nolay@${digest}`],
  ["a b/app:v1", "a b", "app:v1"],
  // The deepest layout wins, though the path could be a repository of the other.
  ["lay/deep/app:v1", "lay/deep", "app:v1"],
  ["lay/other/app:v1", "lay", "other/app:v1"],
  // What cannot be a reference of a deeper one is one of a higher one, or none.
  ["lay/deep/a_b/c", "lay/deep", "a_b/c"],
  // No default tag.
  ["lay/app", "lay", "app"],
  // Where we differ: a bare path that is itself a layout means the layout.
  ["lay", "lay", undefined],
  ["./lay", "./lay", undefined],
  ["./lay/", "./lay/", undefined],
  ["/srv/lay", "/srv/lay", undefined],
  ["lay/deep", "lay/deep", undefined]
]

const refused: ReadonlyArray<readonly [string, RegExp]> = [
  ["", /is no path/u],
  ["lay\0/app", /is no path/u],
  ["./lay/app:v1:v2", /repository/u],
  ["./lay/App:v1", /upper-case/u],
  ["lay/App", /upper-case/u],
  ["./nolay/x/", /./u],
  ["lay/app:", /tag/u],
  ["lay/app:.x", /tag/u],
  ["lay/app@sha256:short", /digest/u],
  ["lay/app@md5:aaaa", /digest/u],
  ["..", /./u],
  ["/", /./u],
  [".", /./u]
]

describe("findLayout", () => {
  it.live.each(found)("%s is in %s: %s", ([path, directory, reference]) =>
    Effect.gen(function*() {
      const answer = yield* find(path)
      assert.deepStrictEqual([answer.directory, referenceOf(answer)], [directory, reference])
    }))

  it.live.each(refused)(
    "%j is refused",
    ([path, reason]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(find(path))
        assert.strictEqual(error._tag, "ReferenceInvalid")
        assert.strictEqual(error.code, "REFERENCE_INVALID")
        assert.match(error.reason, reason)
      })
  )

  it.live("passes on what looking fails with", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(findLayout("lay/app", () => Effect.fail("no disk" as const))), "no disk")
    }))
})

describe("findLayout on disk", () => {
  const folder: Effect.Effect<string, never, Scope.Scope> = Effect.map(temporaryFolder, (root) => {
    for (const name of ["lay", join("lay", "deep"), "linked"]) {
      fs.mkdirSync(join(root, name), { recursive: true })
    }
    for (const name of ["lay", join("lay", "deep")]) fs.writeFileSync(join(root, name, "oci-layout"), "{}")
    fs.mkdirSync(join(root, "folder", "oci-layout"), { recursive: true })
    fs.writeFileSync(join(root, "f.tar"), "no folder")
    fs.symlinkSync(join(root, "lay"), join(root, "linked", "to"))
    return root
  })

  it.live.each([
    ["lay/app:v1", "lay", "app:v1"],
    ["lay", "lay", undefined],
    ["lay/", "lay/", undefined],
    ["lay/deep/app", "lay/deep", "app"],
    ["lay/deeper/app", "lay", "deeper/app"],
    ["linked/to/app:v1", "linked/to", "app:v1"],
    ["linked/to", "linked/to", undefined],
    // Only a regular file makes a layout.
    ["folder/app:v1", "folder", "app:v1"],
    ["folder", ".", "folder"],
    // A part of the path that is a file is nothing to look into (Go: an error without a code).
    ["f.tar/x:v1", "f.tar", "x:v1"],
    ["lay/oci-layout/x:v1", "lay", "oci-layout/x:v1"]
  ])("%s is in %s: %s", ([path = "", directory = "", reference]) =>
    Effect.gen(function*() {
      const root = yield* folder
      const answer = yield* findOnDisk(`${root}/${path}`)
      const expected = directory === "." ? root : `${root}/${directory}`
      assert.deepStrictEqual([answer.directory, referenceOf(answer)], [expected, reference])
    }))

  it.live("leaves everything as it is", () =>
    Effect.gen(function*() {
      const root = yield* folder
      const before = listing(root)
      yield* findOnDisk(join(root, "new", "app:v1"))
      assert.deepStrictEqual(listing(root), before)
    }))
})
