import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { basename } from "node:path"
import { blobsIn, casesBelow, collected, findings, given } from "./given.ts"

/** Kinds of layouts that were right from the beginning; each by what verification calls an error in it. */
const errors: Readonly<Record<string, ReadonlyArray<string>>> = {
  pack_sparse: ["BLOB_MISSING"],
  // Its links are plain files here, as a copy without links leaves them.
  symlinked_inside: ["SIZE_MISMATCH", "MANIFEST_CORRUPT"],
  zero_byte_index: ["INDEX_INVALID"],
  zero_size_config_missing: ["BLOB_MISSING"]
}

/** Where the index cannot be read, nothing is collected. */
const isAgreed = Effect.fnUntraced(function*(path: string) {
  const layout = yield* given(path)
  const found = yield* findings(layout)
  if (found.some(({ code }) => code === "INDEX_INVALID")) return { found, agrees: true }
  const going = new Set(yield* collected(layout))
  const isGarbage = blobsIn(layout.directory).some((digest) => going.has(digest))
  return { found, agrees: isGarbage === found.some(({ code }) => code === "BLOB_UNREFERENCED") }
})

describe("what was right stays so", () => {
  it.live.each(casesBelow("passed").filter((path) => !path.endsWith("_tree")))("%s", (path) =>
    Effect.gen(function*() {
      const { agrees, found } = yield* isAgreed(path)
      const wrong = found.filter(({ severity }) => severity === "error").map(({ code }) => code)
      assert.deepStrictEqual(Array.from(new Set(wrong)), errors[basename(path)] ?? [])
      // Where something cannot be read, a collection keeps what verification can say nothing of.
      assert.isTrue(agrees || wrong.length > 0)
    }).pipe(Effect.scoped))
})

/** What is no layout, and an index that names nothing: a collection leaves what repair could list. */
const unlike = /^(?:passed|20-|19-|05-)/u

describe("a verification and a collection never disagree", () => {
  it.live.each(casesBelow(".").filter((path) => !unlike.test(path)))("%s", (path) =>
    Effect.gen(function*() {
      assert.isTrue((yield* isAgreed(path)).agrees)
    }).pipe(Effect.scoped))
})
