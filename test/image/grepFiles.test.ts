import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { diffImages } from "../../src/image/inside/diffImages.ts"
import { grepFiles } from "../../src/image/inside/grepFiles.ts"
import { textDiffOf } from "../../src/image/inside/textDiff.ts"
import { plainMatcher } from "../../src/image/ports/LineMatcher.ts"
import { regexMatcher } from "../../src/node/layers/regexMatcher.ts"
import { layerTar, type Written } from "./support/layers.ts"
import { failure, opened } from "./support/opened.ts"

const base: ReadonlyArray<Written> = [
  ["etc/z.conf", "f", "first\npassword = x\nlast password"],
  ["etc/name.conf", "h", "etc/z.conf"],
  ["etc/other.conf", "f", "password of the lower layer\n"],
  ["usr/bin/tool", "f", "\u0000password\n"],
  ["usr/share/empty", "f", ""]
]
const upper: ReadonlyArray<Written> = [["etc/a.conf", "f", "no\nPassword"], ["etc/other.conf", "f", "nothing\n"]]

const lines = (
  files: ReadonlyArray<{ readonly path: string; readonly lines: ReadonlyArray<{ readonly line: number }> }>
) => files.map(({ lines, path }) => `${path}:${lines.map(({ line }) => line).join()}`)

describe("lines of files", () => {
  it.live("are found in what a container sees, in the order of paths, and not in binary files", () =>
    Effect.gen(function*() {
      const { image } = yield* opened({ v1: [layerTar(base), layerTar(upper)] })
      const all = yield* grepFiles(image, plainMatcher("password", true), { limit: 10 })
      assert.deepStrictEqual(lines(all.items), ["/etc/a.conf:2", "/etc/name.conf:2,3"])
      assert.deepStrictEqual(all.items[1]?.lines, [{ line: 2, text: "password = x" }, {
        line: 3,
        text: "last password"
      }])
      const exact = yield* grepFiles(image, plainMatcher("password"), { limit: 10 })
      assert.deepStrictEqual(lines(exact.items), ["/etc/name.conf:2,3"])
      const first = yield* grepFiles(image, plainMatcher("password", true), { limit: 1 })
      assert.deepStrictEqual([lines(first.items), first.more], [["/etc/a.conf:2"], true])
      const next = yield* grepFiles(image, plainMatcher("password", true), { limit: 1, startAfter: "/etc/a.conf" })
      assert.deepStrictEqual([lines(next.items), next.more], [["/etc/name.conf:2,3"], false])
      const named = yield* grepFiles(image, plainMatcher("o"), { limit: 10, name: "other*", path: "/etc" })
      assert.deepStrictEqual(lines(named.items), ["/etc/other.conf:1"])
      assert.strictEqual(yield* failure(grepFiles(image, plainMatcher("o"), { limit: 1, path: "/no" })), "PathUnknown")
    }))

  it.live("are counted through long files, and cut where they are long", () =>
    Effect.gen(function*() {
      const long = Array.from({ length: 300_000 }, (_, at) => `line ${at}`).join("\n")
      const { image } = yield* opened({
        v1: [
          layerTar([
            ["long", "f", long],
            ["wide", "f", `${"x".repeat(3_000_000)}needle`],
            ["many", "f", "x\n".repeat(500)],
            ["binary", "f", `\u0000${"needle\n".repeat(300_000)}`]
          ])
        ]
      })
      const { items } = yield* grepFiles(image, plainMatcher("line 299999"), { limit: 10 })
      assert.deepStrictEqual(items[0]?.lines, [{ line: 300_000, text: "line 299999" }])
      const wide = yield* grepFiles(image, plainMatcher("needle"), { limit: 10 })
      assert.deepStrictEqual(lines(wide.items), ["/wide:1"])
      assert.strictEqual(wide.items[0]?.lines[0]?.text.length, 500)
      const many = yield* grepFiles(image, plainMatcher("x"), { limit: 10, name: "many" })
      assert.deepInclude(many.items[0], { more: true })
      assert.lengthOf(many.items[0]?.lines ?? [], 100)
    }))

  it.live("are found by regular expressions, and one that never ends is given up", () =>
    Effect.gen(function*() {
      const { image } = yield* opened({ v1: [layerTar([...base, ["evil", "f", `${"a".repeat(60)}!\n`]])] })
      const good = yield* regexMatcher(/^(?:last )?PASSWORD\b/giu)
      const found = yield* grepFiles(image, good, { limit: 10, path: "/etc" })
      assert.deepStrictEqual(lines(found.items), ["/etc/name.conf:2,3", "/etc/other.conf:1"])
      const evil = yield* regexMatcher(/^(?:a+)+$/u, 300)
      assert.strictEqual(yield* failure(grepFiles(image, evil, { limit: 10 })), "LimitExceeded")
      const zero = yield* regexMatcher(/^$/u)
      assert.deepStrictEqual(yield* zero.search("a\n\nb\n", 10), [{ line: 2, text: "" }])
    }))
})

describe("text that has changed", () => {
  it.live("is shown line by line", () =>
    Effect.gen(function*() {
      const { image, inside, registry } = yield* opened({
        v1: [layerTar([["a", "f", "one\ntwo\n"], ["b", "f", "\u0000"], ["c", "f", "same", 0o600]])],
        v2: [layerTar([["a", "f", "one\n2\n"], ["b", "f", "\u0000\u0000"], ["c", "f", "same"], ["d", "f", "new"]])]
      })
      const other = yield* inside.open({ registry, repository: "app", reference: "v2" })
      const texts = yield* Effect.forEach(
        Array.from(diffImages(image, other, { times: false })),
        (change) => textDiffOf(image, other, change)
      )
      assert.deepStrictEqual(texts, [
        "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n",
        undefined,
        undefined,
        undefined
      ])
    }))
})
